"""Flat and ready need both lists of the broker's read; a row that cannot be read is told, and hides nothing else."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from tests.exchange.venues import OPEN
from tests.trading.bench import Bench, Fault, bench, market_time

MULTI_LEG = {
    "id": "mleg-1", "client_order_id": "by hand", "symbol": "", "asset_class": "", "side": "", "type": "limit",
    "order_class": "mleg", "status": "new", "qty": "1", "filled_qty": "0", "submitted_at": "2026-06-15T14:00:00Z",
    "updated_at": "2026-06-15T14:00:00Z", "legs": None,
}  # fmt: skip
OPTION = {
    "symbol": "AAA260619C00200000", "asset_class": "us_option", "qty": "1", "qty_available": "1",
    "avg_entry_price": None, "side": "long",
}  # fmt: skip
HTML = b"<html><h1>503 Service Temporarily Unavailable</h1></html>"
UNANSWERED = Fault("GET", "/v2/orders$", "says", times=10_000, status=503, body=HTML)


def _adds(path: str, *rows: Any) -> Fault:
    return Fault("GET", f"{path}$", "adds", times=10_000, body=json.dumps(rows).encode())


async def _standing(b: Bench) -> dict[str, Any]:
    found: dict[str, Any] = (await b.post("/reconcile")).json()
    return found


async def test_an_order_that_cannot_be_read_does_not_hide_the_others(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [_adds("/v2/orders", MULTI_LEG)]
        resting = b.by_hand("BBB", "buy", 20, type="limit", limit_price="45")
        seen = await _standing(b)
        assert (seen["ready"], seen["orders_read"], seen["flat"]) == (True, True, False)
        assert [(row["kind"], row["id"]) for row in seen["unreadable"]] == [("order", "mleg-1")]
        assert [(one["order_id"], one["opens"]) for one in seen["other_orders"]] == [(resting, True)]
        await b.post("/positions/close-all", {"reason": "emergency_stop"})
        await b.until(5.0)
        assert not list(b.book.live_orders())
        assert ("DELETE", "/v2/orders/mleg-1") in b.wire.seen
        after = await _standing(b)
        assert (after["other_orders"], after["flat"]) == ([], False)
        assert (await b.alerts()).count(("critical", "unreadable_row")) == 1
        b.wire.faults = []
        seen = await _standing(b)
        assert (seen["flat"], seen["unreadable"]) == (True, []), seen


async def test_a_list_of_orders_that_fails_is_not_an_empty_one(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [UNANSWERED]
        await b.post("/positions/close-all", {"reason": "emergency_stop"})
        await b.until(5.0)
        assert b.book.ledger.qty("AAA") == 0
        seen = await _standing(b)
        assert (seen["open_positions"], seen["orders_read"], seen["flat"]) == (0, False, False)
        await b.until(40.0)
        assert ("critical", "orders_unreadable") in await b.alerts()
        seen = await _standing(b)
        assert (seen["ready"], seen["flat"]) == (False, False)
        assert (await b.send(await b.approve("BBB"))).status_code == 503
        b.wire.faults = []
        await b.until(15.0)
        seen = await b.get("/reconciliation")
        assert (seen["ready"], seen["orders_read"], seen["flat"]) == (True, True, True)


async def test_nothing_is_ready_before_the_open_orders_were_read(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.stop()
        b.wire.faults = [UNANSWERED]
        await b.start(ready=False)
        await b.until(20.0)
        seen = await b.get("/reconciliation")
        assert (seen["ready"], seen["reconciled_at"], seen["flat"]) == (False, None, False)
        assert (await b.send(await b.approve())).status_code == 503
        b.wire.faults = []
        await b.until(15.0)
        assert (await b.send(await b.approve())).status_code == 200


async def test_positions_that_cannot_be_read_are_told(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [Fault("GET", "/v2/positions", "says", times=10_000, body=b'{"no": "list"}')]
        for _ in range(3):
            assert (await b.post("/reconcile")).status_code == 503
        seen = await b.get("/reconciliation")
        assert (seen["positions_read"], seen["flat"]) == (False, False)
        assert ("critical", "positions_unreadable") in await b.alerts()


async def test_a_position_that_cannot_be_read_leaves_the_others_looked_after(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [_adds("/v2/positions", {"symbol": "ODD", "qty": None}, OPTION)]
        leg = next(order for order in b.book.live_orders() if order.type == "limit")
        b.exchange.ask("BENCH", "cancel", {"order_id": leg.id})
        await b.until(10.0)
        assert (await b.position())["protected_quantity"] == 10
        await b.post("/positions/AAA/close")
        await b.until(5.0)
        assert b.book.ledger.qty("AAA") == 0
        seen = await _standing(b)
        assert (seen["flat"], [row["symbol"] for row in seen["unreadable"]]) == (False, ["ODD"])
        assert ("critical", "unreadable_row") in await b.alerts()


async def test_options_coins_and_fractions_are_listed_and_do_not_keep_anything_from_flat(database_url: str) -> None:
    async with bench(database_url) as b:
        b.holds("AAA260619C00200000", "1", "4.2")
        b.holds("BTCUSD", "2", "60000")
        b.holds("VTI", "0.4", "290")
        seen = await _standing(b)
        assert (seen["flat"], seen["disagreements"], seen["open_positions"]) == (True, [], 0)
        listed = {one["symbol"]: (one["asset_class"], one["quantity"]) for one in seen["foreign"]}
        assert listed == {
            "AAA260619C00200000": ("us_option", "1"), "BTCUSD": ("crypto", "2"), "VTI": ("us_equity", "0.4")
        }  # fmt: skip
        await b.bought()
        assert (await b.position())["protected_quantity"] == 10
        await b.post("/positions/close-all", {"reason": "emergency_stop"})
        await b.until(5.0)
        seen = await _standing(b)
        assert (seen["flat"], seen["unreadable"]) == (True, []), seen
        assert [int(p.qty) for p in b.book.ledger.positions if p.symbol != "VTI"] == [1, 2]


async def test_a_resting_order_in_an_option_is_cancelled_by_a_stop_and_is_no_row(database_url: str) -> None:
    option = MULTI_LEG | {
        "id": "opt-1", "symbol": "AAA260619C00200000", "asset_class": "us_option", "side": "buy", "order_class": ""
    }  # fmt: skip
    async with bench(database_url) as b:
        b.wire.faults = [_adds("/v2/orders", option)]
        seen = await _standing(b)
        assert [(one["symbol"], one["opens"]) for one in seen["other_orders"]] == [("AAA260619C00200000", True)]
        await b.post("/positions/close-all", {"reason": "emergency_stop"})
        assert ("DELETE", "/v2/orders/opt-1") in b.wire.seen
        assert await b.pool.fetchval("SELECT count(*) FROM securities WHERE length(symbol) > 12") == 0
        assert await b.alerts() == []


async def test_when_our_last_position_has_gone_the_broker_is_asked_whether_it_has(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        await b.post("/reconcile")
        b.wire.seen.clear()
        await b.post("/positions/AAA/close")
        await b.until(5.0)
        assert (await b.get("/reconciliation"))["flat"] is True
        sold = b.wire.seen.index(("POST", "/v2/orders"))
        assert ("GET", "/v2/positions") in b.wire.seen[sold:]


ORDER = {
    "id": "by-hand-1", "client_order_id": "by hand", "symbol": "BBB", "asset_class": "us_equity", "side": "buy",
    "type": "limit", "order_class": "simple", "status": "new", "qty": "5", "filled_qty": "0", "limit_price": "45",
    "submitted_at": "2026-06-15T14:00:00Z", "updated_at": "2026-06-15T14:00:00Z", "legs": None,
}  # fmt: skip
HELD = {"symbol": "CCC", "asset_class": "us_equity", "qty": "3", "qty_available": "3", "avg_entry_price": "20"}
ODD_ORDERS: tuple[dict[str, Any], ...] = (
    {"id": "x\u0000y"}, {"client_order_id": "n\u0000"}, {"client_order_id": "long" * 1300}, {"qty": "99999999999"},
    {"limit_price": "1e30"}, {"limit_price": "-4"}, {"symbol": "B\u0000B"}, {"status": "ne\u0007w"}, {"id": "\u200b"},
)  # fmt: skip
ODD_POSITIONS: tuple[dict[str, Any], ...] = (
    {"avg_entry_price": "1e30"}, {"avg_entry_price": "-5"}, {"qty": "99999999999", "qty_available": "99999999999"},
    {"symbol": "C\u0000C"}, {"avg_entry_price": "NaN"}, {"qty": "1e400"},
)  # fmt: skip
ROWS = [("/v2/orders", ORDER | odd) for odd in ODD_ORDERS] + [("/v2/positions", HELD | odd) for odd in ODD_POSITIONS]


@pytest.mark.parametrize(("path", "row"), ROWS, ids=lambda one: ascii(one)[-60:])
async def test_a_row_that_no_table_can_hold_keeps_nothing_from_the_close_of_the_day(
    database_url: str, path: str, row: dict[str, Any]
) -> None:
    async with bench(database_url, now=OPEN + 6 * 3600 + 900) as b:
        await b.bought()
        b.wire.faults = [_adds(path, row)]
        assert (await b.post("/reconcile")).status_code == 200
        await b.until(market_time(15, 52))
        assert b.book.ledger.qty("AAA") == 0
        assert (await b.position())["exit_reason"] == "close_of_day"
        assert not {"symbol_stuck", "watch_failing"} & {kind for _, kind in await b.alerts()}
        assert b.api is not None
        assert "watch" not in (await b.api.get("/health")).text


async def test_a_look_that_fails_for_no_known_reason_holds_no_exit(database_url: str, admin_database_url: str) -> None:
    """Comparing ends each time with an error that nobody foresaw: positions are closed all the same."""
    async with bench(database_url, now=OPEN + 6 * 3600 + 1194, live=True) as b:
        await b.send(await b.approve())
        await asyncio.sleep(1.5)
        owner = await asyncpg.connect(admin_database_url)
        columns = await owner.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'positions'"
            " AND column_name <> 'lock_reason'"
        )
        await owner.execute("REVOKE UPDATE ON positions FROM catalyst_app")
        await owner.execute(f"GRANT UPDATE ({', '.join(row[0] for row in columns)}) ON positions TO catalyst_app")
        await owner.close()
        assert (await b.post("/reconcile")).status_code == 500
        assert b.book.ledger.qty("AAA") == 10
        for _ in range(250):
            await asyncio.sleep(0.1)
            if not b.book.ledger.qty("AAA"):
                break
        assert b.book.ledger.qty("AAA") == 0
