"""What type of catalyst a headline is for a company, how grave it is, and whose it is."""

import random

import pytest

from services.news.rules.kind import is_ours, type_of
from services.news.rules.read import look, read
from services.news.rules.tables import PHRASES
from shared.domain.news import Catalyst
from tests.news.catalysts import GOOD, MAIN_CLAUSES, NEAR_MISSES, RUIN, TYPES

ACME, GLOBEX = ("ACME", "Acme Corporation Common Stock"), ("GLBX", "Globex Holdings Inc.")
GRAVE, CLEARLY_GOOD = -0.45, 0.3


def kind_of(text: str, symbol: str | None = "ACME", company: str | None = ACME[1], tagged: int = 1) -> Catalyst | None:
    found = look(text, symbol, company, tagged)
    return type_of(found, symbol, company) if found else None


def said(text: str) -> float:
    """What the phrases say, before any model is asked."""
    found = look(text, *ACME)
    assert found is not None
    assert found.said is not None
    return found.said.sentiment


@pytest.mark.parametrize(("text", "kind"), [*RUIN, *GOOD, *TYPES])
def test_each_type_is_known(text: str, kind: Catalyst | None) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(("text", "kind"), NEAR_MISSES)
def test_words_of_one_type_in_another_sense(text: str, kind: Catalyst | None) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(("text", "kind"), MAIN_CLAUSES)
def test_the_main_clause_and_then_the_graver_event_name_the_type(text: str, kind: Catalyst) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(("text", "kind"), RUIN)
def test_what_ruins_a_holder_is_strongly_negative(text: str, kind: Catalyst) -> None:
    reading = read(text, *ACME)
    assert said(text) <= GRAVE
    assert reading.sentiment <= GRAVE
    assert reading.catalyst == kind
    assert reading.confidence >= 0.8


@pytest.mark.parametrize(("text", "kind"), GOOD)
def test_what_helps_a_holder_is_positive(text: str, kind: Catalyst) -> None:
    assert said(text) >= CLEARLY_GOOD
    assert read(text, *ACME).sentiment >= CLEARLY_GOOD
    assert read(text, *ACME).catalyst == kind


def test_holders_selling_is_milder_than_the_company_selling() -> None:
    holders = said("Acme closes secondary offering of common stock by its founder")
    company = said("Acme prices public offering of common stock")
    assert company < holders < 0


def test_plain_debt_dilutes_nobody() -> None:
    assert abs(said("Acme prices offering of 6.5% senior notes due 2033")) < 0.12


@pytest.mark.parametrize(
    "text",
    [
        "ROSEN LAW FIRM reminds Acme investors of the lead plaintiff deadline in class action",
        "Acme shareholders who lost money are encouraged to contact Schall about the fraud investigation",
        "DEADLINE ALERT: Acme class action lawsuit, contact Faruqi & Faruqi LLP before June 2",
    ],
)
def test_law_firms_advertising_says_nearly_nothing(text: str) -> None:
    assert kind_of(text) == Catalyst.LEGAL
    assert abs(said(text)) < 0.12


@pytest.mark.parametrize(
    ("text", "for_acme", "for_globex"),
    [
        ("Globex to acquire Acme for $30 a share", Catalyst.MERGER, Catalyst.MERGER),
        ("UBS raises Acme price target to $50 from $44", Catalyst.ANALYST, None),
        ("Globex (NYSE: GLBX) appoints a chief financial officer", None, Catalyst.PERSONNEL),
        ("Globex prices public offering of common stock", None, Catalyst.OFFERING),
        ("Globex gets complete response letter", None, Catalyst.FDA),
    ],
)
def test_an_event_is_the_one_companys_it_befalls(
    text: str, for_acme: Catalyst | None, for_globex: Catalyst | None
) -> None:
    assert kind_of(text, *ACME, tagged=2) == for_acme
    assert kind_of(text, *GLOBEX, tagged=2) == for_globex


def test_a_bank_that_rates_another_has_no_news_itself() -> None:
    text = "Stifel reaffirms buy rating on Acme"
    assert kind_of(text, "SF", "Stifel Financial Corp. Common Stock", 2) is None
    assert kind_of(text, *ACME, tagged=2) == Catalyst.ANALYST


def test_plaintiff_and_defendant() -> None:
    text = "Globex sues Acme over trade secrets"
    assert kind_of(text, *ACME, tagged=2) == kind_of(text, *GLOBEX, tagged=2) == Catalyst.LEGAL
    for_globex = look(text, *GLOBEX, 2)
    assert for_globex is not None
    assert for_globex.said is not None
    assert said(text) < -0.3 < for_globex.said.sentiment


@pytest.mark.parametrize(
    ("text", "symbol", "company"),
    [
        ("It was a good quarter for chip makers, all in all", "ALL", "The Allstate Corporation Common Stock"),
        ("Merger talk is on again at Globex", "ON", "ON Semiconductor Corporation Common Stock"),
        ("A contract for it: Globex lands Navy order", "IT", "Gartner Inc. Common Stock"),
        ("Globex wins a contract", "A", "Agilent Technologies Inc. Common Stock"),
    ],
)
def test_tickers_that_are_words_do_not_make_an_event_ours(text: str, symbol: str, company: str) -> None:
    assert kind_of(text, symbol, company, tagged=2) is None


def test_a_company_is_known_by_a_word_of_its_name_where_no_other_is_marked() -> None:
    low = "pumpwell wins contract"
    assert is_ours(low, [], "PW", "Great Pumpwell Industries Inc.")
    assert not is_ours(low + " (nyse: glbx)", [], "PW", "Great Pumpwell Industries Inc.")
    assert not is_ours("a great contract", [], "PW", "Great Pumpwell Industries Inc.")
    assert not is_ours(low, [], "ZZZ", "Zebra Foods Inc.")
    assert is_ours(low, [], None, None)


@pytest.mark.parametrize(("text", "kind"), [*RUIN, *TYPES])
def test_upper_case_and_markup_change_nothing(text: str, kind: Catalyst | None) -> None:
    assert kind_of(text.upper()) == kind
    assert kind_of(f"<p>{text.replace(' ', '&nbsp;', 1).replace(chr(39), '&#8217;')}</p>") == kind


def test_the_order_in_which_headlines_are_read_changes_nothing() -> None:
    texts = [text for text, _ in (*RUIN, *GOOD, *TYPES, *NEAR_MISSES, *MAIN_CLAUSES)]
    first = {text: kind_of(text) for text in texts}
    random.Random(7).shuffle(texts)
    assert {text: kind_of(text) for text in texts} == first


def test_every_rule_can_be_reached() -> None:
    assert all(rule.when for rule in PHRASES)
    assert {rule.catalyst for rule in PHRASES} >= set(Catalyst)
