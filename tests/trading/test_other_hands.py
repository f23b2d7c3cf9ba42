"""Orders that rest at the broker and are not ours: they hold shares and money, so they must be known."""

from typing import Any

import pytest

from tests.trading.bench import Bench, bench


def _by_hand(b: Bench, symbol: str, side: str, **terms: Any) -> None:
    body = {"symbol": symbol, "side": side, "time_in_force": "day", "type": "limit", **terms}
    made = b.exchange.ask("BENCH", "submit", body)
    assert getattr(made, "status", "") == "pending_new", made


async def _foreign(b: Bench, symbol: str) -> str:
    status: str = (await b.orders(symbol))["foreign"]["status"]
    return status


async def test_a_hand_that_holds_the_shares_does_not_keep_a_position_bare_or_open(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        await b.stop()
        leg = next(order for order in b.book.live_orders() if order.type == "limit")
        b.exchange.ask("BENCH", "cancel", {"order_id": leg.id})
        await b.exchange.world.clock.advance_to(b.exchange.now + 5)
        _by_hand(b, "AAA", "sell", qty="10", limit_price="120")
        await b.start()
        await b.until(10.0)
        assert await _foreign(b, "AAA") == "canceled"
        assert (await b.position())["protected_quantity"] == 10
        await b.post("/positions/AAA/close")
        await b.until(5.0)
        assert b.book.ledger.qty("AAA") == 0


async def test_a_resting_buy_of_another_hand_is_left_alone_until_everything_is_closed(database_url: str) -> None:
    async with bench(database_url) as b:
        _by_hand(b, "BBB", "buy", qty="5", limit_price="45")
        await b.post("/reconcile")
        await b.until(60.0)
        assert await _foreign(b, "BBB") == "new"
        await b.post("/positions/close-all")
        await b.until(5.0)
        assert await _foreign(b, "BBB") == "canceled"
        assert not list(b.book.live_orders())
        assert (await b.get("/reconciliation"))["unsettled_orders"] == 0


async def test_a_resting_bracket_of_another_hand_protects_once_it_has_filled(database_url: str) -> None:
    async with bench(database_url) as b:
        exits = {"take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "90"}}
        _by_hand(b, "AAA", "buy", qty="5", limit_price="99", order_class="bracket", **exits)
        await b.post("/reconcile")
        assert await b.get("/positions?status=open") == []
        await b.until(1.0)
        entry = next(order for order in b.book.live_orders() if order.side == "buy")
        b.exchange.ask("BENCH", "replace", {"order_id": entry.id, "body": {"limit_price": "101"}})
        await b.until(35.0)
        held = await b.position()
        assert (held["quantity"], held["protected_quantity"]) == (5, 5)


async def test_a_stop_of_another_hand_is_protection_on_the_right_side_only(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        await b.stop()
        leg = next(order for order in b.book.live_orders() if order.type == "limit")
        b.exchange.ask("BENCH", "cancel", {"order_id": leg.id})
        await b.exchange.world.clock.advance_to(b.exchange.now + 5)
        _by_hand(b, "AAA", "sell", qty="10", stop_price="95", type="stop")
        await b.start()
        await b.until(10.0)
        assert await _foreign(b, "AAA") == "new"
        assert ((await b.position())["protected_quantity"], len(b.book.orders)) == (10, 4)


@pytest.mark.parametrize("way", ["/positions/close-all", "/positions/AAA/close"])
@pytest.mark.parametrize(
    ("reason", "code"), [("x", "manual"), ("News feed went MAD!", "manual"), ("close_time", "close_time")]
)
async def test_no_wording_keeps_a_position_from_being_closed(
    database_url: str, way: str, reason: str, code: str
) -> None:
    async with bench(database_url) as b:
        await b.bought()
        answer = await b.post(way, {"reason": reason})
        assert answer.status_code == 200
        await b.until(5.0)
        assert b.book.ledger.qty("AAA") == 0
        assert (await b.get("/positions/AAA"))["exit_reason"] == code
