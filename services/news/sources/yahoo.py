"""Yahoo Finance's public search, which is what the yfinance package asks for news too; that package brings pandas and
more than 100 MB with it, so the JSON is asked for directly. Unofficial: it may change or refuse at any time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import unescape

import msgspec

from services.news.sources.items import Items, window
from services.news.sources.vendor import Vendor
from shared.domain.news import Headline, Terms

URL = "https://query2.finance.yahoo.com"
AGENT = "Mozilla/5.0 (compatible; CatalystTrading/1.0)"
PER_MINUTE, PER_DAY, LASTS_SECONDS, ITEMS = 12, 1500, 1800.0, 10  # well below what is known to get an address blocked


class _Item(msgspec.Struct, rename="camel"):
    uuid: str
    title: str
    provider_publish_time: int
    publisher: str | None = None
    link: str | None = None
    related_tickers: list[str] | None = None


class _Answer(msgspec.Struct):
    news: list[msgspec.Raw]


_ANSWER = msgspec.json.Decoder(_Answer)


class YahooNews:
    """The latest handful of items for each symbol. A search: only items that name the symbol themselves are kept."""

    name = "yahoo"

    def __init__(self, vendor: Vendor, off: str | None = None) -> None:
        self.terms = Terms(off=off, is_wire=False, at_once=1, lasts_seconds=LASTS_SECONDS)
        self._vendor = vendor
        self._items = Items(self.name, _headline, msgspec.json.Decoder(_Item))

    @property
    def dropped(self) -> int:
        """Items that could not be read, since the start."""
        return self._items.dropped

    async def headlines(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        """Items published in (since, until] among the latest ones, newest first."""
        found: dict[str, Headline] = {}
        for symbol in symbols:
            asked: dict[str, str | int] = {"q": symbol.replace(".", "-"), "newsCount": ITEMS, "quotesCount": 0}
            answer = self._vendor.decoded(await self._vendor.get("/v1/finance/search", asked), _ANSWER)
            found |= {item.id: item for item in self._items.read(answer.news) if symbol in item.symbols}
        return window(list(found.values()), since, until)

    async def close(self) -> None:
        await self._vendor.close()


def _headline(item: _Item) -> Headline:
    try:
        published = datetime.fromtimestamp(item.provider_publish_time, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"not a time: {item.provider_publish_time}"[:80]) from error
    return Headline(
        id=item.uuid,
        source=(item.publisher or "yahoo").lower(),
        published_at=published,
        headline=unescape(item.title).strip(),
        url=item.link,
        symbols=tuple(ticker.replace("-", ".") for ticker in item.related_tickers or ()),
    )
