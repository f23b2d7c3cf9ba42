"""The indicators that look at the last few bars only, for a whole crowd of symbols at once.

Tables are of shape (bars, symbols), the newest bar last, NaN where a symbol has no bar: too little history comes out as
NaN by itself. Rows are added one by one, never by a blocked sum, so that a symbol's bits are the same in any company.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from shared.domain.market import Bars, Floats

DEPTH = 50
FLAT = 1e-9
"""A deviation below this share of the price is rounding, not movement."""


class Tails(NamedTuple):
    """The last bars of each symbol, right-aligned; all of shape (bars, symbols)."""

    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def tails(crowd: Sequence[Bars], depth: int, filler: float = np.nan) -> Tails:
    """The last `depth` bars of each; `filler` where there are fewer."""
    table = np.full((4, depth, len(crowd)), filler)
    for place, bars in enumerate(crowd):
        if (count := min(depth, len(bars))) > 0:
            for row, column in enumerate((bars.high, bars.low, bars.close, bars.volume)):
                table[row, -count:, place] = column[-count:]
    return Tails(*table)


def total(rows: Iterable[Floats]) -> Floats:
    """The sum over rows, from the first to the last."""
    return reduce(np.add, rows)


def windows(crowd: Sequence[Bars]) -> dict[str, Floats]:
    """Every indicator of this module by name, each of shape (symbols,)."""
    last = tails(crowd, DEPTH)
    with np.errstate(all="ignore"):  # nothing over nothing is NaN, which is what it should be
        middle = total(last.close[-20:]) / 20
        found = {"close": last.close[-1], "sma_20": middle, "sma_50": total(last.close) / 50}
        found |= _bollinger(last.close, middle) | _stochastic(last) | _volume(last)
        found["roc_10"] = 100 * (last.close[-1] / last.close[-11] - 1)
    return found


def _bollinger(close: Floats, middle: Floats) -> dict[str, Floats]:
    """Bollinger 2001: the mean of 20 closes and two standard deviations (of the population) around it."""
    sigma = np.sqrt(total((row - middle) ** 2 for row in close[-20:]) / 20)
    sigma = np.where(sigma <= FLAT * middle, 0.0, sigma)
    upper, lower = middle + 2 * sigma, middle - 2 * sigma
    position = (close[-1] - lower) / np.where(sigma > 0, upper - lower, np.nan)
    names = ("bollinger_upper", "bollinger_middle", "bollinger_lower", "bollinger_position")
    return dict(zip(names, (upper, middle, lower, position), strict=True))


def _stochastic(last: Tails) -> dict[str, Floats]:
    """Lane's slow %K (14 bars, smoothed by 3) and %D (3); neither where one of their five windows has no range."""
    fast = []
    for end in range(DEPTH - 4, DEPTH + 1):
        top, bottom = reduce(np.maximum, last.high[end - 14 : end]), reduce(np.minimum, last.low[end - 14 : end])
        fast.append(100 * (last.close[end - 1] - bottom) / np.where(top > bottom, top - bottom, np.nan))
    slow = [total(fast[n : n + 3]) / 3 for n in range(3)]
    mean = total(slow) / 3
    return {"stochastic_k": np.where(np.isfinite(mean), slow[-1], np.nan), "stochastic_d": mean}


def _volume(last: Tails) -> dict[str, Floats]:
    """Quong and Soudack's money flow index, the balance of the last ten bars' volume, and the last bar's pace."""
    typical = (last.high[-15:] + last.low[-15:] + last.close[-15:]) / 3
    flow = typical[1:] * last.volume[-14:] * np.sign(np.diff(typical, axis=0))
    up, down = total(np.maximum(flow, 0.0)), total(np.maximum(-flow, 0.0))
    signed = last.volume[-10:] * np.sign(np.diff(last.close[-11:], axis=0))
    traded, usual = total(last.volume[-10:]), total(last.volume[-21:-1]) / 20
    return {
        "mfi_14": 100 * up / (up + down),
        "obv_slope": total(signed) / traded,
        "volume_ratio": last.volume[-1] / usual,
    }


def session_vwap(crowd: Sequence[Bars]) -> dict[str, Floats]:
    """Volume-weighted average price of one session's bars with bands of one and two standard deviations.

    Typical price (h+l+c)/3 weighted by volume; sigma is the volume-weighted deviation of it, so a bar's own width does
    not count. `vwap_position` is the last close's distance from VWAP in sigmas. NaN without volume.
    """
    last = tails(crowd, max(map(len, crowd), default=0) or 1, filler=0.0)
    with np.errstate(all="ignore"):
        typical, traded = (last.high + last.low + last.close) / 3, total(last.volume)
        vwap = total(typical * last.volume) / np.where(traded > 0, traded, np.nan)
        sigma = np.sqrt(total(last.volume * (typical - vwap) ** 2) / traded)
        found = {"vwap": vwap}
        for bands in (1, 2):
            found |= {f"vwap_upper_{bands}": vwap + bands * sigma, f"vwap_lower_{bands}": vwap - bands * sigma}
        found["vwap_position"] = (last.close[-1] - vwap) / np.where(sigma > FLAT * vwap, sigma, np.nan)
    return found
