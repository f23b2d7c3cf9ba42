"""What the model looks at: words, pairs of words, which way things go, and all of it seen from the company's place."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from services.news.rules.model_concepts import NAMES, Concepts, change_code, concepts_of
from services.news.rules.model_tokens import TARGET_SIGN, WORD, Tokens, numbers_of, tokens_of
from services.news.rules.model_words import CLASS_OF

MOST_TOKENS = 80
_WORD = re.compile(WORD)
_LINK = re.compile(r"https?://\S+|www\.\S+|@\w+")
_FIGURE = r"(?:[a-z]{2,3} )?(?<![a-z\d.])\$?(\d[\d,]*(?:\.\d+)?)"
_SCALE = r"(?: ?(?:mn|bln|mln|cents|m|million|bn|b|billion|pct|per ?cent|percent|%|crore|cr|k|thousand))?"
_AGAINST = r"\b[^;]{0,30}?\b(?:compared (?:to|with)|against|versus|vs|from)\b[^;\d]{0,40}?"
_CHANGES = (
    (re.compile(r"\bto " + _FIGURE + _SCALE + r"\b[^;.]{0,40}?\bfrom " + _FIGURE), 1),
    (re.compile(r"\bfrom " + _FIGURE + _SCALE + r"\b[^;.]{0,40}?\bto " + _FIGURE), -1),
    (re.compile(_FIGURE + _SCALE + _AGAINST + _FIGURE), 1),
)
_COMPARED = re.compile(r"\b(?:compared (?:to|with)|against|versus|vs\.?|from) an? (?:[\w-]+ ){0,3}?(profit|loss)")
_COMPARISONS = numbers_of(("from", "compared", "against", "versus", "vs"))
"""Words of which a text with `change` holds one."""
_QUANTITIES = frozenset(("GOODQ", "BADQ"))


class Seen(NamedTuple):
    """What is seen in several texts: their words, concepts that mean the same in every source, and `steps_of` each."""

    texts: Sequence[str]
    tokens: Tokens
    concepts: Concepts
    steps: Sequence[tuple[str, ...]]

    def words(self, number: int) -> list[str]:
        """Names of the stems of the text of this number, and of pairs of neighbours, each once."""
        first, end = np.searchsorted(self.tokens.text, (number, number + 1)).tolist()
        stems = [self.tokens.name(place) for place in range(first, end)]
        return list(dict.fromkeys([*stems, *map(" ".join, pairwise(stems))]))

    def named(self, number: int) -> list[str]:
        """Names of the concepts of the text of this number, each once."""
        mine = self.concepts.code[self.concepts.text == number]
        return list(dict.fromkeys([*map(NAMES.__getitem__, mine.tolist()), *self.steps[number]]))


def masked(low: str, spans: Sequence[tuple[int, int]]) -> str:
    """`low` with the company's mentions replaced by TARGET_SIGN, and without links."""
    if spans:
        parts: list[str] = []
        last = 0
        for first, end in spans:
            if first >= last:
                parts += (low[last:first], " ", TARGET_SIGN, " ")
                last = end
        low = "".join([*parts, low[last:]])
    return _LINK.sub(" ", low) if "http" in low or "@" in low or "www." in low else low


def seen(texts: Sequence[str], steps: Sequence[tuple[str, ...]]) -> Seen:
    """What is seen in `masked` texts, with `steps_of` what the rules found in each."""
    tokens = _shortened(tokens_of(texts), len(texts))
    concepts = concepts_of(tokens, len(texts))
    compares = np.unique(tokens.text[np.isin(tokens.word, _COMPARISONS)]).tolist()
    ways = [(number, change_code(way)) for number in compares if (way := change(texts[number]))]
    if ways:
        more = np.array(ways).T
        concepts = Concepts(np.r_[concepts.text, more[0]], np.r_[concepts.code, more[1]])
    return Seen(texts, tokens, concepts, steps)


def _shortened(tokens: Tokens, texts: int) -> Tokens:
    """Without what comes after the first MOST_TOKENS of a text."""
    starts = np.searchsorted(tokens.text, np.arange(texts))
    kept = np.arange(len(tokens.text)) - starts[tokens.text] < MOST_TOKENS
    if kept.all():
        return tokens
    text, stem, word, first, end, commas, colons, data = tokens
    return Tokens(text[kept], stem[kept], word[kept], first[kept], end[kept], commas, colons, data)


def change(text: str) -> str | None:
    """`+` for the better, `-` for the worse of two figures, or of profit and loss, that are set against each other, `=`
    for the same; None without any."""
    against = _COMPARED.search(text)
    if against is not None:
        before, other = text[: against.start()], against.group(1)
        if ("profit" in before or "loss" not in before) if other == "loss" else "loss" in before:
            return "+" if other == "loss" else "-"
    for pattern, sign in _CHANGES:
        match = pattern.search(text)
        if match is None:
            continue
        first, second = (float(number.replace(",", "")) for number in match.groups())
        if first == second:
            return "="
        is_good = _quantity_before(text[: match.start()]) != "BADQ"
        return "+" if ((first > second) == (sign > 0)) == is_good else "-"
    return None


def _quantity_before(text: str) -> str | None:
    kinds = (CLASS_OF.get(word) for word in reversed(_WORD.findall(text)))
    return next((kind for kind in kinds if kind in _QUANTITIES), None)


@lru_cache(maxsize=10_000)
def steps_of(sentiment: float | None, weight: float, kind: str | None, told: bool, dated: bool) -> tuple[str, ...]:
    """Concepts of what the phrase rules made of a text: their mean sentiment in steps, the heaviest phrase's weight and
    kind; whether it is a list, question or opinion (told), or announces a date."""
    out = ["=TOLD"] if told else []
    if dated:
        out.append("=DATED")
    if sentiment is None:
        return (*out, "=Rnone")
    size = abs(sentiment)
    sign = "0" if size < 0.12 else "+" if sentiment > 0 else "-"
    out += [f"=R{sign}", f"=R{sign}{'strong' if size > 0.45 else 'mild'}", f"=R{sign}w{int(weight)}", f"=K{kind}{sign}"]
    return (*out, f"=TOLD{sign}") if told else tuple(out)
