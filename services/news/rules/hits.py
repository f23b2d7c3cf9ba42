"""The phrases found in a text, as they hold for the company: denied, pending, turned to the other side."""
# ruff: noqa: E501, SIM905 - tables of words and expressions read better unbroken

import re
from collections.abc import Set
from itertools import pairwise

from services.news.rules import merger
from services.news.rules.kind import Hit
from services.news.rules.model_verdict import Said
from services.news.rules.phrase import Phrase
from services.news.rules.tables import PHRASES
from shared.domain.news import Catalyst

DEAL_WORDS = frozenset(
    "acquire acquires acquired acquiring acquisition buy buys buying bid bids offer offers takeover buyout bought sale"
    " private strategic unsolicited tender snaps scoops purchase taken sell target".split()
)
_BY_WORD: dict[str, tuple[int, ...]] = {
    word: tuple(number for number, rule in enumerate(PHRASES) if word in rule.when)
    for word in sorted({word for rule in PHRASES for word in rule.when})
}
_TRIGGERS = frozenset(_BY_WORD)
_CLAUSE = re.compile(r"\b(?:while|whereas|as|but|amid|despite|after)\b|;| - |--|\. ")
_NEGATION = re.compile(
    r"\b(?:no|not|never|without|denies|denied|rejects|rejected|rules out|ruled out|dismisses (?:talk|rumou?rs?) of|"
    r"avoids?|averts?|averted|unlikely to|isn't|won't|doesn't|didn't|hasn't|wasn't|nor|alleviates?|no longer|fail(?:s|ed)? to|unable to)\W+(?:\w+\W+){0,3}$"
)
_NEGATION_WORDS = frozenset(
    "no not never without denies denied rejects rejected rules ruled dismisses avoid avoids avert averts averted unlikely"
    " isn won doesn didn hasn wasn nor alleviate alleviates longer fail fails failed unable".split()
)
"""One of these is in every text that _NEGATION finds."""
_PENDING = re.compile(
    r"\b(?:seek\w*|support(?:ing|s)?|towards?|potential\w*|pending|await\w*|pursu\w+|possible|ahead of|submi\w+|applies|application for|"
    r"could|might|hopes?|expect\w* to|eyes|nears?|plans? to|if|request\w*|rumou?r\w*|likely to)\W+(?:\w+\W+){0,4}$"
)
_TARGET_CHANGE = re.compile(
    r"(?:price target|\bpt\b|target price)\b.{0,60}?\bto \$?([\d,]*\d(?:\.\d+)?) from \$?([\d,]*\d(?:\.\d+)?)"
)
_TARGETS = frozenset(("target", "pt"))
_SETS_TARGET = re.compile(r"\b(?:adjust|rais|lower|cut|boost|trim|lift|hik|reduc)\w*\b")
_DENIED = -0.3
"""What is left of something denied: a denial reassures less than the thing would hurt."""
_SAYING = 1.4
"""A phrase without direction and lighter than this names a type only, and does not dilute what others say."""
KNOWN = _TRIGGERS.union(*(rule.also for rule in PHRASES)) | DEAL_WORDS | _TARGETS | _NEGATION_WORDS
"""Every word that is asked for here."""


def phrases_in(low: str, words: Set[str], at: list[int], *, alone: bool, told: bool) -> list[Hit]:
    """The phrases found in `low` as they hold for the company named `at` these places, heaviest first.

    `words`: those of KNOWN in the text; `alone`: nobody else is tagged; `told`: a list, a question or an opinion.
    """
    found = []
    for number in sorted({number for word in words & _TRIGGERS for number in _BY_WORD[word]}):
        rule = PHRASES[number]
        if rule.also and rule.also.isdisjoint(words):
            continue
        if (match := rule.pattern.search(low)) and (hit := _hit(rule, match, low, words, at)):
            found.append(hit)
    if not told and not words.isdisjoint(DEAL_WORDS) and (deal := merger.deal(low, at, alone=alone)):
        found.append(Hit(Catalyst.MERGER, deal.sentiment, deal.weight, deal.reason, deal.span))
    if not words.isdisjoint(_TARGETS) and not any(hit.catalyst == Catalyst.ANALYST and hit.sentiment for hit in found):
        found += _target_change(low, at)
    return _heaviest(found)


def _target_change(low: str, at: list[int]) -> list[Hit]:
    """`price target ... to $28 from $25`, unless the company is the one that changes it."""
    change = _TARGET_CHANGE.search(low) if " from " in low else None
    if change is None or (at and _SETS_TARGET.search(low[max(at) : change.start()])):
        return []
    new, old = (float(number.replace(",", "")) for number in change.groups())
    return [Hit(Catalyst.ANALYST, 0.35 if new > old else -0.4, 1.6, "price target changed", change.span())]


def _hit(rule: Phrase, match: re.Match[str], low: str, words: Set[str], at: list[int]) -> Hit | None:
    """The rule's finding for the company named at `at`, negation and direction applied."""
    first, end = span = match.span()
    if rule.is_move and not _in_own_clause(low, first, at):
        return None
    if rule.about == "victim" and not any(place >= end - 2 for place in at):
        return None
    sentiment, weight = rule.sentiment, rule.weight
    before = low[max(0, first - 40) : first]
    if before and not words.isdisjoint(_NEGATION_WORDS) and _NEGATION.search(before):
        sentiment = _DENIED * sentiment
    elif before and _PENDING.search(before):
        sentiment, weight = 0.4 * sentiment, weight * 0.8
    if at and _is_other_side(rule, span, at):
        sentiment, weight = 0.0, weight * 0.6
    return Hit(rule.catalyst, sentiment, weight, rule.reason, span)


def _is_other_side(rule: Phrase, span: tuple[int, int], at: list[int]) -> bool:
    """True when the words are about whoever stands on the other side of them than the company does."""
    if rule.about == "subject":
        return min(at) >= span[1] and span[0] > 3
    return rule.about in {"object", "victim"} and max(at) < span[0]


def _in_own_clause(low: str, place: int, at: list[int]) -> bool:
    """A move belongs to the company of its clause; a company that is named nowhere takes them all."""
    if not at:
        return True
    borders = [0, *(match.start() for match in _CLAUSE.finditer(low)), len(low)]
    for first, last in pairwise(borders):
        if first <= place < last:
            return any(first <= one < last for one in at)
    return True


def _heaviest(hits: list[Hit]) -> list[Hit]:
    """Heaviest first; a lighter one inside a heavier one's words says nothing new."""
    if len(hits) < 2:
        return hits
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (-hit.weight, hit.span, hit.reason)):
        if not any(_overlap(hit.span, one.span) and hit.weight < one.weight for one in kept):
            kept.append(hit)
    return kept


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def said_by(hits: list[Hit]) -> Said:
    """The weighted mean of the phrases; weights count squared, so that what is grave is not averaged away."""
    if len(hits) == 1:
        return Said(hits[0].sentiment, hits[0].weight, hits[0].sentiment, hits[0].reason)
    saying = [hit for hit in hits if hit.sentiment or hit.weight >= _SAYING] or hits
    weights = [hit.weight**2 for hit in saying]
    sentiment = sum(hit.sentiment * weight for hit, weight in zip(saying, weights, strict=True)) / sum(weights)
    reasons = list(dict.fromkeys(hit.reason for hit in hits))[:3]
    return Said(sentiment, hits[0].weight, hits[0].sentiment, ", ".join(reasons))
