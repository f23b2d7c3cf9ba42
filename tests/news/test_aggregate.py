"""What a symbol's news amounts to."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.news.rules.aggregate import evidence
from services.news.rules.story import key_of
from shared.domain.news import Catalyst, Headline, NewsEvidence, Reading
from tests.news.headlines import TABLE
from tests.news.items import item
from tests.technical.world import NOW, SESSIONS

GOOD, BAD = "Acme beats quarterly profit estimates", "Acme prices public offering of common stock"


def of(*items: Headline, company: str | None = "Acme Corp") -> NewsEvidence:
    return evidence(items, "ACME", company, NOW)


def test_no_news_is_the_middle() -> None:
    assert of() == NewsEvidence(symbol="ACME", score=0.5, sentiment=0, confidence=0, items=0, reason="no news")
    assert of(item("Acme to present at the Stark conference")).score == 0.5


def test_good_is_above_and_bad_below_and_it_says_why() -> None:
    good, bad = of(item(GOOD, 30)), of(item(BAD, 30))
    assert good.score > 0.65
    assert bad.score < 0.3
    assert good.reason == "EARNINGS: results above estimates, 30 min ago"
    assert (bad.catalyst, bad.headline, bad.items) == (Catalyst.OFFERING, BAD, 1)


def test_fresh_outweighs_stale_and_age_fades_towards_the_middle() -> None:
    ages = [of(item(GOOD, minutes)).score for minutes in (1, 60, 240, 720, 1400)]
    assert ages == sorted(ages, reverse=True)
    assert ages[-1] < 0.56
    turned = of(item(BAD, 5), item(GOOD, 1200))
    assert turned.catalyst == Catalyst.OFFERING
    assert turned.score < 0.35


def test_ten_kind_words_do_not_undo_an_offering() -> None:
    kind = [item(f"Acme unveils product number {n}", 20, id=str(n)) for n in range(10)]
    assert of(item(BAD, 30), *kind).score < 0.45


def test_a_retold_story_counts_once_and_stays_as_old_as_it_is() -> None:
    told_once = of(item(GOOD, 600))
    retold = of(item(GOOD, 600), item(f"UPDATE: {GOOD}", 5, source="reuters"))
    assert retold.items == 2
    assert abs(retold.score - told_once.score) < 0.02


def test_sources_are_trusted_differently() -> None:
    assert of(item(GOOD, source="benzinga")).score > of(item(GOOD, source="zacks")).score > 0.5


def test_the_summary_speaks_where_the_headline_does_not() -> None:
    silent = item("Acme update", summary="The company priced a public offering of common stock.")
    assert of(silent).catalyst == Catalyst.OFFERING
    assert of(silent).reason.startswith("OFFERING: summary: ")


def test_only_the_last_day_up_to_the_moment_counts() -> None:
    assert of(item(GOOD, 24 * 60)).items == 0
    assert of(item(GOOD, -1)).items == 0
    assert of(item(GOOD, 0)).items == 1
    assert of(item(GOOD, 10, "GLBX")).items == 0


def test_each_further_publisher_makes_a_story_a_little_surer_but_copies_do_not() -> None:
    once = of(item(GOOD, 30, id="1"))
    copied = of(item(GOOD, 30, id="1"), item(GOOD, 20, id="2"), item(GOOD, 10, id="3"))
    sources = ("benzinga", "reuters", "cnbc", "bloomberg", "dow jones")
    many = [of(*(item(GOOD, 30 - n, id=str(n), source=sources[n]) for n in range(count))) for count in range(1, 6)]
    assert (copied.score, copied.confidence) == (once.score, once.confidence)
    assert many[0] == once
    assert many[0].confidence < many[1].confidence < many[2].confidence < many[0].confidence + 0.1
    assert many[2].confidence == many[3].confidence == many[4].confidence


def test_a_story_is_as_trusted_as_the_best_who_tells_it() -> None:
    gossip = of(item(GOOD, 30, id="1", source="motley fool"))
    backed = of(item(GOOD, 30, id="1", source="motley fool"), item(GOOD, 20, id="2", source="reuters"))
    assert backed.score > gossip.score + 0.03


def test_friday_evening_counts_half_on_monday_morning() -> None:
    opening = NOW.replace(day=15, hour=13, minute=31)
    evening = item(BAD, (NOW - opening.replace(day=12, hour=21)) / timedelta(minutes=1))
    without = evidence([evening], "ACME", "Acme Corp", opening)
    found = evidence([evening], "ACME", "Acme Corp", opening, SESSIONS)
    fresh = evidence([item(BAD, (NOW - opening) / timedelta(minutes=1))], "ACME", "Acme Corp", opening, SESSIONS)
    assert without.items == 0
    assert fresh.score < found.score < 0.4


def test_a_better_reading_holds_for_its_whole_story() -> None:
    first, again = item("Acme holds a meeting", 30, id="1"), item("Acme holds a meeting", 20, id="2", source="reuters")
    said = Reading(sentiment=-0.8, confidence=0.9, catalyst=Catalyst.LEGAL, reason="a raid", method="llm")
    found = evidence([first, again], "ACME", "Acme Corp", NOW, (), {key_of(first): said})
    assert (found.catalyst, found.reason.split(",")[0]) == (Catalyst.LEGAL, "LEGAL: a raid")
    assert found.score < 0.3


TEXTS = st.sampled_from([text for text, _, _ in TABLE])
ITEMS = st.lists(st.tuples(TEXTS, st.integers(-600, 1600)), max_size=15)


@given(ITEMS, st.integers(0, 600))
def test_later_items_and_their_order_change_nothing(made: list[tuple[str, int]], back: int) -> None:
    items = [item(text, minutes, id=str(number)) for number, (text, minutes) in enumerate(made)]
    as_of = NOW - timedelta(minutes=back)
    known = [one for one in items if one.published_at <= as_of]
    found = evidence(items, "ACME", "Acme Corp", as_of)
    assert found == evidence(known, "ACME", "Acme Corp", as_of) == evidence(known[::-1], "ACME", "Acme Corp", as_of)
    assert 0 <= found.score <= 1
    assert (found.score - 0.5) * found.sentiment >= 0


SOURCES = st.sampled_from(("benzinga", "reuters", "sec", "zacks", "globenewswire"))


@given(st.lists(st.tuples(TEXTS, st.integers(-600, 6000), SOURCES), max_size=12), st.integers(0, 6000))
def test_as_of_is_obeyed_with_a_calendar_and_many_sources(made: list[tuple[str, int, str]], back: int) -> None:
    items = [item(text, minutes, id=str(n), source=source) for n, (text, minutes, source) in enumerate(made)]
    as_of = NOW - timedelta(minutes=back)
    known = [one for one in items if one.published_at <= as_of]
    found = evidence(items, "ACME", "Acme Corp", as_of, SESSIONS)
    assert found == evidence(known[::-1], "ACME", "Acme Corp", as_of, SESSIONS)
    assert found.latest_at is None or found.latest_at <= as_of
