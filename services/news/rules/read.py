"""What one text says about one company. Text is data: it is matched against tables and never obeyed."""
# ruff: noqa: E501, SIM905 - tables of words and expressions read better unbroken

import html
import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from services.news.rules import merger
from services.news.rules.company import marked, mentions
from services.news.rules.kind import Hit, type_of
from services.news.rules.lexicon import mood
from services.news.rules.model import Model, trained
from services.news.rules.model_features import Rules, Seen, seen
from services.news.rules.model_verdict import TOLD_OFF, Said, verdict
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
_TRIGGERS = frozenset(_BY_WORD)
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
_ENGLISH = frozenset(
    "the of to and for in on with by as its after from at is are has will says amid over up down".split()
)
_FOREIGN = frozenset(
    "le la les du une est dans pour sur avec au aux der das und ist nicht mit fur ein eine im von zu auf el los las del"
    " una por para que en het een niet voor il che sono nel della y se su".split()
)
"""Little words of the languages in whose press companies are most often named."""
_CROWD_WORDS = frozenset(
    "stock stocks company companies picks reasons etfs reits names growth things cash gainers losers movers update vs"
    " better need should know facts investment good great zacks cramer invested favorite outlook market narrative case"
    " since ex is".split()
)
"""One of these is in every text that _CROWD finds, but for what is said of values."""
_QUIET_WORDS = frozenset(
    "present participate attend host speak webcast report announce release hold showcase exhibit join conference"
    " transcript meeting inducement form sustainability investor fireside sets schedule schedules preview previews".split()
)
"""One of these is in every text that _QUIET finds."""
_TARGET_CHANGE = re.compile(
    r"(?:price target|\bpt\b|target price)\b.{0,60}?\bto \$?([\d,]*\d(?:\.\d+)?) from \$?([\d,]*\d(?:\.\d+)?)"
)
_TARGETS = frozenset(("target", "pt"))
_SETS_TARGET = re.compile(r"\b(?:adjust|rais|lower|cut|boost|trim|lift|hik|reduc)\w*\b")
_DENIED = -0.3
"""What is left of something denied: a denial reassures less than the thing would hurt."""
_SAYING = 1.4
"""A phrase without direction and lighter than this names a type only, and does not dilute what others say."""


def words_of(low: str) -> list[str]:
    """The words and numbers of lower-case text."""
    return _WORD.findall(low)


def clean(text: str) -> str:
    """One line of plain ASCII without markup, at most MOST_CHARACTERS long; may be empty."""
    bare = text[: MOST_CHARACTERS * 8]
    bare = html.unescape(bare) if "&" in bare else bare
    plain = _TAG.sub(" ", bare) if "<" in bare else bare
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain.translate(_PLAIN)).encode("ascii", "ignore").decode()
    return " ".join(plain.split())[:MOST_CHARACTERS]


class Look(NamedTuple):
    """A text as the rules see it: plain, in lower case, with the company's mentions and what the phrases found say."""

    original: str
    low: str
    spans: list[tuple[int, int]]
    at: list[int]
    hits: list[Hit]
    said: Said | None
    told: bool
    dated: bool


def look(text: str, symbol: str | None = None, company: str | None = None, tagged: int = 1) -> Look | None:
    """What there is to see in a text about a company; None where there is nothing to read, or not in English."""
    original = clean(text)
    low = original.lower()
    words = set(_WORD.findall(low))
    if not words or len(words & _FOREIGN) > 1 + 2 * len(words & _ENGLISH):
        return None
    spans = mentions(low, original, symbol, company)
    at = [start for start, _ in spans]
    told = _is_told(low, words)
    hits = _hits(low, words, at, alone=tagged <= 1, told=told)
    is_dated = not words.isdisjoint(_QUIET_WORDS) and _QUIET.search(low) is not None
    dated = is_dated and not any(hit.weight >= 1.9 for hit in hits)
    return Look(original, low, spans, at, hits, said_by(hits) if hits else None, told, dated)


def seen_in(found: Look) -> Seen:
    """What the model is given."""
    said, kinds = found.said, found.hits[0].catalyst if found.hits else None
    rules = Rules(said and said.sentiment, said.weight if said else 0.0, str(kinds), found.told, found.dated)
    return seen(found.low, found.spans, rules)


@lru_cache(maxsize=50_000)
def read(text: str, symbol: str | None = None, company: str | None = None, tagged: int = 1) -> Reading:
    """Sentiment of `text` about the company, its catalyst and why. `tagged`: how many symbols the item carries."""
    found = look(text, symbol, company, tagged)
    if found is None:
        return Reading(sentiment=0.0, confidence=0.0, reason="nothing that can be read", method="none")
    return judged(found, trained(), symbol, company, tagged)


def judged(found: Look, model: Model | None, symbol: str | None, company: str | None, tagged: int) -> Reading:
    """The reading of what was found, by the rules and the given model; by rules and lexicon without one."""
    catalyst = type_of(found, symbol, company)
    share, note = share_of(found, symbol, company, tagged)
    if model is None:
        return _by_lexicon(found, catalyst, share, note)
    given = seen_in(found)
    return verdict(model, given, found.said, catalyst, told=found.told, dated=found.dated, share=share, note=note)


def share_of(found: Look, symbol: str | None, company: str | None, tagged: int) -> tuple[float, str]:
    """How much of the text can be the company's, and what to say of it."""
    note = "a list, question or opinion" if found.told else ""
    if found.spans or not (symbol or company):
        return 1.0, note
    joined = f"{note}; " if note else ""
    if symbol and marked(found.low):
        return 0.25, joined + "about another company"
    if tagged >= 4:
        return 0.4, f"{joined}about {tagged} companies"
    return (0.5, joined + "the company is not named") if company else (1.0, note)


def _is_told(low: str, words: set[str]) -> bool:
    """True for lists, questions and opinion pieces: somebody's view, not an event."""
    if low.endswith("?") and _QUESTION.match(low):
        return True
    may_be = not words.isdisjoint(_CROWD_WORDS) or "valu" in low
    return may_be and _CROWD.search(low) is not None


def _hits(low: str, words: set[str], at: list[int], *, alone: bool, told: bool) -> list[Hit]:
    numbers = sorted({number for word in words & _TRIGGERS for number in _BY_WORD[word]})
    found = [hit for number in numbers if (hit := _hit(PHRASES[number], low, at))]
    if not words.isdisjoint(DEAL_WORDS) and not told and (deal := merger.deal(low, at, alone=alone)):
        found.append(Hit(Catalyst.MERGER, deal.sentiment, deal.weight, deal.reason, deal.span))
    if not words.isdisjoint(_TARGETS) and not any(hit.catalyst == Catalyst.ANALYST and hit.sentiment for hit in found):
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
    before = low[max(0, match.start() - 40) : match.start()] if match.start() else ""
    if before and _NEGATION.search(before):
        sentiment = _DENIED * sentiment
    elif before and _PENDING.search(before):
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


def said_by(hits: list[Hit]) -> Said:
    """The weighted mean of the phrases; weights count squared, so that what is grave is not averaged away."""
    saying = [hit for hit in hits if hit.sentiment or hit.weight >= _SAYING] or hits
    weights = [hit.weight**2 for hit in saying]
    sentiment = sum(hit.sentiment * weight for hit, weight in zip(saying, weights, strict=True)) / sum(weights)
    reasons = list(dict.fromkeys(hit.reason for hit in hits))[:3]
    return Said(sentiment, hits[0].weight, hits[0].sentiment, ", ".join(reasons))


def _by_lexicon(found: Look, catalyst: Catalyst | None, share: float, note: str) -> Reading:
    """Without the model: the phrases, or the words' mood, halved, with little confidence."""
    said = found.said
    if found.dated:
        return Reading(sentiment=0.0, confidence=0.6, reason="an announcement of a date", method="rules")
    compound = mood(found.original.capitalize() if found.original.isupper() else found.original)
    sentiment = said.sentiment if said else 0.5 * compound if abs(compound) >= 0.2 else 0.0
    share *= TOLD_OFF if found.told else 1.0
    reason = said.reason if said else "its words' mood" if sentiment else "no words of direction"
    return Reading(
        sentiment=round(max(-1.0, min(1.0, share * sentiment)), 4),
        confidence=round((min(0.9, 0.5 + 0.13 * said.weight) if said else 0.3) * max(share, 0.4), 4),
        catalyst=catalyst,
        reason=f"{reason} ({note})" if note else reason,
        method="rules" if said else "lexicon",
    )
