"""A stream that lets us in and throws us out again: few requests, an alarm, and a health that says so."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.settings import Settings
from services.trading.flow.desk import Desk, know_sessions, open_desk
from services.trading.flow.serve import health_of
from services.trading.flow.stream import check_stream
from services.trading.rules.health import look_overdue, stream_is
from services.wiring import build_deps
from shared.adapters.alpaca_stream import AlpacaStream
from shared.domain.clock import read_clock
from shared.domain.order import TradeUpdate
from tests.serving import served
from tests.trading.bench import Bench, bench


class ThrowsOut:
    """The venue with its stream closed as soon as it says `listening`; counts the connections."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.connections, self.throws = app, 0, True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        self.connections += 1
        is_open = True

        async def send_and_close(message: Message) -> None:
            nonlocal is_open
            if is_open:
                await send(message)
            if self.throws and is_open and b"listening" in (message.get("bytes") or b""):
                is_open = False
                await send({"type": "websocket.close", "code": 1008})

        await self.app(scope, receive, send_and_close)


class Stream:
    """A stream whose present connection has lived for as long as a test says."""

    def __init__(self, lived: float | None) -> None:
        self.lived = lived

    async def updates(self) -> AsyncIterator[TradeUpdate | None]:
        await asyncio.Event().wait()
        yield None

    def lived_seconds(self) -> float | None:
        return self.lived


@asynccontextmanager
async def desk_on(b: Bench, lived: float | None) -> AsyncIterator[Desk]:
    async with build_deps(b.settings, "trading") as deps:
        desk = replace(open_desk(deps), stream=Stream(lived))
        await know_sessions(desk, b.now)
        desk.clock_reading = read_clock(b.now, b.now, b.now)
        yield desk


async def test_a_stream_that_throws_us_out_is_asked_less_and_less_often(database_url: str) -> None:
    async with bench(database_url, live=True) as b:
        venue = ThrowsOut(b.wire.app)
        b.wire.app = venue
        await b.stop()
        await b.start()
        await b.bought()
        before, made = len(b.wire.seen), venue.connections
        await asyncio.sleep(20)
        asked = Counter(path.split("?")[0] for method, path in b.wire.seen[before:] if method == "GET")
        reads = asked["/v2/orders"] + asked["/v2/positions"]
        assert venue.connections - made <= 5
        assert reads <= 14, asked


async def test_a_connection_that_was_never_steady_backs_off(database_url: str) -> None:
    async with bench(database_url) as b:
        venue = ThrowsOut(b.wire.app)
        await b.stop()
        async with served(venue) as url:
            settings = Settings(alpaca_base_url=url, alpaca_api_key="OTHER", alpaca_secret_key="secret")
            stream = AlpacaStream(settings)

            async def follow() -> None:
                async for _ in stream.updates():
                    pass

            task = asyncio.create_task(follow())
            await asyncio.sleep(8)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert 2 <= venue.connections <= 7


async def _alerts(b: Bench) -> list[tuple[str, str]]:
    rows = await b.pool.fetch("SELECT severity, kind FROM alerts ORDER BY alert_id")
    return [(row["severity"], row["kind"]) for row in rows]


async def test_a_stream_that_does_not_stay_up_warns_then_pages_then_is_over(database_url: str) -> None:
    async with bench(database_url) as b, desk_on(b, None) as desk:
        await b.stop()
        desk.reconciled_at = b.now
        for unsteady, wanted in ((119, 0), (121, 1), (300, 1), (601, 2), (900, 2)):
            desk.streaming.steady_at = monotonic() - unsteady
            await check_stream(desk)
            assert len(await _alerts(b)) == wanted
            assert ("stream" in (await health_of(desk)).get("problem", "")) == (wanted > 0)
        assert await _alerts(b) == [("warning", "stream_flapping"), ("critical", "stream_flapping")]
        desk.stream = Stream(31.0)
        await check_stream(desk)
        assert "problem" not in await health_of(desk)
        over = await b.pool.fetchval("SELECT payload->>'kind' FROM events WHERE kind = 'alert.over'")
        assert over == "stream_flapping"


async def test_ages_are_shown_and_a_late_look_is_a_problem(database_url: str) -> None:
    async with bench(database_url) as b, desk_on(b, 60.0) as desk:
        facts = await health_of(desk)
        assert facts["problem"] == "broker: not yet reconciled"
        desk.reconciled_at = b.now - timedelta(seconds=61)
        desk.next_slot, desk.passed_at = b.now - timedelta(seconds=31), monotonic() - 31
        facts = await health_of(desk)
        assert (facts["reconciled_age_seconds"], facts["problem"]) == (
            61,
            "watch: a look at the broker is 31 s overdue",
        )
        desk.next_slot = b.now - timedelta(seconds=29)
        assert "problem" not in await health_of(desk)


async def test_an_exchange_that_stands_still_is_a_problem(database_url: str) -> None:
    class Standing:
        async def now(self) -> datetime:
            await asyncio.Event().wait()
            raise AssertionError

        async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
            return when

    async with bench(database_url) as b, desk_on(b, 60.0) as desk:
        desk.reconciled_at, desk.deps = b.now, replace(desk.deps, clock=Standing())
        assert (await health_of(desk))["problem"] == "clock: it does not answer"


@pytest.mark.parametrize(
    ("late", "wall", "overdue"), [(31, 31, True), (30, 31, False), (31, 4, False), (3600, 6, True), (31, None, False)]
)
def test_a_look_is_overdue_by_the_markets_clock_and_by_ours(late: float, wall: float | None, overdue: bool) -> None:
    now = datetime.fromisoformat("2026-06-15T15:00:00+00:00")
    assert (look_overdue(now, now - timedelta(seconds=late), wall) is not None) == overdue
    assert look_overdue(now, None, wall) is None


def test_what_a_stream_is_called() -> None:
    said = [stream_is(seconds) for seconds in (0, 29, 30, 119, 120, 599, 600)]
    assert said == ["steady", "steady", "settling", "settling", "flapping", "flapping", "flapping_long"]
