"""One symbol's news as of a moment: what its stories amount to, the fresh and the grave ones first."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from services.news.rules.hostile import read_warily
from services.news.rules.read import Asked, read_all
from services.news.rules.story import Key, in_order, is_correction, is_retraction, key_of, replaces, stories
from services.news.rules.window import aged_hours, look_back
from shared.domain.news import Headline, NewsEvidence, Reading
from shared.domain.session import Session

HALF_LIFE_HOURS = 4.0
"""Of the market's own hours: what a headline moves, it has mostly moved within a session."""
DIRECTION = 0.1
HALF_STRENGTH = 0.35
"""Weight of directed stories at which news counts half; one fresh confident story weighs about 0.8."""
DOUBT_LEFT, MOST_CONFIRMED = 0.9, 2
"""What each further publisher leaves of the doubt in a story, and how many of them count: they copy each other."""

SOURCE_WEIGHTS = {
    # Who was there: the regulator's own record and the edited wires that traders act on.
    "sec": 1.0, "benzinga": 1.0, "reuters": 1.0, "bloomberg": 1.0, "dow jones": 1.0, "mt newswires": 1.0,
    "associated press": 0.9, "associated press finance": 0.9, "cnbc": 0.9, "the wall street journal": 1.0,
    # The company's own words: true as to facts, kind as to tone.
    "globenewswire": 0.9, "pr newswire": 0.9, "business wire": 0.9, "accesswire": 0.8, "newsfile": 0.8,
    # Opinion and generated text about what is known already.
    "zacks": 0.4, "zacks commentary": 0.4, "motley fool": 0.4, "the motley fool": 0.4, "gurufocus": 0.4,
    "stockstory": 0.4, "simply wall st.": 0.3, "insider monkey": 0.3, "seeking alpha": 0.4, "24/7 wall st.": 0.3,
}  # fmt: skip
OTHER_SOURCE = 0.7


class Story(NamedTuple):
    """One story about one company: its first telling, the best reading of it, how much it counts now, who tells it."""

    first: Headline
    reading: Reading
    weight: float
    publishers: int

    @property
    def pull(self) -> float:
        return self.weight * abs(self.reading.sentiment)


def known(items: Sequence[Headline], symbol: str, as_of: datetime, start: datetime) -> list[Headline]:
    """The symbol's items published in (start, as_of], oldest first. Nothing later than `as_of`."""
    return in_order([item for item in items if symbol in item.symbols and start < item.published_at <= as_of])


def leads(items: Sequence[Headline], symbol: str, as_of: datetime, start: datetime) -> list[Headline]:
    """What counts of each of the symbol's stories: its first telling, or the last that replaces it; oldest first."""
    return in_order([current(members)[0] for members in by_story(known(items, symbol, as_of, start))])


def by_story(items: Sequence[Headline]) -> list[list[Headline]]:
    """The items (oldest first) of each story, oldest first."""
    of, found = stories(items), dict[Key, list[Headline]]()
    for item in items:
        found.setdefault(of[key_of(item)], []).append(item)
    return list(found.values())


def current(members: Sequence[Headline]) -> Sequence[Headline]:
    """A story's items (oldest first) from the last that corrects, retracts or updates it on; all where none does."""
    last = max((place for place, item in enumerate(members) if replaces(item.headline)), default=0)
    return members[last:]


def standing(members: Sequence[Headline]) -> Sequence[Headline]:
    """A story's items from the last that corrects or retracts it on: what was told before is no longer told."""
    last = max((place for place, item in enumerate(members) if is_correction(item.headline)), default=0)
    return members[last:]


def text_of(item: Headline) -> str:
    """What a reader above our own is given: the headline and the beginning of the summary."""
    return f"{item.headline}. {item.summary[:500]}" if item.summary else item.headline


def reading_of(item: Headline, symbol: str | None, company: str | None) -> Reading:
    """The headline's reading; where it says nothing, the summary's, with less confidence. Of a retraction: nothing."""
    if is_retraction(item.headline):
        return Reading(sentiment=0.0, confidence=1.0, reason="the story is withdrawn", method="rules")
    first = read_warily(item.headline, symbol, company, len(item.symbols))
    if not item.summary or _says(first):
        return first
    second = read_warily(text_of(item), symbol, company, len(item.symbols))
    if not _says(second):
        return first
    return second.model_copy(
        update={"confidence": round(0.8 * second.confidence, 4), "reason": f"summary: {second.reason}"}
    )


def read_ahead(asked: Iterable[tuple[Headline, str | None, str | None]]) -> None:
    """Read what `reading_of` will be asked about, all items together, which is far quicker than one by one."""
    wanted = list(asked)
    firsts: list[Asked] = [(item.headline, symbol, company, len(item.symbols)) for item, symbol, company in wanted]
    silent = [one for one, reading in zip(wanted, read_all(firsts), strict=True) if not _says(reading)]
    read_all((text_of(item), symbol, company, len(item.symbols)) for item, symbol, company in silent if item.summary)


def _says(reading: Reading) -> bool:
    """True where more than the mood of words was found."""
    return reading.method not in ("lexicon", "none") and (
        reading.catalyst is not None or abs(reading.sentiment) >= DIRECTION
    )


def trust_in(source: str) -> float:
    """How much a publisher's word weighs, in (0, 1]."""
    return SOURCE_WEIGHTS.get(source.lower(), OTHER_SOURCE)


def confirmed(reading: Reading, publishers: int) -> Reading:
    """The reading, a little surer for each further publisher who tells the story."""
    if publishers < 2:
        return reading
    doubt = (1 - reading.confidence) * DOUBT_LEFT ** min(MOST_CONFIRMED, publishers - 1)
    return reading.model_copy(update={"confidence": round(1 - doubt, 4)})


def weight_of(members: Sequence[Headline], reading: Reading, as_of: datetime, sessions: Sequence[Session]) -> float:
    """Freshness (half after four hours) x trust x confidence. A retold story is as old as its first telling, and as
    trusted as the best of those who tell it."""
    hours = aged_hours(sessions, members[0].published_at, as_of)
    trust = max(trust_in(item.source) for item in members)
    return float(2 ** (-hours / HALF_LIFE_HOURS)) * trust * reading.confidence


def told(
    items: Sequence[Headline],
    symbol: str,
    company: str | None,
    as_of: datetime,
    sessions: Sequence[Session] = (),
    better: Mapping[Key, Reading] | None = None,
) -> list[Story]:
    """The stories in the items (oldest first), oldest first. A reading in `better` holds for its whole story."""
    better, found = better or {}, []
    for whole in by_story(items):
        members, latest = standing(whole), current(whole)
        readings = [better[key_of(one)] for one in latest if key_of(one) in better and not is_retraction(one.headline)]
        readings = readings or [reading_of(item, symbol, company) for item in latest]
        publishers = len({item.source.lower() for item in members})
        best = max(readings, key=lambda reading: (reading.confidence, abs(reading.sentiment)))
        sure = confirmed(best, publishers)
        found.append(Story(members[0], sure, weight_of(members, sure, as_of, sessions), publishers))
    return found


def evidence(
    items: Sequence[Headline],
    symbol: str,
    company: str | None,
    as_of: datetime,
    sessions: Sequence[Session] = (),
    better: Mapping[Key, Reading] | None = None,
) -> NewsEvidence:
    """The symbol's evidence. Half the sentiment is the story that pulls most: ten kind words do not undo an offering.

    score = 0.5 + 0.5 x sentiment x strength, where strength grows with the weight of stories that have a direction.
    """
    return _amounting(known(items, symbol, as_of, look_back(sessions, as_of)), symbol, company, as_of, sessions, better)


def _amounting(
    mine: Sequence[Headline],
    symbol: str,
    company: str | None,
    as_of: datetime,
    sessions: Sequence[Session],
    better: Mapping[Key, Reading] | None,
) -> NewsEvidence:
    """What the symbol's own items, oldest first, amount to."""
    if not mine:
        return NewsEvidence(symbol=symbol, score=0.5, sentiment=0.0, confidence=0.0, items=0)
    found = told(mine, symbol, company, as_of, sessions, better)
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


def evidence_from(
    about: Mapping[str, Sequence[Headline]],
    companies: Mapping[str, str],
    as_of: datetime,
    sessions: Sequence[Session] = (),
    better: Mapping[str, Mapping[Key, Reading]] | None = None,
) -> dict[str, NewsEvidence]:
    """The evidence of every symbol from the items `about` it."""
    start, better = look_back(sessions, as_of), better or {}
    own = {symbol: known(items, symbol, as_of, start) for symbol, items in about.items()}
    read_ahead(
        (item, symbol, companies.get(symbol))
        for symbol, mine in own.items()
        for item in mine
        if key_of(item) not in better.get(symbol, ())
    )
    return {
        symbol: _amounting(mine, symbol, companies.get(symbol), as_of, sessions, better.get(symbol))
        for symbol, mine in own.items()
    }


def _within(value: float, low: float, high: float) -> float:
    return round(min(high, max(low, value)), 6) if math.isfinite(value) else low


def _reason(leading: Story, found: Sequence[Story], as_of: datetime) -> str:
    minutes = int((as_of - leading.first.published_at).total_seconds() // 60)
    age = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
    others = f", {len(found) - 1} other stories" if len(found) > 1 else ""
    by = f", {leading.publishers} sources" if leading.publishers > 1 else ""
    kind = f"{leading.reading.catalyst.value}: " if leading.reading.catalyst else ""
    return f"{kind}{leading.reading.reason}, {age} ago{by}{others}"


def label(reading: Reading) -> str:
    """The reading in one word."""
    if abs(reading.sentiment) < 0.12:
        return "neutral"
    return "positive" if reading.sentiment > 0 else "negative"
