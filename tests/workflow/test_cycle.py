"""Cycles: opened once, by cron or by hand; ended by the operator or by the close."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.domain.position import PositionView
from tests.workflow.conftest import Bench, MakeBench
from tests.workflow.surroundings import CLOSE, OPEN

START, CYCLES = "/api/v1/workflow/start", "/api/v1/cycles"
GUIDE = {"mode": "normal", "max_positions": 5, "max_daily_loss": 2000.0, "scan_frequency": 300}


async def test_cron_may_fire_twice_and_two_at_once(bench: Bench) -> None:
    async with bench.running() as client:
        answers = await asyncio.gather(*(client.post(START, json={"mode": "autonomous"}) for _ in range(5)))
        assert [answer.status_code for answer in answers] == [202] * 5
        assert {answer.json()["cycle_id"] for answer in answers} == {"20251120-100500"}
        assert sorted(answer.json()["already_running"] for answer in answers) == [False] + [True] * 4
        await bench.scans(1)
        assert len((await client.get(CYCLES)).json()) == 1
        assert len(bench.world.sent) == 3


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", None), (b'{"mode":"autonomous"}', None), (b'{"mode":"autonomous"}', "application/x-www-form-urlencoded")],
)
async def test_a_bare_cron_line_is_understood(bench: Bench, content: bytes, kind: str | None) -> None:
    async with bench.running() as client:
        answer = await client.post(START, content=content, headers={"Content-Type": kind} if kind else {})
        assert answer.status_code == 202
        assert answer.json()["session_mode"] == "autonomous"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (START, b'{"mode":"yolo"}', "mode"),
        (START, b'{"mod":"autonomous"}', "mod"),
        (START, b"mode=autonomous", "body"),
        (START, b"[]", "body"),
        (CYCLES, b'{"max_positions":-1}', "max_positions"),
        (CYCLES, b'{"max_daily_loss":0}', "max_daily_loss"),
        (CYCLES, b'{"max_daily_loss":"NaN"}', "max_daily_loss"),
        (CYCLES, b'{"scan_frequency":1}', "scan_frequency"),
        (CYCLES, b'{"mode":"reckless"}', "mode"),
    ],
)
async def test_a_body_that_cannot_be_used_names_the_field(bench: Bench, path: str, body: bytes, field: str) -> None:
    async with bench.running() as client:
        answer = await client.post(path, content=body)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["field"] == field
        assert (await client.get(CYCLES)).json() == []


async def test_asking_for_more_than_the_switches_allow_is_supervised_and_says_why(make_bench: MakeBench) -> None:
    async with make_bench(autonomous=False) as bench, bench.running() as client:
        answer = (await client.post(START, json={"mode": "autonomous"})).json()
        assert answer["session_mode"] == "supervised"
        assert any("ENABLE_AUTONOMOUS_TRADING" in warning for warning in answer["warnings"])
        await bench.scans(1)
        assert bench.world.sent == []


async def test_one_switch_alone_is_named(make_bench: MakeBench) -> None:
    async with make_bench(autonomous=True, trading_session_mode="supervised") as bench, bench.running() as client:
        answer = (await client.post(START, json={"mode": "autonomous"})).json()
        assert answer["session_mode"] == "supervised"
        assert any("TRADING_SESSION_MODE" in warning for warning in answer["warnings"])


@pytest.mark.parametrize("path", [START, CYCLES])
@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (OPEN - timedelta(minutes=2), "2025-11-20T14:30:00+00:00"),
        (CLOSE, "2025-11-21T14:30:00+00:00"),
        (CLOSE + timedelta(days=1, hours=1), "2025-11-24T14:30:00+00:00"),
    ],
)
async def test_a_closed_market_says_when_it_opens(bench: Bench, path: str, now: Any, opens: str) -> None:
    await bench.clock.move(now)
    async with bench.running() as client:
        answer = await client.post(path)
        assert answer.status_code == 409
        assert answer.json()["possible_at"] == opens
        assert "closed" in answer.json()["detail"]


async def test_by_hand_the_stricter_limits_hold_and_nothing_scans_by_itself(bench: Bench) -> None:
    async with bench.running() as client:
        asked = GUIDE | {"max_positions": 50, "max_daily_loss": 500}
        cycle = (await client.post(CYCLES, json=asked)).json()
        assert (cycle["cycle_id"], cycle["driven_by"]) == ("20251120-100500", "hand")
        assert (cycle["max_positions"], cycle["max_daily_loss"]) == (5, "500")
        assert cycle["scan_frequency_seconds"] == 300
        await bench.asleep(CLOSE)
        for path in (CYCLES, START):
            second = await client.post(path, json={})
            assert second.status_code == 409
            assert "20251120-100500" in second.json()["detail"]
        assert bench.world.count("scan") == 0


async def test_stop_ends_the_cycle_and_another_may_start(bench: Bench) -> None:
    async with bench.running() as client:
        assert (await client.post("/api/v1/workflow/stop")).status_code == 409
        await client.post(START)
        await bench.scans(1)
        await bench.asleep()
        ended = (await client.post("/api/v1/workflow/stop")).json()
        assert (ended["status"], ended["reason"]) == ("stopped", "stopped by the operator")
        again = await client.post(START)
        assert again.json()["cycle_id"] == "20251120-100501"


async def test_stopped_in_the_middle_of_a_scan_nothing_more_is_sent(bench: Bench) -> None:
    bench.world.hold_at = ("order", 1)
    async with bench.running() as client:
        cycle_id = (await client.post(START)).json()["cycle_id"]
        await bench.world.held.wait()
        assert (await client.post("/api/v1/workflow/stop")).json()["status"] == "stopping"
        bench.world.let_go.set()
        await bench.cycle_is(cycle_id, "stopped")
        assert len(bench.world.sent) == 1


async def test_slots_are_counted_from_the_open(bench: Bench) -> None:
    await bench.clock.move(OPEN)
    async with bench.running() as client:
        await client.post(START)
        for minute, count in ((35, 1), (60, 2), (90, 3)):
            at = OPEN + timedelta(minutes=minute - 30)
            await bench.asleep(at)
            await bench.clock.move(at)
            assert (await bench.scans(count))[-1]["slot"] == at


async def test_after_the_close_it_completes_once_nothing_is_held(bench: Bench) -> None:
    held = PositionView(
        position_id=uuid4(), cycle_id=None, symbol="SAA", side="long", status="open", quantity=1, entry_price="1",
        entry_time=OPEN, realized_pnl="0",
    )  # fmt: skip
    async with bench.running() as client:
        cycle_id = (await client.post(CYCLES, json=GUIDE)).json()["cycle_id"]
        await bench.asleep(CLOSE)
        bench.world.positions = [held]
        await bench.clock.move(CLOSE)
        await bench.asleep(CLOSE + timedelta(seconds=30))
        assert (await client.get(f"{CYCLES}/{cycle_id}")).json()["status"] == "running"
        bench.world.positions = []
        await bench.clock.move(CLOSE + timedelta(seconds=30))
        await bench.cycle_is(cycle_id, "completed")
        kinds = await bench.deps.pool.fetch("SELECT kind FROM events WHERE cycle_id = $1 ORDER BY event_id", cycle_id)
        assert [row["kind"] for row in kinds] == ["cycle.opened", "cycle.completed"]


async def test_yesterdays_cycle_does_not_stand_in_todays_way(bench: Bench) -> None:
    async with bench.running() as client:
        first = (await client.post(CYCLES, json=GUIDE)).json()["cycle_id"]
    await bench.clock.move(OPEN + timedelta(days=1, minutes=1))
    bench.world.down = {"trading"}
    async with bench.running() as client:
        second = (await client.post(START)).json()
        assert (second["cycle_id"], second["already_running"]) == ("20251121-093100", False)
        assert (await client.get(f"{CYCLES}/{first}")).json()["status"] == "completed"


async def test_health_and_status_tell_what_is_going_on(bench: Bench) -> None:
    async with bench.running() as client:
        health = (await client.get("/health")).json()
        assert (health["status"], health["mode"], health["cycle"]) == ("healthy", "autonomous", None)
        cycle_id = (await client.post(START)).json()["cycle_id"]
        await bench.scans(1)
        await bench.asleep()
        health = (await client.get("/health")).json()
        assert (health["cycle"], health["next_scan_at"]) == (cycle_id, "2025-11-20T15:30:00+00:00")
        status = (await client.get("/api/v1/workflow/status")).json()
        assert status["last_scan"]["scan"] == 1
        assert status["cycle"]["cycle_id"] == cycle_id
        assert "catalyst_scans_total" in (await client.get("/metrics")).text
        assert (await client.get("/openapi.json")).status_code == 200
        assert (await client.get(f"{CYCLES}/nonsense")).status_code == 404
