"""What keeps trading from seeing: old looks at the broker, and a stream that does not stay up."""

from datetime import datetime, timedelta
from typing import Literal

from services.trading.rules.exits import SETTLE_EVERY
from shared.domain.clock import ClockReading

OVERDUE = SETTLE_EVERY
"""A look that is late by so much: while anything is held, the last one is then two slots old."""
LEAST_WALL_SECONDS = 5.0
"""So long the last pass must lie back in real time as well: a simulated day may run two hundred times as fast."""
STEADY_SECONDS, UNSTEADY_SECONDS, LONG_UNSTEADY_SECONDS = 30.0, 120.0, 600.0
Stream = Literal["steady", "settling", "flapping", "flapping_long"]


def look_overdue(now: datetime, slot: datetime | None, wall_seconds: float | None) -> timedelta | None:
    """How late the look at everything is, where that is a problem."""
    if slot is None or wall_seconds is None or wall_seconds < LEAST_WALL_SECONDS:
        return None
    return now - slot if now - slot > OVERDUE else None


def stream_is(unsteady_seconds: float) -> Stream:
    """What the stream's state is called when no connection has lived for STEADY_SECONDS in so long a time."""
    if unsteady_seconds >= LONG_UNSTEADY_SECONDS:
        return "flapping_long"
    if unsteady_seconds >= UNSTEADY_SECONDS:
        return "flapping"
    return "settling" if unsteady_seconds >= STEADY_SECONDS else "steady"


def flapping(unsteady_seconds: float) -> str:
    """For people."""
    return (
        f"the account's stream has not stayed up for {STEADY_SECONDS:.0f} s in the last {unsteady_seconds:.0f} s;"
        f" fills are seen by asking every {SETTLE_EVERY.total_seconds():.0f} s only. Does another program use our keys?"
    )


def clock_problem(reading: ClockReading | None) -> str | None:
    """What is wrong with our clock, or None."""
    if reading is None:
        return "clock_offset: the broker's clock has not been read yet, nothing is entered"
    return None if reading.in_step else f"clock_offset: {reading.words}, nothing is entered"
