"""The paper check against the exchange: it answers what it can ask, cleans up, and refuses to be misused."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.settings import Settings
from scripts.paper_check.questions import QUESTIONS, findings
from scripts.paper_check.run import Refused, check, write
from scripts.paper_check.wire import masked
from services.exchange.api import bare_app
from services.exchange.api.desk import Desk, open_desk
from services.exchange.flow import Conductor, World
from services.exchange.rules.clock import ClockState
from tests.exchange.venues import EXACT, KEY, OPEN, flat_bars, tape_of
from tests.serving import served

LIVELY = {**flat_bars(), **{n: (100.0, 101.0, 99.0, 100.0 + n % 2, 100_000) for n in range(2, 78)}}


class Exchange:
    """The exchange in front of which single answers can be changed."""

    def __init__(self, now: float) -> None:
        self.world = World(tape_of({"AAA": LIVELY}), Conductor(ClockState(now=now, mode="run", speed=40.0)))
        self.desk: Desk = open_desk(self.world, None, EXACT)
        self.app = bare_app(self.world, self.desk)
        self.told: dict[tuple[str, str], bytes] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = self.told.get((scope.get("method", ""), scope["path"])) if scope["type"] == "http" else None
        if body is None:
            await self.app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


def settings_of(url: str, **more: Any) -> Settings:
    return Settings(
        _env_file=None, alpaca_base_url=url, alpaca_data_url=url, alpaca_api_key=KEY, alpaca_secret_key="secret",
        service_urls={"trading": "http://127.0.0.1:1"}, **more,
    )  # fmt: skip


@pytest.fixture
async def exchange() -> AsyncIterator[tuple[Exchange, Settings]]:
    made = Exchange(OPEN + 400)
    async with served(made) as url:
        yield made, settings_of(url)


async def test_every_question_is_answered_as_the_system_relies_on(
    exchange: tuple[Exchange, Settings], tmp_path: Path
) -> None:
    made, settings = exchange
    found, record, trouble = await check(settings, "AAA", Decimal(2000), 30)
    assert trouble == []
    assert {one.question.key: one.seen for one in found if one.verdict == "DIFFERENT"} == {}
    unasked = {one.question.key for one in found if one.verdict == "not asked"}
    assert unasked <= {"daily_bar_early", "activity_keys", "day_legs_after_close"}
    book = made.desk.book(KEY)
    assert not list(book.live_orders())
    assert not book.ledger.positions
    write(tmp_path / "record.json", found, record, trouble)
    text = (tmp_path / "record.json").read_text()
    number = json.loads(await _account(settings))["account_number"]
    assert number not in text
    assert "trade_updates" in text


async def _account(settings: Settings) -> bytes:
    keys = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": "secret"}
    async with httpx.AsyncClient(trust_env=False, headers=keys) as client:
        return (await client.get(f"{settings.trading_url}/v2/account")).content


async def test_it_spends_no_more_than_it_may_and_cleans_up(exchange: tuple[Exchange, Settings]) -> None:
    made, settings = exchange
    found, _, trouble = await check(settings, "AAA", Decimal(150), 5)
    assert any("more than --most-usd 150" in line for line in trouble)
    assert any(one.verdict == "not asked" for one in found)
    bought = [one for one in made.desk.book(KEY).orders.values() if one.side == "buy" and one.status == "filled"]
    assert len(bought) <= 1
    assert not made.desk.book(KEY).ledger.positions


@pytest.mark.parametrize("why", ["live", "number", "holding", "order", "trading"])
async def test_it_refuses_and_sends_nothing(exchange: tuple[Exchange, Settings], why: str) -> None:
    made, settings = exchange
    if why == "live":
        live = {"alpaca_base_url": "https://api.alpaca.markets", "trading_mode": "live", "enable_live_trading": True}
        settings = settings.model_copy(update=live)
    elif why == "number":
        account = json.loads(await _account(settings)) | {"account_number": "123456789"}
        made.told[("GET", "/v2/account")] = json.dumps(account).encode()
    elif why == "holding":
        made.told[("GET", "/v2/positions")] = b'[{"symbol": "VTI", "qty": "3"}]'
    elif why == "order":
        made.told[("GET", "/v2/orders")] = b'[{"id": "by hand"}]'
    elif why == "trading":
        made.told[("GET", "/health")] = b'{"status": "healthy", "database": "connected"}'
        settings = settings.model_copy(update={"service_urls": {"trading": settings.trading_url}})
    with pytest.raises(Refused):
        await check(settings, "AAA", Decimal(2000), 5)
    assert list(made.desk.book(KEY).orders) == []


async def test_outside_hours_it_asks_what_costs_nothing() -> None:
    made = Exchange(OPEN - 3600)
    async with served(made) as url:
        found, _, trouble = await asyncio.wait_for(check(settings_of(url), "AAA", Decimal(2000), 5), 60)
    assert trouble == []
    seen = {one.question.key: one.verdict for one in found}
    assert (seen["easy_to_borrow"], seen["submit_legs"]) == ("as expected", "not asked")
    assert list(made.desk.book(KEY).orders) == []


def test_what_differs_is_said_and_what_was_not_seen_is_not_asked() -> None:
    found = {one.question.key: one for one in findings({"submit_legs": "new held"}, {"gtc_legs": "closed"})}
    assert len(found) == len(QUESTIONS)
    assert found["submit_legs"].verdict == "DIFFERENT"
    assert (found["gtc_legs"].verdict, found["gtc_legs"].seen) == ("not asked", "closed")


def test_account_numbers_are_masked_and_orders_are_not() -> None:
    account = {"id": "5f0c", "account_number": "PA123", "equity": "1"}
    assert masked(account) == {"id": "masked", "account_number": "masked", "equity": "1"}
    assert masked([{"id": "order", "legs": [{"account_id": "5f0c"}]}]) == [
        {"id": "order", "legs": [{"account_id": "masked"}]}
    ]
