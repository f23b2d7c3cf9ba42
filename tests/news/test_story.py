"""Which items are one story."""

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.news.rules.story import is_same, key_of, stories
from tests.news.items import item


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme to acquire Globex for $3 billion", "UPDATE: Acme to acquire Globex for $3 billion"),
        ("Acme to Acquire Globex For $3 Billion", "acme to acquire globex for $3 billion."),
        ("Acme beats Q2 estimates, raises outlook", "Acme Inc. beats Q2 estimates and raises its outlook"),
        ("Acme&#8217;s trial fails in phase 3", "Acme's trial fails in phase 3"),
        ("FDA approves Acme migraine tablet", "FDA approves Acme migraine tablet; stock jumps"),
        ("FDA approves Acme migraine tablet", "Acme wins FDA approval for migraine tablet"),
        ("Acme to acquire Globex for $3 billion", "Acme to buy Globex for $3B"),
        ("Globex to be acquired by Acme for $3bn", "Acme acquires Globex for $3 billion"),
        ("Acme tops second quarter profit expectations", "Acme beats Q2 profit estimates"),
        ("Acme prices $40M public offering at $3.50", "Acme Prices $40 Million Public Offering At $3.50 Per Share"),
        ("BREAKING: Acme CEO steps down", "Acme CEO resigns"),
    ],
)
def test_same_story(one: str, other: str) -> None:
    assert is_same(one, other)
    assert is_same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme beats Q2 estimates", "Acme CFO resigns"),
        ("Stark raises Acme price target to $90", "Wayne raises Acme price target to $75"),
        ("Acme declares dividend of $0.21 for quarter 1", "Acme declares dividend of $0.27 for quarter 2"),
        ("Acme wins Navy contract", "Globex wins Army contract"),
        (
            "Acme Q2 adjusted EPS beats estimates, raises full-year outlook",
            "Globex Q2 adjusted EPS beats estimates, raises full-year outlook",
        ),
        ("Shares of Foo (NASDAQ: ACME) halted, news pending", "Shares of Foo (NASDAQ: GLBX) halted, news pending"),
        ("Acme prices offering at $3.50", "Acme prices offering at $35.0"),
        ("Acme beats Q2 profit estimates", "Acme beats Q3 profit estimates by far, and raises outlook"),
        ("", "Acme wins Navy contract"),
    ],
)
def test_other_story(one: str, other: str) -> None:
    assert not is_same(one, other)


def test_a_story_is_named_by_its_first_item_whatever_the_order() -> None:
    items = [
        item("Acme to acquire Globex for $3 billion", 50, "ACME", "GLBX", id="first"),
        item("Update: Acme to acquire Globex for $3 billion", 40, "GLBX", id="second", source="reuters"),
        item("Acme CFO resigns", 45, "ACME", id="other"),
    ]
    expected = {
        ("benzinga", "first"): ("benzinga", "first"),
        ("reuters", "second"): ("benzinga", "first"),
        ("benzinga", "other"): ("benzinga", "other"),
    }
    for order in itertools.permutations(items):
        assert stories(order) == expected


def test_the_same_words_a_day_apart_or_about_others_are_two_stories() -> None:
    text = "Shares rise after analyst upgrade today"
    apart = [item(text, 60 * 13, id="old"), item(text, 5, id="new"), item(text, 4, "GLBX", id="theirs")]
    assert len(set(stories(apart).values())) == 3


@given(st.lists(st.tuples(st.text(max_size=40), st.integers(0, 1400)), max_size=25))
def test_every_item_has_a_story_and_every_story_is_its_own(made: list[tuple[str, int]]) -> None:
    items = [item(text, minutes, id=str(number)) for number, (text, minutes) in enumerate(made)]
    found = stories(items)
    assert set(found) == {key_of(one) for one in items}
    assert all(found[story] == story for story in found.values())


TEMPLATES = (
    "{} Q2 adjusted EPS $0.42 beats $0.35 estimate, sales $1.2B beat $1.1B estimate",
    "{} shares are trading higher after the company reported better-than-expected results",
    "Stark maintains Buy on {}, raises price target to $90",
    "{} prices $40 million public offering of common stock",
    "{} declares quarterly dividend of $0.21 per share",
    "{} to present at the Wayne Healthcare conference",
)
COMPANIES = ("Acme", "Globex", "Initech", "Umbrella", "Hooli", "Vandelay")
PREFIXES = ("", "UPDATE: ", "BREAKING: ", "Update 1-", "EXCLUSIVE-")


@given(st.sampled_from(TEMPLATES), st.lists(st.sampled_from(COMPANIES), min_size=2, max_size=2, unique=True))
def test_one_template_filled_with_two_companies_is_two_stories(template: str, companies: list[str]) -> None:
    one, other = (template.format(company) for company in companies)
    if template.startswith("{}"):
        assert not is_same(one, other)
    items = [item(one, 9, companies[0].upper(), id="one"), item(other, 8, companies[1].upper(), id="other")]
    assert len(set(stories(items).values())) == 2


WORDINGS = st.tuples(st.sampled_from(TEMPLATES), st.sampled_from(COMPANIES), st.sampled_from(PREFIXES))


@given(WORDINGS, WORDINGS)
def test_being_the_same_is_mutual_and_everything_is_the_same_as_itself(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    first, second = (prefix + template.format(company) for template, company, prefix in (one, other))
    assert is_same(first, second) == is_same(second, first)
    assert is_same(first, first)


@given(st.lists(st.tuples(WORDINGS, st.integers(0, 600)), min_size=1, max_size=12), st.randoms())
def test_stories_do_not_depend_on_the_order_in_which_items_come(
    made: list[tuple[tuple[str, str, str], int]], random: Random
) -> None:
    items = [
        item(prefix + template.format(company), minutes, company.upper()[:5], id=str(n), source=("a", "b", "c")[n % 3])
        for n, ((template, company, prefix), minutes) in enumerate(made)
    ]
    expected = stories(items)
    random.shuffle(items)
    assert stories(items) == expected
    told = {key_of(one): one for one in items}
    assert all(told[key].symbols == told[story].symbols for key, story in expected.items())
