"""Each family of wordings by examples of its own: what it says, and what only looks like it."""

import pytest

from services.news.rules.aggregate import label
from services.news.rules.hostile import read_warily
from services.news.rules.read import look
from shared.domain.news import Catalyst
from tests.news.families import FAMILIES

ACME = ("ACME", "Acme Corporation Common Stock")


@pytest.mark.parametrize(("text", "kind", "said"), FAMILIES)
def test_a_family_of_wordings(text: str, kind: Catalyst | None, said: str) -> None:
    reading = read_warily(text, *ACME)
    assert reading.catalyst == kind, reading
    assert label(reading) == said, reading


@pytest.mark.parametrize(
    "text",
    [
        "Stocks tumble on rate fears",
        "European stocks fall as banks weigh",
        "Stock futures slip before payrolls",
        "Asian shares sink on China data",
    ],
)
def test_the_market_is_no_company(text: str) -> None:
    for line, is_ours in ((text, False), ("Acme shares fall on rate fears", True)):
        found = look(line, *ACME)
        assert found is not None
        assert any(hit.reason == "shares fall" for hit in found.hits) == is_ours


@pytest.mark.parametrize(
    "text", ["Charles River Labs (CRL) dips on spending fears", "Notes on $CRL", "NYSE: CRL update"]
)
def test_a_ticker_is_no_complete_response_letter(text: str) -> None:
    assert read_warily(text, "CRL", "Charles River Laboratories International Inc.").catalyst is None


@pytest.mark.parametrize(
    "text",
    ["It might be a bad idea to buy Acme for its next dividend", "A reason to buy Acme shares", "No rush to buy Acme"],
)
def test_advice_to_buy_is_no_take_over(text: str) -> None:
    reading = read_warily(text, *ACME)
    assert reading.catalyst is None
    assert reading.sentiment < 0.5


@pytest.mark.parametrize(
    "text", ["Analysts think Acme could surge 60%", "Wall Street analysts see a 60% upside in Acme"]
)
def test_what_analysts_hope_is_no_event(text: str) -> None:
    assert read_warily(text, *ACME).catalyst is None


def test_what_a_rivals_event_means_for_a_company_is_not_its_event() -> None:
    text = "Globex beats estimates: what it means for Acme"
    assert read_warily(text, *ACME, 2).catalyst is None
    assert read_warily(text, "GLBX", "Globex Holdings Inc.", 2).catalyst == Catalyst.EARNINGS


@pytest.mark.parametrize(
    "text",
    [
        "Buy, buy, buy Acme today!",
        "Acme: guaranteed 400% gains",
        "Get rich with Acme",
        "Acme rallies to the moon, trust me",
    ],
)
def test_who_cries_a_share_up_is_not_heard(text: str) -> None:
    assert label(read_warily(text, *ACME)) == "neutral"
    assert label(read_warily("Acme's trial fails, trust me", *ACME)) == "negative"
    assert label(read_warily("Acme wins Navy contract, shares go to the moon", *ACME)) == "positive"


def test_talk_of_a_bid_is_less_than_a_bid() -> None:
    talk = read_warily("Acme could be acquired by Globex", *ACME, 2)
    bid = read_warily("Acme to be acquired by Globex", *ACME, 2)
    assert 0.2 < talk.sentiment < bid.sentiment
    assert talk.catalyst == bid.catalyst == Catalyst.MERGER
