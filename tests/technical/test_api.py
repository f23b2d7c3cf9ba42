"""The service over HTTP, with a real database and a market in memory."""

import asyncpg
import httpx
import pytest

from services.technical.api import create_app
from tests.stages import SYMBOLS, ask, served, three_stocks
from tests.technical.world import CYCLE, NOW, Market, open_scan, stock

market = pytest.fixture(three_stocks)
web = served(create_app)


async def test_a_symbol_without_bars_is_refused_and_the_others_are_scored(web: httpx.AsyncClient) -> None:
    answer = (await ask(web, symbols=["NOPE", "ACME"])).json()
    assert answer["evidence"][0]["refused"] == "no bars"
    assert answer["evidence"][0]["score"] is None
    assert 0 <= answer["evidence"][1]["score"] <= 1


async def test_a_scan_is_assessed_once(
    web: httpx.AsyncClient, market: Market, pool: asyncpg.Pool, admin_database_url: str
) -> None:
    await open_scan(admin_database_url)
    first = await ask(web, cycle_id=CYCLE, scan=1)
    market.stocks |= {symbol: stock(symbol, 77) for symbol in SYMBOLS}
    again = await ask(web, cycle_id=CYCLE, scan=1)
    assert first.status_code == 200
    assert again.json() == first.json()
    wider = (await ask(web, cycle_id=CYCLE, scan=1, symbols=["BETA", "NOPE"])).json()
    assert wider["evidence"][0] == first.json()["evidence"][2]
    assert await pool.fetchval("SELECT count(*) FROM technical_indicators WHERE cycle_id = $1", CYCLE) == 4


async def test_stored_rows_say_what_was_answered(web: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    answer = (await ask(web, symbols=["ACME", "NOPE"])).json()["evidence"][0]
    rows = await pool.fetch("SELECT * FROM technical_indicators")
    assert [row["symbol"] for row in rows] == ["ACME"]
    assert rows[0]["cycle_id"] is None
    assert rows[0]["score"] == answer["score"]
    assert rows[0]["indicators"] == answer["indicators"]
    assert rows[0]["as_of"] == NOW


async def test_one_symbol_now(web: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    answer = await web.get("/api/v1/indicators/acme")
    assert answer.json()["evidence"][0]["indicators"]["5Min"]["rsi_14"] > 0
    assert (await web.get("/api/v1/indicators/NOPE")).status_code == 404
    assert await pool.fetchval("SELECT count(*) FROM technical_indicators") == 0


async def test_health_tells_of_the_last_assess(web: httpx.AsyncClient) -> None:
    assert (await web.get("/health")).json()["last_assess"] is None
    await ask(web)
    body = (await web.get("/health")).json()
    assert body["last_assess"]["symbols"] == 3
    assert body["daily_bars_kept"] == 3
