"""Two highs and two lows in turn: flat top and rising lows, both closing in, or both flat. Long side.

Edwards & Magee, Technical Analysis of Stock Trends, ch. 8 (triangles) and 9 (rectangles): two touches of each line at
least, breakout by a close, and the figure's height from the breakout as the objective. All distances are fractions of
the figure's height, which must be five ranges at least.
"""

from collections.abc import Iterator
from itertools import pairwise

from services.pattern.rules.frame import Frame
from services.pattern.rules.outcome import WATCHED, Shape, fit
from services.pattern.rules.pivots import Turn

BARS_MIN, BARS_MAX, HEIGHT_RANGES = 10, 80, 5.0
FLAT, RISING, CLOSING, STEEPEST = 0.09, 0.33, 0.22, 0.7
SKEWED, UNEVEN = 0.3, 3.3


def triangles(frame: Frame, since: int) -> Iterator[Shape]:
    """Ascending and symmetrical triangles and rectangles; the mirrored frame gives descending ones and breakdowns."""
    for four in frame.windows(4, since):
        if not BARS_MIN <= four[3].bar - four[0].bar <= BARS_MAX:
            continue
        first_high, first_low = (four[0], four[1]) if four[0].kind == "high" else (four[1], four[0])
        high, low = (four[2], four[3]) if four[0].kind == "high" else (four[3], four[2])
        height = max(first_high.price, high.price) - min(first_low.price, low.price)
        span = float(frame.atr[four[0].bar])
        if span <= 0 or height < HEIGHT_RANGES * span or not _even(four):
            continue
        fall, rise = (first_high.price - high.price) / height, (low.price - first_low.price) / height
        named = _named(fall, rise)
        if named is None:
            continue
        names, quality = named
        top = high.price if names[0] == "symmetrical_triangle" else max(first_high.price, high.price)
        complete, expires = four[3].bar + 1, four[3].bar + min(WATCHED, max(12, four[3].bar - four[0].bar))
        yield Shape(names, four[0].bar, complete, four[3].known, expires, top, low.price, top + height, quality, four)


def _even(four: tuple[Turn, ...]) -> bool:
    """No leg takes over 3.3 times as long as another."""
    legs = [after.bar - before.bar for before, after in pairwise(four)]
    return max(legs) <= UNEVEN * min(legs)


def _named(fall: float, rise: float) -> tuple[tuple[str, str], float] | None:
    """Names and quality by how far the highs fall and the lows rise, in heights; None for another figure."""
    if abs(fall) <= FLAT and RISING <= rise <= STEEPEST:
        return ("ascending_triangle", "descending_triangle"), fit(abs(fall), 0, FLAT)
    if CLOSING <= fall <= STEEPEST and CLOSING <= rise <= STEEPEST and abs(fall - rise) <= SKEWED:
        return ("symmetrical_triangle", "bear_symmetrical_triangle"), fit(abs(fall - rise), 0, SKEWED)
    if abs(fall) <= FLAT and abs(rise) <= FLAT:
        return ("rectangle_breakout", "rectangle_breakdown"), fit(max(abs(fall), abs(rise)), 0, FLAT)
    return None
