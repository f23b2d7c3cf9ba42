"""The service over HTTP, with a real database and a wire in memory."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from services.news.api import create_app
from tests.news.items import item
from tests.technical.world import CYCLE, NOW, Clock, Feed, Market, deps_around, open_scan

NAMES = {"ACME": "Acme Corporation Common Stock", "GLBX": "Globex Holdings Inc."}


@pytest.fixture
def market() -> Market:
    return Market(Clock(), names=dict(NAMES))


@pytest.fixture
def feed() -> Feed:
    return Feed(
        items=[
            item("Globex to acquire Acme for $41 a share", 90, "ACME", "GLBX", id="1"),
            item("Update: Globex to acquire Acme for $41 a share", 80, "ACME", id="2"),
            item("Acme CFO resigns", 20, "ACME", id="3"),
        ]
    )


@pytest.fixture
async def web(pool: asyncpg.Pool, market: Market, feed: Feed) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(deps_around(pool, market, feed)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def ask(web: httpx.AsyncClient, *symbols: str, **body: Any) -> httpx.Response:
    wanted = {"symbols": list(symbols) or ["GLBX", "ACME", "QUIET"], "as_of": NOW.isoformat()}
    return await web.post("/api/v1/assess", json=wanted | body)


async def test_every_symbol_is_answered_in_the_order_asked(web: httpx.AsyncClient) -> None:
    evidence = (await ask(web)).json()["evidence"]
    assert [one["symbol"] for one in evidence] == ["GLBX", "ACME", "QUIET"]
    assert evidence[1]["score"] > 0.55
    assert evidence[1]["catalyst"] == "M&A"
    assert evidence[0]["sentiment"] < 0.1 < evidence[1]["sentiment"]
    assert (evidence[2]["score"], evidence[2]["reason"]) == (0.5, "no news")


async def test_items_are_stored_once_with_their_story(web: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    await ask(web)
    await ask(web, "ACME")
    rows = await pool.fetch("SELECT source_id, story_id, item_id, symbols FROM news_items ORDER BY source_id")
    assert [row["source_id"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["story_id"] == rows[1]["story_id"] == rows[0]["item_id"]
    assert rows[2]["story_id"] == rows[2]["item_id"]
    assert rows[0]["symbols"] == ["ACME", "GLBX"]


async def test_a_restarted_service_stores_nothing_twice(
    web: httpx.AsyncClient, pool: asyncpg.Pool, market: Market, feed: Feed
) -> None:
    first = (await ask(web)).json()
    again = httpx.ASGITransport(create_app(deps_around(pool, market, feed)))
    async with httpx.AsyncClient(transport=again, base_url="http://127.0.0.1") as reborn:
        assert (await ask(reborn)).json() == first
    assert await pool.fetchval("SELECT count(*) FROM news_items") == 3


async def test_it_asks_only_for_what_it_has_not_heard(web: httpx.AsyncClient, market: Market, feed: Feed) -> None:
    await ask(web, "ACME")
    assert feed.calls == [(("ACME",), NOW - timedelta(hours=24), NOW)]
    await ask(web, "ACME")
    assert len(feed.calls) == 1
    market.clock.at = later = NOW + timedelta(minutes=30)
    feed.items.append(item("Acme files for bankruptcy", -20, id="9"))
    answer = await ask(web, "ACME", "GLBX", as_of=later.isoformat())
    assert feed.calls[1:] == [
        (("GLBX",), later - timedelta(hours=24), later),
        (("ACME",), NOW - timedelta(minutes=10), later),
    ]
    assert answer.json()["evidence"][0]["score"] < 0.4


async def test_nothing_later_than_the_moment_is_used(web: httpx.AsyncClient, feed: Feed) -> None:
    before = (await ask(web, "ACME", as_of=(NOW - timedelta(minutes=60)).isoformat())).json()
    feed.leaks = True
    feed.items.append(item("Acme files for bankruptcy", -20, id="9"))
    now = (await ask(web, "ACME")).json()
    assert before["evidence"][0]["items"] == 2
    assert now["evidence"][0]["items"] == 3
    assert (await ask(web, "ACME", as_of=(NOW - timedelta(minutes=60)).isoformat())).json() == before


async def test_a_scan_is_assessed_once(
    web: httpx.AsyncClient, feed: Feed, pool: asyncpg.Pool, admin_database_url: str
) -> None:
    await open_scan(admin_database_url)
    answers = await asyncio.gather(*(ask(web, cycle_id=CYCLE, scan=1) for _ in range(4)))
    feed.is_down = True
    again = await ask(web, cycle_id=CYCLE, scan=1)
    assert {answer.status_code for answer in (*answers, again)} == {200}
    assert all(answer.json() == again.json() for answer in answers)
    assert await pool.fetchval("SELECT count(*) FROM news_sentiment WHERE cycle_id = $1", CYCLE) == 3


async def test_a_dead_source_is_unavailable_then_rests_then_is_back(
    web: httpx.AsyncClient, feed: Feed, pool: asyncpg.Pool
) -> None:
    feed.is_down = True
    answers = [await ask(web) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {503}
    assert len(feed.calls) == 3
    assert "rests after 3 failures" in answers[-1].json()["detail"]
    source = (await web.get("/api/v1/sources")).json()[0]
    assert (source["status"], source["failures_in_a_row"]) == ("resting", 3)
    assert source["retry_in_s"] > 0
    assert await pool.fetchval("SELECT count(*) FROM news_sentiment") == 0


async def test_one_failure_is_forgotten_by_a_success(web: httpx.AsyncClient, feed: Feed) -> None:
    assert (await web.get("/api/v1/sources")).json()[0]["status"] == "unused"
    feed.is_down = True
    await ask(web)
    assert (await web.get("/api/v1/sources")).json()[0]["status"] == "failing"
    feed.is_down = False
    assert (await ask(web)).status_code == 200
    source = (await web.get("/api/v1/sources")).json()[0]
    assert (source["status"], source["items"], source["last_error"]) == ("ok", 3, None)


async def test_without_companies_names_it_reads_by_ticker(web: httpx.AsyncClient, market: Market) -> None:
    market.is_down = True
    assert (await ask(web)).status_code == 200


async def test_hostile_items_are_stored_and_harmless(web: httpx.AsyncClient, feed: Feed, pool: asyncpg.Pool) -> None:
    feed.items = [
        item("Acme\x00 <script>alert(1)</script> '); DROP TABLE news_items; --", 9, id="a", summary="\x00" * 50),
        item("   ", 8, id="empty"),
        item("x" * 100_000, 7, "ACME", "acme", "NOT A SYMBOL", id="long"),
    ]
    answer = await ask(web, "ACME")
    assert answer.status_code == 200
    rows = await pool.fetch("SELECT headline, symbols FROM news_items ORDER BY source_id")
    assert [len(row["headline"]) for row in rows] == [60, 1000]
    assert rows[1]["symbols"] == ["ACME"]


async def test_stored_news_can_be_read(web: httpx.AsyncClient) -> None:
    await ask(web)
    everything = (await web.get("/api/v1/news")).json()
    assert everything[0]["headline"] == "Acme CFO resigns"
    assert len((await web.get("/api/v1/news", params={"symbol": "glbx"})).json()) == 1
    since = (NOW - timedelta(minutes=30)).isoformat()
    assert len((await web.get("/api/v1/news", params={"since": since})).json()) == 1
    assert (await web.get("/api/v1/news", params={"since": "2026-06-16T00:00:00"})).json()["field"] == "since"
    far = await web.get("/api/v1/news", params={"since": "9999-12-31T23:59:59-14:00"})
    assert (far.status_code, far.json()["field"]) == (422, "since")
    assert (await web.get("/api/v1/news", params={"symbol": "no good"})).json()["field"] == "symbols"


async def test_sentiment_of_one_symbol_now(web: httpx.AsyncClient, pool: asyncpg.Pool) -> None:
    assert (await web.get("/api/v1/sentiment/acme")).json()["evidence"][0]["items"] == 3
    assert (await web.get("/api/v1/sentiment/NOPE")).status_code == 404
    assert await pool.fetchval("SELECT count(*) FROM news_sentiment") == 0


async def test_classify_uses_the_funnels_code(web: httpx.AsyncClient) -> None:
    items = [
        {"text": "Globex to acquire Acme for $41 a share", "symbol": "ACME", "company": "Acme Corp"},
        {"text": "Globex to acquire Acme for $41 a share", "symbol": "GLBX", "company": "Globex Holdings Inc."},
        {"text": ""},
    ]
    found = (await web.post("/api/v1/classify", json={"items": items})).json()["items"]
    assert [one["label"] for one in found] == ["positive", "neutral", "neutral"]
    assert found[0]["catalyst"] == "M&A"
    assert set(found[0]) == {"sentiment", "label", "confidence", "catalyst", "reason", "method"}
    assert (await web.post("/api/v1/classify", json={"items": []})).status_code == 422
    assert (await web.post("/api/v1/classify", json={"items": [{"texts": "x"}]})).status_code == 422


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"symbols": []}, 422, "symbols"),
        ({"symbols": ["; DROP"]}, 422, "symbols"),
        ({"as_of": "2026-06-16T15:00:00"}, 422, "as_of"),
        ({"as_of": (NOW + timedelta(hours=1)).isoformat()}, 422, "as_of"),
        ({"scan": 1}, 422, "scan"),
        ({"cycle_id": CYCLE, "scan": 9}, 404, "scan"),
    ],
)
async def test_bad_input_names_the_field(web: httpx.AsyncClient, body: dict[str, Any], status: int, field: str) -> None:
    answer = await ask(web, **body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)


async def test_health_tells_of_the_source_and_the_last_assess(web: httpx.AsyncClient) -> None:
    await ask(web)
    body = (await web.get("/health")).json()
    assert body["newest_item_at"] == (NOW - timedelta(minutes=20)).isoformat().replace("+00:00", "Z")
    assert (body["sources"], body["readers"]) == ({"wire": "ok"}, {"own": "model"})
    assert body["last_assess"]["symbols"] == 3


def test_the_service_imports_no_data_frames() -> None:
    program = "import sys, services.news.api; print(sorted({'pandas', 'polars'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
