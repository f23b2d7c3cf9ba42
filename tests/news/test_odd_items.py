"""One odd item costs itself, whatever the source; an answer of nothing but odd ones is no answer."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.news.sources.alpaca import AlpacaNews
from services.scanner.flow import stories
from shared.domain.news import Headline
from shared.errors import Unavailable
from shared.ports import NewsFeed
from tests.news.items import item
from tests.news.street import Answer, Street
from tests.news.test_sources import ask, market, states, web_on, wire
from tests.news.vendors import (
    atom,
    benzinga_story,
    feeds_on,
    filing,
    press_article,
    vantage_article,
    yahoo_item,
)
from tests.shared.alpaca_venue import Venue, settings_for
from tests.technical.world import NOW, Feed, Market, deps_around

__all__ = ["market"]
DAY = timedelta(days=1)
Row = dict[str, Any]


def alpaca_item(**more: Any) -> Row:
    at = (NOW - timedelta(minutes=5)).isoformat()
    return {"id": 1, "headline": "Acme wins order", "created_at": at, "updated_at": at, "symbols": ["ACME"]} | more


ALPACA_ODD: list[Any] = [
    "text", 7, None, [], {}, {"id": None}, {"headline": None}, {"headline": 5}, {"headline": ["x"]},
    {"symbols": "ACME"},
    {"symbols": [None]}, {"symbols": {"ACME": 1}}, {"created_at": "2026-06-16T15:00:00"}, {"created_at": None},
    {"created_at": "yesterday"}, {"created_at": 1781622000}, {"created_at": "99999-01-01T00:00:00Z"},
    {"updated_at": "soon"}, {"updated_at": "2026-06-16T15:00:00"}, {"summary": 5}, {"source": []}, {"id": 1.5},
]  # fmt: skip


@pytest.fixture
async def alpaca(venue_url: str) -> AsyncIterator[AlpacaNews]:
    feed = AlpacaNews(settings_for(venue_url))
    yield feed
    await feed.close()


@pytest.mark.parametrize("odd", ALPACA_ODD, ids=repr)
async def test_an_odd_item_of_alpaca_costs_itself(alpaca: AlpacaNews, venue: Venue, odd: Any) -> None:
    bad = alpaca_item(id=2) | odd if isinstance(odd, dict) and odd else odd
    venue.answers["/v1beta1/news"] = (200, {"news": [alpaca_item(), bad, alpaca_item(id=3)]})
    found = await alpaca.headlines(["ACME"], NOW - DAY, NOW)
    assert [one.id for one in found] == ["3", "1"]
    assert alpaca.dropped == 1
    venue.answers["/v1beta1/news"] = (200, {"news": [bad]})
    assert await alpaca.headlines(["ACME"], NOW - DAY, NOW) == ()
    assert alpaca.dropped == 2
    venue.answers["/v1beta1/news"] = (200, {"news": [bad, bad]})
    with pytest.raises(Unavailable, match="malformed"):
        await alpaca.headlines(["ACME"], NOW - DAY, NOW)


@pytest.mark.parametrize("odd", [{"headline": None}, {"created_at": "2026-06-16T15:00:00"}, "text"], ids=repr)
async def test_an_odd_item_alone_at_first_is_malformed(alpaca: AlpacaNews, venue: Venue, odd: Any) -> None:
    venue.answers["/v1beta1/news"] = (200, {"news": [alpaca_item() | odd if isinstance(odd, dict) else odd]})
    with pytest.raises(Unavailable, match="malformed"):
        await alpaca.headlines(["ACME"], NOW - DAY, NOW)


@pytest.mark.parametrize(
    ("odd", "reads"),
    [
        ({"id": "a-7"}, "Acme wins order"),
        ({"headline": "Acme <b>wins</b> order &amp; more", "summary": None}, "Acme <b>wins</b> order & more"),
        ({"headline": "Acme wins\x00 order"}, "Acme wins\x00 order"),
        ({"headline": "x" * 1_000_000}, "x" * 1_000_000),
        ({"symbols": None}, "Acme wins order"),
        ({"created_at": "2026-06-16T15:00:00-00:00"}, "Acme wins order"),
        ({"updated_at": None}, "Acme wins order"),
        ({"summary": "half an emoji \ud83d"}, "Acme wins order"),
        ({"headline": "Acme \ud83d wins"}, "Acme ? wins"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_what_is_odd_and_can_be_read(alpaca: AlpacaNews, venue: Venue, odd: Row, reads: str) -> None:
    venue.answers["/v1beta1/news"] = (200, {"news": [alpaca_item() | odd]})
    assert [one.headline for one in await alpaca.headlines(["ACME"], NOW - DAY, NOW)] == [reads]
    assert alpaca.dropped == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"news": 5}',
        b"[" * 100_000,
        b'{"news": [',
        "<html>é</html>".encode("latin-1"),
    ],
    ids=lambda body: repr(body)[:20],
)
async def test_another_document_is_unavailable(alpaca: AlpacaNews, venue: Venue, body: bytes) -> None:
    venue.answers["/v1beta1/news"] = (200, body)
    with pytest.raises(Unavailable, match="another form"):
        await alpaca.headlines(["ACME"], NOW - DAY, NOW)


async def test_a_latin_1_byte_costs_a_letter(alpaca: AlpacaNews, venue: Venue) -> None:
    body = json.dumps({"news": [alpaca_item(headline="Caf@ wins"), alpaca_item(id=2)]}).encode().replace(b"@", b"\xe9")
    venue.answers["/v1beta1/news"] = (200, body)
    found = await alpaca.headlines(["ACME"], NOW - DAY, NOW)
    assert [one.headline for one in found] == ["Acme wins order", "Caf\ufffd wins"]


Wrap = Callable[[list[Any]], Any]
VENDORS: dict[str, tuple[Row, Wrap, list[Any]]] = {
    "benzinga": (
        benzinga_story(1, 5), lambda rows: rows,
        [{"created": "Tue, 16 Jun 2026 10:00:00"}, {"created": None}, {"created": "soon"}, {"created": ""},
         {"id": None},
         {"title": None}, {"stocks": [None]}, {"stocks": "ACME"}, {"created": "Tue, 16 Jun 99999 10:00:00 +0000"}],
    ),
    "newsapi": (
        press_article(5, "Acme wins order"), lambda rows: {"status": "ok", "articles": rows},
        [{"publishedAt": "2026-06-13T14:00:00"}, {"publishedAt": None}, {"publishedAt": "soon"}, {"title": 5},
         {"source": "x"}],
    ),
    "alphavantage": (
        vantage_article(5, "Acme wins order", {"ACME": "0.9"}), lambda rows: {"feed": rows},
        [{"time_published": "soon"}, {"time_published": None}, {"title": None}, {"url": None},
         {"ticker_sentiment": [None]}, {"ticker_sentiment": "x"}, {"time_published": "2026"}],
    ),
    "yahoo": (
        yahoo_item(5, "Acme wins order", "ACME"), lambda rows: {"news": rows},
        [{"providerPublishTime": 10**18}, {"providerPublishTime": None}, {"providerPublishTime": "soon"},
         {"title": None}, {"uuid": None}, {"relatedTickers": "ACME"}, {"relatedTickers": [None]}],
    ),
}  # fmt: skip
CASES = [(name, odd) for name, (_, _, odds) in VENDORS.items() for odd in (*odds, "text", None, 7, [])]


async def asked(feed: NewsFeed, at: datetime) -> list[str]:
    found = await feed.headlines(["ACME"], at - DAY, at)
    return [one.headline for one in found]


@pytest.mark.parametrize(("name", "odd"), CASES, ids=repr)
async def test_an_odd_item_of_a_vendor_costs_itself(street: Street, name: str, odd: Any) -> None:
    feed, path, _, at = feeds_on(street)[name]
    good, wrap, _ = VENDORS[name]
    bad = good | odd if isinstance(odd, dict) else odd
    street.says[path] = Answer(wrap([bad, good, bad]))
    assert await asked(feed, at) == ["Acme wins order"]
    assert feed.dropped == 2
    street.says[path] = Answer(wrap([bad, bad]))
    with pytest.raises(Unavailable, match="malformed"):
        await asked(feed, at)
    street.says[path] = Answer(json.dumps(wrap([good | {"extra": "\ud83d"}])))
    assert await asked(feed, at) == ["Acme wins order"]
    for body in ("<html>busy</html>", "", "[" * 100_000):
        street.says[path] = Answer(body)
        with pytest.raises(Unavailable):
            await asked(feed, at)


async def test_minus_nought_is_utc(street: Street) -> None:
    feed, path, _, at = feeds_on(street)["benzinga"]
    when = (NOW - timedelta(minutes=5)).strftime("%a, %d %b %Y %H:%M:%S -0000")
    street.says[path] = Answer([benzinga_story(1, 5, created=when, updated=when)])
    (found,) = await feed.headlines(["ACME"], at - DAY, at)
    assert found.published_at == (NOW - timedelta(minutes=5)).replace(microsecond=0)


async def test_benzinga_says_when_a_story_was_changed(street: Street) -> None:
    feed, path, _, at = feeds_on(street)["benzinga"]
    late = benzinga_story(2, 3)["created"]
    street.says[path] = Answer([benzinga_story(1, 60 * 30, updated=late)])
    (found,) = await feed.headlines(["ACME"], at - timedelta(minutes=10), at)
    assert found.updated_at is not None
    assert found.published_at < NOW - DAY < found.updated_at


GOOD_FILING = filing("a-1", 5, "ACME CORP", 1001, "1.03: x")
FILINGS = [
    GOOD_FILING.replace("a-1", "a-2").replace("<updated>", "<updated>yesterday "),
    GOOD_FILING.replace("a-1", "a-2").replace("+00:00</updated>", "</updated>"),
    GOOD_FILING.replace("a-1", "a-2").partition("<updated>")[0] + "</entry>",
]


@pytest.mark.parametrize("odd", FILINGS)
async def test_an_odd_filing_costs_itself(street: Street, odd: str) -> None:
    feed, path, _, at = feeds_on(street)["sec"]
    street.says[path] = atom(GOOD_FILING, odd)
    assert [one.id for one in await feed.headlines(["ACME"], at - DAY, at)] == ["a-1"]
    assert feed.dropped == 1


@pytest.mark.parametrize("odd", ["\x00", "\x0b", "&#0;", "&#x1F;", "&#xD83D;", "\ufffe"])
async def test_what_no_xml_may_hold_costs_itself(street: Street, odd: str) -> None:
    feed, path, _, at = feeds_on(street)["sec"]
    street.says[path] = atom(GOOD_FILING.replace("ACME CORP", f"ACME{odd} CORP"))
    assert [one.id for one in await feed.headlines(["ACME"], at - DAY, at)] == ["a-1"]


async def test_an_odd_ticker_of_the_secs_list_costs_itself(street: Street) -> None:
    feed, _, usual, at = feeds_on(street)["sec"]
    street.says["/cgi-bin/browse-edgar"] = usual
    good = {"cik_str": 1001, "ticker": "ACME"}
    street.says["/files/company_tickers.json"] = Answer({"0": good, "1": {"cik_str": None}, "2": None, "3": "x"})
    assert [one.id for one in await feed.headlines(["ACME"], at - DAY, at)] == ["a-1"]


@dataclass
class Broken(Feed):
    """A source with a fault of its own."""

    async def headlines(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        raise TypeError("can't compare offset-naive and offset-aware datetimes: key=s3cr3t")


async def test_whatever_a_feed_raises_is_that_feeds_trouble(pool: asyncpg.Pool, market: Market) -> None:
    good = item("Acme beats quarterly profit estimates", 30, id="w1")
    async with web_on(pool, market, wire(good), Broken(name="broken")) as web:
        answer = await ask(web)
        assert (answer.status_code, answer.json()["evidence"][0]["items"]) == (200, 1)
        assert await states(web) == {"wire": "ok", "broken": "failing"}
        found = {one["name"]: one for one in (await web.get("/api/v1/sources")).json()}
    assert (found["broken"]["dropped"], found["wire"]["dropped"]) == (0, 0)
    assert "TypeError" in found["broken"]["last_error"]
    assert "s3cr3t" not in found["broken"]["last_error"]
    async with web_on(pool, market, Broken(name="broken")) as web:
        assert (await ask(web)).status_code == 503


async def test_no_trouble_with_news_costs_a_scan(pool: asyncpg.Pool, market: Market) -> None:
    found = await stories.ask(deps_around(pool, market, Broken()), ["ACME"], NOW - DAY, NOW)
    assert found is not None
    assert (found.trouble, found.stories) == ("TypeError", {})
