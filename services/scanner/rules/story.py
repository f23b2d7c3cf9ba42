"""Which headlines are a company's own news, and which only say that its price moves."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from shared.domain.base import Value
from shared.domain.news import Headline

MOST_TAGGED = 3
"""A deal names the buyer, the target and perhaps a third; lists and reviews of a sector carry more."""
NO_NEWS = re.compile(
    r"\b(?:gainers|decliners|losers|movers)\b|\bmost[- ]active\b|\bsector (?:update|review)\b|\b52[- ]week (?:high|low)"
    r"|\b\d+ (?:[\w&'’-]+ ){0,5}(?:stocks|picks|plays)\b|\bstocks? (?:to (?:watch|buy|sell)|moving)\b"
    r"|\bwhy\b|\bwhat(?:'s|’s| is) (?:going on|happening|driving)\b|\?\s*$"
    r"|\b(?:shares?|stock)\b.{0,20}\btrading (?:up|higher|down|lower)\b(?!.{0,20}\b(?:after|following|on|as|amid)\b)"
    r"|\btrading (?:is |was )?(?:halt|pause|suspen)|\bhalted (?:up|down|on|due|pending)\b|\bresum\w+ (?:of )?trad"
    r"|\blaw (?:firm|offices?)\b|\bclass action\b|\b(?:share|stock)holder (?:alert|rights)\b|\binvestor alert\b",
    re.IGNORECASE,
)
"""Lists of movers, explanations of a move, questions, halts, law firms' calls: the price made these, no company."""


class NewsAsked(Value):
    """What was asked of the news for the names that only news can keep, and what it said.

    `stories`: by symbol what keeps it; `trouble`: why nothing could be asked, where nothing could.
    """

    symbols: tuple[str, ...]
    since: datetime
    until: datetime
    stories: dict[str, str]
    trouble: str | None = None

    @property
    def silence(self) -> str:
        """What is said of a name that nothing keeps."""
        if self.trouble is not None:
            return f"the news could not be asked: {self.trouble}"
        return f"no news since {_minute(self.since)}"


def is_news(item: Headline) -> bool:
    """True for what a company, or a reporter on it, has to say; false for what its price alone gives to say."""
    return 0 < len(item.symbols) <= MOST_TAGGED and NO_NEWS.search(item.headline) is None


def own_story(symbol: str, items: Iterable[Headline], since: datetime, until: datetime) -> Headline | None:
    """The newest item in (since, until] that is a company's own news; ties go by source and id."""
    told = [item for item in items if symbol in item.symbols and since < item.published_at <= until and is_news(item)]
    return max(told, key=lambda item: (item.published_at, item.source, item.id), default=None)


def heard(symbols: Sequence[str], items: Sequence[Headline], since: datetime, until: datetime) -> NewsAsked:
    """What `items` say of each symbol."""
    found = ((symbol, own_story(symbol, items, since, until)) for symbol in symbols)
    stories = {symbol: f"news of {_minute(item.published_at)}: {item.headline}" for symbol, item in found if item}
    return NewsAsked(symbols=tuple(symbols), since=since, until=until, stories=stories)


def unheard(symbols: Sequence[str], since: datetime, until: datetime, trouble: str) -> NewsAsked:
    """Nothing could be asked."""
    return NewsAsked(symbols=tuple(symbols), since=since, until=until, stories={}, trouble=trouble)


def said_of(asked: NewsAsked | None) -> Mapping[str, str]:
    """By symbol what is added to the reason it was dropped for, or was kept in spite of."""
    if asked is None:
        return {}
    return {symbol: asked.stories.get(symbol, asked.silence) for symbol in asked.symbols}


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
