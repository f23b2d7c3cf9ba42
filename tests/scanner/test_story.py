"""Which headlines keep a thin name that jumped, and which do not."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.rules import story
from services.scanner.rules.glance import WITHOUT_NEWS
from shared.domain.news import Headline
from tests.scanner.market import baseline, judged, reason_of, snapshots

SINCE = datetime(2026, 6, 12, 20, 0, tzinfo=UTC)
UNTIL = datetime(2026, 6, 15, 15, 0, tzinfo=UTC)


def item(text: str, at: datetime = UNTIL, symbols: tuple[str, ...] = ("ACME",), number: str = "1") -> Headline:
    return Headline(id=number, source="wire", published_at=at, headline=text, symbols=symbols)


NEWS = [
    "Acme Reports Multiple Complete Responses After Treatment and Subsequent Therapy",
    "Acme Receives U.S. FDA 510(k) Clearance for Its Device",
    "Acme Announces Positive 52-Week Data From Its Phase 3 Trial",
    "Acme Prices Offering of 5,000,000 Shares",
    "Acme Halted Its Trial Early for Efficacy",
    "Acme Shares Are Trading Higher After It Won a $20 Million Order",
    "Acme Wins Contract With 12 New Companies in Europe",
]
NO_NEWS = [
    "Top Premarket Gainers",
    "12 Health Care Stocks Moving In Monday's Pre-Market Session",
    "BC-Most Active Stocks",
    "Sector Update: Healthcare Stocks Softer Monday Afternoon",
    "Why Acme Stock Is Soaring Today",
    "Here’s Why Acme Shares Are Up",
    "What's Going On With Acme Stock?",
    "Acme Shares Are Trading Higher",
    "Acme Stock Hits 52-Week High",
    "Is Acme Undervalued?",
    "Acme: Trading Halted, Volatility Pause",
    "Acme Resumes Trading",
    "Law Firm Looks Into Claims on Behalf of Acme Holders",
    "Biggest Stock Movers Today: Acme and More",
    "3 Penny Stocks To Watch",
]


@pytest.mark.parametrize("text", NEWS)
def test_what_a_company_says_is_news(text: str) -> None:
    assert story.is_news(item(text))


@pytest.mark.parametrize("text", NO_NEWS)
def test_what_the_price_says_is_none(text: str) -> None:
    assert not story.is_news(item(text))


def test_an_item_about_many_names_is_about_none() -> None:
    text = "Acme to Merge With Bolt and Spin Off Crank"
    assert story.is_news(item(text, symbols=("ACME", "BOLT", "CRNK")))
    assert not story.is_news(item(text, symbols=("ACME", "BOLT", "CRNK", "DENT")))
    assert not story.is_news(item(text, symbols=()))


def test_only_items_of_the_window_and_of_the_symbol_count_and_the_newest_is_told() -> None:
    outside = [
        item("Acme Wins an Order", at=SINCE),
        item("Acme Wins an Order", at=UNTIL + timedelta(seconds=1)),
        item("Bolt Wins an Order", symbols=("BOLT",)),
    ]
    assert story.own_story("ACME", outside, SINCE, UNTIL) is None
    inside = [item("Acme Wins One", at=SINCE + timedelta(seconds=1)), item("Acme Wins Two", at=UNTIL)]
    found = story.own_story("ACME", [*inside, *outside], SINCE, UNTIL)
    assert found is not None
    assert found.headline == "Acme Wins Two"


@given(st.permutations([item(f"Acme Wins {n}", number=str(n)) for n in range(5)]))
def test_the_order_of_the_items_does_not_matter(items: list[Headline]) -> None:
    asked = story.heard(("ACME", "BOLT"), items, SINCE, UNTIL)
    assert asked.stories == {"ACME": "news of 2026-06-15 15:00 UTC: Acme Wins 4"}
    assert story.said_of(asked)["BOLT"] == "no news since 2026-06-12 20:00 UTC"


def test_news_that_could_not_be_asked_says_so() -> None:
    asked = story.unheard(("ACME",), SINCE, UNTIL, "the wire is down")
    assert story.said_of(asked) == {"ACME": "the news could not be asked: the wire is down"}
    assert story.said_of(None) == {}


def test_news_pardons_a_thin_past_and_nothing_else() -> None:
    """S000 jumped from nothing; S001 did too and trades by appointment today; S002 is too thin by its average."""
    jumped = {"price": {0: 118.0, 1: 118.0, 2: 118.0}, "day_high": {0: 118.5, 1: 118.5, 2: 118.5}}
    snap = snapshots(60, **jumped, day_volume={1: 1000.0})
    base = baseline(60, median_dollar_volume={0: 4e5, 1: 4e5, 2: 4e5}, average_dollar_volume={2: 1.9e6})
    found = judged(snap, base)
    reasons = ["thin_jump", "by_appointment", "low_dollar_volume"]
    assert [reason_of(found, place) for place in range(3)] == reasons
    assert found.dropped_for(WITHOUT_NEWS) == ("S000",)
    kept = found.keeping(("S000", "S001", "S002"), WITHOUT_NEWS)
    assert [reason_of(kept, place) for place in range(3)] == [None, *reasons[1:]]
    assert len(kept.kept) == len(found.kept) + 1
    assert found.keeping((), WITHOUT_NEWS).counts == found.counts


def test_no_other_rule_is_asked_after_those_that_news_pardons() -> None:
    assert set(judged(snapshots()).reasons[-len(WITHOUT_NEWS) :]) == WITHOUT_NEWS
