"""The same question is taken, and refused, in the same way by every stage that answers it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from services.news.api import create_app as news
from services.pattern.api import create_app as pattern
from services.technical.api import create_app as technical
from shared.deps import Deps
from tests.stages import ODD, SYMBOLS, ask, broken, three_stocks, visiting
from tests.technical.world import CYCLE, NOW, Market, deps_around, open_scan

STAGES: dict[str, tuple[Callable[[Deps], FastAPI], str]] = {
    "news": (news, "news_sentiment"),
    "pattern": (pattern, "pattern_analysis"),
    "technical": (technical, "technical_indicators"),
}


@pytest.fixture
def market() -> Market:
    return three_stocks()


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def web(stage: str, pool: asyncpg.Pool, market: Market) -> AsyncIterator[httpx.AsyncClient]:
    async with visiting(STAGES[stage][0](deps_around(pool, market))) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ({"symbols": []}, "symbols", "symbols: Tuple should have at least 1 item after validation, not 0"),
        ({"symbols": ["ACME", "DROP TABLE"]}, "symbols", "symbols: not a symbol: 'DROP TABLE'"),
        ({"symbols": ["acme"]}, "symbols", "symbols: not a symbol: 'acme'"),
        ({"symbols": ["TOOLONGASYMBOL"]}, "symbols", "symbols: not a symbol: 'TOOLONGASYMBOL'"),
        ({"symbols": ["A" * 5000]}, "symbols", f"symbols: not a symbol: '{'A' * 20}'"),
        ({"symbols": ["ACME"] * 1001}, "symbols", "symbols: Tuple should have at most 1000 items after validation"),
        ({"symbols": "ACME"}, "symbols", "symbols: Input should be a valid tuple"),
        ({"as_of": "2026-06-16T15:00:00"}, "as_of", "as_of: Input should have timezone info"),
        ({"as_of": "yesterday"}, "as_of", "as_of: Input should be a valid datetime"),
        ({"as_of": (NOW + timedelta(seconds=61)).isoformat()}, "as_of", "as_of lies in the future"),
        ({"cycle_id": CYCLE}, "scan", "scan: cycle_id and scan come together or not at all"),
        ({"scan": 1}, "scan", "scan: cycle_id and scan come together or not at all"),
        ({"surprise": 1}, "surprise", "surprise: Extra inputs are not permitted"),
    ],
)
async def test_a_question_that_cannot_be_meant_is_refused_by_its_field(
    web: httpx.AsyncClient, pool: asyncpg.Pool, body: dict[str, Any], field: str, detail: str
) -> None:
    answer = await ask(web, **body)
    said = answer.json()
    assert (answer.status_code, said["field"]) == (422, field)
    assert said["detail"].startswith(detail)
    assert await pool.fetchval("SELECT count(*) FROM securities") == 0


REFUSED = {"one bar", "constant", "all nan", "tiny"}
SAID = {
    "one bar": "too little history: 1 ",
    "no volume": "no volume in ",
    "constant": "one price in ",
    "nan": "3 broken ",
    "all nan": "too little history: 0 ",
    "zero": "1 broken ",
    "enormous": " 5-minute bars",
    "tiny": "too little history: 0 ",
    "split": "bars before a jump to 0.25 times the price",
}
CHARTED = pytest.mark.parametrize("stage", ["pattern", "technical"], indirect=True)
SHOWN_AT = {"pattern": "patterns", "technical": "indicators"}


@CHARTED
async def test_one_call_a_timeframe_and_daily_bars_once_a_day(web: httpx.AsyncClient, market: Market) -> None:
    def asked() -> list[tuple[str, int]]:
        found = sorted(call for call in market.calls if call[0] != "sessions")
        market.calls.clear()
        return found

    await ask(web)
    assert asked() == [("1Day", 3), ("5Min", 3)]
    await ask(web)
    assert asked() == [("5Min", 3)]
    market.clock.at += timedelta(days=1)
    await ask(web, as_of=market.clock.at.isoformat())
    assert asked() == [("1Day", 3), ("5Min", 3)]


@CHARTED
async def test_without_market_data_it_is_unavailable_and_then_back(
    web: httpx.AsyncClient, stage: str, market: Market
) -> None:
    market.is_down = True
    for answer in (await ask(web), await web.get(f"/api/v1/{SHOWN_AT[stage]}/ACME")):
        assert (answer.status_code, answer.json()["detail"]) == (503, "market data does not answer")
    market.is_down = False
    assert (await ask(web)).status_code == 200


@CHARTED
async def test_a_text_that_is_no_symbol_has_no_bars(web: httpx.AsyncClient, stage: str, pool: asyncpg.Pool) -> None:
    for text, told in (
        ("DROP TABLE", (404, "symbol")), ("NOPE", (404, "symbol")), ("%00", (422, "path")), ("A" * 13, (422, "symbol"))
    ):  # fmt: skip
        answer = await web.get(f"/api/v1/{SHOWN_AT[stage]}/{text}")
        assert (answer.status_code, answer.json()["field"]) == told
    assert await pool.fetchval("SELECT count(*) FROM securities") == 0


@CHARTED
@pytest.mark.parametrize("kind", ODD)
async def test_odd_bars_are_answered_in_plain_words_and_disturb_nobody(
    web: httpx.AsyncClient, stage: str, market: Market, pool: asyncpg.Pool, kind: str
) -> None:
    alone = (await ask(web, symbols=["BETA", "ZETA"])).json()["evidence"]
    market.stocks["ACME"] = {timeframe: broken(bars, kind) for timeframe, bars in market.stocks["ACME"].items()}
    answer, shown = await ask(web, symbols=["BETA", "ACME", "ZETA"]), await web.get(f"/api/v1/{SHOWN_AT[stage]}/acme")
    assert (answer.status_code, shown.status_code) == (200, 200)
    first, odd, last = answer.json()["evidence"]
    assert [first, last] == alone
    assert shown.json()["evidence"] == [odd]
    assert not re.search(r"NaN|Infinity|nan\b|None", answer.text)
    told = odd["refused"] or odd["rests_on"]
    assert SAID[kind] in told or (stage, kind) == ("technical", "no volume")
    assert (odd["refused"] is not None) == (kind in REFUSED or (stage, kind) == ("pattern", "no volume"))
    row = await pool.fetchrow(f"SELECT score, refused, rests_on FROM {STAGES[stage][1]} WHERE symbol = 'ACME'")
    assert row is not None
    assert dict(row) == {name: odd[name] for name in ("score", "refused", "rests_on")}


async def test_clocks_may_differ_by_a_minute(web: httpx.AsyncClient) -> None:
    assert (await ask(web, as_of=(NOW + timedelta(seconds=60)).isoformat())).status_code == 200


async def test_a_scan_that_workflow_has_not_opened_is_not_found(web: httpx.AsyncClient, market: Market) -> None:
    answer = await ask(web, cycle_id=CYCLE, scan=9)
    said = answer.json()
    assert (answer.status_code, said["field"]) == (404, "scan")
    assert said["detail"] == f"no scan 9 in cycle {CYCLE}"
    assert market.calls == []


async def test_one_entry_for_each_symbol_asked_in_the_order_asked(web: httpx.AsyncClient) -> None:
    answer = (await ask(web, symbols=["ZETA", "NOPE", "ACME", "ZETA"])).json()
    assert [one["symbol"] for one in answer["evidence"]] == ["ZETA", "NOPE", "ACME", "ZETA"]
    assert answer["evidence"][0] == answer["evidence"][3]


async def test_callers_at_once_store_one_answer_and_new_symbols_join_it(
    web: httpx.AsyncClient, stage: str, pool: asyncpg.Pool, admin_database_url: str
) -> None:
    """Asked in another order too: securities that nobody named before are locked in one order."""
    await open_scan(admin_database_url)
    orders = [SYMBOLS, SYMBOLS[::-1], [*SYMBOLS, SYMBOLS[0]], SYMBOLS]
    answers = await asyncio.gather(*(ask(web, cycle_id=CYCLE, scan=1, symbols=order) for order in orders))
    assert {answer.status_code for answer in answers} == {200}
    told = [{one["symbol"]: one for one in answer.json()["evidence"]} for answer in answers]
    assert all(one == told[0] for one in told)
    rows = f"SELECT count(*) FROM {STAGES[stage][1]} WHERE cycle_id = $1"
    assert await pool.fetchval(rows, CYCLE) == 3
    wider = (await ask(web, cycle_id=CYCLE, scan=1, symbols=["BETA", "NOPE"])).json()["evidence"]
    assert wider[0] == told[0]["BETA"]
    assert await pool.fetchval(rows, CYCLE) == 4


async def test_outside_a_scan_a_typing_error_leaves_no_trace(web: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    assert (await ask(web, symbols=["NOPE"])).status_code == 200
    assert await pool.fetchval("SELECT count(*) FROM securities WHERE symbol = 'NOPE'") == 0
