"""The service over HTTP, with a real database and a market in memory."""

import re
from datetime import timedelta

import asyncpg
import httpx
import pytest

from services.pattern.api import create_app
from services.pattern.rules.read import evidence
from tests.stages import ask, served, three_stocks
from tests.technical.world import CYCLE, NOW, Market, open_scan, stock

market = pytest.fixture(three_stocks)
web = served(create_app)


async def test_an_answer_says_what_it_rests_on_and_without_bars_it_is_neutral(web: httpx.AsyncClient) -> None:
    answer = (await ask(web, symbols=["ZETA", "NOPE"])).json()["evidence"]
    assert (answer[1]["refused"], answer[1]["score"], answer[1]["detections"]) == ("no bars", 0.5, [])
    assert "5-minute bars" in answer[0]["rests_on"]
    assert "daily bars" in answer[0]["rests_on"]


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


async def test_a_scan_is_assessed_once_whatever_the_market_says_later(
    web: httpx.AsyncClient, market: Market, pool: asyncpg.Pool, admin_database_url: str
) -> None:
    await open_scan(admin_database_url)
    many = [f"S{letter}" for letter in "ABCDEFGHIJKL"]
    market.stocks |= {symbol: stock(symbol, seed) for seed, symbol in enumerate(many, 10)}
    answer = (await ask(web, cycle_id=CYCLE, scan=1, symbols=many)).json()
    market.stocks |= {symbol: stock(symbol, 77) for symbol in many}
    assert (await ask(web, cycle_id=CYCLE, scan=1, symbols=many)).json() == answer
    told = {one["symbol"]: one for one in answer["evidence"]}
    assert any(one["best"] for one in told.values())
    rows = await pool.fetch("SELECT * FROM pattern_analysis ORDER BY symbol")
    assert [row["symbol"] for row in rows] == many
    for row in rows:
        one = told[row["symbol"]]
        best = one["best"] or {}
        assert [row[name] for name in ("score", "detections", "support", "resistance", "rests_on")] == [
            one[name] for name in ("score", "detections", "support", "resistance", "rests_on")
        ]
        assert [row[name] for name in ("name", "direction", "status", "confidence")] == [
            best.get(name) for name in ("name", "direction", "status", "confidence")
        ]


async def test_one_symbol_now_by_timeframe(web: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    both = (await web.get("/api/v1/patterns/acme")).json()
    assert both["evidence"][0] == (await ask(web)).json()["evidence"][1]
    for timeframe, called in (("5Min", "5-minute"), ("1Day", "daily")):
        shown = (await web.get("/api/v1/patterns/ACME", params={"timeframe": timeframe})).json()["evidence"][0]
        seen = [one for one in both["evidence"][0]["detections"] if one["timeframe"] == timeframe]
        assert (shown["symbol"], shown["detections"]) == ("ACME", seen)
        assert seen
        assert re.fullmatch(rf"\d+ {called} bars", shown["rests_on"])
    assert (await web.get("/api/v1/patterns/NOPE")).json()["detail"] == "no bars of NOPE"
    assert (await web.get("/api/v1/patterns/ACME", params={"timeframe": "2Min"})).status_code == 422
    assert await pool.fetchval("SELECT count(*) FROM pattern_analysis") == 3, "only what was posted is stored"
