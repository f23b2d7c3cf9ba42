"""The same question is taken, and refused, in the same way by every stage that answers it."""

import asyncio
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
from tests.stages import SYMBOLS, ask, three_stocks, visiting
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
