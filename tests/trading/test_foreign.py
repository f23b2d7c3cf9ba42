"""Shares that this system did not buy: adopted from the broker's own quantity, treated as the setting says, never sold
with ours."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.exchange.venues import CLOSE
from tests.trading.bench import Bench, Fault, bench, market_time

BROKEN = Fault("GET", "/v2/account/activities", "says", times=1, status=503, body=b"<html>503</html>")


def _chosen(folder: Path, choice: str) -> Path:
    for name in ("trading_config.yaml", "risk_parameters.yaml"):
        text = (Path("config") / name).read_text()
        (folder / name).write_text(text.replace("foreign_positions: protect", f"foreign_positions: {choice}"))
    return folder


async def _foreign(b: Bench, symbol: str = "AAA") -> dict[str, Any]:
    rows = await b.get("/positions?status=open&origin=foreign")
    return next((row for row in rows if row["symbol"] == symbol), {})


async def _settled(b: Bench) -> dict[str, Any]:
    """Past the ten seconds after which what the broker holds counts."""
    await b.until(12.0)
    found: dict[str, Any] = (await b.post("/reconcile")).json()
    await b.until(3.0)
    return found


async def test_shares_from_before_the_system_are_adopted_and_protected_for_good(database_url: str) -> None:
    async with bench(database_url, now=CLOSE - 1500) as b:
        b.holds("AAA", "3", "99")
        await b.restart()
        seen = await _settled(b)
        assert (seen["disagreements"], seen["flat"], seen["open_positions"]) == ([], True, 0)
        assert [(one["symbol"], one["quantity"], one["average_price"]) for one in seen["foreign"]] == [
            ("AAA", "3", "99")
        ]
        held = await _foreign(b)
        assert (held["quantity"], held["protected_quantity"], held["entry_price"]) == (3, 3, "99.00000000")
        assert {order.time_in_force for order in b.book.live_orders()} == {"gtc"}
        await b.until(market_time(15, 59))
        assert b.book.ledger.qty("AAA") == 3
        await b.until(market_time(16, 5))
        assert {order.type for order in b.book.live_orders()} == {"limit", "stop"}
        assert (await b.post("/reconcile")).json()["flat"] is True
        assert await b.get("/positions") == []


async def test_an_emergency_closes_ours_and_leaves_what_is_not(database_url: str) -> None:
    async with bench(database_url) as b:
        b.holds("BBB", "100", "50")
        await b.restart()
        await _settled(b)
        await b.bought("AAA")
        await b.post("/positions/close-all", {"reason": "emergency_stop"})
        await b.until(5.0)
        seen = (await b.post("/reconcile")).json()
        assert (seen["flat"], seen["unsettled_orders"], seen["other_orders"]) == (True, 0, [])
        assert (b.book.ledger.qty("AAA"), b.book.ledger.qty("BBB")) == (0, 100)
        assert (await _foreign(b, "BBB"))["protected_quantity"] == 100
        refused = await b.post("/positions/BBB/close")
        assert (refused.status_code, "not bought by this system" in refused.json()["detail"]) == (409, True)
        entry = await b.send(await b.approve("BBB"))
        assert (entry.status_code, "held already" in entry.json()["detail"]) == (409, True)


async def test_the_setting_leaves_them_alone(database_url: str, tmp_path: Path) -> None:
    async with bench(database_url, config=_chosen(tmp_path, "leave"), now=CLOSE - 1500) as b:
        b.holds("AAA", "100", "99")
        b.by_hand("BBB", "buy", 7)
        await b.until(5.0)
        await _settled(b)
        assert list(b.book.live_orders()) == []
        await b.until(market_time(15, 59))
        assert (b.book.ledger.qty("AAA"), b.book.ledger.qty("BBB")) == (100, 7)
        assert [one["symbol"] for one in (await b.get("/reconciliation"))["foreign"]] == ["AAA", "BBB"]


async def test_the_setting_sells_them(database_url: str, tmp_path: Path) -> None:
    async with bench(database_url, config=_chosen(tmp_path, "close")) as b:
        b.holds("AAA", "100", "99")
        await b.restart()
        await _settled(b)
        await b.until(5.0)
        assert b.book.ledger.qty("AAA") == 0
        assert await _foreign(b) == {}


async def test_shares_that_arrive_beside_ours_are_never_sold_with_ours(database_url: str) -> None:
    """By transfer, journal or spin-off: there is no execution."""
    async with bench(database_url, now=CLOSE - 1500) as b:
        await b.bought("AAA", 10)
        b.holds("AAA", "15", "100")
        await b.until(60.0)
        ours, foreign = (await b.get("/positions?status=open"))[0], await _foreign(b)
        assert (ours["quantity"], ours["protected_quantity"]) == (10, 10)
        assert (foreign["quantity"], foreign["protected_quantity"]) == (5, 5)
        await b.post("/positions/AAA/close")
        await b.until(5.0)
        assert b.book.ledger.qty("AAA") == 5
        await b.until(market_time(15, 59))
        assert b.book.ledger.qty("AAA") == 5


async def test_a_hundred_old_and_ten_bought_today_stay_over_the_close(database_url: str) -> None:
    async with bench(database_url, now=CLOSE - 1500) as b:
        await b.stop()
        b.holds("AAA", "100", "99")
        b.by_hand("AAA", "buy", 10)
        await b.exchange.world.clock.advance_to(b.exchange.now + 5)
        await b.start()
        await _settled(b)
        assert (await _foreign(b))["quantity"] == 110
        await b.until(market_time(15, 59))
        assert b.book.ledger.qty("AAA") == 110


async def test_ten_of_a_hundred_sold_by_hand_are_no_short_after_a_restart(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.stop()
        b.holds("AAA", "100", "99")
        b.by_hand("AAA", "sell", 10)
        await b.exchange.world.clock.advance_to(b.exchange.now + 5)
        await b.start()
        await _settled(b)
        assert ((await _foreign(b))["quantity"], await b.get("/positions")) == (90, [])
        await b.restart()
        seen = await _settled(b)
        assert ((await _foreign(b))["quantity"], seen["disagreements"]) == (90, [])


async def test_a_sale_by_hand_beyond_what_is_foreign_sold_ours_to_the_cent(database_url: str, tmp_path: Path) -> None:
    async with bench(database_url, config=_chosen(tmp_path, "leave")) as b:
        await b.bought("AAA", 10)
        b.holds("AAA", "15", "98")
        await b.until(60.0)
        assert (await _foreign(b))["quantity"] == 5
        for order in list(b.book.live_orders()):
            b.exchange.ask("BENCH", "cancel", {"order_id": order.id})
        b.wire.faults = [Fault("POST", "/v2/orders", "says", times=50, status=503, body=b"{}")]
        await b.until(3.0)
        b.by_hand("AAA", "sell", 12)
        await b.until(5.0)
        await b.post("/reconcile")
        b.wire.faults = []
        await b.until(20.0)
        ours, foreign = await b.get("/positions?status=open"), await _foreign(b)
        assert ([one["quantity"] for one in ours], foreign) == ([3], {})
        assert b.book.ledger.qty("AAA") == 3
        moved = await b.pool.fetch("SELECT side, quantity FROM corrections WHERE reason_code = 'sold_by_hand'")
        assert sorted((row["side"], row["quantity"]) for row in moved) == [("buy", 7), ("sell", 7)]


async def test_activities_that_fail_once_do_not_lose_the_adoption(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.stop()
        b.by_hand("BBB", "buy", 7)
        await b.exchange.world.clock.advance_to(b.exchange.now + 5)
        b.wire.faults = [BROKEN]
        await b.start()
        await _settled(b)
        held = await _foreign(b, "BBB")
        assert (held["quantity"], held["protected_quantity"]) == (7, 7)


async def test_the_stop_of_foreign_shares_lies_below_the_market(database_url: str) -> None:
    async with bench(database_url) as b:
        b.holds("AAA", "3", "150")
        b.holds("BBB", "3", "10")
        await b.restart()
        await _settled(b)
        stops = {order.symbol: order.stop_price for order in b.book.live_orders() if order.type == "stop"}
        assert stops == {"AAA": Decimal(98), "BBB": Decimal(49)}
        assert (b.book.ledger.qty("AAA"), b.book.ledger.qty("BBB")) == (3, 3)


async def test_fractions_by_hand_are_listed_and_their_whole_part_is_protected(database_url: str) -> None:
    async with bench(database_url) as b:
        b.holds("AAA", "10.9", "100")
        b.holds("BBB", "3.0", "50")
        await b.restart()
        seen = await _settled(b)
        assert [(one["symbol"], Decimal(one["quantity"])) for one in seen["foreign"]] == [
            ("AAA", Decimal("10.9")), ("BBB", Decimal(3))
        ]  # fmt: skip
        assert ((await _foreign(b))["quantity"], (await _foreign(b, "BBB"))["quantity"]) == (10, 3)
        assert seen["disagreements"] == []


async def test_protection_of_foreign_shares_that_vanished_is_renewed(database_url: str) -> None:
    async with bench(database_url) as b:
        b.holds("AAA", "3", "99")
        await b.restart()
        await _settled(b)
        for order in list(b.book.live_orders()):
            b.exchange.ask("BENCH", "cancel", {"order_id": order.id})
        await b.until(40.0)
        assert (await _foreign(b))["protected_quantity"] == 3


async def test_a_short_of_another_hand_is_told_and_left(database_url: str) -> None:
    async with bench(database_url, now=CLOSE - 1500) as b:
        b.holds("AAA", "-10", "100")
        await b.restart()
        seen = await _settled(b)
        assert [(one["symbol"], one["quantity"]) for one in seen["foreign"]] == [("AAA", "-10")]
        assert ("critical", "foreign_short") in await b.alerts()
        await b.until(market_time(15, 59))
        assert b.book.ledger.qty("AAA") == -10


async def test_a_sale_of_foreign_shares_that_rests_is_left_by_a_stop_and_a_purchase_is_not(database_url: str) -> None:
    async with bench(database_url) as b:
        b.holds("AAA", "10", "99")
        sale = b.by_hand("AAA", "sell", 10, type="limit", limit_price="120")
        await b.restart()
        await _settled(b)
        await b.bought("BBB")
        purchase = b.by_hand("BBB", "buy", 5, type="limit", limit_price="45")
        await b.post("/reconcile")
        await b.post("/positions/close-all", {"reason": "emergency_stop"})
        await b.until(5.0)
        seen = (await b.post("/reconcile")).json()
        assert (b.book.orders[sale].status, b.book.orders[purchase].status) == ("new", "canceled")
        assert [(one["order_id"], one["opens"]) for one in seen["other_orders"]] == [(sale, False)]
        assert (seen["flat"], seen["unsettled_orders"]) == (True, 0)


async def test_a_resting_sale_of_what_nobody_holds_is_cancelled_by_a_stop(database_url: str) -> None:
    async with bench(database_url) as b:
        sale = b.by_hand("BBB", "sell", 5, type="limit", limit_price="60")
        await b.post("/reconcile")
        await b.post("/positions/close-all", {"reason": "emergency_stop"})
        await b.until(5.0)
        seen = (await b.post("/reconcile")).json()
        assert (b.book.orders[sale].status, seen["other_orders"], seen["flat"]) == ("canceled", [], True)
