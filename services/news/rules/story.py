"""Which items tell the same story: the same company, within hours, in nearly the same words."""
# ruff: noqa: SIM905 - a list of words reads better as text

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache

from services.news.rules.read import clean, words_of
from shared.domain.news import Headline

Key = tuple[str, str]
"""Source and the source's own id."""

WITHIN = timedelta(hours=12)
SIMILAR, CONTAINED, FEW = 0.6, 0.85, 4
_EMPTY = frozenset(
    "a an the of to in on for and as at by its it is are with from s inc corp ltd co plc update stock shares says"
    " announces reports new".split()
)


def key_of(item: Headline) -> Key:
    return (item.source, item.id)


def in_order(items: Sequence[Headline]) -> list[Headline]:
    """Oldest first, ties by source and id: the order in which everything here is decided."""
    return sorted(items, key=lambda item: (item.published_at, item.source, item.id))


@lru_cache(maxsize=50_000)
def fingerprint(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words that tell stories apart, and the numbers among them."""
    words = frozenset(word for word in words_of(clean(text).lower()) if word not in _EMPTY)
    return words, frozenset(word for word in words if word.isdigit())


def is_same(one: str, other: str) -> bool:
    """True when two wordings tell one story: their words overlap, and their numbers do not contradict."""
    (words, numbers), (others, other_numbers) = fingerprint(one), fingerprint(other)
    if not words or not others:
        return one == other
    if numbers and other_numbers and not (numbers <= other_numbers or other_numbers <= numbers):
        return False
    shared = len(words & others)
    smaller = min(len(words), len(others))
    return shared / len(words | others) >= SIMILAR or (smaller >= FEW and shared / smaller >= CONTAINED)


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
                if item.published_at - first.published_at <= WITHIN and is_same(item.headline, first.headline)
            ),
            None,
        )
        found[key_of(item)] = key_of(same or item)
        if same is None:
            for symbol in symbols:
                firsts.setdefault(symbol, []).append(item)
    return found
