"""Support and resistance from recent turning points that no later bar can take back."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.technical.rules.windows import tails
from shared.domain.market import Bars, Floats

DAY_SPAN, BAR_SPAN = 3, 12
"""Days, and 5-minute bars (an hour), that a turning point must stand out from on either side."""
DAYS, BARS = 60, 240


class Levels(NamedTuple):
    """The nearest level on each side of the price, in USD; None where there is none."""

    support: float | None
    resistance: float | None


def highest(line: Floats, span: int) -> Floats:
    """The largest of each `span` rows in a row: row n of the result is that of rows n to n + span - 1."""
    reach = 1
    while reach < span:
        step = min(reach, span - reach)
        line, reach = np.maximum(line[:-step], line[step:]), reach + step
    return line


def turns(line: Floats, span: int) -> NDArray[np.bool_]:
    """Where a line of shape (bars, symbols) turns down: above the `span` values before it and not below those after it.

    Known only `span` bars later, hence never repainted: more bars add turns at the end and change none.
    """
    found = np.zeros(line.shape, dtype=bool)
    if (count := len(line) - 2 * span) > 0:
        tops, middle = highest(line, span), line[span : span + count]
        found[span : span + count] = (middle > tops[:count]) & (middle >= tops[span + 1 : span + 1 + count])
    return found


def levels(days: Sequence[Bars], minutes: Sequence[Bars], prices: Sequence[float]) -> list[Levels]:
    """The nearest pivot below and above each symbol's price, from the last 60 daily and 240 intraday bars.

    A turning point counts for both sides: what was a high supports once it is passed.
    """
    price = np.array(prices, dtype=np.float64)
    below, above = np.full(len(price), -np.inf), np.full(len(price), np.inf)
    for crowd, depth, span in ((days, DAYS, DAY_SPAN), (minutes, BARS, BAR_SPAN)):
        last = tails(crowd, min(depth, max(map(len, crowd), default=0)))
        for line, turned in ((last.high, turns(last.high, span)), (last.low, turns(-last.low, span))):
            under, over = turned & (line < price), turned & (line > price)
            below = np.maximum(below, np.max(line, axis=0, where=under, initial=-np.inf))
            above = np.minimum(above, np.min(line, axis=0, where=over, initial=np.inf))
    return [Levels(_known(low), _known(high)) for low, high in zip(below.tolist(), above.tolist(), strict=True)]


def distances(found: Levels, price: float, atr: float | None) -> dict[str, float | None]:
    """How far the nearest level lies on either side, in percent of the price and in daily average true ranges."""
    away = {
        "support": None if found.support is None else price - found.support,
        "resistance": None if found.resistance is None else found.resistance - price,
    }
    percent = {f"{side}_distance_pct": None if gap is None else 100 * gap / price for side, gap in away.items()}
    ranges = {f"{side}_distance_atr": None if gap is None or not atr else gap / atr for side, gap in away.items()}
    return percent | ranges


def _known(price: float) -> float | None:
    return price if np.isfinite(price) else None
