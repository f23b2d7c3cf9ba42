"""Which items are one story."""

import itertools

import pytest
from hypothesis import given, settings
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


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=40), st.integers(0, 1400)), max_size=25))
def test_every_item_has_a_story_and_every_story_is_its_own(made: list[tuple[str, int]]) -> None:
    items = [item(text, minutes, id=str(number)) for number, (text, minutes) in enumerate(made)]
    found = stories(items)
    assert set(found) == {key_of(one) for one in items}
    assert all(found[story] == story for story in found.values())
