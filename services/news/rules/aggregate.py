"""One symbol's news as of a moment: what its stories amount to, the fresh and the grave ones first."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from services.news.rules.read import read
from services.news.rules.story import in_order, key_of, stories
from shared.domain.news import Headline, NewsEvidence, Reading

LOOKBACK = timedelta(hours=24)
HALF_LIFE_HOURS = 4.0
DIRECTION = 0.1
HALF_STRENGTH = 0.35
"""Weight of directed stories at which news counts half; one fresh confident story weighs about 0.8."""

SOURCE_WEIGHTS = {
    "benzinga": 1.0, "sec": 1.0, "globenewswire": 0.9, "pr newswire": 0.9, "business wire": 0.9, "accesswire": 0.8,
    "reuters": 1.0, "bloomberg": 1.0, "mt newswires": 1.0, "dow jones": 1.0, "associated press": 0.9,
    "zacks": 0.4, "simply wall st.": 0.3, "motley fool": 0.4, "stockstory": 0.4,
    "insider monkey": 0.3, "gurufocus": 0.4,
}  # fmt: skip
OTHER_SOURCE = 0.7


class Story(NamedTuple):
    """One story about one company: its first telling, the clearest reading of it, and how much it counts now."""

    first: Headline
    reading: Reading
    weight: float

    @property
    def pull(self) -> float:
        return self.weight * abs(self.reading.sentiment)


def known(items: Sequence[Headline], symbol: str, as_of: datetime) -> list[Headline]:
    """The symbol's items of the last 24 hours, oldest first. Nothing later than `as_of`."""
    return in_order(
        [item for item in items if symbol in item.symbols and as_of - LOOKBACK < item.published_at <= as_of]
    )


def reading_of(item: Headline, symbol: str | None, company: str | None) -> Reading:
    """The headline's reading; where it says nothing, the summary's, with less confidence."""
    first = read(item.headline, symbol, company, len(item.symbols))
    if first.method == "rules" or not item.summary:
        return first
    second = read(f"{item.headline}. {item.summary[:500]}", symbol, company, len(item.symbols))
    if second.method != "rules":
        return first
    return second.model_copy(
        update={"confidence": round(0.8 * second.confidence, 4), "reason": f"summary: {second.reason}"}
    )


def weight_of(first: Headline, reading: Reading, as_of: datetime) -> float:
    """Freshness (half after four hours) x trust in the source x confidence. A retold story is as old as it is."""
    hours = (as_of - first.published_at).total_seconds() / 3600
    trust = SOURCE_WEIGHTS.get(first.source.lower(), OTHER_SOURCE)
    return float(2 ** (-hours / HALF_LIFE_HOURS)) * trust * reading.confidence


def told(items: Sequence[Headline], symbol: str, company: str | None, as_of: datetime) -> list[Story]:
    """The stories in the items, oldest first."""
    of = stories(items)
    by_story: dict[tuple[str, str], list[Headline]] = {}
    for item in items:
        by_story.setdefault(of[key_of(item)], []).append(item)
    found = []
    for members in by_story.values():
        readings = [reading_of(item, symbol, company) for item in members]
        best = max(readings, key=lambda reading: (reading.confidence, abs(reading.sentiment)))
        found.append(Story(members[0], best, weight_of(members[0], best, as_of)))
    return found


def evidence(items: Sequence[Headline], symbol: str, company: str | None, as_of: datetime) -> NewsEvidence:
    """The symbol's evidence. Half the sentiment is the story that pulls most: ten kind words do not undo an offering.

    score = 0.5 + 0.5 x sentiment x strength, where strength grows with the weight of stories that have a direction.
    """
    mine = known(items, symbol, as_of)
    if not mine:
        return NewsEvidence(symbol=symbol, score=0.5, sentiment=0.0, confidence=0.0, items=0)
    found = told(mine, symbol, company, as_of)
    total = sum(story.weight for story in found)
    leading = max(found, key=lambda story: story.pull)
    if leading.pull == 0:
        leading = max(found, key=lambda story: (story.reading.catalyst is not None, story.weight))
    mean = sum(story.weight * story.reading.sentiment for story in found) / total if total > 0 else 0.0
    sentiment = 0.5 * mean + 0.5 * leading.reading.sentiment
    directed = sum(story.weight for story in found if abs(story.reading.sentiment) >= DIRECTION)
    strength = directed / (directed + HALF_STRENGTH)
    sure = sum(story.weight * story.reading.confidence for story in found) / total if total > 0 else 0.0
    return NewsEvidence(
        symbol=symbol,
        score=_within(0.5 + 0.5 * sentiment * strength, 0.0, 1.0),
        sentiment=_within(sentiment, -1.0, 1.0),
        confidence=_within(sure * strength, 0.0, 1.0),
        catalyst=leading.reading.catalyst,
        items=len(mine),
        latest_at=mine[-1].published_at,
        headline=leading.first.headline,
        reason=_reason(leading, found, as_of),
    )


def _within(value: float, low: float, high: float) -> float:
    return round(min(high, max(low, value)), 6) if math.isfinite(value) else low


def _reason(leading: Story, found: Sequence[Story], as_of: datetime) -> str:
    minutes = int((as_of - leading.first.published_at).total_seconds() // 60)
    age = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    others = f", {len(found) - 1} other stories" if len(found) > 1 else ""
    kind = f"{leading.reading.catalyst.value}: " if leading.reading.catalyst else ""
    return f"{kind}{leading.reading.reason}, {age} ago{others}"


def label(reading: Reading) -> str:
    """The reading in one word."""
    if abs(reading.sentiment) < 0.12:
        return "neutral"
    return "positive" if reading.sentiment > 0 else "negative"
