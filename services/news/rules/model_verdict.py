"""The rules and the model laid together: grave cases are the rules', the rest is the model's with the rules heard."""

import math
from typing import NamedTuple, Protocol

from services.news.rules.model import Lean, Odds, odds_of
from shared.domain.news import Catalyst, Reading

GRAVE_WEIGHT, GRAVE = 2.5, 0.45
"""A phrase as heavy as this with as strong a sentiment decides, whatever the model thinks."""
GRAVE_CONFIDENCE = 0.85
NEUTRAL_AT_MOST, DIRECTED_AT_LEAST = 0.1, 0.15
"""Sizes of sentiment on either side of the border (0.12) between neutral and not."""
TOLD_OFF = 0.35
"""What is left of a sentiment that a listicle or an opinion piece voices; its sign stays."""
ELSEWHERE = Odds(0.08, 0.84, 0.08)
"""What to think of a text that is not about the company."""


HEARD, HEARD_TOLD, MOST_WEIGHT = 1.8, 0.3, 3.0
"""How far the phrases move the odds: by e to the power of this x sentiment x weight; less of it in a listicle."""
AGAINST = 0.5
"""What of that is taken from the opposite label."""
DATED, LEVEL, LEVEL_WEIGHT = 1.3, 1.6, 1.4
"""Log-odds for neutral of the announcement of a date, and of a phrase of this weight that has no direction."""
SUREST = 0.95
WORDS_ALONE = 0.55
"""Words without a known event move less than an event does."""
GRADED = 1.9
"""From this weight on the size of a sentiment is the phrase's own; below, the mean of phrase and words."""


class Said(NamedTuple):
    """What the phrase rules say: mean sentiment, the heaviest phrase's weight and own sentiment, reasons."""

    sentiment: float
    weight: float
    heaviest: float
    reason: str

    @property
    def grave(self) -> float | None:
        """The sentiment of what decides alone; None where nothing does."""
        if self.weight < GRAVE_WEIGHT or abs(self.heaviest) < GRAVE:
            return None
        same = self.sentiment * self.heaviest > 0
        return math.copysign(max(abs(self.sentiment) if same else 0.0, 0.6 * abs(self.heaviest)), self.heaviest)


def heard(lean: Lean, said: Said | None, *, told: bool, dated: bool) -> Lean:
    """The log-odds after the phrases were heard as well. The factors were chosen on the development headlines."""
    if said is None and not dated:
        return lean
    push, level = 0.0, DATED if dated else 0.0
    if said:
        push = HEARD * said.sentiment * min(said.weight, MOST_WEIGHT) * (HEARD_TOLD if told else 1.0)
        level += LEVEL if abs(said.sentiment) <= NEUTRAL_AT_MOST and said.weight >= LEVEL_WEIGHT else 0.0
    down, up = lean
    if push > 0:
        return down - AGAINST * push - level, up + push - level
    return down - push - level, up + AGAINST * push - level


def aside(odds: Odds, share: float) -> Odds:
    """The odds where only `share` of the text's meaning can be the company's."""
    if share >= 1:
        return odds
    return Odds(*(share * one + (1 - share) * other for one, other in zip(odds, ELSEWHERE, strict=True)))


def weighed(lean: Lean, said: Said | None, *, told: bool, dated: bool, share: float) -> Odds:
    """What is thought in the end, grave cases aside: words, phrases, and whose text it is."""
    return aside(odds_of(heard(lean, said, told=told, dated=dated)), share)


class Given(NamedTuple):
    """What a verdict rests on besides the model's own leaning."""

    said: Said | None
    catalyst: Catalyst | None
    told: bool
    dated: bool
    share: float
    """How much of the text is the company's own."""
    note: str
    """What else is to be said of it."""


class Telling(Protocol):
    """Names the words that speak loudest for good, or for bad, news."""

    def __call__(self, *, good: bool) -> str: ...


def verdict(given: Given, lean: Lean, telling: Telling) -> Reading:
    """The reading of a text to which the model leans so."""
    said, catalyst, told, dated, share, note = given
    odds = weighed(lean, said, told=told, dated=dated, share=share)
    grave = said.grave if said and share >= 1 and not told else None
    if said and grave is not None:
        agreed = odds.positive if grave > 0 else odds.negative
        return _reading(grave, max(agreed, GRAVE_CONFIDENCE), catalyst, said.reason, "rules", note)
    negative, neutral, positive = odds
    tilt, sure = positive - negative, max(positive, negative)
    if neutral >= sure:
        level = said is not None and abs(said.sentiment) <= NEUTRAL_AT_MOST
        lean_to = said.sentiment if said and level else 0.0 if dated else 0.5 * tilt
        reason = "an announcement of a date" if dated else said.reason if said else "no words of direction"
        sentiment = max(-NEUTRAL_AT_MOST, min(NEUTRAL_AT_MOST, lean_to * share))
        return _reading(sentiment, neutral, catalyst, reason, "rules" if dated or level else "model", note)
    if said is None or said.sentiment * tilt <= 0:
        reason = f"{'good' if tilt > 0 else 'bad'} news by its words: {telling(good=tilt > 0)}"
        return _reading(_sized(WORDS_ALONE * tilt, tilt, told=told), sure, catalyst, reason, "model", note)
    size = share * said.sentiment if said.weight >= GRADED else 0.5 * (tilt + said.sentiment)
    return _reading(_sized(size, tilt, told=told), sure, catalyst, said.reason, "rules", note)


def _sized(sentiment: float, tilt: float, *, told: bool) -> float:
    """Told off where somebody only tells, and never so small that its direction is lost."""
    size = max(DIRECTED_AT_LEAST, abs(sentiment) * (TOLD_OFF if told else 1.0))
    return math.copysign(size, tilt)


def _reading(
    sentiment: float, confidence: float, catalyst: Catalyst | None, reason: str, method: str, note: str
) -> Reading:
    return Reading(
        sentiment=round(max(-1.0, min(1.0, sentiment)), 4),
        confidence=round(min(confidence, SUREST), 4),
        catalyst=catalyst,
        reason=f"{reason} ({note})" if note else reason,
        method=method,
    )
