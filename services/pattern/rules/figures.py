"""All chart patterns on one chart, both ways up."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from services.pattern.rules.cups import cup_and_handle
from services.pattern.rules.flags import abcd, flags
from services.pattern.rules.frame import Frame
from services.pattern.rules.intraday import gap_and_go, opening_range_breakout, vwap_reclaim
from services.pattern.rules.outcome import RECENT, WATCHED, Shape, detection, entry_at, fate
from services.pattern.rules.reversal import double_bottom, inverse_head_and_shoulders
from services.pattern.rules.triangles import triangles
from shared.domain.evidence import Detection

Finder = Callable[[Frame, int], Iterator[Shape]]
ANY_TIMEFRAME: tuple[Finder, ...] = (flags, abcd, triangles, cup_and_handle, double_bottom, inverse_head_and_shoulders)
IN_A_SESSION: tuple[Finder, ...] = (gap_and_go, opening_range_breakout, vwap_reclaim)
STANDING = {"confirmed": 2, "forming": 1, "failed": 0}


def shapes(frame: Frame, since: int = 0) -> Iterator[tuple[Frame, Shape]]:
    """Every shape whose last pivot lies at bar `since` or later, with the side of the chart that shows it."""
    finders = ANY_TIMEFRAME + (IN_A_SESSION if frame.timeframe == "5Min" else ())
    for side in (frame, frame.mirrored):
        for find in finders:
            for shape in find(side, since):
                yield side, shape


def detect(frame: Frame) -> tuple[Detection, ...]:
    """The figures of one chart at its last bar, surest first; one of each name.

    Of several of one name the confirmed goes before the forming and that before the failed, then the better fit, then
    the newer.
    """
    since = len(frame) - RECENT[frame.timeframe] - 2 * WATCHED - 1
    best: dict[str, tuple[tuple[int, float, int], Detection]] = {}
    for side, shape in shapes(frame, since):
        seen = detection(side, shape)
        if seen is None:
            continue
        rank = (STANDING[seen.status], shape.quality, shape.complete)
        if seen.name not in best or rank > best[seen.name][0]:
            best[seen.name] = (rank, seen)
    return tuple(sorted((seen for _, seen in best.values()), key=lambda one: (-one.confidence, one.name)))


class Breakout(NamedTuple):
    """A shape that was confirmed at the close of bar `at`, and the side of the chart that shows it."""

    side: Frame
    shape: Shape
    at: int

    @property
    def name(self) -> str:
        return self.shape.names[0] if self.side.sign > 0 else self.shape.names[1]


def breakouts(frame: Frame) -> tuple[Breakout, ...]:
    """Every confirmation in the frame, in time order: what `detect` said as each bar closed, in one pass.

    One of each name and bar, by the order of `detect`. A shape is fixed once it is known, which is why the past can be
    read off the whole.
    """
    best: dict[tuple[int, str], Breakout] = {}
    for side, shape in shapes(frame):
        at = fate(side, shape).confirmed
        if at is None or entry_at(side, shape, at) is None:
            continue
        seen = Breakout(side, shape, at)
        key = (at, seen.name)
        if key not in best or (shape.quality, shape.complete) > _fit(best[key].shape):
            best[key] = seen
    return tuple(best[key] for key in sorted(best))


def _fit(shape: Shape) -> tuple[float, int]:
    return shape.quality, shape.complete
