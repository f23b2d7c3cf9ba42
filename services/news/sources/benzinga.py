"""Benzinga's newsfeed v2, asked directly: https://docs.benzinga.io/benzinga/newsfeed-v2.html"""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape

import msgspec

from services.news.sources.items import Items, in_utc, updated, window
from services.news.sources.vendor import Vendor
from shared.domain.news import Headline, Terms

URL = "https://api.benzinga.com"
AT_ONCE, PAGE_ITEMS, MOST_PAGES = 50, 100, 20  # 50 tickers and 100 items are the vendor's own limits


class _Stock(msgspec.Struct):
    name: str


class _Story(msgspec.Struct):
    id: int
    title: str
    created: str
    updated: str | None = None
    teaser: str | None = None
    url: str | None = None
    stocks: list[_Stock] = msgspec.field(default_factory=list)


_PAGE = msgspec.json.Decoder(list[msgspec.Raw])


class BenzingaNews:
    """Headlines by ticker. Its ids get a prefix: Alpaca's copies of the same wire count in numbers of their own."""

    name = "benzinga"

    def __init__(self, vendor: Vendor, key: str, off: str | None = None) -> None:
        self.terms = Terms(off=off, is_wire=True, at_once=AT_ONCE)
        self._vendor, self._key = vendor, key
        self._items = Items(self.name, _headline, msgspec.json.Decoder(_Story))

    @property
    def dropped(self) -> int:
        """Items that could not be read, since the start."""
        return self._items.dropped

    async def headlines(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        """Items published or changed in (since, until], newest first. The vendor filters by its own second: we do once
        more.
        """
        asked: dict[str, str | int] = {
            "token": self._key,
            "tickers": ",".join(symbols),
            "updatedSince": int(since.timestamp()),
            "pageSize": PAGE_ITEMS,
            "displayOutput": "abstract",
            "sort": "updated:desc",
        }
        found: dict[str, Headline] = {}
        for page in range(MOST_PAGES):
            body = await self._vendor.get("/api/v2/news", asked | {"page": page})
            stories = self._vendor.decoded(body, _PAGE)
            found |= {item.id: item for item in self._items.read(stories)}
            if len(stories) < PAGE_ITEMS:
                break
        return window(list(found.values()), since, until)

    async def close(self) -> None:
        await self._vendor.close()


def _moment(text: str) -> datetime:
    """A time as RFC 2822 writes it, where -0000 is UTC. Raises ValueError."""
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, IndexError) as error:
        raise ValueError(f"not a time: {text[:40]!r}") from error
    return in_utc(at.replace(tzinfo=UTC) if at.tzinfo is None and text.rstrip().endswith("-0000") else at)


def _headline(story: _Story) -> Headline:
    published = _moment(story.created)
    return Headline(
        id=f"bz{story.id}",
        source="benzinga",
        published_at=published,
        updated_at=updated(published, _moment(story.updated) if story.updated else None),
        headline=unescape(story.title).strip(),
        summary=unescape(story.teaser or "").strip(),
        url=story.url or None,
        symbols=tuple(stock.name for stock in story.stocks),
    )
