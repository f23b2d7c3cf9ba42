"""Support and resistance from recent turning points that no later bar can take back."""

from typing import NamedTuple

import numpy as np

from shared.domain.market import Bars, Floats
from shared.ta import talib as ta

DAY_SPAN, BAR_SPAN = 3, 12
"""Days, and 5-minute bars (an hour), that a turning point must stand out from on either side."""
DAYS, BARS = 60, 240


class Levels(NamedTuple):
    """The nearest level on each side of the price, in USD; None where there is none."""

    support: float | None
    resistance: float | None


def turning_points(bars: Bars, span: int) -> Floats:
    """Prices of the pivots: a high above the `span` highs before it and not below the `span` after it; lows mirrored.

    Known only `span` bars later, hence never repainted: more bars add pivots at the end and change none.
    """
    count = len(bars) - 2 * span
    if count <= 0:
        return np.empty(0)
    found = []
    for line in (bars.high, -bars.low):
        middle = line[span : span + count]
        tops = ta.MAX(np.ascontiguousarray(line), span)  # tops[n]: the highest of the `span` bars that end with n
        is_turn = (middle > tops[span - 1 : span - 1 + count]) & (middle >= tops[2 * span :])
        found.append(np.abs(middle[is_turn]))
    return np.concatenate(found)


def levels(daily: Bars, intraday: Bars, price: float) -> Levels:
    """The nearest pivot below and above `price`, from the last 60 daily and 240 intraday bars.

    A turning point counts for both sides: what was a high supports once it is passed.
    """
    prices = np.concatenate([turning_points(daily.tail(DAYS), DAY_SPAN), turning_points(intraday.tail(BARS), BAR_SPAN)])
    below, above = prices[prices < price], prices[prices > price]
    return Levels(float(below.max()) if len(below) else None, float(above.min()) if len(above) else None)
