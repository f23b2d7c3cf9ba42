"""Support and resistance: prices at which the market turned."""

from services.pattern.rules.frame import Frame

TOGETHER = 0.75
SHOWN = 3


def levels(frame: Frame) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Up to three supports below and three resistances above the last close, nearest first, USD.

    A level is the mean of pivots that lie within three quarters of an average true range of the lowest of them: old
    highs and old lows alike, since a broken resistance supports (Edwards & Magee, ch. 13; Murphy, Technical Analysis of
    the Financial Markets, ch. 4).
    """
    if not len(frame):
        return (), ()
    span, close = float(frame.atr[-1]), float(frame.bars.close[-1])
    groups: list[list[float]] = []
    for price in sorted(turn.price for turn in frame.turns):
        if groups and price - groups[-1][0] <= TOGETHER * span:
            groups[-1].append(price)
        else:
            groups.append([price])
    means = [round(sum(group) / len(group), 4) for group in groups]
    below = sorted((price for price in means if price < close), reverse=True)
    above = sorted(price for price in means if price > close)
    return tuple(below[:SHOWN]), tuple(above[:SHOWN])
