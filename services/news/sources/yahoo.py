"""Yahoo Finance's public search, which is what the yfinance package asks for news too; that package brings pandas and
more than 100 MB with it, so the JSON is asked for directly. Unofficial: it may change or refuse at any time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import unescape

import msgspec

from services.news.sources.vendor import Vendor
from shared.domain.news import Headline, Terms
from shared.errors import Unavailable

URL = "https://query2.finance.yahoo.com"
AGENT = "Mozilla/5.0 (compatible; CatalystTrading/1.0)"
PER_MINUTE, PER_DAY, LASTS_SECONDS, ITEMS = 12, 1500, 1800.0, 10  # well below what is known to get an address blocked


class _Item(msgspec.Struct, rename="camel"):
    uuid: str
    title: str
    provider_publish_time: int
    publisher: str = "yahoo"
    link: str | None = None
    related_tickers: list[str] = msgspec.field(default_factory=list)


class _Answer(msgspec.Struct):
    news: list[_Item]


_ANSWER = msgspec.json.Decoder(_Answer)


class YahooNews:
    """The latest handful of items for each symbol. A search: only items that name the symbol themselves are kept."""

    name = "yahoo"

    def __init__(self, vendor: Vendor, off: str | None = None) -> None:
        self.terms = Terms(off=off, is_wire=False, at_once=1, lasts_seconds=LASTS_SECONDS)
        self._vendor = vendor

    async def headlines(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        """Items published in (since, until] among the latest ones, newest first."""
        found: dict[str, Headline] = {}
        for symbol in symbols:
            ticker = symbol.replace(".", "-")
            asked: dict[str, str | int] = {"q": ticker, "newsCount": ITEMS, "quotesCount": 0}
            answer = self._vendor.decoded(await self._vendor.get("/v1/finance/search", asked), _ANSWER)
            found |= {item.uuid: _headline(item) for item in answer.news if ticker in item.related_tickers}
        inside = [item for item in found.values() if since < item.published_at <= until and item.headline]
        return tuple(sorted(inside, key=lambda item: (item.published_at, item.id), reverse=True))

    async def close(self) -> None:
        await self._vendor.close()


def _headline(item: _Item) -> Headline:
    try:
        published = datetime.fromtimestamp(item.provider_publish_time, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise Unavailable(f"yahoo: not a time: {item.provider_publish_time}") from error
    return Headline(
        id=item.uuid,
        source=item.publisher.lower(),
        published_at=published,
        headline=unescape(item.title).strip(),
        url=item.link,
        symbols=tuple(ticker.replace("-", ".") for ticker in item.related_tickers),
    )
