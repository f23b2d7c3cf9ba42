"""Figures that turn a move: double bottom, inverse head and shoulders. Long side.

The mirrored frame gives double top and head and shoulders. All distances are fractions of the figure's height.
"""

from collections.abc import Iterator

from services.pattern.rules.frame import Frame
from services.pattern.rules.outcome import WATCHED, Shape, fit
from services.pattern.rules.pivots import Turn

APART_MIN, APART_MAX, HEIGHT_RANGES, LOPSIDED = 6, 60, 4.0, 3.0
LEVEL, DEEPER, SHOULDERS, TILT = 0.12, 0.25, 0.2, 0.25


def double_bottom(frame: Frame, since: int) -> Iterator[Shape]:
    """Two lows at one height, a high between them, and a fall into the first from above that high.

    Edwards & Magee, ch. 10; Bulkowski, Encyclopedia of Chart Patterns: confirmed by a close above the high between,
    objective the height above it. In figures: four ranges high, lows within 12 % of the height, six bars apart or more,
    neither leg three times as long as the other, and a fall before of one and a quarter heights.
    """
    for before, first, neck, second in frame.windows(4, since):
        if first.kind != "low" or not APART_MIN <= second.bar - first.bar <= APART_MAX:
            continue
        low, span = min(first.price, second.price), float(frame.atr[first.bar])
        height, apart = neck.price - low, abs(first.price - second.price)
        if span <= 0 or height < HEIGHT_RANGES * span or apart > LEVEL * height:
            continue
        if before.price < neck.price + 0.25 * height or _lopsided(first, neck, second):
            continue
        quality = 0.6 * fit(apart / height, 0, LEVEL) + 0.4 * fit(height / span, 8, HEIGHT_RANGES)
        names, target, stop = ("double_bottom", "double_top"), neck.price + height, low - 0.02 * height
        expires = second.bar + _patience(first, second)
        turned = (first, neck, second)
        yield Shape(names, first.bar, second.bar + 1, second.known, expires, neck.price, stop, target, quality, turned)


def inverse_head_and_shoulders(frame: Frame, since: int) -> Iterator[Shape]:
    """Three lows, the middle one lowest, shoulders level, a neckline over the highs between them, and a fall before.

    Edwards & Magee, ch. 6-7: a close beyond the neckline confirms, head to neckline is the objective. Bulkowski asks
    for shoulders at about one height and distance. In figures: four ranges high, the head a quarter of the height below
    both shoulders, shoulders within a fifth, neckline tilted by a quarter at most.
    """
    for six in frame.windows(6, since):
        before, left, neck1, head, neck2, right = six
        if left.kind != "low" or not 2 * APART_MIN <= right.bar - left.bar <= 2 * APART_MAX:
            continue
        neck, span = max(neck1.price, neck2.price), float(frame.atr[left.bar])
        height, deep = neck - head.price, min(left.price, right.price) - head.price
        shoulders, tilt = abs(left.price - right.price), abs(neck1.price - neck2.price)
        if span <= 0 or height < HEIGHT_RANGES * span or deep < DEEPER * height or before.price < neck:
            continue
        if shoulders > SHOULDERS * height or tilt > TILT * height or _lopsided(left, head, right):
            continue
        quality = 0.5 * fit(shoulders / height, 0, SHOULDERS) + 0.5 * fit(tilt / height, 0, TILT)
        names, target = ("inverse_head_and_shoulders", "head_and_shoulders"), neck + height
        expires = right.bar + _patience(head, right)
        yield Shape(names, left.bar, right.bar + 1, right.known, expires, neck, right.price, target, quality, six[1:])


def _lopsided(first: Turn, middle: Turn, last: Turn) -> bool:
    """One side takes more than three times as long as the other."""
    one, other = middle.bar - first.bar, last.bar - middle.bar
    return max(one, other) > LOPSIDED * min(one, other)


def _patience(first: Turn, last: Turn) -> int:
    """How many bars after its last pivot a figure may still break out: as many as it took, 12 to 40."""
    return min(WATCHED, max(12, last.bar - first.bar))
