"""Figures that continue a move: flag, pennant, ABCD, triangles, rectangle, cup and handle. Written for the long side.

Definitions follow Edwards & Magee, Technical Analysis of Stock Trends, and Bulkowski, Encyclopedia of Chart Patterns,
with every distance counted in average true ranges.
"""

from collections.abc import Iterator

import numpy as np

from services.pattern.rules.frame import Frame, Turn
from services.pattern.rules.outcome import Shape, fit
from shared.domain.market import Floats

POLE_BARS, FLAG_BARS_MIN, FLAG_BARS_MAX = 10, 4, 16
TRIANGLE_BARS_MAX = 60
CUP_BARS_MIN, CUP_BARS_MAX, HANDLE_BARS_MAX = 16, 90, 40


def flags(frame: Frame) -> Iterator[Shape]:
    """A pole of at least three ranges in ten bars, then a shallow drift against it; a pennant where it narrows."""
    bars = frame.bars
    for top in [turn for turn in frame.turns if turn.kind == "high"][-4:]:
        first = max(0, top.bar - POLE_BARS)
        foot = first + int(np.argmin(bars.low[first : top.bar + 1]))
        height = top.price - float(bars.low[foot])
        span = float(frame.atr[foot])
        if foot >= top.bar or span <= 0 or height < 3 * span:
            continue
        end = _flag_end(frame, top)
        length = end - top.bar
        if not FLAG_BARS_MIN <= length <= FLAG_BARS_MAX:
            continue
        highs, lows = bars.high[top.bar + 1 : end + 1], bars.low[top.bar + 1 : end + 1]
        retrace = (top.price - float(lows.min())) / height
        drift = _slope(bars.close[top.bar + 1 : end + 1]) * length / height
        if retrace > 0.55 or drift > 0.1:
            continue
        names = ("pennant", "bear_pennant") if _narrows(highs, lows) else ("bull_flag", "bear_flag")
        breakout = float(highs.max())
        quality = 0.5 * fit(retrace, 0.2, 0.6) + 0.5 * fit(height / span, 6, 3)
        low_at = top.bar + 1 + int(lows.argmin())
        turns = (Turn(foot, float(bars.low[foot]), "low"), top, Turn(low_at, float(lows.min()), "low"))
        yield Shape(names, foot, end + 1, breakout, float(lows.min()), breakout + height, quality, turns)


def _slope(values: Floats) -> float:
    """Least-squares slope per bar."""
    steps = np.arange(len(values)) - (len(values) - 1) / 2
    return float(steps @ values / (steps @ steps))


def _flag_end(frame: Frame, top: Turn) -> int:
    """The last bar of the drift after `top`: up to the bar before a close above every high since."""
    highs = frame.bars.high[top.bar + 1 :]
    if len(highs) <= FLAG_BARS_MIN:
        return len(frame) - 1
    ceiling = np.maximum.accumulate(highs)[:-1]
    beyond = np.flatnonzero(frame.bars.close[top.bar + 2 :] > ceiling)
    beyond = beyond[beyond >= FLAG_BARS_MIN - 1]
    return top.bar + 1 + int(beyond[0]) if len(beyond) else len(frame) - 1


def _narrows(highs: Floats, lows: Floats) -> bool:
    """True when the second half spans less than six tenths of the first and lies inside it."""
    half = len(highs) // 2
    early, late = highs[:half].max() - lows[:half].min(), highs[half:].max() - lows[half:].min()
    return bool(late < 0.6 * early and lows[half:].min() > lows[:half].min())


def abcd(frame: Frame) -> Iterator[Shape]:
    """A push A-B of three ranges, a higher low C that gives back 38-79 % of it, a breakout above B; CD equals AB."""
    turns = frame.turns
    for a, b, c in zip(turns, turns[1:], turns[2:], strict=False):
        if a.kind != "low" or c.bar < len(frame) - 40:
            continue
        push, span = b.price - a.price, float(frame.atr[a.bar])
        if span <= 0 or push < 3 * span or c.price <= a.price:
            continue
        back = (b.price - c.price) / push
        if 0.382 <= back <= 0.79:
            quality = 0.5 * fit(abs(back - 0.5), 0.0, 0.3) + 0.5 * fit(push / span, 7, 3)
            target = max(c.price + push, b.price + 0.5 * push)
            yield Shape(("abcd", "bear_abcd"), a.bar, c.bar + 1, b.price, c.price, target, quality, (a, b, c))


def triangles(frame: Frame) -> Iterator[Shape]:
    """Two highs and two lows in turn: flat top and rising lows, or both closing in, or both flat (a rectangle)."""
    turns = frame.turns
    for start in range(max(0, len(turns) - 7), len(turns) - 3):
        four = turns[start : start + 4]
        width = four[3].bar - four[0].bar
        if not 8 <= width <= TRIANGLE_BARS_MAX:
            continue
        highs = [turn for turn in four if turn.kind == "high"]
        lows = [turn for turn in four if turn.kind == "low"]
        span = float(frame.atr[four[3].bar])
        height = max(h.price for h in highs) - min(low.price for low in lows)
        if span > 0 and height >= 2 * span:
            yield from _triangle(four, highs, lows, span, height)


def _triangle(
    four: tuple[Turn, ...], highs: list[Turn], lows: list[Turn], span: float, height: float
) -> Iterator[Shape]:
    rise = (lows[1].price - lows[0].price) / span
    fall = (highs[0].price - highs[1].price) / span
    top = max(high.price for high in highs)
    first, complete, stop = four[0].bar, four[3].bar + 1, lows[1].price
    if abs(fall) <= 0.5 and rise >= 0.8:
        names = ("ascending_triangle", "descending_triangle")
        quality = 0.5 * fit(abs(fall), 0, 0.5) + 0.5 * fit(rise, 2.5, 0.8)
    elif fall >= 0.6 and rise >= 0.6:
        names = ("symmetrical_triangle", "bear_symmetrical_triangle")
        quality = fit(abs(fall - rise), 0, 3)
        top = highs[1].price
    elif abs(fall) <= 0.5 and abs(rise) <= 0.5:
        names = ("rectangle_breakout", "rectangle_breakdown")
        quality = 0.5 * fit(abs(fall), 0, 0.5) + 0.5 * fit(abs(rise), 0, 0.5)
    else:
        return
    yield Shape(names, first, complete, top, stop, top + height, quality, tuple(four))


def cup_and_handle(frame: Frame) -> Iterator[Shape]:
    """Two rims at one height with a round bottom between them, then a pullback of less than half the depth."""
    bars = frame.bars
    rims = [turn for turn in frame.turns if turn.kind == "high"]
    for number, right in enumerate(rims):
        if right.bar < len(frame) - HANDLE_BARS_MAX:
            continue
        for left in rims[:number]:
            width, span = right.bar - left.bar, float(frame.atr[left.bar])
            if not CUP_BARS_MIN <= width <= CUP_BARS_MAX or abs(right.price - left.price) > span:
                continue
            inside = slice(left.bar + 1, right.bar)
            floor = float(bars.low[inside].min())
            rim = max(left.price, right.price)
            depth = rim - floor
            if depth < 3 * span or float(bars.high[inside].max()) > rim:
                continue
            # A V spends two fifths of its time in the lowest two fifths of its depth; a cup spends more.
            roundness = float(np.mean(bars.close[inside] < floor + 0.4 * depth))
            handle = bars.low[right.bar + 1 :]
            if roundness < 0.5 or len(handle) < 2:
                continue
            bottom = Turn(left.bar + 1 + int(bars.low[inside].argmin()), floor, "low")
            stop = rim - 0.5 * depth
            quality = 0.5 * fit(roundness, 0.75, 0.5) + 0.5 * fit(abs(right.price - left.price) / span, 0, 1)
            names = ("cup_and_handle", "inverted_cup_and_handle")
            yield Shape(names, left.bar, right.bar + 2, rim, stop, rim + depth, quality, (left, bottom, right))
