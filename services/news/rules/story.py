"""Which items tell the same story: the same company, within hours, in nearly the same words."""
# ruff: noqa: SIM905 - a list of words reads better as text

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from services.news.rules.company import marked
from services.news.rules.plain import clean, words_of
from shared.domain.news import Headline

Key = tuple[str, str]
"""Source and the source's own id."""

WITHIN = timedelta(hours=12)
SIMILAR, CONTAINED, FEW = 0.6, 0.85, 4
_EMPTY = frozenset(
    "a an the of to in on for and as at by its it is are be been was were has have had will with from after amid that "
    "this s inc corp ltd co company plc update updates breaking exclusive alert stock stocks share shares new  says "
    "said announces announced reports reported report".split()
)
_SAME = {
    "tops": "beat", "top": "beat", "topped": "beat", "surpasses": "beat", "exceeds": "beat", "exceed": "beat",
    "buy": "acquir", "buys": "acquir", "buying": "acquir", "bought": "acquir", "takeover": "acquir",
    "acquisition": "acquir", "approval": "approv", "approved": "approv", "hikes": "rais", "lifts": "rais",
    "boosts": "rais", "cuts": "cut", "lowers": "cut", "lowered": "cut", "slashes": "cut", "soars": "jump",
    "surges": "jump", "rallies": "jump", "plunges": "fall", "sinks": "fall", "tumbles": "fall", "drops": "fall",
    "falls": "fall", "expectations": "estimat", "forecasts": "estimat", "consensus": "estimat", "guidance": "outlook",
    "forecast": "outlook", "resigns": "resign", "steps": "resign", "first": "q1", "second": "q2", "third": "q3",
    "fourth": "q4", "bn": "billion", "b": "billion", "mn": "million", "m": "million", "mln": "million", "k": "thousand",
}  # fmt: skip
"""Words that tell the same thing in headlines, after and before the ending is cut off."""
_AMOUNT = re.compile(r"(\d)\s?(bn|mln|mn|b|m|k)\b")
_DECIMALS = re.compile(r"(\d)[.,](?=\d)")

_MARK = re.compile(
    r"^[\W_]*(?:updated?\s*\d*\s*[-:]\s*)?(?:correct(?:ion|ed|s)|(?P<gone>retract(?:ion|ed|s)|withdrawn))\s*[-:*\]|)]+\s*"
    r"|^[\W_]*correct(?:ing|ion) and replacing[\W_]*",
    re.IGNORECASE,
)
"""How a correction or a retraction of an earlier item begins. A market's correction has no colon."""
_UPDATE = re.compile(r"^[\W_]*updated?\s*\d*\s*[-:]", re.IGNORECASE)
CORRECTED, CORRECTED_FEW = 0.5, 2


class Gist(NamedTuple):
    """What tells a headline from others: its words, the numbers among them, the first word, tickers in brackets."""

    words: frozenset[str]
    numbers: frozenset[str]
    first: str
    tickers: frozenset[str]


def key_of(item: Headline) -> Key:
    return (item.source, item.id)


def in_order(items: Sequence[Headline]) -> list[Headline]:
    """Oldest first, ties by source and id: the order in which everything here is decided."""
    return sorted(items, key=lambda item: (item.published_at, item.source, item.id))


def _stem(word: str) -> str:
    """The word without its ending: `acquires`, `acquired` and `acquiring` are one."""
    if word in _SAME:
        return _SAME[word]
    for ending in ("ing", "ed", "es", "s", "e"):
        if len(word) - len(ending) >= 3 and word.endswith(ending) and not word.endswith("ss"):
            return word[: -len(ending)]
    return word


@lru_cache(maxsize=50_000)
def gist(text: str) -> Gist:
    """The gist of a headline. Numbers are kept whole: 3.5 and 35 differ, $3B and 3 billion do not."""
    low = clean(text).lower()
    plain = _DECIMALS.sub(lambda match: match.group(1) + ("" if match.group(0).endswith(",") else "p"), low)
    words = [_stem(word) for word in words_of(_AMOUNT.sub(r"\1 \2 ", plain)) if word not in _EMPTY]
    return Gist(
        frozenset(words),
        frozenset(word for word in words if word[0].isdigit()),
        words[0] if words else "",
        frozenset(ticker for _, ticker in marked(low)),
    )


def is_same(one: str, other: str) -> bool:
    """True when two wordings tell one story: their words overlap, and nothing tells them apart.

    Numbers that contradict, other tickers in brackets, and another beginning on both sides (templates are filled with
    one company's name after another's) tell stories apart. Symmetric.
    """
    a, b = gist(one), gist(other)
    if not a.words or not b.words:
        return one == other
    if a.numbers and b.numbers and not (a.numbers <= b.numbers or b.numbers <= a.numbers):
        return False
    if a.tickers and b.tickers and not a.tickers & b.tickers:
        return False
    if a.first not in b.words and b.first not in a.words:
        return False
    shared = len(a.words & b.words)
    smaller = min(len(a.words), len(b.words))
    return shared / len(a.words | b.words) >= SIMILAR or (smaller >= FEW and shared / smaller >= CONTAINED)


def is_correction(text: str) -> bool:
    """True for a headline that says it corrects or retracts an earlier one."""
    return _MARK.match(clean(text)) is not None


def is_retraction(text: str) -> bool:
    """True for a headline that says an earlier one is withdrawn."""
    found = _MARK.match(clean(text))
    return found is not None and found["gone"] is not None


def replaces(text: str) -> bool:
    """True for a headline whose reading takes the place of those of its story before it."""
    return is_correction(text) or _UPDATE.match(clean(text)) is not None


def corrects(correction: str, other: str) -> bool:
    """True when `correction` says it corrects and is about what `other` tells.

    Half the words of the shorter one are enough, and figures may contradict: they are what is corrected.
    """
    text = clean(correction)
    found = _MARK.match(text)
    if found is None:
        return False
    if is_same(text[found.end() :], other):
        return True
    a, b = gist(text[found.end() :]), gist(_MARK.sub("", clean(other)))
    words, others = a.words - a.numbers, b.words - b.numbers
    shared, smaller = len(words & others), min(len(words), len(others))
    is_about_one = a.first in others or b.first in words
    return is_about_one and shared >= CORRECTED_FEW and shared >= CORRECTED * smaller


def stories(items: Sequence[Headline]) -> dict[Key, Key]:
    """Each item's story, named by the key of its first item. Items of one story share a symbol (or have none)."""
    firsts: dict[str, list[Headline]] = {}
    found: dict[Key, Key] = {}
    for item in in_order(items):
        symbols = item.symbols or ("",)
        candidates = [first for symbol in symbols for first in firsts.get(symbol, ())]
        same = next(
            (
                first
                for first in candidates
                if item.published_at - first.published_at <= WITHIN
                and (is_same(item.headline, first.headline) or corrects(item.headline, first.headline))
            ),
            None,
        )
        found[key_of(item)] = key_of(same or item)
        if same is None:
            for symbol in symbols:
                firsts.setdefault(symbol, []).append(item)
    return found
