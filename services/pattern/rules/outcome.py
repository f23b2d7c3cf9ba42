"""From a shape to a detection: has it broken out, has it failed, and how sure is it?"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from services.pattern.rules.frame import Frame, Turn
from shared.domain.evidence import Detection, Pivot

RECENT = {"5Min": 12, "1Day": 5}
VOLUME_CONFIRMS = 1.3
Status = Literal["forming", "confirmed", "failed"]


@dataclass(frozen=True)
class Shape:
    """A bullish figure on a (maybe mirrored) frame: `complete` is the bar from which a breakout counts.

    `breakout`, `stop`, `target` are levels on that frame; `quality` in [0, 1] says how well the figure fits.
    """

    names: tuple[str, str]
    first: int
    complete: int
    breakout: float
    stop: float
    target: float
    quality: float
    turns: tuple[Turn, ...] = ()


def detection(frame: Frame, shape: Shape) -> Detection | None:
    """The shape as the market treated it so far; None when it is old news, or its levels make no sense."""
    if not shape.stop < shape.breakout < shape.target:
        return None
    status, at = _fate(frame, shape)
    recent = len(frame) - RECENT[frame.timeframe]
    if at < recent or (status == "forming" and shape.complete < recent - RECENT[frame.timeframe]):
        return None
    close = float(frame.bars.close[-1])
    entry = max(shape.breakout, close) if status == "confirmed" else shape.breakout
    if status == "confirmed" and not shape.stop < entry < shape.target:
        return None
    volume = status == "confirmed" and frame.volume_ratio(at) >= VOLUME_CONFIRMS
    return Detection(
        name=shape.names[0] if frame.sign > 0 else shape.names[1],
        timeframe=frame.timeframe,
        direction="long" if frame.sign > 0 else "short",
        status=status,
        confidence=_confidence(status, shape.quality, volume),
        started_at=_time(frame, shape.first),
        ended_at=_time(frame, at),
        breakout=frame.sign * shape.breakout,
        entry=frame.sign * entry,
        stop=frame.sign * shape.stop,
        target=frame.sign * shape.target,
        volume_confirmed=volume,
        pivots=tuple(_pivot(frame, turn) for turn in shape.turns),
    )


def _fate(frame: Frame, shape: Shape) -> tuple[Status, int]:
    """What became of a shape, and on which bar: the first close beyond the breakout, or the first below the stop."""
    closes = frame.bars.close[shape.complete :]
    above = np.flatnonzero(closes > shape.breakout)
    below = np.flatnonzero(closes < shape.stop)
    if len(below) and (not len(above) or below[0] < above[0]):
        return "failed", shape.complete + int(below[0])
    if not len(above):
        return "forming", len(frame) - 1
    lost = np.flatnonzero(closes[above[0] :] < shape.stop)
    if len(lost):
        return "failed", shape.complete + int(above[0] + lost[0])
    return "confirmed", shape.complete + int(above[0])


def _confidence(status: Status, quality: float, volume: bool) -> float:
    """A forming figure is worth two thirds of a confirmed one, a failed one a quarter; volume adds a seventh."""
    base = 0.35 + 0.45 * min(1.0, max(0.0, quality)) + (0.15 if volume else 0.0)
    return round(base * {"confirmed": 1.0, "forming": 0.67, "failed": 0.25}[status], 4)


def _time(frame: Frame, index: int) -> datetime:
    return datetime.fromtimestamp(float(frame.bars.start[index]), UTC)


def _pivot(frame: Frame, turn: Turn) -> Pivot:
    kind = turn.kind if frame.sign > 0 else ("low" if turn.kind == "high" else "high")
    return Pivot(at=_time(frame, turn.bar), price=frame.sign * turn.price, kind=kind)


def fit(value: float, good: float, bad: float) -> float:
    """1 at `good` or better, 0 at `bad` or worse, straight in between."""
    return float(min(1.0, max(0.0, (value - bad) / (good - bad))))
