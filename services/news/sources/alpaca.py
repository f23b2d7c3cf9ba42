"""Alpaca's headlines: the NewsFeed port over /v1beta1/news."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from html import unescape
from typing import Annotated

import msgspec
import structlog

from config.settings import Settings
from services.news.sources.items import Items, in_utc, updated, window
from shared.adapters.alpaca_http import AlpacaHttp
from shared.domain.news import Headline, Terms
from shared.ports import Cache

CHUNK, PAGE_ITEMS, MOST_PAGES = 100, 50, 40
log = structlog.get_logger()


Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Item(msgspec.Struct):
    id: int | str
    headline: str
    created_at: Moment
    updated_at: Moment | None = None
    summary: str | None = None
    url: str | None = None
    symbols: list[str] | None = None
    source: str | None = None


class _Page(msgspec.Struct):
    news: list[msgspec.Raw] | None = None
    next_page_token: str | None = None


_PAGE = msgspec.json.Decoder(_Page)


class AlpacaNews:
    """Headlines by symbol, newest first. Raises Unavailable."""

    name = "alpaca"
    terms = Terms()

    def __init__(self, settings: Settings, budget: Cache | None = None) -> None:
        """`budget` is the shared request budget; None where the other side sets no limit."""
        self._http = AlpacaHttp(settings, budget)
        self._items = Items(self.name, _headline, msgspec.json.Decoder(_Item))

    @property
    def dropped(self) -> int:
        """Items that could not be read, since the start."""
        return self._items.dropped

    async def close(self) -> None:
        await self._http.close()

    async def headlines(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        """Items published or changed in (since, until] about any of the symbols, each once.

        Alpaca's window and order are those of updates, so that corrections and symbols added later are in it. At most
        2,000 items for each hundred symbols, the newest ones.
        """
        names = list(dict.fromkeys(symbols))
        chunks = [names[first : first + CHUNK] for first in range(0, len(names), CHUNK)]
        found = await asyncio.gather(*(self._of(chunk, since, until) for chunk in chunks))
        return window(list({item.id: item for chunk in found for item in chunk}.values()), since, until)

    async def _of(self, symbols: list[str], since: datetime, until: datetime) -> list[Headline]:
        """All pages about one chunk of symbols, up to the bound."""
        asked: dict[str, str | int] = {
            "symbols": ",".join(symbols),
            "start": _stamp(since),
            "end": _stamp(until),
            "sort": "desc",
            "limit": PAGE_ITEMS,
        }
        items: list[Headline] = []
        for _ in range(MOST_PAGES):
            page = await self._http.get("data", "/v1beta1/news", asked, _PAGE)
            items += self._items.read(page.news or [])
            if not page.next_page_token:
                return items
            asked |= {"page_token": page.next_page_token}
        log.warning("news_cut_off", symbols=len(symbols), items=len(items))
        return items


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _headline(item: _Item) -> Headline:
    """Headlines come with HTML entities; people and rules read plain text."""
    return Headline(
        id=str(item.id),
        source=item.source or "alpaca",
        published_at=in_utc(item.created_at),
        updated_at=updated(item.created_at, item.updated_at),
        headline=unescape(item.headline).strip(),
        summary=unescape(item.summary or "").strip(),
        url=item.url or None,
        symbols=tuple(item.symbols or ()),
    )
