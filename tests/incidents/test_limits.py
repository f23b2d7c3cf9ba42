"""Incidents of limits and of silence: counts that were stale, empty tables, one wrong figure, old approvals."""

from dataclasses import replace
from decimal import Decimal

import pytest

from config.settings import Settings
from services.risk_manager import store as risk_store
from services.risk_manager.flow.day import monitor, monitor_or_page
from services.risk_manager.rules.judge import Question, judge_all
from shared.adapters.http_calls import HttpCalls
from shared.errors import Unavailable
from tests.risk_manager import facts
from tests.risk_manager.world import World
from tests.workflow.conftest import Bench, MakeBench
from tests.workflow.surroundings import OPEN
from tests.workflow.world import symbol


def test_06_positions_unbounded() -> None:
    kinds = ("position", "entry", "approval")
    held = tuple(facts.holding(f"H{number}", 500, kind=kind) for number, kind in enumerate(kinds))
    asked = tuple(facts.subject(symbol=f"S{number}") for number in range(6))
    book = facts.book(holdings=held, approve_max=6)
    most = facts.limits(check_correlation=False, max_sector_exposure=Decimal(10**6), max_total_exposure=Decimal(10**6))
    decisions = judge_all(asked, book, most, facts.NOW, Question("20260615-093500", 1, Decimal(1)), {})
    assert sum(one.verdict.approved for one in decisions) == 2, "orders on their way and approvals given count"


async def test_08_cron_without_cd(world: World) -> None:
    nobody = Settings(_env_file=None, service_urls={"trading": "http://127.0.0.1:1"})
    calls = HttpCalls(nobody)
    deps = replace(world.deps, client=calls)
    with pytest.raises(Unavailable):
        await monitor_or_page(deps, world.watch, facts.SESSION)
    rows = await world.rows("SELECT severity, kind FROM alerts")
    assert rows == [{"severity": "critical", "kind": "trading_silent"}]
    await calls.close()


async def test_09_zero_candidates_for_six_weeks(bench: Bench) -> None:
    bench.world.candidates = 0
    async with bench.running() as client:
        await client.post("/api/v1/workflow/start")
        await bench.scans(1)
        await bench.asleep()
        await bench.clock.move(OPEN.replace(hour=15, minute=30))
        await bench.scans(2)
        assert await bench.alerts() == ["zero_candidates"]


async def test_21_equity_glitch_trips_stop(world: World) -> None:
    await world.desk.hold("HELD", 100, 50, stop=49)
    world.desk.equity = Decimal(78_000)
    world.market.list("HELD", 49.9)
    await monitor(world.deps, world.watch, facts.SESSION)
    assert await risk_store.active_halt(world.deps.pool) is None
    assert [row["kind"] for row in await world.rows("SELECT kind FROM alerts")] == ["pnl_disagrees"]


async def test_24_base_price_race_at_open_is_decided_anew_once(bench: Bench) -> None:
    bench.world.raced = {symbol(0)}
    async with bench.running() as client:
        await client.post("/api/v1/workflow/start", json={"mode": "autonomous"})
        (row,) = await bench.scans(1)
        assert row["picks"][0]["outcome"] == "order"
        assert bench.world.sent == [symbol(0), symbol(1), symbol(2)]
        assert [(one.attempt, len(one.candidates)) for one in bench.world.decided] == [(1, 10), (3, 1)]
        assert row["picks"][0]["client_order_id"].endswith("-103"), "under a new id"


async def test_29_approval_without_recheck(make_bench: MakeBench) -> None:
    async with make_bench(autonomous=False) as bench, bench.running() as client:
        await client.post("/api/v1/workflow/start")
        await bench.scans(1)
        bench.market.prices = {symbol(number): 20.0 + number for number in range(10)}
        first, second, *_ = (await client.get("/api/v1/proposals?status=pending")).json()
        bench.market.prices[first["symbol"]] *= 1.02
        moved = await client.post(f"/api/v1/proposals/{first['proposal_id']}/approve")
        assert (moved.status_code, "the price moved 2.00 %" in moved.json()["detail"]) == (409, True)
        bench.world.refused_by_risk = {second["symbol"]}
        refused = await client.post(f"/api/v1/proposals/{second['proposal_id']}/approve")
        assert refused.status_code == 409
        assert bench.world.sent == []
