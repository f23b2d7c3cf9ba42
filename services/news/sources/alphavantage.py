"""Alpha Vantage's NEWS_SENTIMENT: https://www.alphavantage.co/documentation/#news-sentiment

Several tickers in one question mean "all of them at once" there, so one is asked at a time. Errors and limits come as
status 200 with a text under `Information`, `Note` or `Error Message` in place of the feed; wordings have changed often.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import unescape

import msgspec

from services.news.sources.items import Items, window
from services.news.sources.vendor import Vendor
from shared.domain.news import Headline, Terms
from shared.errors import NotNow, Unavailable

URL = "https://www.alphavantage.co"
LASTS_SECONDS = 12 * 3600.0  # 25 requests a day: one look at a symbol for each half day
DAY_REST_SECONDS = 3600.0
RELEVANT = 0.3
"""The vendor's own relevance of an article to a ticker, in [0, 1]; below it the company is mentioned in passing."""


class _Ticker(msgspec.Struct):
    ticker: str
    relevance_score: str | float = 0.0


class _Article(msgspec.Struct):
    title: str
    url: str
    time_published: str
    summary: str | None = None
    source: str | None = None
    ticker_sentiment: list[_Ticker] = msgspec.field(default_factory=list)


class _Answer(msgspec.Struct, rename={"information": "Information", "note": "Note", "error": "Error Message"}):
    feed: list[msgspec.Raw] | None = None
    information: str | None = None
    note: str | None = None
    error: str | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


class AlphaVantageNews:
    """Articles by ticker; the vendor's own sentiment is not used: it is not about what happened but how it is told."""

    name = "alphavantage"

    def __init__(self, vendor: Vendor, key: str, off: str | None = None) -> None:
        self.terms = Terms(off=off, is_wire=False, at_once=1, lasts_seconds=LASTS_SECONDS)
        self._vendor, self._key = vendor, key
        self._items = Items(self.name, _headline, msgspec.json.Decoder(_Article))

    @property
    def dropped(self) -> int:
        """Items that could not be read, since the start."""
        return self._items.dropped

    async def headlines(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        """Articles published in (since, until] about the symbols, each asked for by itself, newest first."""
        found: dict[str, Headline] = {}
        for symbol in symbols:
            asked: dict[str, str | int] = {
                "function": "NEWS_SENTIMENT",
                "tickers": symbol.replace(".", "-"),
                "time_from": since.astimezone(UTC).strftime("%Y%m%dT%H%M"),
                "time_to": until.astimezone(UTC).strftime("%Y%m%dT%H%M"),
                "sort": "LATEST",
                "limit": 200,
                "apikey": self._key,
            }
            answer = self._vendor.decoded(await self._vendor.get("/query", asked), _ANSWER)
            found |= {item.id: item for item in self._items.read(self._articles(answer))}
        return window(list(found.values()), since, until)

    def _articles(self, answer: _Answer) -> list[msgspec.Raw]:
        """What came. No feed and a text is a limit, or an error; a window without articles is one such text too."""
        if answer.feed is not None:
            return answer.feed
        said = answer.information or answer.note or answer.error or ""
        low = said.lower()
        if "no articles" in low:
            return []
        if any(word in low for word in ("rate limit", "requests per day", "call frequency", "sparingly", "per minute")):
            raise self._limit(said)
        raise Unavailable(f"alphavantage: {self._vendor.said(said) or 'an answer without a feed'}")

    def _limit(self, said: str) -> NotNow:
        return self._vendor.limited(said, DAY_REST_SECONDS if "day" in said.lower() else 60.0)

    async def close(self) -> None:
        await self._vendor.close()


def _headline(article: _Article) -> Headline:
    published = datetime.strptime(article.time_published, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    about = [one.ticker for one in article.ticker_sentiment if _number(one.relevance_score) >= RELEVANT]
    return Headline(
        id=article.url[:500],
        source=(article.source or "alphavantage").lower(),
        published_at=published,
        headline=unescape(article.title).strip(),
        summary=unescape(article.summary or "").strip(),
        url=article.url,
        symbols=tuple(ticker.replace("-", ".") for ticker in about),
    )


def _number(text: str | float) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
