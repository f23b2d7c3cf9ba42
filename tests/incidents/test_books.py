"""Incidents of the books: what was never looked up, looked up once too often, or read from a failed answer."""

import asyncio

import httpx

from services.exchange.rules.knobs import VenueSettings
from shared.adapters.alpaca_stream import AlpacaStream
from tests.trading.bench import Fault, bench, moving

SLOW = VenueSettings(spread_bps=0, partial_fill_fraction=0, fill_latency_ms=5_000)
IN_TWO = VenueSettings(spread_bps=0, partial_fill_fraction=1.0, partial_fill_gap_ms=400)


async def test_04_status_never_synced(database_url: str) -> None:
    async with bench(database_url, moving(107), settings=SLOW) as b:
        await b.send(await b.approve())
        await b.stop()
        await b.exchange.world.clock.advance_to(b.exchange.now + 1200)
        await b.start()
        await b.until(2.0)
        assert {row["status"] for row in (await b.orders()).values()} <= {"filled", "canceled"}
        assert (await b.position())["exit_reason"] == "take_profit"
        assert await b.get("/positions?status=open") == []


async def test_19_mute_stream(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.stop()
        events = AlpacaStream(b.settings, mute_seconds=0.2).updates()
        for _ in range(2):
            assert await asyncio.wait_for(anext(events), 5) is None, "a socket that says nothing is opened anew"
        await events.aclose()  # type: ignore[attr-defined]
        async with httpx.AsyncClient(trust_env=False) as http:
            hang = {"kind": "hang", "match": "stream"}
            await http.post(f"{b.settings.alpaca_base_url}/_sim/faults", json=hang)
        b.deaf = True
        await b.start()
        await b.bought()
        await b.until(30.0)
        assert (await b.position())["protected_quantity"] == 10, "without the stream, polling finds it"


async def test_20_fill_booked_twice(database_url: str) -> None:
    async with bench(database_url, settings=IN_TWO) as b:
        await b.bought()
        for _ in range(2):
            await b.restart()
            await b.until(35.0)
            await b.post("/reconcile")
        rows = await b.pool.fetch("SELECT execution_id, quantity FROM executions")
        assert sorted(row["execution_id"] for row in rows) == sorted(fill.id for fill in b.book.executions)
        assert (await b.position())["quantity"] == sum(row["quantity"] for row in rows) == 10


async def test_22_position_query_failed_read_as_flat(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [Fault("GET", "/v2/positions", "request lost", times=3)]
        assert (await b.post("/reconcile")).status_code == 503
        standing = await b.get("/reconciliation")
        assert (standing["flat"], standing["open_positions"], standing["disagreements"]) == (False, 1, [])
