"""The control plane: the clock's modes, steps and waits, the load, and what tape is playing."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import AwareDatetime, Field

from services.exchange.api import wire
from services.exchange.flow import Awaited, World
from services.exchange.rules.clock import Mode
from shared.domain.base import Value
from shared.errors import BadInput, CatalystError, NotNow
from shared.problem import problem
from shared.web import STATUS

LONGEST_POLL_SECONDS = 20.0
Speed = Annotated[float, Field(ge=0, le=1_000_000)]


class ClockReading(Value):
    """The simulated time and how it moves."""

    now: datetime
    mode: Mode
    speed: float
    participants: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


class ClockOrder(Value):
    """How the clock shall move from here. `now` may only lie ahead; what is left out stays."""

    mode: Mode
    speed: Speed | None = None
    now: AwareDatetime | None = None
    participants: tuple[str, ...] | None = None


class Step(Value):
    """A step of a frozen clock: by seconds, or until a time."""

    seconds: Annotated[float, Field(ge=0)] | None = None
    until: AwareDatetime | None = None


class AwaitOrder(Value):
    """A participant has nothing to do before `until`."""

    participant: Annotated[str, Field(min_length=1, max_length=64)]
    until: AwareDatetime
    or_trade_update: bool = False
    timeout_seconds: Annotated[float, Field(gt=0, le=LONGEST_POLL_SECONDS)] = LONGEST_POLL_SECONDS


class AwaitAnswer(Value):
    """Why the wait ended, and the time it is."""

    now: datetime
    reached: bool
    reason: Literal["time", "trade_update", "timeout"]


class Stats(Value):
    """Requests answered (the control plane left out) and the wall seconds spent on them."""

    requests: int
    busy_seconds: float


class TapeSummary(Value):
    """The tape that is playing."""

    name: str
    day: str
    days: tuple[str, ...]
    open: datetime
    close: datetime
    bar_minutes: int
    symbols: int
    bars: int
    earlier_bars: int
    daily_rows: int
    headlines: int
    halts: dict[str, int]
    delistings: tuple[str, ...]
    dropped: dict[str, int]


class ControlRoute(APIRoute):
    """Refusals as problem+json, also where the exchange runs without the services' shell around it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except CatalystError as error:
                return problem(STATUS.get(type(error), 500), error.title, error.detail, field=error.field)

        return handler


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _reading(world: World) -> ClockReading:
    state = world.clock.state
    return ClockReading(
        now=_utc(state.now),
        mode=state.mode,
        speed=state.speed,
        participants=state.participants,
        waiting=tuple(waiter.participant for waiter in state.waiters),
    )


def routes(world: World) -> APIRouter:
    """Everything under /_sim that is about time and tape."""
    router = APIRouter(prefix="/_sim", route_class=ControlRoute, tags=["control plane"])
    _add_clock(router, world)
    _add_await(router, world)
    _add_facts(router, world)
    return router


def _add_clock(router: APIRouter, world: World) -> None:
    @router.get("/clock", summary="The simulated time")
    async def read() -> ClockReading:
        """With the mode, the pace, and who is waiting."""
        return _reading(world)

    @router.post("/clock", summary="Freeze, run, or lockstep")
    async def configure(order: ClockOrder) -> ClockReading:
        """409 for a time that has passed: what happened cannot be undone."""
        now = None if order.now is None else order.now.timestamp()
        await world.clock.configure(order.mode, order.speed, now, order.participants)
        return _reading(world)

    @router.post("/clock/advance", summary="Step a frozen clock")
    async def advance(step: Step) -> ClockReading:
        """Everything due on the way happens, in order, before this answers. 409 while the clock moves by itself."""
        if world.clock.state.mode != "frozen":
            raise NotNow(f"the clock is in mode {world.clock.state.mode}: freeze it to step it", field="mode")
        if (step.seconds is None) == (step.until is None):
            raise BadInput("give either seconds or until", field="seconds")
        target = world.clock.now + step.seconds if step.seconds is not None else 0.0
        await world.clock.advance_to(step.until.timestamp() if step.until is not None else target)
        return _reading(world)


def _add_await(router: APIRouter, world: World) -> None:
    @router.post("/clock/await", summary="Wait for a simulated time")
    async def wait(order: AwaitOrder, request: Request) -> AwaitAnswer:
        """A long poll. Hanging up counts as busy at once: in lockstep the clock then stands still."""
        waiting = asyncio.ensure_future(
            world.clock.wait(order.participant, order.until.timestamp(), order.or_trade_update, order.timeout_seconds)
        )
        gone = asyncio.ensure_future(_hung_up(request))
        try:
            await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
            awaited = waiting.result() if waiting.done() else Awaited(world.clock.now, False, "timeout")
            return AwaitAnswer(now=_utc(awaited.now), reached=awaited.reached, reason=awaited.reason)
        finally:
            gone.cancel()
            waiting.cancel()


async def _hung_up(request: Request) -> None:
    """Returns when the client has closed the connection; the body has been read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _add_facts(router: APIRouter, world: World) -> None:
    @router.get("/stats", summary="Load so far")
    async def stats() -> Stats:
        """Cumulative since the start of the process."""
        return Stats(requests=world.load.requests, busy_seconds=world.load.busy_seconds)

    @router.get("/tape", summary="What is playing")
    async def tape() -> TapeSummary:
        """Counts of what was loaded and of what was dropped."""
        t = world.tape
        return TapeSummary(
            name=t.name,
            day=str(t.session.day),
            days=tuple(map(str, t.days)),
            open=_utc(t.session.open),
            close=_utc(t.session.close),
            bar_minutes=t.bar_seconds // 60,
            symbols=len(t.assets),
            bars=len(t.bars.time),
            earlier_bars=sum(len(one.time) for one in t.earlier),
            daily_rows=len(t.daily.time),
            headlines=len(t.news),
            halts={symbol: len(spans) for symbol, spans in t.halts.items()},
            delistings=tuple(t.delistings),
            dropped=t.dropped,
        )

    @router.get("/tape/universe", summary="The universe with its sectors")
    async def universe() -> Response:
        """What Alpaca's asset list does not say: sector, industry, market value in USD."""
        rows: list[dict[str, Any]] = [asset._asdict() for asset in world.tape.assets]
        return wire.answer(rows)
