"""The account with what its owner moved since the previous close."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from shared.domain.position import Account
from tests.trading.bench import KEY, Bench, Fault, bench

ACTIVITIES = "/v2/account/activities"
ROW: dict[str, Any] = {"id": "20260615100000000::1", "activity_type": "CSD", "net_amount": "5000",
                       "date": "2026-06-15", "created_at": "2026-06-15T13:31:00Z", "status": "executed"}  # fmt: skip


async def cash(b: Bench, **body: Any) -> None:
    async with httpx.AsyncClient(base_url=b.settings.alpaca_base_url) as control:
        (await control.post(f"/_sim/accounts/{KEY}/cash", json=body)).raise_for_status()


async def account(b: Bench) -> Account:
    return Account(**await b.get("/account"))


async def test_deposits_are_no_profit_and_withdrawals_no_loss(database_url: str) -> None:
    async with bench(database_url) as b:
        assert (await account(b)).cash_flows == 0
        await cash(b, amount=5000)
        await cash(b, amount=-1200)
        await cash(b, amount=7, kind="DIV")
        told = await account(b)
        assert (told.equity, told.cash_flows, told.day_pnl) == (Decimal(103_807), Decimal(3800), Decimal(7))


async def test_money_whose_activity_is_not_listed_yet_is_not_known(database_url: str) -> None:
    async with bench(database_url) as b:
        await cash(b, amount=5000, listed_after_seconds=300)
        assert (await account(b)).day_pnl == 5000
        await b.until(301.0)
        assert (await account(b)).day_pnl == 0


@pytest.mark.parametrize("fault", [
    {"kind": "lost"},
    {"kind": "says", "status": 403, "body": b'{"code": 40310000, "message": "forbidden"}'},
    {"kind": "says", "body": b'{"not": "a list"}'},
    {"kind": "says", "body": b'[{"id": "1", "activity_type": "CSD", "date": "soon", "net_amount": "5000"}]'},
    {"kind": "says", "body": b'[{"id": "1", "activity_type": "CSD", "date": "2026-06-15", "net_amount": "NaN"}]'},
])  # fmt: skip
async def test_activities_that_cannot_be_read_leave_the_account_readable(
    database_url: str, fault: dict[str, Any]
) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [Fault("GET", ACTIVITIES, times=99, **fault)]
        assert (await account(b)).cash_flows is None


@pytest.mark.parametrize(("changes", "flows"), [
    ({}, Decimal(5000)),
    ({"created_at": None}, Decimal(5000)),
    ({"status": "canceled"}, Decimal(0)),
    ({"currency": "EUR"}, None),
    ({"net_amount": None}, None),
    ({"activity_type": "JNLS", "net_amount": "0", "qty": "10", "price": "50"}, Decimal(500)),
    ({"activity_type": "ACATS", "net_amount": "0", "qty": "10"}, None),
    ({"activity_type": "SPLIT", "net_amount": None, "qty": "10"}, Decimal(0)),
    ({"activity_type": "UNHEARD", "net_amount": "-5000"}, Decimal(0)),
])  # fmt: skip
async def test_activities_as_the_broker_writes_them(
    database_url: str, changes: dict[str, Any], flows: Decimal | None
) -> None:
    async with bench(database_url) as b:
        body = httpx.Response(200, json=[ROW | changes]).content
        b.wire.faults = [Fault("GET", ACTIVITIES, "says", times=99, body=body)]
        assert (await account(b)).cash_flows == flows


@pytest.mark.parametrize("last", ["0", None, ""])
async def test_an_account_without_an_equity_of_the_previous_close_has_no_result(
    database_url: str, last: str | None
) -> None:
    async with bench(database_url) as b:
        async with httpx.AsyncClient(base_url=b.settings.alpaca_base_url) as venue:
            headers = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": "secret"}
            told = (await venue.get("/v2/account", headers=headers)).json() | {"last_equity": last}
        b.wire.faults = [Fault("GET", "/v2/account", "says", times=1, body=httpx.Response(200, json=told).content)]
        found = await account(b)
        assert (found.last_equity, found.day_pnl) == (Decimal(0), None)
