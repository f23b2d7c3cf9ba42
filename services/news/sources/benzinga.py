"""Benzinga's newsfeed v2, asked directly: https://docs.benzinga.io/benzinga/newsfeed-v2.html"""

from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from html import unescape

import msgspec

from services.news.sources.vendor import Vendor
from shared.domain.news import Headline, Terms
from shared.errors import Unavailable

URL = "https://api.benzinga.com"
AT_ONCE, PAGE_ITEMS, MOST_PAGES = 50, 100, 20  # 50 tickers and 100 items are the vendor's own limits


class _Stock(msgspec.Struct):
    name: str


class _Story(msgspec.Struct):
    id: int
    title: str
    created: str
    teaser: str | None = None
    url: str | None = None
    stocks: list[_Stock] = msgspec.field(default_factory=list)


_PAGE = msgspec.json.Decoder(list[_Story])


class BenzingaNews:
    """Headlines by ticker. Its ids get a prefix: Alpaca's copies of the same wire count in numbers of their own."""

    name = "benzinga"

    def __init__(self, vendor: Vendor, key: str, off: str | None = None) -> None:
        self.terms = Terms(off=off, is_wire=True, at_once=AT_ONCE)
        self._vendor, self._key = vendor, key

    async def headlines(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        """Items published in (since, until], newest first. The vendor filters by its own second: we do once more."""
        asked: dict[str, str | int] = {
            "token": self._key,
            "tickers": ",".join(symbols),
            "publishedSince": int(since.timestamp()),
            "pageSize": PAGE_ITEMS,
            "displayOutput": "abstract",
            "sort": "created:desc",
        }
        found: dict[str, Headline] = {}
        for page in range(MOST_PAGES):
            body = await self._vendor.get("/api/v2/news", asked | {"page": page})
            stories = self._vendor.decoded(body, _PAGE)
            found |= {f"bz{story.id}": _headline(story) for story in stories}
            if len(stories) < PAGE_ITEMS:
                break
        inside = [item for item in found.values() if since < item.published_at <= until and item.headline]
        return tuple(sorted(inside, key=lambda item: (item.published_at, item.id), reverse=True))

    async def close(self) -> None:
        await self._vendor.close()


def _headline(story: _Story) -> Headline:
    try:
        published = parsedate_to_datetime(story.created)
    except (TypeError, ValueError) as error:
        raise Unavailable(f"benzinga: not a time: {story.created[:40]!r}") from error
    return Headline(
        id=f"bz{story.id}",
        source="benzinga",
        published_at=published,
        headline=unescape(story.title).strip(),
        summary=unescape(story.teaser or "").strip(),
        url=story.url or None,
        symbols=tuple(stock.name for stock in story.stocks),
    )
