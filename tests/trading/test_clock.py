"""Our clock beside the broker's: small offsets are used, large ones refuse entries, closing goes by the broker's."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.exchange.venues import OPEN
from tests.trading.bench import Bench, Fault, bench, market_time

AFTERNOON = OPEN + 5.9 * 3600  # 15:24
CLOSING = market_time(15, 50)
CLOCK = "/v2/clock"


async def health(b: Bench) -> httpx.Response:
    assert b.api is not None
    return await b.api.get("/health")


async def alerts(b: Bench) -> list[str]:
    return [row["kind"] for row in await b.pool.fetch("SELECT kind FROM alerts ORDER BY alert_id")]


def held(b: Bench) -> dict[str, int]:
    return {one.symbol: int(one.qty) for one in b.book.ledger.positions}


async def both_held(b: Bench) -> None:
    await b.bought("AAA")
    await b.bought("BBB")
    assert held(b) == {"AAA": 10, "BBB": 10}


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("minutes", [12, -11])
async def test_a_wrong_clock_closes_by_the_brokers_time_and_enters_nothing(
    database_url: str, minutes: int, restarted: bool
) -> None:
    async with bench(database_url, now=AFTERNOON) as b:
        await both_held(b)
        if restarted:
            await b.stop()
        b.behind = timedelta(minutes=minutes)
        if restarted:
            await b.start()
        await b.until(market_time(15, 36))
        told = await health(b)
        assert (told.status_code, told.json()["problem"].partition(":")[0]) == (503, "clock_offset")
        assert told.json()["clock"]["offset_seconds"] == pytest.approx(minutes * 60, abs=1)
        refused = await b.send(await b.approve("AAA"))
        body: dict[str, Any] = refused.json()
        assert (refused.status_code, body["field"], body["left"][0]["kind"]) == (409, "clock_offset", "clock_offset")
        assert await alerts(b) == ["clock_offset"]
        message = await b.pool.fetchval("SELECT message FROM alerts")
        assert "restart the time synchronisation" in message
        rows = await b.pool.fetch("SELECT in_step, severity FROM clock_offset, alerts")
        assert [tuple(row) for row in rows] == [(False, "critical")]

        await b.until(CLOSING - timedelta(seconds=1))
        assert held(b) == {"AAA": 10, "BBB": 10}
        await b.until(CLOSING + timedelta(seconds=30))
        assert held(b) == {}
        closed = await b.get("/positions?status=closed")
        assert {one["exit_reason"] for one in closed} == {"close_of_day"}


@pytest.mark.parametrize("minutes", [12, -11])
async def test_an_entry_is_not_sent_on_a_clock_that_went_wrong_since_the_last_look(
    database_url: str, minutes: int
) -> None:
    async with bench(database_url, now=AFTERNOON) as b:
        await b.until(5.0)
        order = await b.approve("AAA")
        b.behind = timedelta(minutes=minutes)
        refused = await b.send(order)
        assert (refused.status_code, refused.json()["field"], held(b)) == (409, "clock_offset", {})


@pytest.mark.parametrize("seconds", [2, -3])
async def test_a_few_seconds_are_made_up_for_in_silence(database_url: str, seconds: int) -> None:
    async with bench(database_url, now=AFTERNOON) as b:
        b.behind = timedelta(seconds=seconds)
        await b.until(90.0)
        order = await b.bought("AAA")
        sent = await b.pool.fetchval("SELECT created_at FROM orders WHERE decision_id = $1", order.decision_id)
        assert abs((sent - b.now).total_seconds() + 5) < 0.5
        assert ((await health(b)).status_code, await alerts(b)) == (200, [])
        await b.until(CLOSING - timedelta(seconds=1))
        assert held(b) == {"AAA": 10}
        await b.until(CLOSING + timedelta(seconds=10))
        assert held(b) == {}


async def test_the_clock_that_is_put_right_is_seen_and_told(database_url: str) -> None:
    async with bench(database_url, now=AFTERNOON) as b:
        b.behind = timedelta(minutes=12)
        await b.post("/reconcile")
        assert await alerts(b) == ["clock_offset"]
        b.behind = timedelta()
        await b.until(31.0)
        assert await alerts(b) == ["clock_offset", "clock_in_step"]
        await b.bought("AAA")
        assert (await health(b)).status_code == 200
        b.behind = timedelta(minutes=-3)
        await b.until(31.0)
        assert await alerts(b) == ["clock_offset", "clock_in_step", "clock_offset"]


async def test_minutes_lost_between_two_looks_are_noticed_when_time_goes_back(database_url: str) -> None:
    async with bench(database_url, now=AFTERNOON) as b:
        await both_held(b)
        b.behind = timedelta(minutes=20)
        before = b.wire.seen.count(("GET", CLOCK))
        await b.until(31.0)
        assert b.wire.seen.count(("GET", CLOCK)) > before
        assert (await health(b)).status_code == 503


async def test_a_lost_answer_stays_our_order_with_a_fast_clock(database_url: str) -> None:
    async with bench(database_url, now=AFTERNOON) as b:
        await b.bought("AAA")
        b.behind = timedelta(minutes=-11)
        await b.until(31.0)
        b.wire.faults = [Fault("POST", "/v2/orders", "answer lost")]
        await b.post("/positions/AAA/close")
        await b.until(10.0)
        exit_order = (await b.orders("AAA"))["exit"]
        assert (exit_order["status"], held(b)) == ("filled", {})


async def test_a_clock_that_never_answers_refuses_entries_and_nothing_else(database_url: str) -> None:
    async with bench(database_url, now=AFTERNOON) as b:
        await both_held(b)
        await b.stop()
        b.wire.faults = [Fault("GET", CLOCK, "lost", times=10_000)]
        await b.start()
        assert (await b.send(await b.approve("AAA"))).status_code == 503
        assert "clock_offset" in (await health(b)).json()["problem"]
        await b.until(CLOSING + timedelta(seconds=10))
        assert held(b) == {}
        assert await alerts(b) == []


async def test_without_an_answer_at_the_start_an_earlier_run_is_believed_where_it_closes_sooner(
    database_url: str,
) -> None:
    async with bench(database_url, now=AFTERNOON) as b:
        await both_held(b)
        b.behind = timedelta(minutes=12)
        await b.post("/reconcile")
        await b.stop()
        b.wire.faults = [Fault("GET", CLOCK, "lost", times=10_000)]
        await b.start()
        await b.until(CLOSING + timedelta(seconds=30))
        assert held(b) == {}


async def test_without_an_answer_later_the_last_offset_stands(database_url: str) -> None:
    async with bench(database_url, now=AFTERNOON) as b:
        await both_held(b)
        b.behind = timedelta(minutes=12)
        await b.post("/reconcile")
        b.wire.faults = [Fault("GET", CLOCK, "lost", times=10_000)]
        await b.until(CLOSING + timedelta(seconds=30))
        assert held(b) == {}


@pytest.mark.parametrize("body", [
    {"timestamp": "2026-06-15T15:55:00-04:00"},
    {"timestamp": "1970-01-01T00:00:00Z"},
    {"timestamp": "soon"},
    {"timestamp": "2026-06-15T15:25:00"},
    {"next_close": None},
    {"is_open": "perhaps"},
])  # fmt: skip
async def test_one_odd_answer_of_the_brokers_clock_moves_nothing(database_url: str, body: dict[str, Any]) -> None:
    async with bench(database_url, now=AFTERNOON) as b:
        await b.bought("AAA")
        right = {"timestamp": "2026-06-15T15:25:00-04:00", "is_open": True,
                 "next_open": "2026-06-16T09:30:00-04:00", "next_close": "2026-06-15T16:00:00-04:00"}  # fmt: skip
        told = httpx.Response(200, json=right | body).content
        b.wire.faults = [Fault("GET", CLOCK, "says", times=1, body=told)]
        await b.until(90.0)
        assert b.wire.faults[0].hits == 1
        assert (held(b), await alerts(b), (await health(b)).status_code) == ({"AAA": 10}, [], 200)


async def test_a_clock_that_stands_still_is_not_believed(database_url: str) -> None:
    async with bench(database_url, now=AFTERNOON) as b:
        await b.bought("AAA")
        await b.until(60.0)
        async with httpx.AsyncClient(base_url=b.settings.alpaca_base_url) as venue:
            headers = {"APCA-API-KEY-ID": "BENCH", "APCA-API-SECRET-KEY": "secret"}
            old = (await venue.get(CLOCK, headers=headers)).content
        await b.post("/reconcile")
        b.wire.faults = [Fault("GET", CLOCK, "says", times=10_000, body=old)]
        await b.until(CLOSING + timedelta(seconds=10))
        assert (held(b), await alerts(b)) == ({}, [])
