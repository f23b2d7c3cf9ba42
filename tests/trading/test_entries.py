"""The way in: approved as it stands, sent once, whatever the network does."""

import asyncio
from decimal import Decimal
from typing import Any

import asyncpg
from prometheus_client import REGISTRY

from services.exchange.rules.knobs import VenueSettings
from tests.trading.bench import Bench, Fault, bench, moving

BARE = "catalyst_unprotected_share_seconds_total"
PARTIAL = VenueSettings(spread_bps=0, partial_fill_fraction=1.0, partial_fill_gap_ms=60_000)
QUICK_REST = VenueSettings(spread_bps=0, partial_fill_fraction=1.0, partial_fill_gap_ms=800)


def _entries(b: Bench) -> list[Any]:
    return [order for order in b.book.orders.values() if order.role == "entry"]


async def test_the_same_body_twice_is_one_order(database_url: str) -> None:
    async with bench(database_url) as b:
        order = await b.approve()
        first, second = await b.send(order), await b.send(order)
        assert first.json()["order_id"] == second.json()["order_id"]
        await b.until(5.0)
        third = await b.send(order)
        assert (third.status_code, third.json()["status"]) == (200, "filled")
        assert len(_entries(b)) == 1


async def test_what_differs_from_its_decision_is_refused(database_url: str) -> None:
    changes: tuple[dict[str, Any], ...] = ({"quantity": 11}, {"stop_price": Decimal(97)}, {"symbol": "BBB"})
    async with bench(database_url) as b:
        for change in changes:
            answer = await b.send((await b.approve()).model_copy(update=change))
            assert answer.status_code == 422
            assert "not approved" in answer.json()["detail"]
        assert _entries(b) == []


async def test_a_used_decision_and_a_second_entry_are_refused_with_the_reason(database_url: str) -> None:
    async with bench(database_url) as b:
        one, two = await b.approve(), await b.approve()
        assert (await b.send(one)).status_code == 200
        changed = await b.send(one.model_copy(update={"quantity": 9}))
        assert (changed.status_code, "used for another" in changed.json()["detail"]) == (409, True)
        second = await b.send(two)
        assert (second.status_code, second.json()["detail"]) == (409, "already an open entry for AAA")
        await b.until(5.0)
        held = await b.send(await b.approve())
        assert (held.status_code, held.json()["detail"]) == (409, "AAA is held already")


async def test_an_expired_approval_is_refused(database_url: str) -> None:
    async with bench(database_url) as b:
        order = await b.approve()
        await b.until(61.0)
        answer = await b.send(order)
        assert (answer.status_code, answer.json()["field"]) == (409, "expires_at")


async def test_a_lost_answer_is_found_by_its_id(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [Fault("POST", "/v2/orders", "answer lost")]
        answer = await b.send(await b.approve())
        assert answer.json()["status"] == "pending_new"
        await b.until(5.0)
        assert len(_entries(b)) == 1
        assert (await b.position())["protected_quantity"] == 10


async def test_a_lost_request_is_sent_again_under_the_same_id(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [Fault("POST", "/v2/orders", "request lost")]
        order = await b.approve()
        answer = await b.send(order)
        assert answer.json()["status"] == "pending_new"
        assert [entry.client_order_id for entry in _entries(b)] == [order.client_order_id]


async def test_killed_between_commit_and_answer_there_is_one_order_after_the_restart(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [
            Fault("POST", "/v2/orders", "answer lost", times=1),
            Fault("GET", "/v2/orders:by", "request lost", times=99),
        ]
        order = await b.approve()
        assert (await b.send(order)).json()["status"] == "intended"
        await b.stop()
        b.wire.faults = []
        await b.start()
        await b.until(5.0)
        assert len(_entries(b)) == 1
        assert (await b.send(order)).json()["status"] == "filled"
        assert (await b.position())["quantity"] == 10


async def test_killed_between_commit_and_asking_the_order_is_sent_after_the_restart(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [
            Fault("POST", "/v2/orders", "request lost", times=99),
            Fault("GET", "/v2/orders:by", "request lost", times=99),
        ]
        assert (await b.send(await b.approve())).json()["status"] == "intended"
        await b.stop()
        b.wire.faults = []
        await b.start()
        await b.until(5.0)
        assert len(_entries(b)) == 1
        assert (await b.position())["quantity"] == 10


async def test_an_intent_whose_approval_expired_meanwhile_is_given_up(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [
            Fault("POST", "/v2/orders", "request lost", times=999),
            Fault("GET", "/v2/orders:by", "request lost", times=999),
        ]
        assert (await b.send(await b.approve())).json()["status"] == "intended"
        await b.stop()
        b.wire.faults = []
        await b.exchange.world.clock.advance_to(b.exchange.now + 90)
        await b.start()
        await b.until(2.0)
        row = (await b.orders())["entry"]
        assert (row["status"], row["reason"]) == ("canceled", "never reached the broker: its approval expired")
        assert _entries(b) == []


async def test_a_refusal_of_the_broker_is_kept_with_its_reason(database_url: str) -> None:
    async with bench(database_url, moving(110)) as b:
        order = await b.approve()
        await b.until(600.0)
        assert (await b.send(order)).status_code == 409
        answer = await b.send(await b.approve())
        assert answer.json()["status"] == "rejected"
        assert "take_profit.limit_price must be >= base_price" in answer.json()["reason"]
        assert (await b.get("/positions")) == []


async def test_a_partial_fill_that_completes_soon_is_left_alone(database_url: str) -> None:
    async with bench(database_url, settings=QUICK_REST) as b:
        await b.bought()
        orders = await b.orders()
        assert orders["entry"]["filled_quantity"] == 10
        assert "protect" not in orders
        assert (await b.position())["protected_quantity"] == 10


async def test_a_partial_fill_is_protected_when_the_rest_does_not_come(database_url: str) -> None:
    async with bench(database_url, settings=PARTIAL) as b:
        bare_before = REGISTRY.get_sample_value(BARE) or 0.0
        await b.send(await b.approve())
        await b.until(0.5)
        part = await b.position()
        assert 0 < part["quantity"] < 10
        assert part["protected_quantity"] == 0
        await b.until(8.0)
        held, orders = await b.position(), await b.orders()
        assert held["quantity"] == held["protected_quantity"] == part["quantity"]
        bare = (REGISTRY.get_sample_value(BARE) or 0.0) - bare_before
        assert part["quantity"] < bare < 2 * part["quantity"]
        assert orders["entry"]["status"] == "canceled"
        assert orders["protect"]["limit_price"] == "106.0000"
        assert {leg.stop_price for leg in b.book.live_orders("AAA") if leg.stop_price} == {Decimal(98)}


async def test_fills_that_only_the_stream_has_told_are_booked(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [Fault("GET", "/v2/account/activities", "says", times=5, body=b"[]")]
        await b.bought()
        assert (await b.position())["quantity"] == 10
        b.wire.faults = []
        await b.until(60.0)
        assert await b.pool.fetchval("SELECT sum(quantity) FROM executions") == 10


async def test_two_posts_at_once_are_one_order(database_url: str) -> None:
    async with bench(database_url) as b:
        order = await b.approve()
        answers = await asyncio.gather(*(b.send(order) for _ in range(4)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["order_id"] for answer in answers}) == len(_entries(b)) == 1


async def test_the_same_day_twice_leaves_the_same_books(admin_database_url: str, database_url: str) -> None:
    books = []
    for _ in range(2):
        async with bench(database_url, moving(103, 107), settings=QUICK_REST) as b:
            await b.bought("AAA")
            await b.bought("BBB", 20)
            await b.until(700.0)
            await b.post("/positions/BBB/close")
            await b.until(60.0)
            tables = ("orders", "executions", "positions", "events")
            rows = [await b.pool.fetch(f"SELECT * FROM {t} ORDER BY 1") for t in tables]
            # When the machine wrote a row is its own affair.
            books.append([[{k: v for k, v in row.items() if k != "recorded_at"} for row in table] for table in rows])
        owner = await asyncpg.connect(admin_database_url)
        await owner.execute("TRUNCATE orders, executions, positions, events, risk_decisions RESTART IDENTITY CASCADE")
        await owner.close()
    assert books[0] == books[1]
    assert len(books[0][1]) >= 4


async def test_each_execution_is_booked_once_over_stream_and_polling(database_url: str) -> None:
    async with bench(database_url, settings=QUICK_REST) as b:
        await b.bought()
        await b.restart()
        await b.until(90.0)
        await b.post("/reconcile")
        booked = {row["execution_id"] for row in await b.pool.fetch("SELECT execution_id FROM executions")}
        assert booked == {fill.id for fill in b.book.executions}
        assert await b.pool.fetchval("SELECT sum(quantity) FROM executions") == 10
