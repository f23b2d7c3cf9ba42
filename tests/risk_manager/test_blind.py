"""A risk manager that cannot see says so: in its health by age, and to a person once a streak."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from config.reload import ConfigFileError
from services.risk_manager.rules import silence
from services.risk_manager.rules.health import Failing, problem_of
from tests.risk_manager import facts
from tests.risk_manager.conftest import running
from tests.risk_manager.test_stop import until
from tests.risk_manager.world import CYCLE, World

MINUTE = timedelta(minutes=1)


async def kinds(world: World) -> list[str]:
    return [row["kind"] for row in await world.rows("SELECT kind FROM alerts ORDER BY alert_id")]


async def has(world: World, kind: str, times: int = 1) -> bool:
    return (await kinds(world)).count(kind) == times


async def health(client: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/health")).json()
    return found


async def sleeping(world: World) -> None:
    async def sleeps() -> bool:
        return world.clock.sleeping_until is not None

    await until(sleeps)


async def slots(world: World, count: int) -> None:
    """Let the monitor look at so many slots."""
    await sleeping(world)
    for _ in range(count):
        slot = world.clock.sleeping_until

        async def sleeps_anew(before: datetime | None = slot) -> bool:
            return world.clock.sleeping_until not in (None, before)

        await world.clock.move(slot or world.clock.time)
        await until(sleeps_anew)


async def scan_at(world: World, minutes_ago: float, number: int = 1) -> None:
    at = world.clock.time - timedelta(minutes=minutes_ago)
    await world.deps.pool.execute(
        "INSERT INTO scans (cycle_id, scan, slot, status, started_at, ended_at)"
        " VALUES ($1, $2, $3, 'completed', $3, $3)",
        CYCLE, number, at,
    )  # fmt: skip


async def test_an_old_look_at_the_day_is_a_problem(world: World, service: httpx.AsyncClient) -> None:
    await sleeping(world)
    well = await health(service)
    assert (well["status"], well["monitored_age_seconds"]) == ("healthy", 0)
    world.clock.time += timedelta(seconds=121)
    ill = await health(service)
    assert (ill["status"], ill["monitored_age_seconds"]) == ("unhealthy", 121)
    assert "121 s of an open market" in ill["problem"]


async def test_a_closed_market_needs_no_looks(world: World, service: httpx.AsyncClient) -> None:
    await sleeping(world)
    world.clock.time = facts.SESSION.close + MINUTE
    assert (await health(service))["status"] == "healthy"
    world.clock.time = facts.TOMORROW.open + timedelta(seconds=119)
    assert (await health(service))["status"] == "healthy"


async def test_an_opening_that_was_slept_through_is_a_problem(world: World) -> None:
    await world.clock.move(facts.SESSION.open - 10 * MINUTE)
    async with running(world) as service:
        await sleeping(world)
        world.clock.time = facts.SESSION.open + timedelta(seconds=121)
        assert "monitor" in (await health(service))["problem"]


async def test_a_monitor_that_fails_for_any_reason_is_told_once_and_over_when_it_works(world: World) -> None:
    """A limit that is no number breaks the arithmetic of every look: the day is not watched."""
    await world.deps.pool.execute("UPDATE trading_cycles SET max_daily_loss = 'NaN'")
    async with running(world) as service:
        await until(lambda: has(world, "monitor_failing"))
        ill = await health(service)
        assert (ill["status"], "monitor" in ill["problem"]) == ("unhealthy", True)
        await asyncio.sleep(1)
        assert await has(world, "monitor_failing")
        await world.deps.pool.execute("UPDATE trading_cycles SET max_daily_loss = 2000")
        await sleeping(world)
        assert (await health(service))["status"] == "healthy"
        opened = (await service.get("/api/v1/risk/alerts?open=true")).json()
    assert [one["kind"] for one in opened] == []


async def test_trading_that_is_silent_is_told_each_time_and_over_when_it_answers(world: World) -> None:
    world.market.silent = True
    await world.desk.hold("HELD", 100, 50, stop=49)
    world.market.list("HELD", 50.0)
    async with running(world) as service:
        await until(lambda: has(world, "trading_silent"))
        assert [one["kind"] for one in (await service.get("/api/v1/risk/alerts?open=true")).json()][-1:] == [
            "trading_silent"
        ]
        world.market.silent = False
        await sleeping(world)
        opened = (await service.get("/api/v1/risk/alerts?open=true")).json()
        assert "trading_silent" not in [one["kind"] for one in opened]
        world.market.silent = True
        await world.clock.move(world.clock.time + 15 * MINUTE)
        await until(lambda: has(world, "trading_silent", 2))
        assert not await has(world, "monitor_failing")


async def test_a_clock_that_does_not_answer_is_a_problem(world: World, service: httpx.AsyncClient) -> None:
    await sleeping(world)

    async def stands() -> Any:
        await asyncio.Event().wait()

    world.clock.now = stands  # type: ignore[method-assign]
    assert (await health(service))["problem"] == "clock: it does not answer"


async def test_an_open_market_without_a_scan_calls_a_person(world: World) -> None:
    await world.deps.pool.execute("UPDATE trading_cycles SET status = 'completed', stopped_at = started_at, trading_day"
                                  " = trading_day - 1")  # fmt: skip
    await world.clock.move(facts.SESSION.open - 10 * MINUTE)
    async with running(world) as service:
        await slots(world, 45)
        await sleeping(world)
        assert await kinds(world) == []
        await slots(world, 2)
        await until(lambda: has(world, "no_scan"))
        told = (await service.get("/api/v1/risk/alerts?open=true")).json()
        assert "no cycle was opened today" in told[0]["message"]
        events = (await service.get("/api/v1/risk/events")).json()
        assert events[0]["payload"]["reason"] == "no_cycle"
        await slots(world, 20)
        await sleeping(world)
        assert await has(world, "no_scan")


async def test_each_silence_is_told_once_and_ends_with_a_scan(world: World) -> None:
    await scan_at(world, 30)
    async with running(world) as service:
        await slots(world, 17)
        await until(lambda: has(world, "no_scan"))
        await scan_at(world, 0, 2)
        await slots(world, 1)
        await sleeping(world)
        assert (await service.get("/api/v1/risk/alerts?open=true")).json() == []
        await slots(world, 46)
        await until(lambda: has(world, "no_scan", 2))
        events = (await service.get("/api/v1/risk/events")).json()
        assert events[0]["payload"]["reason"] == "driven_by_hand"


async def test_trading_that_is_down_does_not_hide_a_missing_scan(world: World) -> None:
    world.market.silent = True
    await world.desk.hold("HELD", 100, 50, stop=49)
    async with running(world):
        await until(lambda: has(world, "trading_silent"))
        world.clock.time += timedelta(minutes=2)
        await until(lambda: has(world, "no_scan"))
        assert set(await kinds(world)) == {"trading_silent", "no_scan"}


def _seen(**changes: Any) -> silence.Scanning:
    known: dict[str, Any] = {"last_scan_at": None, "cycle_id": "C", "status": "running", "driven_by": "schedule",
                             "scan_frequency_seconds": 1800}  # fmt: skip
    return silence.Scanning(**(known | changes))


def test_the_reason_is_what_the_tables_say() -> None:
    assert silence.reason_of(_seen(cycle_id=None, status=None)) == "no_cycle"
    assert silence.reason_of(_seen(status="stopped")) == "ended"
    assert silence.reason_of(_seen(driven_by="hand")) == "driven_by_hand"
    assert silence.reason_of(_seen()) == "not_scanning"


def test_a_schedule_with_long_steps_is_silent_later(world: World) -> None:
    config = world.deps.config.current()
    assert silence.allowed(config, _seen()) == 45 * MINUTE
    assert silence.allowed(config, _seen(scan_frequency_seconds=7200)) == 180 * MINUTE
    assert silence.allowed(config, _seen(scan_frequency_seconds=7200, status="completed")) == 45 * MINUTE


def test_silence_shorter_than_the_scans_steps_is_refused(world: World) -> None:
    live = world.deps.config
    texts = {name: text.replace("no_scan_minutes: 45", "no_scan_minutes: 30") for name, text in live.texts.items()}
    with pytest.raises(ConfigFileError, match=r"watch.no_scan_minutes: scans are 30 minutes apart"):
        live.hold(texts)
    for wrong in ("0", "-5", ".inf", ".nan", "often"):
        texts = {
            name: text.replace("_scan_minutes: 45", f"_scan_minutes: {wrong}") for name, text in live.texts.items()
        }
        with pytest.raises(ConfigFileError, match=r"risk_parameters.yaml line \d+: "):
            live.hold(texts)


def test_a_loop_that_failed_once_is_no_problem_yet() -> None:
    one, three = Failing(failures=1, error="x"), Failing(failures=3, error="x")
    assert problem_of(facts.NOW, facts.NOW, facts.NOW, (facts.SESSION,), {"outbox": one}) is None
    said = problem_of(facts.NOW, facts.NOW, facts.NOW, (facts.SESSION,), {"outbox": three})
    assert said == "outbox: failed 3 times in a row: x"
