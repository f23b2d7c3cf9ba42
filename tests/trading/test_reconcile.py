"""Our books beside the broker's: what differs is locked, what is only late is not, what others did is taken in."""

import asyncio
from pathlib import Path

from tests.trading.bench import Bench, Fault, bench

STALE = Fault("GET", "/v2/positions", "says", times=10_000, body=b"[]")
REFUSED = b'{"code": 42210000, "message": "stop_loss.stop_price must be <= base_price - 0.01", "base_price": "97"}'


def _by_hand(b: Bench, symbol: str, side: str, quantity: int) -> None:
    """Somebody trades past the system, at the broker."""
    body = {"symbol": symbol, "side": side, "qty": str(quantity), "type": "market", "time_in_force": "day"}
    made = b.exchange.ask("BENCH", "submit", body)
    assert getattr(made, "status", "") == "pending_new"


def _cancel_by_hand(b: Bench, kind: str) -> None:
    order = next(order for order in b.book.live_orders() if order.type == kind)
    b.exchange.ask("BENCH", "cancel", {"order_id": order.id})


async def test_a_quantity_that_disagrees_locks_and_agreement_releases(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [STALE]
        first = (await b.post("/reconcile")).json()["disagreements"]
        assert [(one["ours"], one["theirs"], one["locked"]) for one in first] == [(10, 0, False)]
        await b.until(12.0)
        assert (await b.get("/reconciliation"))["disagreements"][0]["locked"] is True
        assert (await b.position())["locked"] is True
        refused = await b.send(await b.approve())
        assert (refused.status_code, "is locked" in refused.json()["detail"]) == (409, True)
        b.wire.faults = []
        await b.until(30.0)
        assert (await b.get("/reconciliation"))["disagreements"] == []
        assert (await b.position())["locked"] is False
        kinds = [row["kind"] for row in await b.pool.fetch("SELECT kind FROM events ORDER BY event_id")]
        assert [kind for kind in kinds if kind.startswith("symbol")] == ["symbol.locked", "symbol.unlocked"]


async def test_the_brokers_two_stores_may_differ_for_seconds(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [STALE]
        await b.post("/reconcile")
        await b.until(5.0)
        b.wire.faults = []
        await b.until(20.0)
        assert await b.pool.fetchval("SELECT count(*) FROM events WHERE kind = 'symbol.locked'") == 0
        assert (await b.get("/reconciliation"))["disagreements"] == []


async def test_a_failed_read_is_not_an_empty_account(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [Fault("GET", "/v2/positions", "request lost", times=3)]
        assert (await b.post("/reconcile")).status_code == 503
        assert (await b.position())["quantity"] == 10
        assert (await b.get("/reconciliation"))["disagreements"] == []


async def test_nothing_is_sent_before_the_books_were_compared(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.stop()
        b.wire.faults = [Fault("GET", "/v2/positions", "request lost", times=10_000)]
        await b.start(ready=False)
        await asyncio.sleep(0.2)
        answer = await b.send(await b.approve())
        assert (answer.status_code, "not yet reconciled" in answer.json()["detail"]) == (503, True)
        assert b.api is not None
        health = await b.api.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
        b.wire.faults = []
        await b.until(60.0)
        assert (await b.send(await b.approve())).status_code == 200


async def test_what_was_bought_by_hand_is_taken_in_and_protected(database_url: str) -> None:
    async with bench(database_url) as b:
        _by_hand(b, "BBB", "buy", 7)
        await b.until(5.0)
        assert (await b.post("/reconcile")).json()["disagreements"] == []
        await b.until(5.0)
        held = await b.position("BBB")
        assert (held["quantity"], held["protected_quantity"], held["cycle_id"]) == (7, 7, None)
        assert (held["stop_price"], held["take_profit_price"]) == ("49.0000", "53.0200")
        assert held["origin"] == "foreign"
        assert {row["purpose"] for row in await b.get("/orders?symbol=BBB")} == {"foreign", "protect", "stop_loss"}
        assert (await b.post("/positions/BBB/close")).status_code == 409
        await b.until(5.0)
        assert b.book.ledger.qty("BBB") == 7


async def test_by_setting_what_was_bought_by_hand_is_sold(database_url: str, tmp_path: Path) -> None:
    for name in ("trading_config.yaml", "risk_parameters.yaml"):
        text = (Path("config") / name).read_text()
        (tmp_path / name).write_text(text.replace("foreign_positions: protect", "foreign_positions: close"))
    async with bench(database_url, config=tmp_path) as b:
        _by_hand(b, "BBB", "buy", 7)
        await b.until(5.0)
        await b.post("/reconcile")
        await b.until(5.0)
        sold = await b.get("/positions?status=closed&origin=foreign")
        assert ([row["exit_reason"] for row in sold], b.book.ledger.qty("BBB")) == (["foreign"], 0)


async def test_a_bracket_of_another_hand_protects_what_it_bought(database_url: str) -> None:
    async with bench(database_url) as b:
        body = {"symbol": "AAA", "qty": "5", "side": "buy", "type": "market", "time_in_force": "day"}
        exits = {"take_profit": {"limit_price": "105"}, "stop_loss": {"stop_price": "97"}}
        b.exchange.ask("BENCH", "submit", {**body, **exits, "order_class": "bracket"})
        await b.until(5.0)
        await b.post("/reconcile")
        await b.until(35.0)
        held = await b.position()
        assert (held["quantity"], held["protected_quantity"], len(b.book.orders)) == (5, 5, 3)


async def test_protection_that_vanished_is_renewed(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        _cancel_by_hand(b, "limit")
        await b.until(10.0)
        held, orders = await b.position(), await b.orders()
        assert (held["status"], held["protected_quantity"]) == ("open", 10)
        assert orders["protect"]["status"] == "new"
        assert {order.type for order in b.book.live_orders()} == {"limit", "stop"}
        await b.until(60.0)
        assert len(b.book.orders) == 5


async def test_a_stop_moved_by_hand_still_counts(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        stop = next(order for order in b.book.live_orders() if order.type == "stop")
        b.exchange.ask("BENCH", "replace", {"order_id": stop.id, "body": {"stop_price": "99"}})
        await b.until(35.0)
        held, orders = await b.position(), await b.orders()
        assert (held["quantity"], held["protected_quantity"]) == (10, 10)
        assert (orders["stop_loss"]["stop_price"], orders["stop_loss"]["status"]) == ("99.0000", "held")
        assert "protect" not in orders


async def test_a_day_without_its_calendar_settles_and_enters_nothing(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        await b.stop()
        b.wire.faults = [Fault("GET", "/v2/calendar", "request lost", times=3)]
        await b.start()
        answer = await b.send(await b.approve("BBB"))
        assert (answer.status_code, "calendar" in answer.json()["detail"]) == (503, True)
        assert (await b.position())["protected_quantity"] == 10
        await b.until(15.0)
        assert (await b.send(await b.approve("BBB"))).status_code == 200


async def test_a_position_that_cannot_be_protected_is_closed(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [Fault("POST", "/v2/orders", "says", status=422, body=REFUSED)]
        _cancel_by_hand(b, "limit")
        await b.until(10.0)
        done = await b.position()
        assert (done["status"], done["exit_reason"]) == ("closed", "unprotected")
        assert b.book.ledger.qty("AAA") == 0
        assert await b.pool.fetchval("SELECT count(*) FROM alerts WHERE kind = 'unprotected'") == 1


async def test_cancelling_a_leg_by_our_own_route_does_not_leave_the_position_bare(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        leg = (await b.orders())["stop_loss"]
        assert b.api is not None
        answer = await b.api.delete(f"/api/v1/orders/{leg['order_id']}")
        assert answer.status_code == 200
        await b.until(10.0)
        assert (await b.position())["protected_quantity"] == 10
        finished = await b.api.delete(f"/api/v1/orders/{leg['order_id']}")
        assert finished.status_code == 409


async def test_a_bracket_that_came_back_without_legs_is_not_left_bare(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.until(1.0)
        _by_hand(b, "AAA", "buy", 10)
        bare = next(iter(b.book.orders.values()))
        order = await b.approve()
        told = (
            f'{{"id": "{bare.id}", "client_order_id": "{order.client_order_id}", "symbol": "AAA", "side": "buy",'
            ' "type": "market", "order_class": "", "status": "pending_new", "qty": "10", "filled_qty": "0",'
            f' "submitted_at": "{b.now.isoformat()}", "updated_at": "{b.now.isoformat()}", "legs": null}}'
        )
        b.wire.faults = [Fault("POST", "/v2/orders", "says", body=told.encode())]
        await b.send(order)
        await b.until(15.0)
        held = await b.get("/positions?status=open")
        assert all(row["protected_quantity"] == row["quantity"] for row in held)
        assert await b.pool.fetchval("SELECT count(*) FROM alerts WHERE kind = 'bracket_without_legs'") == 1


async def test_unknown_things_are_404_and_the_account_is_the_brokers(database_url: str) -> None:
    async with bench(database_url) as b:
        assert b.api is not None
        for path in ("/positions/ZZZ", "/orders/6ba7b811-9dad-11d1-80b4-00c04fd430c8"):
            assert (await b.api.get(f"/api/v1{path}")).status_code == 404
        assert (await b.post("/positions/ZZZ/close")).status_code == 404
        account = await b.get("/account")
        assert (account["equity"], account["trading_allowed"]) == ("100000", True)
        b.wire.faults = [Fault("GET", "/v2/account", "request lost")]
        assert (await b.api.get("/api/v1/account")).status_code == 503
