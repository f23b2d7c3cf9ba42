"""From a shape to a detection: has it broken out, has it failed, and how sure is it?"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import numpy as np

from services.pattern.rules.frame import Frame
from services.pattern.rules.pivots import Turn
from services.pattern.rules.usable import counted
from services.pattern.rules.worth import confidence
from shared.domain.evidence import Detection, Pivot

RECENT = {"5Min": 12, "1Day": 5}
WATCHED = 40
VOLUME_CONFIRMS = 1.5
PRICE_DIGITS = 4
"""Decimals of a price: the finest step that a US equity is quoted in (SEC Rule 612)."""
Status = Literal["forming", "confirmed", "failed"]
How = Literal["waits", "broke out", "never broke out", "wrong before", "too quiet", "wrong after"]


@dataclass(frozen=True)
class Shape:
    """A bullish figure on a (maybe mirrored) frame, fixed once it is known.

    `complete` is the first bar whose close may break out, `known` the bar at whose close all of it was known, `expires`
    the last bar on which a breakout counts. `breakout`, `stop`, `target` are prices of that frame; `quality` in [0, 1]
    says how well the figure fits. A breakout on less than `volume` times the usual is none.
    """

    names: tuple[str, str]
    first: int
    complete: int
    known: int
    expires: int
    breakout: float
    stop: float
    target: float
    quality: float
    turns: tuple[Turn, ...] = ()
    volume: float = 0.0


class Fate(NamedTuple):
    """What became of a shape, on which bar, the bar of its breakout (None: there was none), and how it came to that."""

    status: Status
    at: int
    confirmed: int | None
    how: How


def fate(frame: Frame, shape: Shape) -> Fate:
    """Confirmed by the first close beyond the breakout, on the bar on which the shape is known at the earliest.

    Failed by a close beyond the stop, before the breakout or up to forty bars after it; by a breakout without the
    volume it needs; and when `expires` has passed.
    """
    closes = frame.bars.close[shape.complete :]
    lost = np.flatnonzero(closes < shape.stop)
    broken = np.flatnonzero(closes[: shape.expires + 1 - shape.complete] > shape.breakout)
    first_lost = shape.complete + int(lost[0]) if len(lost) else len(frame)
    if not len(broken) or first_lost <= shape.complete + int(broken[0]):
        if first_lost < len(frame) and first_lost <= shape.expires:
            return Fate("failed", max(first_lost, shape.known), None, "wrong before")
        if len(frame) - 1 > shape.expires:
            return Fate("failed", shape.expires + 1, None, "never broke out")
        return Fate("forming", len(frame) - 1, None, "waits")
    breakout = shape.complete + int(broken[0])
    at = max(breakout, shape.known)
    if frame.volume_ratio[breakout] < shape.volume:
        return Fate("failed", at, None, "too quiet")
    after = np.flatnonzero(frame.bars.close[breakout : breakout + WATCHED] < shape.stop)
    if len(after):
        stopped = breakout + int(after[0])
        return Fate("failed", max(stopped, shape.known), at if stopped > at else None, "wrong after")
    return Fate("confirmed", at, at, "broke out")


def entry_at(frame: Frame, shape: Shape, bar: int | None) -> float | None:
    """Where to enter after the close of a bar past the breakout, before one at the breakout; None past the target."""
    entry = shape.breakout if bar is None else max(shape.breakout, float(frame.bars.close[bar]))
    return entry if shape.stop < entry < shape.target else None


def detection(frame: Frame, shape: Shape) -> Detection | None:
    """The shape as the market treated it so far; None when it is old news or nothing is left to enter for."""
    status, at, confirmed, how = fate(frame, shape)
    if at < len(frame) - RECENT[frame.timeframe]:
        return None
    entry = entry_at(frame, shape, len(frame) - 1 if status == "confirmed" else None)
    if entry is None:
        return None
    volume = confirmed is not None and bool(frame.volume_ratio[confirmed] >= VOLUME_CONFIRMS)
    name = shape.names[0] if frame.sign > 0 else shape.names[1]
    return Detection(
        name=name,
        timeframe=frame.timeframe,
        direction="long" if frame.sign > 0 else "short",
        status=status,
        confidence=confidence(frame.timeframe, name, status),
        started_at=_time(frame, shape.first),
        ended_at=_time(frame, at),
        breakout=_price(frame, shape.breakout),
        entry=_price(frame, entry),
        stop=_price(frame, shape.stop),
        target=_price(frame, shape.target),
        volume_confirmed=volume,
        reason=_reason(frame, shape, how, at),
        pivots=tuple(_pivot(frame, turn) for turn in shape.turns),
    )


def _reason(frame: Frame, shape: Shape, how: How, at: int) -> str:
    """Why the figure stands as it does, as one would say it."""
    over, under = ("above", "below") if frame.sign > 0 else ("below", "above")
    level, stop = _price(frame, shape.breakout), _price(frame, shape.stop)
    volume = f"{frame.volume_ratio[at]:.1f} times the usual volume"
    asked = f" on {shape.volume:g} times the usual volume" if shape.volume else ""
    match how:
        case "waits":
            left = shape.expires - at
            ends = f"{counted(left, 'bar')} left for it" if left else "its time ends with this bar"
            return f"waits for a close {over} {level:g}{asked}; {ends}"
        case "broke out":
            return f"closed {over} {level:g} on {volume}"
        case "never broke out":
            return f"no close {over} {level:g} in time"
        case "too quiet":
            return f"closed {over} {level:g} on only {volume}, {shape.volume:g} needed"
        case "wrong before":
            return f"closed {under} {stop:g}, where it is wrong, before any close {over} {level:g}"
        case "wrong after":
            return f"closed {over} {level:g}, then {under} {stop:g}, where it is wrong"


def _price(frame: Frame, level: float) -> float:
    return round(frame.sign * level, PRICE_DIGITS)


def _time(frame: Frame, index: int) -> datetime:
    return datetime.fromtimestamp(float(frame.bars.start[index]), UTC)


def _pivot(frame: Frame, turn: Turn) -> Pivot:
    kind = turn.kind if frame.sign > 0 else ("low" if turn.kind == "high" else "high")
    return Pivot(at=_time(frame, turn.bar), price=_price(frame, turn.price), kind=kind)


def fit(value: float, good: float, bad: float) -> float:
    """1 at `good` or better, 0 at `bad` or worse, straight in between."""
    return float(min(1.0, max(0.0, (value - bad) / (good - bad))))
