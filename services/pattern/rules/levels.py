"""Support and resistance: prices at which the market turned."""

from collections.abc import Sequence

from services.pattern.rules.frame import Frame
from services.pattern.rules.outcome import PRICE_DIGITS

TOGETHER = 0.75
SHOWN = 3


def levels(frame: Frame) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Up to three supports below and three resistances above the last close, nearest first, USD.

    A level is the mean of pivots that lie within three quarters of an average true range of the one nearest to the
    close: old highs and old lows alike, since a broken resistance supports (Edwards & Magee, ch. 13; Murphy, Technical
    Analysis of the Financial Markets, ch. 4).
    """
    if not len(frame):
        return (), ()
    reach, close = TOGETHER * float(frame.atr[-1]), float(frame.bars.close[-1])
    below = sorted((turn.price for turn in frame.turns if turn.price < close), reverse=True)
    above = sorted(turn.price for turn in frame.turns if turn.price > close)
    return _grouped(below, reach), _grouped(above, reach)


def _grouped(outward: Sequence[float], reach: float) -> tuple[float, ...]:
    """Means of prices, given from the close outward, that lie within `reach` of the first of their group."""
    groups: list[list[float]] = []
    for price in outward:
        if groups and abs(price - groups[-1][0]) <= reach:
            groups[-1].append(price)
        elif len(groups) < SHOWN:
            groups.append([price])
        else:
            break
    return tuple(round(sum(group) / len(group), PRICE_DIGITS) for group in groups)
