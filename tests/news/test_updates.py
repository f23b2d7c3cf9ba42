"""Items that change under their id, and corrections under another: read as they stood, never earlier than told."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from fastapi import Request

from services.news.flow.assess import evidence_of, open_desk
from services.news.flow.heard import Heard
from services.news.rules.aggregate import evidence
from services.news.rules.story import corrects, is_correction, is_retraction
from services.news.sources.alpaca import AlpacaNews
from shared.domain.news import Headline
from tests.news.items import item
from tests.news.test_sources import OTHER, ask, market, web_on, wire
from tests.shared.alpaca_venue import Venue, settings_for
from tests.technical.world import NOW, Feed, Market, deps_around

__all__ = ["market"]
BEATS = "Acme beats quarterly profit estimates, raises guidance"
MISSES = "Acme misses quarterly profit estimates, cuts guidance"


def changed(old: Headline, minutes: float, text: str = "", symbols: tuple[str, ...] | None = None) -> Headline:
    """The item as it reads since so many minutes before NOW."""
    news = {"headline": text or old.headline, "symbols": old.symbols if symbols is None else symbols}
    return old.model_copy(update=news | {"updated_at": NOW - timedelta(minutes=minutes)})


async def test_a_correction_under_the_same_id_takes_the_place_of_text_and_reading(
    pool: asyncpg.Pool, market: Market
) -> None:
    first, earlier = item(BEATS, 60, id="w1"), NOW - timedelta(minutes=30)
    feed = wire(first)
    async with web_on(pool, market, feed) as web:
        was = (await ask(web, "ACME", at=earlier)).json()["evidence"][0]
        feed.items[0] = changed(first, 20, MISSES)
        found = (await ask(web, "ACME")).json()["evidence"][0]
        again = (await ask(web, "ACME", at=earlier)).json()["evidence"][0]
    assert was["sentiment"] > 0.2
    assert (found["sentiment"] < -0.2, found["headline"], found["items"]) == (True, MISSES, 1)
    assert again == was, "a question about an earlier moment is answered with what was told then"
    row = await pool.fetchrow("SELECT headline, updated_at, published_at FROM news_items")
    assert row is not None
    assert (row["headline"], row["updated_at"]) == (MISSES, NOW - timedelta(minutes=20))
    assert row["published_at"] == first.published_at
    versions = await pool.fetch("SELECT headline, told_at FROM news_versions ORDER BY told_at")
    assert [one["headline"] for one in versions] == [BEATS, MISSES]


async def test_a_correction_from_after_the_moment_is_not_used(pool: asyncpg.Pool, market: Market) -> None:
    feed = wire(changed(item(BEATS, 60, id="w1"), -5, MISSES), leaks=True)
    async with web_on(pool, market, feed) as web:
        assert (await ask(web, "ACME")).json()["evidence"][0]["items"] == 0
        market.clock.at = later = NOW + timedelta(minutes=6)
        assert (await ask(web, "ACME", at=later)).json()["evidence"][0]["sentiment"] < 0


async def test_a_symbol_tagged_late_is_news_from_then_on(pool: asyncpg.Pool, market: Market) -> None:
    untagged = item("Globex wins 2 billion dollar Navy contract", 65, "OTHER", id="w1")
    feed, tagged_at = wire(untagged), NOW - timedelta(minutes=45)
    async with web_on(pool, market, feed) as web:
        early = tagged_at - timedelta(minutes=5)
        assert (await ask(web, "GLBX", "OTHER", at=early)).json()["evidence"][0]["items"] == 0
        feed.items[0] = changed(untagged, 45, symbols=("OTHER", "GLBX"))
        found = (await ask(web, "GLBX", at=tagged_at + timedelta(minutes=5))).json()["evidence"][0]
        assert (found["items"], found["sentiment"] > 0) == (1, True)
        assert (await ask(web, "GLBX", at=early)).json()["evidence"][0]["items"] == 0
        feed.items[0] = changed(untagged, 20, symbols=("OTHER",))
        gone = (await ask(web, "GLBX", "OTHER")).json()["evidence"]
    assert [one["items"] for one in gone] == [0, 1], "a tag that is taken back counts no more"


async def test_a_source_that_names_no_update_is_believed_from_the_question_on(
    pool: asyncpg.Pool, market: Market
) -> None:
    first = item(BEATS, 60, id="https://press.example/1", source="reuters")
    press, earlier = Feed(name="press", terms=OTHER, items=[first]), NOW - timedelta(minutes=40)
    async with web_on(pool, market, wire(), press) as web:
        was = (await ask(web, "ACME", at=earlier)).json()["evidence"][0]
        press.items[0] = first.model_copy(update={"headline": MISSES})
        press.items[0] = press.items[0].model_copy(update={"published_at": NOW - timedelta(minutes=39)})
        assert (await ask(web, "ACME")).json()["evidence"][0]["sentiment"] < 0
        assert (await ask(web, "ACME", at=earlier)).json()["evidence"][0] == was


def test_versions_in_any_order_and_again() -> None:
    first, heard = item(BEATS, 60, id="w1"), Heard()
    late = changed(first, 20, MISSES)
    for one in (first, late, late, first):
        heard.hear(one, NOW)
    assert [known.headline for known in heard.versions["benzinga", "w1"]] == [BEATS, MISSES]
    assert [one.headline for one in heard.about("ACME", NOW)] == [MISSES]
    assert [one.headline for one in heard.about("ACME", NOW - timedelta(minutes=21))] == [BEATS]
    assert heard.about("ACME", NOW - timedelta(minutes=61)) == []
    heard.forget(NOW)
    assert (heard.versions, heard.about("ACME", NOW)) == ({}, [])


MARKS = [
    "CORRECTION: ",
    "CORRECTED: ",
    "UPDATE 1-CORRECTED-",
    "Correction - ",
    "CORRECTING and REPLACING ",
    "*CORRECTION* ",
]


@pytest.mark.parametrize("mark", MARKS)
def test_a_correction_under_another_id_replaces_the_storys_reading(mark: str) -> None:
    wrong, right = item(BEATS, 60, id="1"), item(mark + MISSES, 20, id="2")
    assert is_correction(right.headline)
    assert evidence([wrong], "ACME", "Acme Corp", NOW).sentiment > 0.2
    alone = evidence([right], "ACME", "Acme Corp", NOW)
    assert alone.sentiment < -0.2
    assert evidence([wrong, right], "ACME", "Acme Corp", NOW).sentiment == alone.sentiment
    assert evidence([wrong, right], "ACME", "Acme Corp", NOW - timedelta(minutes=21)).sentiment > 0.2


@pytest.mark.parametrize("mark", ["RETRACTED: ", "RETRACTION: ", "WITHDRAWN: ", "*RETRACTED* "])
def test_a_retraction_leaves_nothing_of_the_story(mark: str) -> None:
    text = "Acme wins 2 billion dollar Navy contract"
    found = evidence([item(text, 60, id="1"), item(mark + text, 20, id="2")], "ACME", "Acme Corp", NOW)
    assert is_retraction(mark + text)
    assert (found.sentiment, found.score, found.catalyst) == (0.0, 0.5, None)
    assert evidence([item(mark + text, 60, id="1")], "ACME", "Acme Corp", NOW).score == 0.5


def test_an_update_is_what_is_read_of_its_story() -> None:
    first, update = (
        item("Acme beats Q2 profit estimates", 60, id="1"),
        item("UPDATE: Acme misses Q2 profit estimates", 20, id="2"),
    )
    found = evidence([first, update], "ACME", "Acme Corp", NOW)
    assert (found.items, found.sentiment < 0) == (2, True)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("CORRECTION: Acme CFO resigns", BEATS),
        ("Market correction deepens as Acme slides", BEATS),
        ("CORRECTION: Globex wins Navy contract", "Acme wins Army deal"),
        (MISSES, BEATS),
        ("", BEATS),
        ("CORRECTION:", BEATS),
    ],
)
def test_what_corrects_nothing(text: str, other: str) -> None:
    assert not corrects(text, other)


async def test_alpacas_wire_corrects_and_tags_late(
    pool: asyncpg.Pool, market: Market, venue: Venue, venue_url: str
) -> None:
    """Its window, order and stamps as the vendor's: what was published at 14:00 and changed at 14:40 is in both."""
    at = {minutes: (NOW - timedelta(minutes=minutes)).isoformat() for minutes in (60, 20)}
    beats = {"id": 1, "headline": BEATS, "symbols": ["ACME"]}
    wins = {"id": 2, "headline": "Globex wins 2 billion dollar Navy contract", "symbols": list[str]()}
    items: list[dict[str, Any]] = [one | {"created_at": at[60], "updated_at": at[60]} for one in (beats, wins)]

    def said(request: Request) -> tuple[int, Any]:
        wanted, start = set(request.query_params["symbols"].split(",")), request.query_params["start"]
        moment = datetime.fromisoformat(start)
        inside = [one for one in items if datetime.fromisoformat(str(one["updated_at"])) >= moment]
        return 200, {"news": [one for one in inside if wanted & set(one["symbols"])], "next_page_token": None}

    venue.answers["/v1beta1/news"] = said
    deps = replace(deps_around(pool, market), news=(feed := AlpacaNews(settings_for(venue_url)),))
    desk, early = open_desk(deps), NOW - timedelta(minutes=50)
    was = await evidence_of(deps, desk, ["ACME", "GLBX"], early)
    assert (was["ACME"].sentiment > 0.2, was["GLBX"].items) == (True, 0)
    items[0] |= {"headline": "CORRECTION: " + MISSES, "updated_at": at[20]}
    items[1] |= {"symbols": ["GLBX"], "updated_at": at[20]}
    found = await evidence_of(deps, desk, ["ACME", "GLBX"], NOW)
    assert (found["ACME"].sentiment < -0.2, found["GLBX"].items, found["GLBX"].sentiment > 0) == (True, 1, True)
    assert await evidence_of(deps, desk, ["ACME", "GLBX"], early) == was
    await feed.close()
