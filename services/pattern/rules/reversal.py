"""Figures that turn a move: double bottom, inverse head and shoulders, written for the long side.

Definitions as in continuation.py; the mirrored frame gives double top and head and shoulders.
"""

from collections.abc import Iterator

from services.pattern.rules.frame import Frame
from services.pattern.rules.outcome import Shape, fit

APART_MIN, APART_MAX = 5, 60
RECENT_TURNS = 12


def double_bottom(frame: Frame) -> Iterator[Shape]:
    """Two lows at one height, a high of at least two ranges between them, and a fall before the first."""
    turns = frame.turns[-RECENT_TURNS:]
    for first, neck, second in zip(turns, turns[1:], turns[2:], strict=False):
        if first.kind != "low" or not APART_MIN <= second.bar - first.bar <= APART_MAX:
            continue
        span = float(frame.atr[first.bar])
        apart, height = abs(first.price - second.price), neck.price - min(first.price, second.price)
        if span <= 0 or apart > 0.6 * span or height < 2 * span:
            continue
        before = frame.bars.high[max(0, first.bar - 15) : first.bar]
        if not len(before) or float(before.max()) < neck.price:
            continue
        stop = min(first.price, second.price) - 0.1 * span
        quality = 0.6 * fit(apart / span, 0, 0.6) + 0.4 * fit(height / span, 5, 2)
        names = ("double_bottom", "double_top")
        complete, target = second.bar + 1, neck.price + height
        yield Shape(names, first.bar, complete, neck.price, stop, target, quality, (first, neck, second))


def inverse_head_and_shoulders(frame: Frame) -> Iterator[Shape]:
    """Three lows, the middle one lowest, shoulders level, and a neckline over the two highs between them."""
    turns = frame.turns[-RECENT_TURNS:]
    for left, neck1, head, neck2, right in zip(turns, turns[1:], turns[2:], turns[3:], turns[4:], strict=False):
        if left.kind != "low" or not 2 * APART_MIN <= right.bar - left.bar <= 2 * APART_MAX:
            continue
        span = float(frame.atr[head.bar])
        deep = min(left.price, right.price) - head.price
        shoulders, tilt = abs(left.price - right.price), abs(neck1.price - neck2.price)
        if span <= 0 or deep < 0.8 * span or shoulders > span or tilt > 1.5 * span:
            continue
        neck = max(neck1.price, neck2.price)
        quality = 0.4 * fit(shoulders / span, 0, 1) + 0.3 * fit(tilt / span, 0, 1.5) + 0.3 * fit(deep / span, 3, 0.8)
        names = ("inverse_head_and_shoulders", "head_and_shoulders")
        five = (left, neck1, head, neck2, right)
        yield Shape(names, left.bar, right.bar + 1, neck, right.price, 2 * neck - head.price, quality, five)
