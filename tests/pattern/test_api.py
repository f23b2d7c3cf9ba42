"""The service over HTTP, with a real database and a market in memory."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from services.pattern.api import create_app
from services.pattern.rules.read import evidence
from tests.technical.world import CYCLE, NOW, Clock, Market, deps_around, open_scan, stock

SYMBOLS = ["ZETA", "ACME", "BETA"]


@pytest.fixture
def market() -> Market:
    return Market(Clock(), {symbol: stock(symbol, seed) for seed, symbol in enumerate(SYMBOLS)})


@pytest.fixture
async def web(pool: asyncpg.Pool, market: Market) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(deps_around(pool, market)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def ask(web: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await web.post("/api/v1/assess", json={"symbols": SYMBOLS, "as_of": NOW.isoformat()} | body)


async def test_every_symbol_is_answered_in_the_order_asked(web: httpx.AsyncClient) -> None:
    answer = (await ask(web, symbols=["ZETA", "NOPE", "ACME"])).json()
    assert [one["symbol"] for one in answer["evidence"]] == ["ZETA", "NOPE", "ACME"]
    assert answer["evidence"][1]["refused"] == "5-minute: no bars; daily: no bars"
    assert answer["evidence"][1]["score"] == 0.5
    assert "5-minute bars" in answer["evidence"][0]["rests_on"]
    assert "daily bars" in answer["evidence"][0]["rests_on"]


async def test_the_answer_at_a_moment_is_that_of_the_rules_and_stays(web: httpx.AsyncClient, market: Market) -> None:
    """Asked again an hour later for the same moment the answer is the same to the bit, later bars or not."""
    first = (await ask(web)).json()
    market.clock.at += timedelta(hours=3)
    later = (await ask(web, as_of=(NOW + timedelta(hours=3)).isoformat())).json()
    again = (await ask(web)).json()
    assert again == first
    assert later != first
    bars = market.stocks["ACME"]
    begin = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=5)
    short = bars["5Min"].before(NOW.timestamp(), 300.0)
    keep = short.start >= begin.timestamp()
    long = bars["1Day"].before(NOW.timestamp(), 86_400.0)
    long = long.slice(int((long.start < (begin - timedelta(days=195)).timestamp()).sum()), len(long))
    expected = evidence("ACME", short.slice(int((~keep).sum()), len(short)), long)
    assert first["evidence"][1] == expected.model_dump(mode="json")


async def test_no_detection_is_later_than_the_moment(web: httpx.AsyncClient, market: Market) -> None:
    market.clock.at += timedelta(hours=4)
    for one in (await ask(web)).json()["evidence"]:
        assert one["detections"]
        for seen in one["detections"]:
            assert seen["started_at"] <= seen["ended_at"] < NOW.isoformat()
            assert 0 <= seen["confidence"] <= 1


async def test_daily_bars_are_asked_for_once_a_day(web: httpx.AsyncClient, market: Market) -> None:
    await ask(web)
    assert sorted(market.calls) == [("1Day", 3), ("5Min", 3)]
    market.calls.clear()
    await ask(web)
    assert market.calls == [("5Min", 3)]
    market.calls.clear()
    market.clock.at += timedelta(days=1)
    await ask(web, as_of=market.clock.at.isoformat())
    assert ("1Day", 3) in market.calls


async def test_a_scan_is_stored_once_with_what_it_rests_on(
    web: httpx.AsyncClient, pool: asyncpg.Pool, admin_database_url: str
) -> None:
    await open_scan(admin_database_url)
    answer = (await ask(web, cycle_id=CYCLE, scan=1)).json()
    assert (await ask(web, cycle_id=CYCLE, scan=1)).json() == answer
    rows = await pool.fetch("SELECT * FROM pattern_analysis ORDER BY id")
    assert [row["symbol"] for row in rows] == SYMBOLS
    assert [row["rests_on"] for row in rows] == [one["rests_on"] for one in answer["evidence"]]
    assert [row["score"] for row in rows] == [one["score"] for one in answer["evidence"]]


async def test_one_symbol_is_shown_by_timeframe(web: httpx.AsyncClient) -> None:
    answer = (await ask(web)).json()["evidence"][1]
    shown = (await web.get("/api/v1/patterns/acme", params={"timeframe": "5Min"})).json()
    assert shown["symbol"] == "ACME"
    assert shown["detections"] == [one for one in answer["detections"] if one["timeframe"] == "5Min"]
    assert shown["rests_on"] == answer["rests_on"]
    both = (await web.get("/api/v1/patterns/ACME")).json()
    assert both["detections"] == answer["detections"]
    assert (await web.get("/api/v1/patterns/NOPE")).status_code == 404
    assert (await web.get("/api/v1/patterns/ACME", params={"timeframe": "2Min"})).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"as_of": "2026-06-16T15:00:00"}, "as_of"),
        ({"as_of": (NOW + timedelta(hours=1)).isoformat()}, "as_of"),
        ({"cycle_id": CYCLE}, "scan"),
    ],
)
async def test_a_request_that_cannot_be_meant_is_refused(
    web: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await ask(web, **body)
    assert answer.status_code in (400, 422)
    assert field in answer.text


async def test_without_market_data_it_is_unavailable(web: httpx.AsyncClient, market: Market) -> None:
    market.is_down = True
    assert (await ask(web)).status_code == 503
