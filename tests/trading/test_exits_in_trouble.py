"""The way out when something is in the way: races with fills, silent lists, refusals, names that hang, other hands."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from services.exchange.rules.knobs import VenueSettings
from services.trading.flow import desk as pace
from tests.exchange.venues import DAY, OPEN, flat_bars, tape_of
from tests.trading.bench import KEY, Bench, Fault, bench, market_time

SLOW_CANCEL = VenueSettings(spread_bps=0, partial_fill_fraction=0, cancel_latency_ms=4_000)
PARTIAL = VenueSettings(spread_bps=0, partial_fill_fraction=1.0, partial_fill_gap_ms=6_000, cancel_latency_ms=4_000)
RESTRICTED = b'{"code": 40310000, "message": "account is restricted to liquidation"}'


def _stops(b: Bench, symbol: str = "AAA") -> list[Any]:
    return [order for order in b.book.live_orders(symbol) if order.side == "sell" and order.stop_price]


def _sold(b: Bench, symbol: str = "AAA") -> int:
    return sum(int(fill.qty) for fill in b.book.executions if fill.symbol == symbol and fill.side == "sell")


async def test_a_wish_to_close_outlives_the_fill_that_was_faster(database_url: str) -> None:
    async with bench(database_url, settings=SLOW_CANCEL) as b:
        await b.send(await b.approve("AAA"))
        await b.send(await b.approve("BBB", 20))
        await b.until(0.08)
        await b.post("/positions/close-all", {"reason": "emergency"})
        await b.until(30.0)
        assert await b.get("/positions?status=open") == []
        assert {row["exit_reason"] for row in await b.get("/positions")} == {"emergency"}
        assert (b.book.ledger.qty("AAA"), b.book.ledger.qty("BBB")) == (0, 0)


async def test_a_wish_for_one_symbol_holds_until_it_is_flat(database_url: str) -> None:
    async with bench(database_url, settings=SLOW_CANCEL) as b:
        await b.send(await b.approve())
        await b.until(0.08)
        answer = await b.post("/positions/AAA/close", {"reason": "manual"})
        assert (answer.status_code, "what it still buys is sold" in answer.json()["detail"]) == (409, True)
        await b.until(30.0)
        assert b.book.ledger.qty("AAA") == 0
        assert (await b.position())["exit_reason"] == "manual"


async def test_an_entry_that_fills_by_parts_while_it_is_closed_ends_flat(database_url: str) -> None:
    async with bench(database_url, settings=PARTIAL) as b:
        await b.send(await b.approve())
        await b.until(0.3)
        await b.post("/positions/close-all", {"reason": "emergency"})
        await b.until(60.0)
        assert b.book.ledger.qty("AAA") == 0
        assert await b.get("/positions?status=open") == []
        assert not list(b.book.live_orders())


async def test_shares_whose_executions_are_not_told_get_their_stop(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.spoil({"kind": "mute"})
        b.wire.faults = [Fault("GET", "/v2/account/activities", "says", times=999, body=b"[]")]
        await b.send(await b.approve())
        await b.until(12.0)
        held = await b.position()
        assert (held["quantity"], held["protected_quantity"], Decimal(held["entry_price"])) == (
            10,
            10,
            Decimal("100.01"),
        )
        b.wire.faults = []
        await b.until(60.0)
        assert await b.pool.fetchval("SELECT sum(quantity) FROM executions") == 10
        await b.post("/positions/AAA/close")
        await b.until(10.0)
        ours, theirs = await b.profit()
        assert ours == theirs


async def test_executions_that_do_not_answer_hold_no_exit(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [Fault("GET", "/v2/account/activities", "says", times=999, status=503, body=b"{}")]
        await b.post("/positions/AAA/close")
        await b.until(15.0)
        assert b.book.ledger.qty("AAA") == 0
        assert (await b.position())["status"] == "closed"


async def test_the_stop_stays_while_the_positions_do_not_answer(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        silent = Fault("GET", "/v2/positions", "says", times=9_999, status=500, body=b"{}")
        b.wire.faults = [silent]
        await b.post("/positions/AAA/close")
        for _ in range(5):
            await asyncio.sleep(0.3)
            await b.exchange.world.clock.advance_to(b.exchange.now + 1)
            assert len(_stops(b)) == 1, "protection goes only when the exit can be sent"
        b.wire.faults = []
        await b.until(15.0)
        assert (b.book.ledger.qty("AAA"), (await b.position())["exit_reason"]) == (0, "manual")


async def test_the_stop_is_put_back_when_the_exit_cannot_be_sent_after_all(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [
            Fault("GET", "/v2/positions", "passes", times=1),
            Fault("GET", "/v2/positions", "says", times=9_999, status=500, body=b"{}"),
        ]
        await b.post("/positions/AAA/close")
        closing = asyncio.create_task(b.until(4.0))
        async with asyncio.timeout(20):
            while b.wire.seen.count(("POST", "/v2/orders")) < 2 or len(_stops(b)) != 1:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        stops = _stops(b)
        assert [(order.stop_price, int(order.qty)) for order in stops] == [(Decimal(98), 10)]
        b.wire.faults = []
        await closing
        await b.until(20.0)
        assert (b.book.ledger.qty("AAA"), _sold(b)) == (0, 10)


async def test_protection_stays_when_the_market_is_closed(database_url: str) -> None:
    async with bench(database_url, now=market_time(15, 40).timestamp()) as b:
        await b.bought()
        order = next(iter(_stops(b)))
        await b.stop()
        await b.exchange.world.clock.advance_to(market_time(16, 0).timestamp() - 1)
        assert order.status == "held"
        await b.exchange.world.clock.advance_to(market_time(16, 5).timestamp())
        await b.start()
        await b.post("/positions/AAA/close")
        await b.until(5.0)
        assert not [o for o in b.book.orders.values() if o.type == "market" and o.side == "sell"]


async def test_shares_sold_by_hand_are_not_sold_again_against_old_positions(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        await b.until(20.0)
        await b.stop()
        for order in list(b.book.live_orders("AAA")):
            b.exchange.ask(KEY, "cancel", {"order_id": order.id})
        await b.exchange.world.clock.advance_to(b.exchange.now + 1)
        b.exchange.ask(KEY, "submit", {"symbol": "AAA", "qty": "10", "side": "sell", "type": "market",
                                       "time_in_force": "day"})  # fmt: skip
        await b.exchange.world.clock.advance_to(b.exchange.now + 0.3)
        await b.spoil({"kind": "positions_lag", "seconds": 5})
        b.wire.faults = [Fault("GET", "/v2/account/activities", "says", times=1, body=b"[]")]
        await b.start(ready=False)
        await b.post("/positions/AAA/close")
        await b.until(60.0)
        assert (b.book.ledger.qty("AAA"), _sold(b)) == (0, 10)
        assert await b.get("/positions?status=open") == []


async def test_a_name_that_hangs_does_not_hold_the_exit_of_another(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought("AAA")
        await b.bought("BBB", 20)
        entry = next(order for order in b.book.orders.values() if order.symbol == "AAA" and order.role == "entry")
        hang = Fault("GET", f"/v2/orders/{entry.id}", "hangs", times=999)
        b.wire.faults = [hang]
        closing = asyncio.create_task(b.post("/positions/close-all", {"reason": "emergency"}))
        async with asyncio.timeout(pace.HANGS_AFTER_SECONDS + 4):
            while not [o for o in b.book.orders.values() if o.symbol == "BBB" and o.position_intent == "sell_to_close"
                       and o.role == "simple"]:  # fmt: skip
                await b.exchange.world.clock.advance_to(b.exchange.now + 0.5)
                await asyncio.sleep(0.05)
        hang.release.set()
        b.wire.faults = []
        assert (await closing).status_code == 200
        await b.until(60.0)
        assert (b.book.ledger.qty("AAA"), b.book.ledger.qty("BBB")) == (0, 0)


async def test_one_failing_name_does_not_hold_the_exit_of_another(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought("AAA")
        await b.bought("BBB", 20)
        entry = next(order for order in b.book.orders.values() if order.symbol == "AAA" and order.role == "entry")
        b.wire.faults = [Fault("GET", f"/v2/orders/{entry.id}", "says", times=9_999, status=500, body=b"{}")]
        await b.post("/positions/BBB/close")
        await b.until(10.0)
        assert (b.book.ledger.qty("AAA"), b.book.ledger.qty("BBB")) == (10, 0)
        b.wire.faults = []


async def test_an_exit_that_is_refused_for_good_is_told_at_once(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [Fault("POST", "/v2/orders", "says", times=9_999, status=403, body=RESTRICTED)]
        await b.post("/positions/AAA/close")
        await b.until(3.0)
        assert ("critical", "exit_refused") in await b.alerts()
        await b.until(40.0)
        assert ("critical", "unprotected") in await b.alerts()
        b.wire.faults = []
        await b.until(90.0)
        assert b.book.ledger.qty("AAA") == 0


async def test_the_operators_own_sale_at_market_is_left_alone(database_url: str) -> None:
    halts: dict[str, tuple[tuple[float, float], ...]] = {"AAA": ((OPEN + 400, OPEN + 460),)}
    tape = tape_of({"AAA": flat_bars(), "BBB": flat_bars(50.0)}, halts=halts)
    async with bench(database_url, tape=tape) as b:
        await b.bought()
        await b.until(100.0)
        await b.stop()
        for order in list(b.book.live_orders("AAA")):
            b.exchange.ask(KEY, "cancel", {"order_id": order.id})
        await b.exchange.world.clock.advance_to(b.exchange.now + 2)
        sale = b.exchange.ask(KEY, "submit", {"symbol": "AAA", "qty": "10", "side": "sell", "type": "market",
                                              "time_in_force": "day"})  # fmt: skip
        await b.start()
        await b.until(120.0)
        assert b.book.orders[sale.id].status == "filled"  # type: ignore[union-attr]
        assert (b.book.ledger.qty("AAA"), _sold(b)) == (0, 10)
        assert await b.get("/positions?status=open") == []


@pytest.mark.parametrize("shares", [1, 10])
@pytest.mark.parametrize("urgent", [True, False], ids=["emergency", "close of day"])
async def test_a_sale_for_the_closing_auction_leaves_nothing_bare_and_holds_no_exit(
    database_url: str, shares: int, urgent: bool
) -> None:
    async with bench(database_url, now=OPEN + 6 * 3600) as b:
        await b.bought()
        await b.stop()
        for order in list(b.book.live_orders("AAA")):
            b.exchange.ask(KEY, "cancel", {"order_id": order.id})
        await b.exchange.world.clock.advance_to(b.exchange.now + 5)
        b.by_hand("AAA", "sell", shares, time_in_force="cls")
        await b.start()
        await b.until(30.0)
        assert (await b.position())["protected_quantity"] == 10
        if urgent:
            await b.post("/positions/close-all", {"reason": "emergency_stop"})
            await b.until(30.0)
        else:
            await b.until(market_time(15, 55))
        assert (b.book.ledger.qty("AAA"), _sold(b)) == (0, 10)
        assert (await b.position())["exit_reason"] == ("emergency_stop" if urgent else "close_of_day")


async def test_a_silent_calendar_holds_no_exit(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        await b.stop()
        b.wire.faults = [Fault("GET", "/v2/calendar", "says", times=9_999, status=503, body=b"{}")]
        await b.start()
        refused = await b.send(await b.approve("BBB", 20))
        assert (refused.status_code, "calendar" in refused.json()["detail"]) == (503, True)
        await b.post("/positions/close-all", {"reason": "emergency"})
        await b.until(10.0)
        assert b.book.ledger.qty("AAA") == 0
        assert (await b.position())["exit_reason"] == "emergency"


async def test_a_list_that_stays_silent_holds_no_cancel_and_no_exit(database_url: str) -> None:
    halts: dict[str, tuple[tuple[float, float], ...]] = {"AAA": ((OPEN + 250, OPEN + 900),)}
    tape = tape_of({"AAA": flat_bars(), "BBB": flat_bars(50.0)}, halts=halts)
    async with bench(database_url, tape=tape) as b:
        assert (await b.send(await b.approve("AAA"))).status_code == 200
        b.wire.faults = [Fault("GET", "/v2/positions", "says", times=9_999, status=500, body=b"{}")]
        for _ in range(4):
            assert (await b.post("/reconcile")).status_code == 503
        assert not (await b.get("/reconciliation"))["ready"]
        async with asyncio.timeout(30):
            while (await b.orders())["entry"]["status"] != "canceled":
                await b.exchange.world.clock.advance_to(b.exchange.now + 5)
                await asyncio.sleep(0.2)
        assert b.book.ledger.qty("AAA") == 0


NO_CALENDAR = (b"[]", b'[{"date":"2026-06-14","open":"09:30","close":"16:00"}]')


@pytest.mark.parametrize("told", [*NO_CALENDAR, "all but today"], ids=["empty", "another day", "all but today"])
async def test_a_calendar_without_today_is_none_and_the_day_is_closed_by_the_clock(
    database_url: str, told: bytes | str
) -> None:
    async with bench(database_url, now=OPEN + 6 * 3600) as b:
        await b.bought()
        await b.stop()
        body = told if isinstance(told, bytes) else await _all_but_today(b)
        b.wire.faults = [Fault("GET", "/v2/calendar", "says", times=9_999, body=body)]
        await b.start()
        refused = await b.send(await b.approve("BBB", 20))
        assert (refused.status_code, "calendar" in refused.json()["detail"]) == (503, True)
        assert b.api is not None
        health = await b.api.get("/health")
        assert (health.status_code, "calendar" in health.text) == (503, True)
        await b.until(market_time(15, 58))
        assert b.book.ledger.qty("AAA") == 0
        assert (await b.position())["exit_reason"] == "close_of_day"
        assert [one for one in await b.alerts() if one[1] == "calendar_unusable"] == [("critical", "calendar_unusable")]


async def _all_but_today(b: Bench) -> bytes:
    async with httpx.AsyncClient(base_url=b.settings.alpaca_base_url) as http:
        keys = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": "secret"}
        days = (await http.get("/v2/calendar?start=2026-06-05&end=2026-06-25", headers=keys)).json()
    return json.dumps([day for day in days if day["date"] != f"{DAY}"]).encode()


async def test_an_emergency_needs_no_calendar(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        await b.stop()
        b.wire.faults = [Fault("GET", "/v2/calendar", "says", times=9_999, body=b"[]")]
        await b.start()
        await b.post("/positions/close-all", {"reason": "emergency_stop"})
        await b.until(10.0)
        assert b.book.ledger.qty("AAA") == 0
