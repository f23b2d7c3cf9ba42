"""Many sources at once, over HTTP: what one's trouble does to the others, and what a scan is told."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from services.news.api import create_app
from services.news.flow.breaker import LONGEST_REST_S, Breaker
from shared.domain.news import Headline, Terms
from shared.errors import NotNow, Unavailable
from tests.news.items import item
from tests.technical.world import NOW, Clock, Feed, Market, deps_around

NAMES = {"ACME": "Acme Corporation", "GLBX": "Globex Holdings Inc."}
OTHER = Terms(is_wire=False, at_once=1, lasts_seconds=1800)


@dataclass
class Busy(Feed):
    """A source whose budget is used up."""

    async def headlines(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        self.calls.append((tuple(symbols), since, until))
        raise NotNow(f"{self.name}: 25 requests a day are used up")


@asynccontextmanager
async def web_on(pool: asyncpg.Pool, market: Market, *feeds: Feed) -> AsyncIterator[httpx.AsyncClient]:
    deps = replace(deps_around(pool, market), news=feeds)
    transport = httpx.ASGITransport(create_app(deps), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def ask(web: httpx.AsyncClient, *symbols: str, at: datetime = NOW) -> httpx.Response:
    wanted = {"symbols": list(symbols) or ["ACME", "GLBX"], "as_of": at.isoformat()}
    return await web.post("/api/v1/assess", json=wanted)


async def states(web: httpx.AsyncClient) -> dict[str, str]:
    return {one["name"]: one["status"] for one in (await web.get("/api/v1/sources")).json()}


@pytest.fixture
def market() -> Market:
    return Market(Clock(), names=dict(NAMES))


def wire(*items: Headline, name: str = "wire", **says: Any) -> Feed:
    return Feed(name=name, items=list(items), **says)


GOOD = item("Acme beats quarterly profit estimates", 30, id="w1")


async def test_a_failing_other_source_degrades_nothing_but_its_own_health(pool: asyncpg.Pool, market: Market) -> None:
    down, busy = Feed(name="down", terms=OTHER, is_down=True), Busy(name="busy", terms=OTHER)
    off = Feed(name="off", terms=Terms(off="NO_KEY is not set"))
    async with web_on(pool, market, wire(GOOD)) as alone, web_on(pool, market, wire(GOOD), down, busy, off) as many:
        expected = (await ask(alone)).json()
        for _ in range(4):
            assert (await ask(many)).json() == expected
        assert await states(many) == {"wire": "ok", "down": "resting", "busy": "waiting", "off": "off"}
        found = {one["name"]: one for one in (await many.get("/api/v1/sources")).json()}
        assert (await many.get("/health")).status_code == 200
    assert found["busy"]["detail"] == "busy: 25 requests a day are used up"
    assert found["off"]["detail"] == "NO_KEY is not set"
    assert found["down"]["failures_in_a_row"] == 3
    assert len(down.calls) == 3
    assert off.calls == []


async def test_no_wire_is_unavailable_whatever_the_others_say(pool: asyncpg.Pool, market: Market) -> None:
    filings = Feed(name="filings", terms=OTHER, items=[GOOD])
    async with web_on(pool, market, wire(is_down=True), filings) as web:
        answer = await ask(web)
        assert (answer.status_code, "no route" in answer.json()["detail"]) == (503, True)
    async with web_on(pool, market, Busy(name="wire"), filings) as web:
        assert (await ask(web)).status_code == 503
        assert await states(web) == {"wire": "waiting", "filings": "unused"}
    async with web_on(pool, market, filings) as web:
        assert (await ask(web)).json()["detail"] == "no news wire is in use"
    assert await pool.fetchval("SELECT count(*) FROM news_sentiment") == 0


async def test_one_wire_is_enough_and_a_quiet_one_means_no_news(pool: asyncpg.Pool, market: Market) -> None:
    async with web_on(pool, market, wire(is_down=True), wire(name="second")) as web:
        answer = await ask(web)
        assert answer.status_code == 200
        assert {one["reason"] for one in answer.json()["evidence"]} == {"no news"}
        assert await states(web) == {"wire": "failing", "second": "ok"}


async def test_others_are_asked_first_about_what_the_wires_do_not_explain(pool: asyncpg.Pool, market: Market) -> None:
    thrifty = Feed(name="thrifty", terms=OTHER, items=[item("Globex wins Navy contract", 10, "GLBX", id="t")])
    async with web_on(pool, market, wire(GOOD), thrifty) as web:
        assert (await ask(web)).json()["evidence"][1]["items"] == 1
        assert [symbols for symbols, _, _ in thrifty.calls] == [("GLBX",), ("ACME",)]
        market.clock.at = NOW + timedelta(minutes=29)
        await ask(web, at=market.clock.at)
        assert len(thrifty.calls) == 2
        market.clock.at = NOW + timedelta(minutes=31)
        await ask(web, at=market.clock.at)
        assert thrifty.calls[2:] == [
            (("ACME",), NOW - timedelta(minutes=10), market.clock.at),
            (("GLBX",), NOW - timedelta(minutes=10), market.clock.at),
        ]


async def test_a_story_of_three_sources_counts_once_and_is_a_little_surer(pool: asyncpg.Pool, market: Market) -> None:
    press = Feed(
        name="press",
        terms=OTHER,
        items=[
            item("UPDATE 1-Acme tops quarterly profit estimates", 25, id="p1", source="reuters"),
            item("Acme Corp. beats estimates for quarterly profit", 20, id="p2", source="cnbc"),
        ],
    )
    async with web_on(pool, market, wire(GOOD)) as alone, web_on(pool, market, wire(GOOD), press) as many:
        once, thrice = (await ask(alone)).json()["evidence"][0], (await ask(many)).json()["evidence"][0]
    assert (once["items"], thrice["items"]) == (1, 3)
    assert "3 sources" in thrice["reason"]
    assert once["confidence"] < thrice["confidence"] < once["confidence"] + 0.1
    assert once["score"] < thrice["score"] < once["score"] + 0.05
    rows = await pool.fetch("SELECT source_id, story_id FROM news_items")
    assert len({row["story_id"] for row in rows}) == 1
    assert len(rows) == 3


async def test_an_earlier_telling_that_arrives_later_joins_the_story_that_is_stored(
    pool: asyncpg.Pool, market: Market
) -> None:
    feed = wire(item("Acme beats quarterly profit estimates", 5, id="w1"))
    async with web_on(pool, market, feed) as web:
        await ask(web)
        feed.items += [
            item("Acme tops quarterly profit estimates", 8, id="earlier", source="reuters"),
            item("Acme quarterly profit beats estimates", -2, id="later", source="cnbc"),
        ]
        market.clock.at = later = NOW + timedelta(minutes=5)
        await ask(web, at=later)
    rows = await pool.fetch("SELECT DISTINCT story_id FROM news_items")
    first = await pool.fetchval("SELECT item_id FROM news_items WHERE source_id = 'w1'")
    assert [row["story_id"] for row in rows] == [first]
    assert await pool.fetchval("SELECT count(*) FROM news_items") == 3


async def test_symbols_that_a_later_question_adds_to_an_item_are_kept(pool: asyncpg.Pool, market: Market) -> None:
    merger = item("Globex and Acme agree to merge", 30, "ACME", id="m")
    feed = wire(merger)
    async with web_on(pool, market, feed) as web:
        assert [one["items"] for one in (await ask(web)).json()["evidence"]] == [1, 0]
        feed.items[0] = merger.model_copy(update={"symbols": ("GLBX",)})
        market.clock.at = later = NOW + timedelta(minutes=5)
        assert [one["items"] for one in (await ask(web, "ACME", at=later)).json()["evidence"]] == [1]
        feed.items.append(merger.model_copy(update={"published_at": NOW, "symbols": ("GLBX",)}))
        found = (await ask(web, "ACME", "GLBX", "NEW", at=later + timedelta(minutes=1))).json()["evidence"]
    assert [one["items"] for one in found] == [1, 1, 0]
    assert await pool.fetchval("SELECT symbols FROM news_items") == ["ACME", "GLBX"]


async def test_monday_morning_sees_friday_evening(pool: asyncpg.Pool, market: Market) -> None:
    monday, friday_close = datetime(2026, 6, 15, 14, 0, tzinfo=UTC), datetime(2026, 6, 12, 20, 0, tzinfo=UTC)
    market.clock.at = monday
    evening = (NOW - friday_close) / timedelta(minutes=1) - 60
    feed = wire(item("Acme prices public offering of common stock", evening, id="f"))
    async with web_on(pool, market, feed) as web:
        found = (await ask(web, "ACME", at=monday)).json()["evidence"][0]
        assert (await ask(web, "ACME", at=monday)).json()["evidence"][0] == found
    assert feed.calls == [(("ACME",), friday_close, monday)]
    assert (found["items"], found["catalyst"]) == (1, "OFFERING")
    assert found["score"] < 0.4


async def test_without_a_calendar_it_looks_back_a_day(pool: asyncpg.Pool, market: Market) -> None:
    market.is_down = True
    feed = wire(GOOD)
    async with web_on(pool, market, feed) as web:
        assert (await ask(web, "ACME")).json()["evidence"][0]["items"] == 1
    assert feed.calls[0][1] == NOW - timedelta(hours=24)


async def test_a_breaker_rests_longer_each_time_and_forgets_at_a_success() -> None:
    breaker, rests = Breaker("x"), []
    for _ in range(12):
        breaker.failed("no")
        rests.append(breaker.rest_s)
    assert rests[:2] == [0, 0]
    assert rests[2] == pytest.approx(20, abs=1)
    assert rests[3] == pytest.approx(40, abs=1)
    assert rests[-1] == pytest.approx(LONGEST_REST_S, abs=1)
    with pytest.raises(Unavailable, match="rests after 12 failures: no"):
        breaker.check()
    breaker.succeeded(NOW)
    breaker.check()
    assert breaker.status(None) == ("ok", None)
