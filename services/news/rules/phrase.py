"""The form of a phrase rule. tables.py lists the modules that hold the tables."""

import re
from typing import Literal, NamedTuple

from services.news.rules.plain import words_of
from shared.domain.news import Catalyst

About = Literal["subject", "object", "anyone", "victim"]


class Phrase(NamedTuple):
    """One way of saying something that matters.

    `pattern` runs over lower-case text that holds at least one of the words in `when`, and one of those in `also` if
    there are any: a search costs more than a look for words. `sentiment` in [-1, 1] is for
    the company it is `about`: the one before the words, the one after them (a `victim`: only when it is named there),
    or whoever is named. `weight` says how much it counts beside other phrases of the text; one that overlaps a
    heavier one's words is dropped.
    `is_move` marks words about the price itself, which belong to the company of their own clause only.
    """

    catalyst: Catalyst | None
    sentiment: float
    weight: float
    about: About
    when: frozenset[str]
    pattern: re.Pattern[str]
    reason: str
    is_move: bool = False
    also: frozenset[str] = frozenset()


def phrase(
    catalyst: Catalyst | None,
    sentiment: float,
    weight: float,
    when: str,
    pattern: str,
    reason: str,
    *,
    about: About = "anyone",
    is_move: bool = False,
    also: str = "",
) -> Phrase:
    """A rule; `when` and `also` list words separated by blanks."""
    words, more = (frozenset(words_of(one)) for one in (when, also))
    return Phrase(catalyst, sentiment, weight, about, words, re.compile(pattern), reason, is_move, more)
