"""What is not there any more, or is there twice: the books are set right with a booked reason, to the cent where it is
known, and nothing is sold that the broker does not hold."""

from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.trading.bench import Bench, Fault, bench

NO_FILLS = Fault("GET", "/v2/account/activities", "says", times=10_000, body=b"[]")
NOT_FOUND = b'{"code": 40410000, "message": "order not found"}'


async def _bought_yesterday(b: Bench, admin_url: str, quantity: int = 10) -> None:
    """Trading is down since; the day's orders are gone."""
    await b.bought("AAA", quantity)
    await b.stop()
    admin = await asyncpg.connect(admin_url)
    await admin.execute("UPDATE positions SET entry_time = entry_time - interval '1 day'")
    await admin.execute("UPDATE executions SET executed_at = executed_at - interval '1 day'")
    await admin.close()
    for order in list(b.book.live_orders()):
        b.exchange.ask("BENCH", "cancel", {"order_id": order.id})
    await b.exchange.world.clock.advance_to(b.exchange.now + 60)


async def _settled(b: Bench) -> dict[str, Any]:
    await b.start()
    await b.until(15.0)
    found: dict[str, Any] = (await b.post("/reconcile")).json()
    return found


async def _corrections(b: Bench) -> list[tuple[Any, ...]]:
    rows = await b.pool.fetch("SELECT side, quantity, price, reason_code, is_estimated FROM corrections")
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("after", "price", "ratio"),
    [
        ("20", "50", (1, 2)), ("5", "200", (2, 1)), ("1", "1000", (10, 1)), ("120", "8.33", (1, 12)),
        ("90", "11.11", (1, 9)), ("11", "90.9", (10, 11)), ("13", "76.9", (10, 13)),
        ("1500", "0.67", (1, 150)),
    ],
    ids=str,
)  # fmt: skip
async def test_a_split_over_night_changes_quantity_price_stop_and_target(
    database_url: str, admin_database_url: str, after: str, price: str, ratio: tuple[int, int]
) -> None:
    async with bench(database_url) as b:
        await _bought_yesterday(b, admin_database_url)
        before, made = ratio
        b.holds("AAA", after, str(b.book.ledger.position("AAA").average * before / made))
        await b.start()
        await b.until(10.1)
        row = (await b.get("/positions?limit=1"))[0]
        reasons = [one[3] for one in await _corrections(b)]
        assert (reasons, row["quantity"], row["realized_pnl"]) == (["split"], int(after), "0.000000")
        assert abs(Decimal(row["entry_price"]) - Decimal(price)) < 1
        tick = Decimal("0.01")
        assert abs(Decimal(row["stop_price"]) - Decimal(98) * before / made) <= tick
        assert abs(Decimal(row["take_profit_price"]) - Decimal(106) * before / made) <= tick
        await b.until(30.0)
        assert (b.book.ledger.qty("AAA"), await b.get("/positions?status=open")) == (0, [])


async def test_what_is_no_split_is_foreign_and_never_sold(database_url: str, admin_database_url: str) -> None:
    """Twice the shares at the same price are a purchase."""
    async with bench(database_url) as b:
        await _bought_yesterday(b, admin_database_url)
        b.holds("AAA", "20", "100")
        seen = await _settled(b)
        assert [(one[0], one[1], one[3]) for one in await _corrections(b)] == [("buy", 10, "adopted")]
        assert seen["disagreements"] == []
        await b.until(30.0)
        assert b.book.ledger.qty("AAA") >= 10
        assert await b.get("/positions?status=open&origin=foreign") != []


async def test_a_reset_account_ends_what_it_no_longer_holds(database_url: str, admin_database_url: str) -> None:
    async with bench(database_url) as b:
        await _bought_yesterday(b, admin_database_url)
        b.holds("AAA", "0", "100")
        b.wire.faults = [
            NO_FILLS,
            Fault("GET", "/v2/orders/", "says", times=10_000, status=404, body=NOT_FOUND),
            Fault("GET", "/v2/orders:by", "says", times=10_000, status=404, body=NOT_FOUND),
            Fault("GET", "/v2/orders$", "says", times=10_000, body=b"[]"),
        ]
        seen = await _settled(b)
        assert [(one[0], one[1], one[3], one[4]) for one in await _corrections(b)] == [("sell", 10, "reset", True)]
        done = await b.position()
        assert (done["status"], done["exit_reason"], done["realized_pnl"]) == ("closed", "reset", "0.000000")
        assert (seen["flat"], seen["unsettled_orders"], seen["disagreements"]) == (True, 0, [])
        assert ("critical", "books_corrected") in await b.alerts()
        assert not [one for one in b.wire.seen if one[0] == "POST" and one[1] == "/v2/orders"][1:]


async def test_a_purchase_that_was_annulled_earned_nothing(database_url: str, admin_database_url: str) -> None:
    async with bench(database_url) as b:
        await _bought_yesterday(b, admin_database_url)
        b.holds("AAA", "0", "100")
        b.wire.faults = [NO_FILLS]
        await _settled(b)
        assert [(one[1], one[3], one[4]) for one in await _corrections(b)] == [(10, "bust", False)]
        done = await b.position()
        assert (done["exit_reason"], done["realized_pnl"]) == ("bust", "0.000000")


async def test_a_sale_while_trading_was_down_is_booked_at_its_price(database_url: str, admin_database_url: str) -> None:
    async with bench(database_url) as b:
        await _bought_yesterday(b, admin_database_url)
        b.by_hand("AAA", "sell", 10)
        await b.exchange.world.clock.advance_to(b.exchange.now + 60)
        seen = await _settled(b)
        done = await b.position()
        assert (done["status"], done["exit_reason"], seen["flat"]) == ("closed", "foreign", True)
        assert await _corrections(b) == []
        ours, theirs = await b.profit()
        assert ours == theirs


async def test_what_is_gone_without_a_trace_is_closed_at_the_last_price(
    database_url: str, admin_database_url: str
) -> None:
    async with bench(database_url) as b:
        await _bought_yesterday(b, admin_database_url)
        b.holds("AAA", "4", "100")
        seen = await _settled(b)
        assert [(one[0], one[1], one[3], one[4]) for one in await _corrections(b)] == [
            ("sell", 6, "changed_at_broker", True)
        ]
        assert ((await b.get("/positions"))[0]["entry_price"], seen["disagreements"]) is not None
        await b.until(30.0)
        assert b.book.ledger.qty("AAA") >= 0
        assert [row["side"] for row in await b.get("/positions")] == ["long"]


async def test_lists_that_cannot_be_read_correct_nothing(database_url: str, admin_database_url: str) -> None:
    async with bench(database_url) as b:
        await _bought_yesterday(b, admin_database_url)
        b.holds("AAA", "0", "100")
        b.wire.faults = [Fault("GET", "/v2/account/activities", "says", times=10_000, status=503, body=b"{}")]
        seen = await _settled(b)
        assert await _corrections(b) == []
        assert [one["locked"] for one in seen["disagreements"]] == [True]
        assert ("critical", "symbol_locked") in await b.alerts()
        b.wire.faults = []
        await b.until(40.0)
        assert len(await _corrections(b)) == 1


async def test_shares_that_our_stop_still_holds_are_there_whatever_the_positions_say(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        b.wire.faults = [Fault("GET", "/v2/positions", "says", times=10_000, body=b"[]")]
        await b.until(120.0)
        assert await _corrections(b) == []
        assert (await b.position())["locked"] is True
        b.wire.faults = []
        await b.until(40.0)
        assert ((await b.position())["locked"], (await b.position())["quantity"]) == (False, 10)
