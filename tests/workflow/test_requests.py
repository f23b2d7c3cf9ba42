"""A bare POST /scan at the scanner reaches workflow through the journal, and its answer goes back the same way."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from shared.journal import append_event
from tests.relay import relay_to
from tests.shared.test_journal_follower import kill_listeners
from tests.workflow.conftest import Bench, MakeBench, eventually
from tests.workflow.surroundings import CLOSE
from tests.workflow.world import symbol

HAND = "/api/v1/cycles"


async def ask(bench: Bench, at: datetime | None = None) -> int:
    async with bench.deps.pool.acquire() as connection, connection.transaction():
        return await append_event(connection, "scanner", "scan.requested", at or bench.clock.time)


async def written(bench: Bench, seconds_ago: float) -> int:
    """A request that lies in the journal for so long of the wall's time; the market's time may be anything."""
    found: int = await bench.deps.pool.fetchval(
        "INSERT INTO events (service, kind, occurred_at, recorded_at) VALUES ('scanner', 'scan.requested', $1,"
        " now() - make_interval(secs => $2)) RETURNING event_id",
        bench.clock.time - timedelta(hours=2),
        seconds_ago,
    )
    return found


async def answer_to(bench: Bench, request_id: int) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found: dict[str, Any] | None = await bench.deps.pool.fetchval(
            "SELECT payload FROM events WHERE kind = 'scan.completed' AND payload->'request_id' = to_jsonb($1::bigint)",
            request_id,
        )
        return found

    found: dict[str, Any] = await eventually(look, f"an answer to {request_id}")
    return found


async def heard(bench: Bench) -> None:
    """Once the listener listens."""

    async def listens() -> bool:
        seen = await bench.deps.pool.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        return bool(seen)

    await eventually(listens, "the listener")
    await bench.asleep()


async def test_a_requested_scan_runs_at_once_and_is_answered_whole(bench: Bench) -> None:
    async with bench.running() as client:
        cycle_id = (await client.post(HAND, json={})).json()["cycle_id"]
        await heard(bench)
        answer = (await answer_to(bench, await ask(bench)))["answer"]
        assert (answer["success"], answer["cycle_id"], answer["scan"]) == (True, cycle_id, 1)
        assert (answer["universe"], answer["scanned"], answer["candidates"]) == (4129, 4000, 5)
        assert answer["status"] == "completed"
        assert [pick["symbol"] for pick in answer["picks"]] == [symbol(number) for number in range(5)]
        wanted = {"symbol", "rank", "price", "composite_score", "parts", "quantity", "stop_price",
                  "take_profit_price", "outcome"}  # fmt: skip
        assert wanted <= set(answer["picks"][0])
        assert len(bench.world.sent) == 3
        await bench.asleep(CLOSE)


async def test_without_a_cycle_the_answer_says_how_to_open_one(bench: Bench) -> None:
    async with bench.running():
        await heard(bench)
        refused = (await answer_to(bench, await ask(bench)))["refused"]
        assert refused["status"] == 409
        assert "POST /api/v1/workflow/start" in refused["detail"]


async def test_with_the_market_closed_the_answer_says_when_it_opens(bench: Bench) -> None:
    async with bench.running() as client:
        await client.post(HAND, json={})
        await bench.asleep(CLOSE)
        bench.world.down = {"trading"}
        await heard(bench)
        bench.clock.time = CLOSE + timedelta(minutes=1)
        refused = (await answer_to(bench, await ask(bench)))["refused"]
        assert refused["possible_at"] == "2025-11-21T14:30:00+00:00"


async def test_a_second_request_while_one_runs_is_told_so(bench: Bench) -> None:
    bench.world.hold_at = ("news", 1)
    async with bench.running() as client:
        await client.post(HAND, json={})
        await heard(bench)
        first = await ask(bench)
        await asyncio.wait_for(bench.world.held.wait(), 10)
        refused = (await answer_to(bench, await ask(bench)))["refused"]
        assert "a scan is running" in refused["detail"]
        bench.world.let_go.set()
        assert (await answer_to(bench, first))["answer"]["success"]
        assert bench.world.count("scan") == 1


async def test_a_request_made_while_away_is_heard_unless_it_is_old(bench: Bench) -> None:
    async with bench.running() as client:
        await client.post(HAND, json={})
    old, fresh = await written(bench, 91), await written(bench, 80)
    async with bench.running():
        assert (await answer_to(bench, fresh))["answer"]["scan"] == 1
    count = await bench.deps.pool.fetchval("SELECT count(*) FROM events WHERE kind = 'scan.completed'")
    assert (count, old < fresh) == (1, True)


async def test_a_requested_scan_that_is_killed_is_done_again_and_answered_once(bench: Bench) -> None:
    bench.world.hold_at = ("order", 2)
    async with bench.running() as client:
        await client.post(HAND, json={})
        await heard(bench)
        request_id = await ask(bench)
        await asyncio.wait_for(bench.world.held.wait(), 10)
    bench.world.hold_at = None
    bench.world.let_go.set()
    async with bench.running():
        answer = (await answer_to(bench, request_id))["answer"]
        await bench.asleep(CLOSE)
    assert [pick["outcome"] for pick in answer["picks"]] == ["order"] * 3 + ["reserve"] * 2
    assert bench.world.count("decide") == 2
    assert len(bench.world.sent) == 3
    assert await bench.deps.pool.fetchval("SELECT count(*) FROM scans") == 1


async def test_a_requested_scan_cut_off_long_ago_is_answered_as_given_up(bench: Bench) -> None:
    bench.world.hold_at = ("decide", 1)
    async with bench.running() as client:
        await client.post(HAND, json={})
        await heard(bench)
        request_id = await ask(bench)
        await asyncio.wait_for(bench.world.held.wait(), 10)
    bench.world.let_go.set()
    await bench.clock.move(bench.clock.time + timedelta(minutes=2))
    async with bench.running():
        answer = (await answer_to(bench, request_id))["answer"]
    assert (answer["success"], answer["status"]) == (False, "interrupted")
    assert "stale" in answer["reason"]


async def test_supervised_requests_propose(make_bench: MakeBench) -> None:
    async with make_bench(autonomous=False) as bench, bench.running() as client:
        await client.post(HAND, json={"mode": "conservative"})
        await heard(bench)
        answer = (await answer_to(bench, await ask(bench)))["answer"]
        assert [pick["outcome"] for pick in answer["picks"]] == ["proposal"] * 3 + ["reserve"] * 2
        assert [pick["quantity"] for pick in answer["picks"]] == [50] * 5
        assert bench.world.sent == []


async def test_a_request_is_taken_within_seconds_after_the_listener_was_cut_off(
    bench: Bench, admin_database_url: str
) -> None:
    """A crash of the database: the listener's backend is gone, whoever writes next has a new connection."""
    async with bench.running() as client:
        await client.post(HAND, json={})
        await heard(bench)
        assert await kill_listeners(admin_database_url) >= 1
        async with asyncio.timeout(15):
            assert (await answer_to(bench, await ask(bench)))["answer"]["success"]


async def test_a_request_written_while_the_listener_was_deaf_is_answered(
    make_bench: MakeBench, database_url: str
) -> None:
    async with (
        relay_to(database_url) as (relay, through),
        make_bench(database_url=through) as bench,
        bench.running() as client,
    ):
        await client.post(HAND, json={})
        await heard(bench)
        relay.forget()
        request_id = await ask(bench)
        await bench.clock.move(bench.clock.time + timedelta(minutes=5))
        async with asyncio.timeout(20):
            assert (await answer_to(bench, request_id))["answer"]["success"]
