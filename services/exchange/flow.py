"""Time passes: the advance loop, and the participants who wait for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Literal, NamedTuple

import structlog

from services.exchange import store
from services.exchange.rules import clock as rule
from services.exchange.rules.board import Board, board_at
from services.exchange.rules.clock import Agenda, ClockState, EmptyAgenda, Mode, Waiter
from services.exchange.rules.knobs import VenueSettings
from services.exchange.rules.tape import NewsEdit, Session, Tape
from services.exchange.rules.venue import Venue
from shared.domain.session import at_market_time
from shared.errors import ConfigError, NotNow
from shared.runtime.loops import Loop, running

log = structlog.get_logger()
TICK_SECONDS, STUMBLE_SECONDS = 0.02, 1.0
BREATH_SECONDS = 0.01
SPREAD_BPS = 2.0


class Awaited(NamedTuple):
    """The answer of one await call: the time it is, whether `until` has come, and what ended the wait."""

    now: float
    reached: bool
    reason: Literal["time", "trade_update", "timeout"]


class Conductor:
    """Moves the clock. The agenda is asked before every move, so no market event is ever jumped over.

    All of it lives on one event loop. `agenda` is set by whoever wires the world, before `run`; `onlooker` is shown
    every moment it asks for, after the agenda, and changes nothing.
    """

    def __init__(
        self, state: ClockState, agenda: Agenda | None = None, remember: Callable[[ClockState], None] | None = None
    ) -> None:
        self.state = state
        self.agenda: Agenda = agenda or EmptyAgenda()
        self.onlooker: Agenda = EmptyAgenda()
        self._remember = remember or (lambda state: None)
        self._answers: dict[int, asyncio.Future[Awaited]] = {}
        self._tickets = 0
        self._stirred = asyncio.Event()
        self._moving = asyncio.Lock()

    @property
    def now(self) -> float:
        """Epoch seconds, UTC."""
        return self.state.now

    def note_trade_update(self) -> None:
        """A trade update was emitted outside `process`: whoever asked for those is woken before time goes on."""
        self.state = rule.updated(self.state)
        self._stirred.set()

    async def configure(
        self, mode: Mode, speed: float | None, now: float | None, participants: tuple[str, ...] | None
    ) -> None:
        """Set the mode, first moving forward to `now` if given. Raises NotNow for a time that has passed."""
        if now is not None:
            self.state = rule.configured(self.state, "frozen")
            await self.advance_to(now)
        self.state = rule.configured(self.state, mode, speed, participants)
        self._remember(self.state)
        self._stirred.set()

    async def advance_to(self, target: float) -> None:
        """Move forward to `target`, doing everything due on the way. Raises NotNow when that is in the past."""
        if target < self.now:
            raise NotNow("the clock of the exchange does not go back; start it again for an earlier time", field="now")
        async with self._moving:
            await self._move(target)
        self._remember(self.state)
        self._wake()

    async def wait(self, participant: str, until: float, or_trade_update: bool, timeout: float) -> Awaited:
        """Until the time comes, a trade update when asked, or `timeout` wall seconds. Cancelled: the caller is busy."""
        self._tickets += 1
        waiter = Waiter(self._tickets, participant, until, or_trade_update)
        answer: asyncio.Future[Awaited] = asyncio.get_running_loop().create_future()
        self._answers[waiter.ticket] = answer
        self.state, replaced = rule.entered(self.state, waiter)
        for old in replaced:
            self._answer(old, "timeout")
        self._wake()
        self._stirred.set()
        try:
            return await asyncio.wait_for(answer, timeout)
        except TimeoutError:
            return Awaited(self.now, self.now >= until, "timeout")
        finally:
            self._answers.pop(waiter.ticket, None)
            self.state = rule.left(self.state, waiter.ticket)
            self._stirred.set()

    def loop(self) -> Loop:
        """Drives the clock. A failing event is logged and counted; time goes on past it."""
        return Loop("exchange", "clock", self._turn, STUMBLE_SECONDS, STUMBLE_SECONDS)

    async def _turn(self) -> None:
        self._stirred.clear()
        self._wake()
        if self.state.mode == "run":
            await self._run_along()
        elif (target := rule.horizon(self.state)) is not None:
            await self._step_towards(target)
        else:
            await self._stirred.wait()

    async def _run_along(self) -> None:
        loop, begun, config = asyncio.get_running_loop(), self.now, self._pace()
        origin = noted = loop.time()
        while self._pace() == config:
            await asyncio.sleep(TICK_SECONDS)
            async with self._moving:
                # A pace that was set meanwhile counts from here on, not from the beginning of the old one.
                await self._move(max(self.now, begun + (loop.time() - origin) * config[1]))
            self._wake()
            if loop.time() - noted > 1.0:
                noted = loop.time()
                self._remember(self.state)

    async def _step_towards(self, target: float) -> None:
        """Lockstep: to `target`, or a trade update on the way, no faster than `speed`; gives up when someone leaves."""
        loop, begun = asyncio.get_running_loop(), self.now
        origin, config = loop.time(), self._pace()
        while rule.horizon(self.state) == target and self._pace() == config:
            speed = self.state.speed
            limit = target if speed <= 0 else min(target, begun + (loop.time() - origin) * speed)
            async with self._moving:
                stopped = await self._move(max(self.now, limit), lambda: rule.horizon(self.state) != target)
            if stopped or self.now >= target:
                break
            await asyncio.sleep(min(TICK_SECONDS, (target - self.now) / speed))
        self._wake()
        self._remember(self.state)

    async def _move(self, target: float, interrupted: Callable[[], bool] = lambda: False) -> bool:
        """Through the agenda to `target`. True when it stopped early: a trade update in lockstep, or interrupted."""
        loop = asyncio.get_running_loop()
        breath = loop.time()
        while (when := self._next_event(target)) is not None:
            self.state = rule.moved(self.state, when)
            told = self.agenda.process(when)
            self.onlooker.process(when)
            if told:
                self.state = rule.updated(self.state)
                if rule.stops_for_updates(self.state):
                    return True
                self._wake()
            if loop.time() - breath > BREATH_SECONDS:
                await asyncio.sleep(0)
                breath = loop.time()
                if interrupted():
                    return True
        self.state = rule.moved(self.state, target)
        return False

    def _next_event(self, target: float) -> float | None:
        first, seen = self.agenda.next_event(self.now, target), self.onlooker.next_event(self.now, target)
        return first if seen is None or (first is not None and first <= seen) else seen

    def _pace(self) -> tuple[Mode, float]:
        return self.state.mode, self.state.speed

    def _wake(self) -> None:
        for turn in rule.due(self.state):
            self.state = rule.woken(self.state, turn.waiter)
            self._answer(turn.waiter, turn.cause)

    def _answer(self, waiter: Waiter, reason: Literal["time", "trade_update", "timeout"]) -> None:
        answer = self._answers.pop(waiter.ticket, None)
        if answer is not None and not answer.done():
            answer.set_result(Awaited(self.now, self.now >= waiter.until, reason))


@dataclass
class Load:
    """Requests answered so far, and the wall seconds spent on them."""

    requests: int = 0
    busy_seconds: float = 0.0


@dataclass(frozen=True)
class World:
    """What both halves of the exchange stand on. `clock.now` is the time; `clock.agenda` is the trading half's."""

    recorded: Tape
    clock: Conductor
    spread_bps: float = SPREAD_BPS
    load: Load = field(default_factory=Load)
    news_edits: list[NewsEdit] = field(default_factory=list)
    _boards: dict[float, tuple[Tape, Board]] = field(default_factory=dict)

    @property
    def tape(self) -> Tape:
        """The recorded one, or what the faults in force have made of it."""
        agenda = self.clock.agenda
        return agenda.tape if isinstance(agenda, Venue) else self.recorded

    @property
    def settings(self) -> VenueSettings:
        """The venue's once one is on the clock, so that what is shown and what is done agree."""
        agenda = self.clock.agenda
        return agenda.settings if isinstance(agenda, Venue) else VenueSettings(spread_bps=self.spread_bps)

    @property
    def board(self) -> Board:
        """The whole market as it is known now; built again only when a bar has begun or ended."""
        bps, tape = self.settings.spread_bps, self.tape
        known = self._boards.get(bps)
        if known is None or known[0] is not tape or not known[1].holds_at(self.clock.now):
            known = tape, board_at(tape, self.clock.now, bps)
            self._boards.clear()
            self._boards[bps] = known
        return known[1]


@asynccontextmanager
async def playing(world: World) -> AsyncIterator[None]:
    """The clock is driven while inside."""
    async with running(world.clock.loop()):
        yield


def open_world(
    folder: Path, day: date | None = None, start: str = "", place: Path | None = None, speed: float = 0.0
) -> World:
    """Load the tape and put the clock at `start` (default: the open), or where `place` says it stood when it died.

    `speed` 0 leaves the clock frozen; above 0 it runs. Raises ConfigError (see store.load_tape, start_of).
    """
    tape = store.load_tape(folder, day)
    state = ClockState(now=start_of(start, tape.session))
    if speed > 0:
        state = rule.configured(state, "run", speed)
    if place is not None:
        state = _resumed(state, tape, store.load_place(place))
    return World(tape, Conductor(state, remember=_rememberer(tape, place)))


def start_of(text: str, session: Session) -> float:
    """'09:25' (the market's wall clock) or an ISO time with offset, as epoch seconds; the open when nothing is said.

    Raises ConfigError for anything else.
    """
    if not text:
        return session.open
    try:
        if len(text) <= len("09:30:00"):
            return at_market_time(session.day, time.fromisoformat(text)).timestamp()
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"start {text}: give 09:25, or an ISO time", field="exchange_start") from error
    if moment.tzinfo is None:
        raise ConfigError(f"start {text}: the offset is missing", field="exchange_start")
    return moment.timestamp()


def _resumed(state: ClockState, tape: Tape, place: store.Place | None) -> ClockState:
    if place is None or (place.tape, place.day) != (tape.name, tape.session.day):
        return state
    return replace(state, now=place.now, mode=place.mode, speed=place.speed, participants=place.participants)


def _rememberer(tape: Tape, path: Path | None) -> Callable[[ClockState], None] | None:
    if path is None:
        return None

    def remember(state: ClockState) -> None:
        place = store.Place(
            tape=tape.name,
            day=tape.session.day,
            now=state.now,
            mode=state.mode,
            speed=state.speed,
            participants=state.participants,
        )
        store.save_place(path, place)

    return remember
