"""The simulated clock as a state machine: who waits until when, and whose turn it is. Pure; flow.py moves the time.

Modes. frozen: time moves by command. run: time follows the wall clock times `speed`. lockstep: conservative
discrete-event simulation; time stands still unless every participant waits, then goes to the smallest `until`,
and exactly one participant is woken: it counts as busy until it waits again.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol

Mode = Literal["frozen", "run", "lockstep"]
Reason = Literal["time", "trade_update"]
PARTICIPANTS = ("trading", "risk-manager", "workflow")


class Agenda(Protocol):
    """What the trading half has to do as time passes. The clock never jumps over an event of the agenda."""

    def next_event(self, after: float, until: float) -> float | None:
        """Time of the first event with after < time <= until, or None. Cheap: asked before every move."""
        ...

    def process(self, at: float) -> bool:
        """Do everything due at or before `at`. True when a trade update for the account was emitted.

        Updates that come of a command, outside `process`, are told to the clock by `Conductor.note_trade_update()`.
        """
        ...


class EmptyAgenda:
    """Nothing ever happens: a market without orders."""

    def next_event(self, after: float, until: float) -> float | None:
        return None

    def process(self, at: float) -> bool:
        return False


class Waiter(NamedTuple):
    """One await call. `ticket` tells calls of the same participant apart."""

    ticket: int
    participant: str
    until: float
    or_trade_update: bool


class Turn(NamedTuple):
    """A waiter to be woken, and why."""

    waiter: Waiter
    cause: Reason


@dataclass(frozen=True, slots=True)
class ClockState:
    """`updates` counts trade updates; `seen` holds the count at each participant's last waking."""

    now: float
    mode: Mode = "frozen"
    speed: float = 1.0
    participants: tuple[str, ...] = PARTICIPANTS
    waiters: tuple[Waiter, ...] = ()
    updates: int = 0
    seen: tuple[tuple[str, int], ...] = ()


def configured(
    state: ClockState, mode: Mode, speed: float | None = None, participants: tuple[str, ...] | None = None
) -> ClockState:
    """Another mode; speed and participants stay unless given."""
    return replace(
        state,
        mode=mode,
        speed=state.speed if speed is None else speed,
        participants=state.participants if participants is None else participants,
    )


def moved(state: ClockState, to: float) -> ClockState:
    """Time goes forward only."""
    return replace(state, now=max(state.now, to))


def entered(state: ClockState, waiter: Waiter) -> tuple[ClockState, tuple[Waiter, ...]]:
    """A participant waits. A second call of the same participant replaces the first, which is returned."""
    replaced = tuple(w for w in state.waiters if w.participant == waiter.participant)
    kept = tuple(w for w in state.waiters if w.participant != waiter.participant)
    seen = state.seen
    if all(name != waiter.participant for name, _ in seen):
        seen = (*seen, (waiter.participant, state.updates))
    return replace(state, waiters=(*kept, waiter), seen=seen), replaced


def left(state: ClockState, ticket: int) -> ClockState:
    """A waiter hung up, timed out or was woken: its participant is busy."""
    return replace(state, waiters=tuple(w for w in state.waiters if w.ticket != ticket))


def woken(state: ClockState, waiter: Waiter) -> ClockState:
    """The waiter leaves with every trade update so far counted as told to it."""
    seen = tuple((name, state.updates if name == waiter.participant else count) for name, count in state.seen)
    return replace(left(state, waiter.ticket), seen=seen)


def updated(state: ClockState) -> ClockState:
    """A trade update was emitted."""
    return replace(state, updates=state.updates + 1)


def everyone_waits(state: ClockState) -> bool:
    """Lockstep may move time. With no participants named nobody can hold it, and nobody asks it to move."""
    waiting = {w.participant for w in state.waiters}
    return bool(state.participants) and all(name in waiting for name in state.participants)


def _turn_of(state: ClockState, waiter: Waiter) -> Turn | None:
    if waiter.or_trade_update and dict(state.seen).get(waiter.participant, 0) < state.updates:
        return Turn(waiter, "trade_update")
    return Turn(waiter, "time") if waiter.until <= state.now else None


def _priority(state: ClockState, waiter: Waiter) -> int:
    names = state.participants
    return names.index(waiter.participant) if waiter.participant in names else len(names)


def due(state: ClockState) -> tuple[Turn, ...]:
    """Everyone to wake now. In lockstep at most one participant, and only when all of them wait; trade updates come
    first, then the smallest until, then the order of the list. Outsiders never hold lockstep up and always get theirs.
    """
    turns = [turn for w in state.waiters if (turn := _turn_of(state, w)) is not None]
    if state.mode != "lockstep":
        return tuple(turns)
    outsiders = tuple(t for t in turns if t.waiter.participant not in state.participants)
    if not everyone_waits(state):
        return outsiders
    inside = [t for t in turns if t.waiter.participant in state.participants]
    inside.sort(key=lambda t: (t.cause == "time", t.waiter.until * (t.cause == "time"), _priority(state, t.waiter)))
    return (*outsiders, *inside[:1])


def horizon(state: ClockState) -> float | None:
    """How far lockstep may go: the smallest until of the participants, or None while one of them is busy."""
    if state.mode != "lockstep" or not everyone_waits(state):
        return None
    return min(w.until for w in state.waiters if w.participant in state.participants)


def stops_for_updates(state: ClockState) -> bool:
    """In lockstep a trade update halts the clock when a participant asked for it."""
    return state.mode == "lockstep" and any(
        w.or_trade_update and w.participant in state.participants for w in state.waiters
    )
