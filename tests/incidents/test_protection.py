"""Incidents of protection and of the way out: stops that were not there, exits that did not happen."""

from services.exchange.rules.knobs import VenueSettings
from services.trading import store
from tests.trading.bench import Bench, Fault, bench, market_time
from tests.trading.test_exits import half_day_tape
from tests.trading.test_reconcile import REFUSED

PARTIAL = VenueSettings(spread_bps=0, partial_fill_fraction=1.0, partial_fill_gap_ms=60_000)
SLOW_CANCEL = VenueSettings(spread_bps=0, partial_fill_fraction=0, cancel_latency_ms=4_000)


def _sells(b: Bench) -> list[str]:
    return [order.status for order in b.book.orders.values() if order.side == "sell" and order.type == "market"]


async def _alerts(b: Bench) -> list[str]:
    return [row["kind"] for row in await b.pool.fetch("SELECT kind FROM alerts ORDER BY alert_id")]


async def test_03_bracket_silently_simple(database_url: str) -> None:
    async with bench(database_url) as b:
        order = await b.approve()

        def bare() -> bytes:
            body = {"symbol": "AAA", "qty": "10", "side": "buy", "type": "market", "time_in_force": "day"}
            made = b.exchange.ask("BENCH", "submit", body)
            told = (
                f'{{"id": "{made.id}", "client_order_id": "{order.client_order_id}", "symbol": "AAA", "side": "buy",'  # type: ignore[union-attr]
                ' "type": "market", "order_class": "", "status": "pending_new", "qty": "10", "filled_qty": "0",'
                f' "submitted_at": "{b.now.isoformat()}", "updated_at": "{b.now.isoformat()}", "legs": null}}'
            )
            return told.encode()

        b.wire.faults = [Fault("POST", "/v2/orders", "says", body=bare)]
        await b.send(order)
        await b.until(15.0)
        assert await _alerts(b) == ["bracket_without_legs"]
        assert all(row["protected_quantity"] == row["quantity"] for row in await b.get("/positions?status=open"))


async def test_07_held_for_orders_blocks_exit(database_url: str) -> None:
    async with bench(database_url, settings=SLOW_CANCEL) as b:
        await b.bought()
        await b.post("/positions/AAA/close")
        await b.until(10.0)
        assert (await b.position())["status"] == "closed"
        assert _sells(b) == ["filled"]
        assert b.wire.seen.count(("POST", "/v2/orders")) == 2, "not one attempt while the legs held the shares"


async def test_14_partial_fill_naked(database_url: str) -> None:
    async with bench(database_url, settings=PARTIAL) as b:
        await b.send(await b.approve())
        await b.until(4.0)
        held = await b.position()
        assert 0 < held["quantity"] < 10
        assert held["protected_quantity"] == held["quantity"]
        assert sum(int(order.leaves) for order in b.book.live_orders() if order.stop_price) == held["quantity"]


async def test_15_flat_listing_hides_held_stop(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        assert [order.type for order in b.book.open_orders()] == ["limit"], "the held stop is not listed"
        await b.until(120.0)
        assert len(b.book.orders) == 3, "what was whole was not repaired"
        assert (await b.position())["protected_quantity"] == 10


async def test_16_close_all_207(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought("AAA")
        await b.bought("BBB", 20)
        b.wire.faults = [Fault("POST", "/v2/orders", "says", status=403, times=2, body=REFUSED)]
        assert (await b.post("/positions/close-all", {"reason": "emergency"})).status_code == 200
        await b.until(20.0)
        assert [b.book.ledger.qty(symbol) for symbol in ("AAA", "BBB")] == [0, 0]
        assert (await b.get("/reconciliation"))["flat"] is True


async def test_17_market_close_after_16_00(database_url: str) -> None:
    async with bench(database_url, now=market_time(15, 45).timestamp()) as b:
        await b.bought()
        b.wire.faults = [Fault("DELETE", "/v2/orders", "request lost", times=10_000)]
        await b.until(market_time(16, 5))
        assert (await b.position())["status"] == "open"
        assert _sells(b) == [], "nothing is queued for the next open"
        assert {"not_flat", "held_after_close"} <= set(await _alerts(b))


async def test_18_half_day_close(database_url: str) -> None:
    tape = half_day_tape()
    async with bench(database_url, tape=tape, now=tape.session.close - 1200) as b:
        await b.bought()
        await b.until(tape.session.close - b.exchange.now - 300)
        assert b.book.ledger.qty("AAA") == 0


async def test_25_reaper_cancelled_protection(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought("AAA")
        guards = [order.id for order in b.book.live_orders()]
        await store.want_entries_cancelled(b.pool, None, "tidying up old orders")
        await b.until(90.0)
        assert (await b.position())["protected_quantity"] == 10
        assert [order.id for order in b.book.live_orders()] == guards


async def test_28_kill_switch_cancelled_paper_rows_only(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        await b.post("/positions/close-all", {"reason": "emergency"})
        await b.until(10.0)
        assert b.book.ledger.qty("AAA") == 0
        assert list(b.book.live_orders()) == []
        b.holds("AAA", "7", "100")
        assert (await b.post("/reconcile")).json()["flat"] is False, "flat is the broker's word, not our rows'"
