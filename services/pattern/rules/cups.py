"""Cup and handle, long side; the mirrored frame gives the inverted cup."""

import math
from collections.abc import Iterator

import numpy as np

from services.pattern.rules.frame import Frame
from services.pattern.rules.outcome import WATCHED, Shape, fit
from services.pattern.rules.pivots import Turn

NAMES = ("cup_and_handle", "inverted_cup_and_handle")
CUP_BARS_MIN, CUP_BARS_MAX, HANDLE_BARS_MIN, DEPTH_RANGES = 16, 100, 3, 4.0
LEVEL, ROUND = 0.12, 0.52


def cup_and_handle(frame: Frame, since: int) -> Iterator[Shape]:
    """Two rims at one height with a round bottom between them, then a handle in the upper half.

    O'Neil, How to Make Money in Stocks (1988), ch. 2: a rise before, a U and no V, a handle that drifts down in the
    upper half, the buy above it; Bulkowski's Encyclopedia measures the cup's depth from the breakout. In figures: a
    rise of half the depth before; a depth of four ranges; rims within 12 % of the depth; 52 % of the closes or more in
    the lowest two fifths (a V has two fifths there, a parabola 63 %); the bottom in the middle three fifths.
    """
    for number in range(len(frame.turns) - 1, 1, -1):
        right = frame.turns[number]
        if right.bar < since:
            return
        if right.kind == "high":
            for left, bottom in _bowls(frame.turns[: number + 1]):
                shape = _cup(frame, left, bottom, right)
                if shape is not None:
                    yield shape


def _bowls(turns: tuple[Turn, ...]) -> Iterator[tuple[Turn, Turn]]:
    """Left rim and lowest pivot of everything that lies between rims high enough and hangs down to the last pivot."""
    right, bottom, highest = turns[-1], turns[-2], -math.inf
    for left in reversed(turns[:-2]):
        if right.bar - left.bar > CUP_BARS_MAX:
            return
        if left.kind == "low":
            bottom = left if left.price < bottom.price else bottom
            continue
        rim = max(left.price, right.price)
        level, wide = abs(left.price - right.price) / (rim - bottom.price), right.bar - left.bar >= CUP_BARS_MIN
        if wide and level <= LEVEL and highest <= rim:
            yield left, bottom
        highest = max(highest, left.price)


def _cup(frame: Frame, left: Turn, bottom: Turn, right: Turn) -> Shape | None:
    bars, rim, floor = frame.bars, max(left.price, right.price), bottom.price
    depth, width = rim - floor, right.bar - left.bar
    if depth < DEPTH_RANGES * frame.atr[left.bar] or not 0.2 <= (bottom.bar - left.bar) / width <= 0.8:
        return None
    before = bars.low[max(0, left.bar - width) : left.bar]
    if not len(before) or float(before.min()) > rim - 0.5 * depth:
        return None
    roundness = float(np.mean(bars.close[left.bar + 1 : right.bar] < floor + 0.4 * depth))
    if roundness < ROUND:
        return None
    end = _handle_end(frame, right, rim)
    handle = bars.low[right.bar + 1 : end + 1]
    if end - right.bar < HANDLE_BARS_MIN or float(handle.min()) < rim - 0.5 * depth:
        return None
    quality = 0.5 * fit(roundness, 0.7, ROUND) + 0.5 * fit(abs(left.price - right.price) / depth, 0, LEVEL)
    expires, stop = right.bar + WATCHED, float(handle.min())
    known = max(end, right.known)
    return Shape(NAMES, left.bar, end + 1, known, expires, rim, stop, rim + depth, quality, (left, bottom, right))


def _handle_end(frame: Frame, right: Turn, rim: float) -> int:
    """The last bar of the handle: the one before the first close above the rim, or the fortieth."""
    last = min(len(frame) - 1, right.bar + WATCHED)
    beyond = np.flatnonzero(frame.bars.close[right.bar + 1 : last + 1] > rim)
    return right.bar + int(beyond[0]) if len(beyond) else last
