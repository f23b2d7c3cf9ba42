"""NewsAPI's search over the general press: https://newsapi.org/docs/endpoints/everything

It knows no tickers: companies are asked for by name, and an article is about those that it names. The free plan shows
articles 24 hours late: within market hours it is not asked, for nothing it says can be new then.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from html import unescape
from typing import Annotated

import msgspec

from services.news.rules.company import places, short_name
from services.news.sources.items import Items, in_utc, window
from services.news.sources.vendor import Vendor
from shared.domain.news import Headline, Terms
from shared.domain.session import Session, current_session, trading_day
from shared.errors import NotNow, Unavailable
from shared.one_by_one import row_of
from shared.ports import MarketData

URL = "https://newsapi.org"
AT_ONCE, LASTS_SECONDS, PER_MINUTE = 8, 3600.0, 30
MOST_QUERY = 450  # the vendor takes 500 characters, URL-encoded


class _Press(msgspec.Struct):
    name: str | None = None


class _Article(msgspec.Struct, rename={"published_at": "publishedAt"}):
    published_at: Annotated[datetime, msgspec.Meta(tz=True)]
    source: _Press | None = None
    title: str | None = None
    description: str | None = None
    url: str | None = None


class _Answer(msgspec.Struct):
    status: str
    articles: list[msgspec.Raw] | None = None
    code: str | None = None
    message: str | None = None


_ARTICLE = msgspec.json.Decoder(_Article)
_ANSWER = msgspec.json.Decoder(_Answer)


class PressNews:
    """Articles that name a company. Silence means nothing."""

    name = "newsapi"

    def __init__(self, vendor: Vendor, market: MarketData, plan: str, off: str | None = None) -> None:
        self.terms = Terms(off=off, is_wire=False, at_once=AT_ONCE, lasts_seconds=LASTS_SECONDS)
        self._vendor, self._market, self._is_late = vendor, market, plan == "free"
        self._names: dict[str, str] = {}
        self._items = Items(self.name, lambda article: _headline(article, self._names), _ARTICLE)
        self._sessions: tuple[Session, ...] = ()
        self._day: date | None = None

    @property
    def dropped(self) -> int:
        """Items that could not be read, since the start."""
        return self._items.dropped

    async def headlines(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        """Articles published in (since, until] that name the symbols' companies, newest first."""
        await self._open_day(trading_day(until))
        if self._is_late and current_session(self._sessions, until):
            raise NotNow("newsapi: the free plan is 24 h late and is not asked within market hours")
        names = {symbol: self._names[symbol] for symbol in symbols if self._names.get(symbol)}
        query = _query(list(names.values()))
        if not query:
            return ()
        asked: dict[str, str | int] = {
            "q": query, "searchIn": "title,description", "language": "en", "sortBy": "publishedAt", "pageSize": 100,
            "from": _stamp(since), "to": _stamp(until),
        }  # fmt: skip
        answer = self._vendor.decoded(await self._vendor.get("/v2/everything", asked), _ANSWER)
        if answer.status != "ok":
            raise self._refusal(answer)
        read = self._items.made(answer.articles or [], lambda raw: _headline(row_of(raw, _ARTICLE), names))
        return window([item for item in read if item.symbols], since, until)

    async def _open_day(self, day: date) -> None:
        """The day's hours and the companies' names, once a day."""
        if self._day != day:
            self._sessions = await self._market.sessions(day, day)
            self._names = {asset.symbol: asset.name for asset in await self._market.assets()}
            self._day = day

    def _refusal(self, answer: _Answer) -> NotNow | Unavailable:
        said = f"{answer.code}: {answer.message}"
        if answer.code in ("rateLimited", "apiKeyExhausted"):
            return self._vendor.limited(said)
        return Unavailable(f"newsapi: {self._vendor.said(said)}")

    async def close(self) -> None:
        await self._vendor.close()


def _query(names: Sequence[str]) -> str:
    """The companies' short names, each in quotation marks, as many as fit."""
    parts = ['"' + short_name(name).replace('"', "") + '"' for name in names]
    query = ""
    for part in parts:
        longer = f"{query} OR {part}" if query else part
        if len(longer) > MOST_QUERY:
            break
        query = longer
    return query


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _headline(article: _Article, names: dict[str, str]) -> Headline | None:
    """None for what was removed, and for what has no address to tell it by."""
    title, about = unescape(article.title or "").strip(), unescape(article.description or "").strip()
    if not title or title == "[Removed]" or not article.url:
        return None
    text = f"{title}. {about}"
    named = [symbol for symbol, name in names.items() if places(text.lower(), text, symbol, name)]
    return Headline(
        id=article.url[:500],
        source=((article.source and article.source.name) or "newsapi").lower(),
        published_at=in_utc(article.published_at),
        headline=title,
        summary=about,
        url=article.url,
        symbols=tuple(named),
    )
