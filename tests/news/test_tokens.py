"""Texts cut into words in arrays: against a plain reading by expression, and what stands around words."""
# ruff: noqa: SIM905 - a list of words reads better as text

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.news.rules.model_features import seen, steps_of
from services.news.rules.model_tokens import MOST_CHARACTERS, number_of, tokens_of
from services.news.rules.read import Asked, forget, read, read_all
from tests.news.headlines import TABLE

ENDINGS = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("ly", ""))
PLAIN = re.compile(r"T|[a-z]+(?:['-][a-z]+)*|(?:(?<![\w.])[+-]\$?)?\d[\d,.]*|[%?!;]|(?<= )-(?= )|--+")
LETTERS = "abdegilnorsty '-+.,;:%?!$()&/T0123456789"


def stem(token: str) -> str:
    """Word by word, as the arrays do it all at once."""
    if token == "T":
        return "_t_"
    if token.startswith("--"):
        return "--"
    if token[-1] in "0123456789.,":
        return {"+": "+#", "-": "-#"}.get(token[0], "#")
    for ending, instead in ENDINGS:
        if token.endswith(ending) and len(token) - len(ending) >= 3 and token.isascii() and token[-1].isalpha():
            return token[: -len(ending)] + instead
    return token


def stems(texts: list[str]) -> list[list[str]]:
    tokens = tokens_of(texts)
    return [
        [tokens.name(place) for place in np.flatnonzero(tokens.text == number).tolist()] for number in range(len(texts))
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "parties passes passing raised boxes gains sharply",
            ["party", "pass", "pass", "rais", "box", "gain", "sharp"],
        ),
        ("up 5.3% to $1,200.50", ["up", "#", "%", "to", "#"]),
        ("year-over-year it's o'neil -x- a-", ["year-over-year", "it'", "o'neil", "x", "a"]),
        ("one - two -- three", ["one", "-", "two", "--", "three"]),
        ("- at the edge -", ["at", "the", "edge"]),
        ("+4.2% -$3 a-5 3-4 .-7 - 8", ["+#", "%", "-#", "a", "#", "#", "#", "#", "-", "#"]),
        ("--5 +-5 -+5 ---", ["--", "#", "-#", "+#", "--"]),
        (" T  beats  T ", ["_t_", "beat", "_t_"]),
        ("", []),
    ],
)
def test_words_numbers_and_marks(text: str, expected: list[str]) -> None:
    assert stems([text]) == [expected]


@given(st.lists(st.text(LETTERS, max_size=60), max_size=6))
def test_as_many_texts_as_one_by_one_and_as_by_expression(texts: list[str]) -> None:
    assert stems(texts) == [[stem(token) for token in PLAIN.findall(text)] for text in texts]


def test_a_word_has_the_number_of_its_letters_wherever_it_stands() -> None:
    tokens = tokens_of(["offering", "a dilutive offering", "x" * 500 + " offering"])
    whole = tokens.word[[place for place in range(len(tokens.text)) if tokens.spelled(place) == "offering"]]
    assert whole.tolist() == [number_of("offering")] * 3


def test_what_comes_after_the_limit_is_not_cut() -> None:
    assert len(tokens_of(["a " * MOST_CHARACTERS]).text) == MOST_CHARACTERS / 2


SPOKEN = (
    "T T profit profits loss costs rise rises falls not never good bad buy: sell, up down +4% -3% 12 from to but, while"
    " says: hold; - -- growth margins horrible delightful the of a against $1.20"
).split()


@given(st.lists(st.lists(st.sampled_from(SPOKEN), max_size=9).map(" ".join), min_size=1, max_size=6))
def test_no_text_changes_what_is_seen_in_another(texts: list[str]) -> None:
    silent = steps_of(None, 0.0, None, told=False, dated=False)
    together = seen(texts, [silent] * len(texts))
    for number, text in enumerate(texts):
        alone = seen([text], [silent])
        assert sorted(together.named(number)) == sorted(alone.named(0))
        assert together.words(number) == alone.words(0)


def test_many_texts_are_read_as_one_by_one() -> None:
    asked: list[Asked] = [(row[0], "ACME", "Acme Corporation Common Stock", 1) for row in TABLE]
    forget()
    together = read_all(asked)
    for one, reading in zip(asked, together, strict=True):
        forget()
        assert read(*one) == reading
