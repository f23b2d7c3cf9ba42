"""Deposits and withdrawals: cash and equity move at once, the activity is listed when it is listed."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.exchange.api.sim_book import audit
from tests.exchange.serving import Served, desk_on, post, serving
from tests.exchange.test_journal import move
from tests.exchange.test_orders_api import bracket, keys
from tests.exchange.venues import KEY


@pytest.fixture
def exchange() -> Iterator[Served]:
    with serving(desk_on()) as served:
        yield served


def cash(exchange: Served, **body: Any) -> dict[str, Any]:
    return post(f"{exchange.url}/_sim/accounts/{KEY}/cash", body)


def test_a_deposit_moves_cash_and_equity_and_not_yesterdays(exchange: Served) -> None:
    client = exchange.client()
    client.submit_order(bracket())
    exchange.advance(5)
    before = client.get_account()
    cash(exchange, amount=5000)
    after = client.get_account()
    assert float(after.cash) - float(before.cash) == 5000
    assert float(after.equity) - float(before.equity) == 5000
    assert after.last_equity == before.last_equity
    rows: Any = client.get("/account/activities", {"activity_types": "CSD,CSW"})
    assert [(row["activity_type"], row["net_amount"], row["date"]) for row in rows] == [("CSD", "5000", "2026-06-15")]
    every: Any = client.get("/account/activities", {"direction": "asc"})
    assert [row["activity_type"] for row in every] == ["FILL", "CSD"]
    others: Any = client.get("/account/activities", {"category": "non_trade_activity"})
    assert others == rows
    assert [row["activity_type"] for row in client.get("/account/activities/FILL")] == ["FILL"]
    assert (exchange.state()["imbalance"], exchange.state()["transferred"]) == ("0", "5000")


def test_an_activity_may_be_listed_long_after_the_money_moved(exchange: Served) -> None:
    client = exchange.client()
    cash(exchange, amount="-250.5", kind="JNLC", listed_after_seconds=600)
    assert float(client.get_account().equity) == 99_749.5
    assert client.get("/account/activities") == []
    exchange.advance(601)
    rows: Any = client.get("/account/activities/JNLC")
    assert [(row["net_amount"], row["created_at"]) for row in rows] == [("-250.5", "2026-06-15T13:41:00.000000Z")]


@pytest.mark.parametrize("body", [
    {}, {"amount": 0}, {"amount": "much"}, {"amount": -200_000}, {"amount": 5, "kind": "csd"},
    {"amount": 5, "to": "me"}, {"amount": 5, "listed_after_seconds": -1},
])  # fmt: skip
def test_what_is_no_transfer_is_refused_and_changes_nothing(exchange: Served, body: dict[str, Any]) -> None:
    answer = httpx.post(f"{exchange.url}/_sim/accounts/{KEY}/cash", json=body)
    assert (answer.status_code, bool(answer.json()["message"])) == (422, True)
    assert float(exchange.client().get_account().cash) == 100_000


def test_a_restarted_exchange_has_the_money_still(tmp_path: Path) -> None:
    path = tmp_path / "exchange.jsonl"
    first = desk_on(journal=path)
    first.ask(KEY, "transfer", {"amount": 5000, "listed_after_seconds": 60})
    move(first, 5)
    first.ask(KEY, "transfer", {"amount": -100})
    again = desk_on(journal=path)
    assert audit(again.book(KEY), again.now)["transfers"] == audit(first.book(KEY), first.now)["transfers"]
    assert (again.book(KEY).ledger.cash, again.book(KEY).ledger.imbalance()) == (Decimal(104_900), Decimal(0))


def test_the_equity_curve_has_the_money(exchange: Served) -> None:
    cash(exchange, amount=5000)
    exchange.advance(600)
    curve = httpx.get(f"{exchange.url}/v2/account/portfolio/history", headers=keys()).json()
    assert curve["equity"][-1] == 105_000
