"""On the exchange's own clock in lockstep: time waits for workflow, alive or dead."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx

from config.settings import Settings
from services.workflow.api import create_app
from shared.adapters.alpaca_data import AlpacaData
from shared.adapters.simulated_clock import SimulatedClock
from tests.exchange import serving, venues
from tests.workflow.conftest import Bench, eventually

OPEN = datetime.fromtimestamp(venues.OPEN, UTC)
START = "/api/v1/workflow/start"


async def test_a_whole_day_in_lockstep_with_a_death_in_the_middle_of_a_scan(bench: Bench) -> None:
    with serving.serving(serving.desk_on()) as exchange:
        settings = Settings(
            _env_file=None,
            database_url=bench.deps.settings.database_url,
            service_urls=bench.deps.settings.service_urls,
            enable_autonomous_trading=True,
            alpaca_base_url=exchange.url,
        )
        clock, market = SimulatedClock(exchange.url, "workflow"), AlpacaData(settings)
        deps = replace(bench.deps, settings=settings, clock=clock, market=market)
        bench.world.hold_at = ("order", 5)
        app = create_app(deps)
        async with app.router.lifespan_context(app), _client(app) as client:
            await client.post(f"{exchange.url}/_sim/clock", json={"mode": "frozen"})
            cycle_id = (await client.post(START)).json()["cycle_id"]
            await client.post(
                f"{exchange.url}/_sim/clock", json={"mode": "lockstep", "speed": 0, "participants": ["workflow"]}
            )
            await asyncio.wait_for(bench.world.held.wait(), 60)
        before = await clock.now()
        bench.world.hold_at = None
        bench.world.let_go.set()
        await asyncio.sleep(0.3)
        assert await clock.now() == before == OPEN + timedelta(minutes=30)
        app = create_app(deps)
        async with app.router.lifespan_context(app), _client(app) as bench.client:
            await bench.cycle_is(cycle_id, "completed")
            await bench.client.post(f"{exchange.url}/_sim/clock", json={"mode": "frozen"})
        rows = await bench.deps.pool.fetch("SELECT * FROM scans ORDER BY scan")
        slots = [OPEN + timedelta(minutes=minutes) for minutes in (5, *range(30, 390, 30))]
        assert [row["slot"] for row in rows] == slots
        assert [row["started_at"] for row in rows] == slots
        assert [row["attempts"] for row in rows] == [1, 2] + [1] * 11
        assert {row["status"] for row in rows} == {"completed"}
        assert len(bench.world.orders) == 3 * len(rows)
        await clock.close()
        await market.close()


async def test_a_start_holds_the_clock_until_its_first_scan_is_done(bench: Bench) -> None:
    with serving.serving(serving.desk_on()) as exchange:
        settings = bench.deps.settings.model_copy(update={"alpaca_base_url": exchange.url})
        clock, market = SimulatedClock(exchange.url, "workflow"), AlpacaData(settings)
        app = create_app(replace(bench.deps, settings=settings, clock=clock, market=market))
        bench.configure(first_scan_delay_minutes=0)
        async with app.router.lifespan_context(app), _client(app) as client:
            bench.world.hold_at = ("news", 1)
            started = (await client.post(START)).json()["started_at"]
            await client.post(
                f"{exchange.url}/_sim/clock", json={"mode": "lockstep", "speed": 0, "participants": ["workflow"]}
            )
            await asyncio.wait_for(bench.world.held.wait(), 20)
            await asyncio.sleep(0.2)
            assert datetime.fromisoformat(started) == await clock.now()
            bench.world.let_go.set()

            async def moves_on() -> bool:
                return await clock.now() > datetime.fromisoformat(started)

            await eventually(moves_on, "the clock")
            await client.post(f"{exchange.url}/_sim/clock", json={"mode": "frozen"})
        await clock.close()
        await market.close()


class _Inside(httpx.AsyncBaseTransport):
    """Workflow's own routes in the process, everything else over the network."""

    def __init__(self, app: object) -> None:
        self.app, self.network = httpx.ASGITransport(app=app), httpx.AsyncHTTPTransport()  # type: ignore[arg-type]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        inside = request.url.port is None
        return await (self.app if inside else self.network).handle_async_request(request)

    async def aclose(self) -> None:
        await self.network.aclose()


def _client(app: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=_Inside(app), base_url="http://127.0.0.1", timeout=30)
