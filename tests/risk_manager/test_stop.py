"""Stop means flat at the broker, verified; it survives a restart; a person releases it after the cool-down."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from services.risk_manager import store
from services.risk_manager.flow.day import monitor
from services.risk_manager.flow.decide import decide
from tests.risk_manager import facts
from tests.risk_manager.conftest import running
from tests.risk_manager.test_decide import ask
from tests.risk_manager.world import World


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again; what is waited for happens in the database."""
    async with asyncio.timeout(60):
        while not await true():  # noqa: ASYNC110 - nothing signals a row
            await asyncio.sleep(0.02)


async def is_flat(world: World) -> bool:
    halt = await store.active_halt(world.deps.pool)
    return halt is not None and not halt.closing


async def test_everything_is_closed_until_the_broker_says_so(world: World, service: httpx.AsyncClient) -> None:
    world.market.list("ACME", 50.0)
    await world.desk.hold("HELD", 100, 50, stop=49)
    world.desk.stubborn, world.desk.slow_broker = 2, 2
    answer = await service.post("/api/v1/risk/emergency-stop", json={"reason": "news feed went mad"})
    assert (answer.status_code, answer.json()["already_halted"]) == (202, False)
    await until(lambda: is_flat(world))
    assert world.desk.asked == 4
    assert world.desk.calls[0] == "close-all emergency_stop"
    kinds = [row["event_type"] for row in await world.rows("SELECT event_type FROM risk_events ORDER BY 1")]
    assert kinds == ["emergency_stop", "verified_flat"]
    alerts = await world.rows("SELECT severity, message FROM alerts ORDER BY alert_id")
    assert [alert["severity"] for alert in alerts] == ["critical", "info"]
    verdict = (await decide(world.deps, ask("ACME")))[0]
    assert "trading is halted: news feed went mad" in verdict.reason
    health = (await service.get("/health")).json()
    assert (health["status"], health["halted"]) == ("healthy", True)


async def test_a_second_stop_is_the_same_halt(world: World, service: httpx.AsyncClient) -> None:
    await service.post("/api/v1/risk/emergency-stop", json={"reason": "first"})
    again = await service.post("/api/v1/risk/emergency-stop", json={"reason": "second"})
    assert again.json()["already_halted"]
    assert again.json()["halt"]["reason"] == "first"
    assert len(await world.rows("SELECT FROM halts")) == 1


async def test_a_restart_goes_on_closing(world: World) -> None:
    await world.desk.hold("HELD", 100, 50, stop=49)
    world.desk.stubborn = 10_000
    async with running(world) as service:
        await service.post("/api/v1/risk/emergency-stop", json={"reason": "by hand"})
        await asyncio.sleep(0.1)
    assert not await is_flat(world)
    world.desk.stubborn = 0
    async with running(world):
        await until(lambda: is_flat(world))
    assert await world.rows("SELECT FROM positions WHERE status = 'open'") == []


async def test_nothing_to_read_is_not_flat(world: World) -> None:
    world.desk.unreadable = True
    async with running(world) as service:
        await service.post("/api/v1/risk/emergency-stop", json={"reason": "by hand"})
        await until(lambda: _asked(world, 3))
        assert not await is_flat(world)
        world.desk.unreadable = False
        await until(lambda: is_flat(world))


async def test_resume_waits_for_the_cool_down(world: World, service: httpx.AsyncClient) -> None:
    early = await service.post("/api/v1/risk/resume", json={"reason": "all is well"})
    assert (early.status_code, early.json()["detail"]) == (409, "trading is not halted")
    await service.post("/api/v1/risk/emergency-stop", json={"reason": "by hand"})
    await until(lambda: is_flat(world))
    refused = await service.post("/api/v1/risk/resume", json={"reason": "all is well"})
    assert refused.status_code == 409
    assert refused.json()["possible_at"] == (facts.NOW + timedelta(minutes=60)).isoformat()
    await world.clock.move(facts.NOW + timedelta(minutes=60))
    assert (await service.post("/api/v1/risk/resume", json={"reason": "all is well"})).status_code == 200
    status = (await service.get("/api/v1/risk/status")).json()
    assert (status["halted"], status["halt"]) == (False, None)
    released = await world.rows("SELECT released_reason FROM halts")
    assert released == [{"released_reason": "all is well"}]


async def test_a_drill_closes_times_and_releases(world: World, service: httpx.AsyncClient) -> None:
    await world.desk.hold("HELD", 100, 50, stop=49)
    answer = await service.post("/api/v1/risk/drill")
    assert answer.status_code == 200
    assert answer.json()["flat"]
    assert 0 < answer.json()["latched_ms"] < answer.json()["flat_ms"] < 10_000
    assert await store.active_halt(world.deps.pool) is None
    assert await world.rows("SELECT FROM positions WHERE status = 'open'") == []


async def test_a_reason_must_be_given(service: httpx.AsyncClient) -> None:
    for body in ({}, {"reason": ""}, {"reason": "   "}):
        answer = await service.post("/api/v1/risk/emergency-stop", json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, "reason")


async def _watched(world: World, pnl: int, price: float) -> None:
    world.desk.equity = Decimal(100_000 + pnl)
    world.market.list("HELD", price)
    await world.clock.move(world.clock.time + timedelta(seconds=60))


async def test_the_day_is_watched_from_slot_to_slot(world: World) -> None:
    await world.desk.hold("HELD", 100, 50, stop=49)
    await _watched(world, -1500, 35.0)
    await monitor(world.deps, world.watch, facts.SESSION)
    await monitor(world.deps, world.watch, facts.SESSION)
    assert world.watch.reading is not None
    assert world.watch.reading.level == "warning"
    assert world.watch.reading.books_pnl == Decimal(-1500)
    kinds = [row["event_type"] for row in await world.rows("SELECT event_type FROM risk_events")]
    assert kinds == ["daily_loss_warning"]
    assert await store.active_halt(world.deps.pool) is None


async def test_the_whole_loss_stops_everything(world: World) -> None:
    await world.desk.hold("HELD", 100, 50, stop=49)
    world.desk.equity = Decimal(97_900)
    world.market.list("HELD", 29.0)
    async with running(world):
        await until(lambda: is_flat(world))
        assert world.clock.sleeping_until is None or world.clock.sleeping_until > facts.NOW
    halt = (await world.rows("SELECT reason, flat_at FROM halts"))[0]
    assert halt["reason"] == "the day's loss of 2100.00 USD reached the limit of 2000.00 USD"
    kinds = {row["event_type"] for row in await world.rows("SELECT event_type FROM risk_events")}
    assert kinds == {"daily_loss_warning", "emergency_stop", "verified_flat"}


async def test_one_wrong_answer_of_the_account_trips_nothing(world: World) -> None:
    await world.desk.hold("HELD", 100, 50, stop=49)
    world.desk.equity = Decimal(78_000)
    world.market.list("HELD", 49.9)
    await monitor(world.deps, world.watch, facts.SESSION)
    assert await store.active_halt(world.deps.pool) is None
    alerts = await world.rows("SELECT severity, kind FROM alerts")
    assert alerts == [{"severity": "warning", "kind": "pnl_disagrees"}]


async def test_the_monitor_sleeps_to_slots_counted_from_the_open(world: World) -> None:
    await world.clock.move(facts.SESSION.open + timedelta(minutes=7, seconds=12))
    async with running(world):
        await until(lambda: _sleeps(world, facts.SESSION.open + timedelta(minutes=8)))
        await world.clock.move(facts.SESSION.open + timedelta(minutes=8))
        await until(lambda: _sleeps(world, facts.SESSION.open + timedelta(minutes=9)))
        await world.clock.move(facts.SESSION.close)
        await until(lambda: _sleeps(world, facts.TOMORROW.open))
        assert await world.rows("SELECT FROM risk_events") == []


async def _asked(world: World, times: int) -> bool:
    return world.desk.asked >= times


async def _sleeps(world: World, when: object) -> bool:
    return world.clock.sleeping_until == when


@pytest.mark.parametrize("broker", ["https://api.alpaca.markets"])
async def test_no_drill_with_live_money(world: World, broker: str) -> None:
    live = world.deps.settings.model_copy(
        update={"alpaca_base_url": broker, "trading_mode": "live", "enable_live_trading": True}
    )
    world.deps = type(world.deps)(**{**vars(world.deps), "settings": live})
    async with running(world) as service:
        answer = await service.post("/api/v1/risk/drill")
    assert answer.status_code == 403
    assert await world.rows("SELECT FROM halts") == []


async def test_an_account_that_cannot_get_flat_is_asked_less_and_less_often_and_pages_once(
    world: World, service: httpx.AsyncClient
) -> None:
    """A halted name: each round costs requests of the broker's ration, and nothing changes between two of them."""
    await world.desk.hold("HELD", 100, 50, stop=49)
    world.desk.stubborn = 10_000
    await service.post("/api/v1/risk/emergency-stop", json={"reason": "by hand"})
    await asyncio.sleep(1)
    await world.clock.move(world.clock.time + timedelta(seconds=21))
    await asyncio.sleep(17)
    assert 4 <= world.desk.asked <= 8
    opened = (await service.get("/api/v1/risk/alerts?open=true")).json()
    assert [one["kind"] for one in opened].count("not_flat") == 1
    world.desk.stubborn = 0
    await world.deps.pool.execute("UPDATE positions SET status = 'closed', quantity = 0, exit_time = entry_time")
    await until(lambda: is_flat(world))
    opened = (await service.get("/api/v1/risk/alerts?open=true")).json()
    assert "not_flat" not in [one["kind"] for one in opened]


async def test_a_hurried_reason_halts_as_well(world: World, service: httpx.AsyncClient) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await service.post("/api/v1/risk/emergency-stop", content='{"reason":"x"}', headers=form)
    assert (answer.status_code, answer.json()["halt"]["reason"]) == (202, "x")
    blank = await service.post("/api/v1/risk/emergency-stop", content='{"reason":" "}', headers=form)
    assert (blank.status_code, blank.json()["field"]) == (422, "reason")


@pytest.mark.parametrize("reason", [rb"\u0000", rb"feed \u0000 mad", rb"\ud800"])
async def test_no_character_of_its_reason_keeps_a_halt_from_standing(
    world: World, service: httpx.AsyncClient, reason: bytes
) -> None:
    answer = await service.post("/api/v1/risk/emergency-stop", content=b'{"reason": "' + reason + b'"}')
    assert answer.status_code == 202
    halt = await store.active_halt(world.deps.pool)
    assert halt is not None
