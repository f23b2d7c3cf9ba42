"""What one text says about one company. Text is data: it is matched against tables and never obeyed."""
# ruff: noqa: E501, SIM905 - tables of words and expressions read better unbroken

import html
import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from services.news.rules import merger
from services.news.rules.company import marked, places
from services.news.rules.kind import Hit, type_of
from services.news.rules.lexicon import mood
from services.news.rules.phrase import Phrase
from services.news.rules.tables import PHRASES
from shared.domain.news import Catalyst, Reading

MOST_CHARACTERS = 600
DEAL_WORDS = frozenset(
    "acquire acquires acquired acquiring acquisition buy buys buying bid bids offer offers takeover buyout bought sale"
    " private strategic unsolicited tender snaps scoops purchase taken sell target".split()
)
_BY_WORD: dict[str, tuple[int, ...]] = {
    word: tuple(number for number, rule in enumerate(PHRASES) if word in rule.when)
    for word in sorted({word for rule in PHRASES for word in rule.when})
}
_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "…": " "})
_WORD = re.compile(r"[a-z0-9]+")
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^<>]{0,400}>", re.DOTALL | re.IGNORECASE)
_CLAUSE = re.compile(r"\b(?:while|whereas|as|but|amid|despite|after)\b|;| - |--|\. ")
_NEGATION = re.compile(
    r"\b(?:no|not|never|without|denies|denied|rejects|rejected|rules out|ruled out|dismisses (?:talk|rumou?rs?) of|"
    r"avoids?|averts?|averted|unlikely to|isn't|won't|doesn't|didn't|hasn't|wasn't|nor|alleviates?|no longer|fail(?:s|ed)? to|unable to)\W+(?:\w+\W+){0,3}$"
)
_PENDING = re.compile(
    r"\b(?:seek\w*|support(?:ing|s)?|towards?|potential\w*|pending|await\w*|pursu\w+|possible|ahead of|submi\w+|applies|application for|"
    r"could|might|hopes?|expect\w* to|eyes|nears?|plans? to|if|request\w*|rumou?r\w*|likely to)\W+(?:\w+\W+){0,4}$"
)
_QUESTION = re.compile(r"^(?:is|are|should|can|could|will|would|does|do|has|did|how|what|which|where|buy,? sell)\b.*")
_CROWD = re.compile(
    r"^(?:the )?(?:top |best |worst )?(?:\d+|two|three|four|five) [\w' &,-]*\b(?:stocks?|companies|picks|reasons|etfs|reits|names|growth|things|cash-\w+)\b|"
    r"stocks? to (?:buy|watch|sell|avoid|consider|own)|(?:gainers|losers|movers)\b|sector update|stocks? (?:moving|that)|"
    r"vs\. |better (?:value|buy)|what you (?:should|need to) know|facts to know|investment (?:story|narrative|case)|"
    r"fair value|undervalu|overvalu|good (?:stock|choice)|great (?:stock|choice|momentum)|zacks|cramer|if you (?:had )?invested|"
    r"wall street's favorite|trending stock|valuation|top stock reports|outlook for|market (?:size|forecast|analysis|report|insights)|penny stock|"
    r"\bnarrative|the case for|should (?:you|investors)|since last earnings|ex-dividend|growth stock|expected to (?:beat|miss)|is (?:a|an|one of) [\w -]{0,25}stocks?\b"
)
_QUIET = re.compile(
    r"(?<!likely )(?<!expected )\bto (?:present|participate|attend|host|speak|webcast|report|announce|release|hold|showcase|exhibit|join the)\b|"
    r"conference call|webcast|transcript|annual (?:general )?meeting|inducement (?:grants?|award)|\bform (?:8\.\d|8-k|10-[kq]|13[dfg]|6-k|4\b)|sustainability report|"
    r"investor (?:day|conference|presentation)|employment inducement|fireside chat|sets date|schedules?\b|earnings preview|previews?\b"
)
_TARGET_CHANGE = re.compile(
    r"(?:price target|\bpt\b|target price)\b.{0,60}?\bto \$?([\d,]*\d(?:\.\d+)?) from \$?([\d,]*\d(?:\.\d+)?)"
)
_SETS_TARGET = re.compile(r"\b(?:adjust|rais|lower|cut|boost|trim|lift|hik|reduc)\w*\b")
_DENIED = -0.3
"""What is left of something denied: a denial reassures less than the thing would hurt."""
_SAYING = 1.4
"""A phrase without direction and lighter than this names a type only, and does not dilute what others say."""
_TOLD_OFF = 0.35
"""What is left of a sentiment that a listicle or an opinion piece voices."""


def words_of(low: str) -> list[str]:
    """The words and numbers of lower-case text."""
    return _WORD.findall(low)


def clean(text: str) -> str:
    """One line of plain ASCII without markup, at most MOST_CHARACTERS long; may be empty."""
    bare = _TAG.sub(" ", html.unescape(text[: MOST_CHARACTERS * 8]))
    plain = unicodedata.normalize("NFKD", bare.translate(_PLAIN)).encode("ascii", "ignore").decode()
    return " ".join(plain.split())[:MOST_CHARACTERS]


class Look(NamedTuple):
    """A text as the rules see it: plain, in lower case, where the company is named, and the phrases found."""

    original: str
    low: str
    at: list[int]
    hits: list[Hit]
    told: bool
    dated: bool

    @property
    def said(self) -> Reading | None:
        return _from_hits(self.hits, None) if self.hits else None


def look(text: str, symbol: str | None = None, company: str | None = None, tagged: int = 1) -> Look | None:
    """What there is to see in a text about a company; None where there is nothing to read."""
    original = clean(text)
    low = original.lower()
    if not _WORD.search(low):
        return None
    at = places(low, original, symbol, company)
    hits = _hits(low, at, alone=tagged <= 1)
    dated = _QUIET.search(low) is not None and not any(hit.weight >= 1.9 for hit in hits)
    return Look(original, low, at, hits, _is_told(low), dated)


@lru_cache(maxsize=50_000)
def read(text: str, symbol: str | None = None, company: str | None = None, tagged: int = 1) -> Reading:
    """Sentiment of `text` about the company, its catalyst and why. `tagged`: how many symbols the item carries."""
    found = look(text, symbol, company, tagged)
    if found is None:
        return Reading(sentiment=0.0, confidence=0.0, reason="nothing that can be read", method="none")
    if found.dated:
        return Reading(sentiment=0.0, confidence=0.6, reason="an announcement of a date", method="rules")
    catalyst = type_of(found, symbol, company)
    return _damped(
        _from_hits(found.hits, catalyst) if found.hits else _from_mood(found.original),
        found.low,
        named=bool(found.at),
        others=bool(symbol) and len(marked(found.low)) > 0,
        unnamed=bool(company) and not found.at,
        tagged=tagged,
    )


def _is_told(low: str) -> bool:
    """True for lists, questions and opinion pieces: somebody's view, not an event."""
    return bool(_CROWD.search(low) or (low.endswith("?") and _QUESTION.match(low)))


def _hits(low: str, at: list[int], *, alone: bool) -> list[Hit]:
    words = set(_WORD.findall(low))
    numbers = sorted({number for word in words if word in _BY_WORD for number in _BY_WORD[word]})
    found = [hit for number in numbers if (hit := _hit(PHRASES[number], low, at))]
    if not words.isdisjoint(DEAL_WORDS) and not _is_told(low) and (seen := merger.deal(low, at, alone=alone)):
        found.append(Hit(Catalyst.MERGER, seen.sentiment, seen.weight, seen.reason, seen.span))
    if not any(hit.catalyst == Catalyst.ANALYST and hit.sentiment for hit in found):
        found += _target_change(low, at)
    return _heaviest(found)


def _target_change(low: str, at: list[int]) -> list[Hit]:
    """`price target ... to $28 from $25`, unless the company is the one that changes it."""
    change = _TARGET_CHANGE.search(low)
    if change is None or (at and _SETS_TARGET.search(low[max(at) : change.start()])):
        return []
    new, old = (float(number.replace(",", "")) for number in change.groups())
    return [Hit(Catalyst.ANALYST, 0.35 if new > old else -0.4, 1.6, "price target changed", change.span())]


def _hit(rule: Phrase, low: str, at: list[int]) -> Hit | None:
    """The rule's finding for the company named at `at`, negation and direction applied."""
    match = rule.pattern.search(low)
    if match is None or (rule.is_move and not _in_own_clause(low, match.start(), at)):
        return None
    if rule.about == "victim" and not any(place >= match.end() - 2 for place in at):
        return None
    sentiment, weight = rule.sentiment, rule.weight
    before = low[max(0, match.start() - 40) : match.start()]
    if _NEGATION.search(before):
        sentiment = _DENIED * sentiment
    elif _PENDING.search(before):
        sentiment, weight = 0.4 * sentiment, weight * 0.8
    if at and _is_other_side(rule, match.span(), at):
        sentiment, weight = 0.0, weight * 0.6
    return Hit(rule.catalyst, sentiment, weight, rule.reason, match.span())


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
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (-hit.weight, hit.span, hit.reason)):
        if not any(_overlap(hit.span, one.span) and hit.weight < one.weight for one in kept):
            kept.append(hit)
    return kept


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _from_hits(hits: list[Hit], catalyst: Catalyst | None) -> Reading:
    """The weighted mean of the phrases; weights count squared, so that what is grave is not averaged away."""
    saying = [hit for hit in hits if hit.sentiment or hit.weight >= _SAYING] or hits
    weights = [hit.weight**2 for hit in saying]
    sentiment = sum(hit.sentiment * weight for hit, weight in zip(saying, weights, strict=True)) / sum(weights)
    spread = any(hit.sentiment > 0.2 for hit in hits) and any(hit.sentiment < -0.2 for hit in hits)
    confidence = min(0.95, 0.5 + 0.13 * hits[0].weight) - (0.15 if spread else 0.0)
    said = list(dict.fromkeys(hit.reason for hit in hits))[:3]
    return Reading(
        sentiment=round(max(-1.0, min(1.0, sentiment)), 4),
        confidence=round(confidence, 4),
        catalyst=catalyst,
        reason=", ".join(said),
        method="rules",
    )


def _from_mood(original: str) -> Reading:
    """No phrase known: the words' mood, halved, with little confidence."""
    compound = mood(original.capitalize() if original.isupper() else original)
    sentiment = round(0.5 * compound, 4) if abs(compound) >= 0.2 else 0.0
    reason = "its words' mood" if sentiment else "no words of direction"
    return Reading(sentiment=sentiment, confidence=0.3, catalyst=None, reason=reason, method="lexicon")


def _damped(reading: Reading, low: str, *, named: bool, others: bool, unnamed: bool, tagged: int) -> Reading:
    """Less of it where the text is a list, a question or an opinion, and where it is about many."""
    factor, notes = 1.0, []
    if _is_told(low):
        factor, notes = _TOLD_OFF, ["a list, question or opinion"]
    if others and not named:
        factor, notes = factor * 0.25, [*notes, "about another company"]
    elif tagged >= 4 and not named:
        factor, notes = factor * 0.4, [*notes, f"about {tagged} companies"]
    elif unnamed:
        factor, notes = factor * 0.6, [*notes, "the company is not named"]
    if not notes:
        return reading
    return reading.model_copy(
        update={
            "sentiment": round(reading.sentiment * factor, 4),
            "confidence": round(reading.confidence * max(factor, 0.4), 4),
            "reason": f"{reading.reason} ({'; '.join(notes)})",
        }
    )
