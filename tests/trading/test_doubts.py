"""Between decision and answer anything may happen: halts, lost requests, ids used before, one name that goes wrong."""

from decimal import Decimal

import asyncpg

from tests.trading.bench import Bench, Fault, bench

LATCH = "INSERT INTO halts (reason, latched_at, resume_after) VALUES ('drill', now(), now())"
CHANGE_OF_MIND = "UPDATE orders SET cancel_reason = 'manual' WHERE order_id = NEW.order_id"


async def _whenever(admin_url: str, moment: str, then: str) -> None:
    """Something that the database does by itself at the worst moment."""
    admin = await asyncpg.connect(admin_url)
    await admin.execute(
        f"CREATE FUNCTION meanwhile() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {then}; RETURN NEW; END $$"
    )
    await admin.execute(f"CREATE TRIGGER meanwhile {moment} FOR EACH ROW EXECUTE FUNCTION meanwhile()")
    await admin.close()


async def test_a_halt_between_the_last_look_and_the_request_stops_the_entry(
    admin_database_url: str, database_url: str
) -> None:
    await _whenever(admin_database_url, "AFTER INSERT ON orders", LATCH)
    async with bench(database_url) as b:
        answer = await b.send(await b.approve())
        assert (answer.status_code, answer.json()["detail"]) == (409, "halted: drill")
        assert list(b.book.orders) == []
        row = (await b.orders())["entry"]
        assert (row["status"], row["reason"]) == ("canceled", "never reached the broker: halted: drill")


async def test_a_lost_request_is_not_repeated_when_it_is_no_longer_wanted(
    admin_database_url: str, database_url: str
) -> None:
    await _whenever(admin_database_url, "AFTER INSERT ON orders", CHANGE_OF_MIND)
    async with bench(database_url) as b:
        b.wire.faults = [Fault("POST", "/v2/orders", "request lost")]
        assert (await b.send(await b.approve())).json()["status"] == "intended"
        await b.until(10.0)
        assert (await b.post("/reconcile")).status_code == 200
        assert (await b.orders())["entry"]["status"] == "intended", "the request may still be on its way"
        await b.until(30.0)
        assert list(b.book.orders) == []
        assert (await b.orders())["entry"]["reason"] == "manual"
        assert (await b.orders())["entry"]["status"] == "canceled"


async def test_an_order_given_up_that_arrives_after_all_is_taken_back(
    admin_database_url: str, database_url: str
) -> None:
    async with bench(database_url) as b:
        await b.send(await b.approve())
        admin = await asyncpg.connect(admin_database_url)
        await admin.execute("DELETE FROM orders WHERE purpose <> 'entry'")
        await admin.execute("UPDATE orders SET status = 'canceled', broker_order_id = NULL, reason = 'never arrived'")
        await admin.close()
        assert (await b.post("/reconcile")).status_code == 200
        await b.until(5.0)
        held = await b.position()
        assert (held["quantity"], held["protected_quantity"]) == (10, 10)
        assert (await b.orders())["entry"]["status"] == "filled"


async def test_an_id_that_the_broker_knows_from_before_is_not_taken_for_ours(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.stop()
        market = {"symbol": "AAA", "qty": "3", "type": "market", "time_in_force": "day"}
        b.exchange.ask("BENCH", "submit", {**market, "side": "buy"})
        await b.exchange.world.clock.advance_to(b.exchange.now + 20)
        b.exchange.ask("BENCH", "submit", {**market, "side": "sell", "client_order_id": "cat-20260615-AAA-exit-1"})
        await b.exchange.world.clock.advance_to(b.exchange.now + 20)
        await b.start()
        await b.bought()
        await b.post("/positions/AAA/close")
        await b.until(10.0)
        rows = {row["client_order_id"]: row["status"] for row in await b.get("/orders?symbol=AAA")}
        assert (rows["cat-20260615-AAA-exit-1"], rows["cat-20260615-AAA-exit-2"]) == ("rejected", "filled")
        assert b.book.ledger.qty("AAA") == 0
        earned = await b.pool.fetchval("SELECT sum(quantity) FILTER (WHERE side = 'sell') FROM executions")
        assert earned == 10


async def _protected(b: Bench, symbol: str) -> int:
    shares: int = (await b.position(symbol))["protected_quantity"]
    return shares


async def test_one_name_that_cannot_be_looked_after_does_not_leave_the_others_bare(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought("AAA")
        await b.bought("BBB")
        entry = next(order for order in b.book.orders.values() if order.symbol == "AAA" and order.role == "entry")
        b.wire.faults = [
            Fault("GET", f"/v2/orders/{entry.id}", "says", times=10_000, body=b'{"id": 1}'),
            Fault("GET", "/v2/orders/", "passes", times=10_000),
            Fault("GET", "/v2/orders:", "passes", times=10_000),
            Fault("GET", "/v2/orders", "says", times=10_000, status=500, body=b"{}"),
        ]
        for order in [order for order in b.book.live_orders() if order.type == "limit"]:
            b.exchange.ask("BENCH", "cancel", {"order_id": order.id})
        await b.until(30.0)
        assert await _protected(b, "BBB") == 10
        said = await b.pool.fetchval("SELECT message FROM alerts WHERE kind = 'symbol_stuck'")
        assert said.startswith("AAA cannot be looked after")


async def test_a_start_lists_instead_of_asking_for_each_order(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought("AAA")
        await b.bought("BBB")
        await b.stop()
        b.wire.seen.clear()
        await b.start()
        assert [path for method, path in b.wire.seen if path.startswith("/v2/orders/")] == []
        assert ("GET", "/v2/orders") in b.wire.seen
        assert await _protected(b, "AAA") == 10


async def test_without_the_listing_each_order_is_asked_for(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought("AAA")
        stop = next(order for order in b.book.live_orders() if order.type == "stop")
        b.wire.faults = [Fault("GET", "/v2/orders", "says", times=1, status=500, body=b"{}")]
        b.exchange.ask("BENCH", "replace", {"order_id": stop.id, "body": {"stop_price": "99"}})
        assert (await b.post("/reconcile")).status_code == 200
        assert Decimal((await b.orders())["stop_loss"]["stop_price"]) == Decimal(99)
