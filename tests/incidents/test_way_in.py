"""Incidents on the way in: prices, sides, identities, answers that say less than they seem to."""

import ast
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.exchange.rules.knobs import VenueSettings
from services.trading.rules.orders import request_of
from tests.house_rules import Tree
from tests.trading.bench import Bench, Fault, bench, moving
from tests.trading.test_rules import row

ROOT = Path(__file__).parents[2]
SLIPPING = VenueSettings(spread_bps=0, partial_fill_fraction=0, slippage_bps=50)


def _entries(b: Bench) -> list[Any]:
    return [order for order in b.book.orders.values() if order.role == "entry"]


def _posts(b: Bench) -> int:
    return b.wire.seen.count(("POST", "/v2/orders"))


def test_01_sub_penny_prices() -> None:
    entry = row("entry", purpose="entry", side="buy", order_class="bracket", status="intended",
                limit_price=Decimal("100.2951"))  # fmt: skip
    request = request_of(replace(entry, decision_stop=Decimal("97.9951"), decision_target=Decimal("106.0049")))
    assert (request.stop_loss_price, request.take_profit_price) == (Decimal("98.00"), Decimal("106.00"))
    assert request.limit_price == Decimal("100.30")
    makers = [
        name
        for name, module in Tree(ROOT).python("services")
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "OrderRequest"
    ]
    assert makers == ["services/trading/rules/orders.py"], "one place makes what goes to the broker"


async def test_02_long_sent_as_sell(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        assert [order.side for order in _entries(b)] == ["buy"]
        assert b.book.ledger.qty("AAA") == 10


async def test_05_same_symbol_bought_six_times(database_url: str) -> None:
    async with bench(database_url) as b:
        for _ in range(3):
            await b.send(await b.approve())
            await b.send(await b.approve())
            await b.restart()
            await b.until(3.0)
        assert len(_entries(b)) == 1
        assert b.book.ledger.qty("AAA") == 10


async def test_11_retry_posts_twice(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [Fault("POST", "/v2/orders", "answer lost")]
        await b.send(await b.approve())
        assert (_posts(b), len(_entries(b))) == (1, 1)


async def test_12_timeout_taken_for_rejection(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [
            Fault("POST", "/v2/orders", "answer lost"),
            Fault("GET", "/v2/orders:by", "request lost"),
        ]
        assert (await b.send(await b.approve())).json()["status"] == "intended"
        await b.until(5.0)
        assert (await b.orders())["entry"]["status"] == "filled"
        assert (await b.position())["protected_quantity"] == 10


async def test_13_submit_ack_taken_for_fill(database_url: str) -> None:
    async with bench(database_url, settings=SLIPPING) as b:
        await b.send(await b.approve())
        assert await b.get("/positions") == []
        await b.until(5.0)
        paid = b.book.executions[0].price
        assert Decimal((await b.position())["entry_price"]) == paid > Decimal(100)
        await b.post("/positions/AAA/close")
        await b.until(5.0)
        ours, theirs = await b.profit()
        assert ours == theirs < 0


async def test_24_base_price_race_at_open(database_url: str) -> None:
    async with bench(database_url, moving(110)) as b:
        await b.until(600.0)
        order = await b.approve()
        answer = (await b.send(order)).json()
        assert answer["status"] == "rejected"
        assert "base_price=110" in answer["reason"]
        assert (_posts(b), _entries(b)) == (1, [])
        again = await b.send(order)
        assert (again.json()["order_id"], _posts(b)) == (answer["order_id"], 1)
