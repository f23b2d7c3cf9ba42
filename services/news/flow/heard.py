"""Everything heard of all sources in the last days, in memory: what is not stored yet, and who speaks of whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import structlog

from services.news import store
from services.news.rules.story import Key, in_order, key_of, stories
from shared.deps import Deps
from shared.domain.evidence import SYMBOL
from shared.domain.news import Headline
from shared.domain.session import trading_day
from shared.errors import CatalystError

log = structlog.get_logger()


@dataclass
class Heard:
    """The items, by key and by symbol."""

    items: dict[Key, Headline] = field(default_factory=dict)
    by_symbol: dict[str, dict[Key, Headline]] = field(default_factory=dict)
    unsaved: dict[Key, Headline] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    names_day: date | None = None

    def hear(self, item: Headline) -> bool:
        """Keep an item that says something; True when it is new.

        Some sources tag an item with the symbols that were asked about only: those of a later question are added.
        """
        key = key_of(item)
        known = self.items.get(key)
        if not item.headline or (known and set(item.symbols) <= set(known.symbols)):
            return False
        symbols = tuple(dict.fromkeys((*(known.symbols if known else ()), *item.symbols)))
        self.items[key] = self.unsaved[key] = kept = (known or item).model_copy(update={"symbols": symbols})
        for symbol in symbols:
            self.by_symbol.setdefault(symbol, {})[key] = kept
        return known is None

    def about(self, symbol: str) -> list[Headline]:
        return list(self.by_symbol.get(symbol, {}).values())

    def forget(self, before: datetime) -> None:
        """Drop what is older."""
        old = [key for key, item in self.items.items() if item.published_at < before]
        for key in old:
            for symbol in self.items.pop(key).symbols:
                self.by_symbol.get(symbol, {}).pop(key, None)

    def links(self, items: Sequence[Headline]) -> dict[Key, Key]:
        """Each new item's story, found among everything heard about the same symbols.

        A story that is stored keeps its name, even when another source's earlier telling of it arrives later.
        """
        new = {key_of(item) for item in items}
        near = {key: item for item in items for symbol in item.symbols for key, item in self.by_symbol[symbol].items()}
        near |= {key_of(item): item for item in items}
        of = stories(list(near.values()))
        named: dict[Key, Key] = {}
        for item in in_order([item for key, item in near.items() if key not in new]):
            named.setdefault(of[key_of(item)], key_of(item))
        return {key: named.get(of[key], of[key]) for key in new}


def tidy(item: Headline) -> Headline:
    """An item fit to be stored: no NUL, bounded lengths, symbols in capitals."""
    symbols = tuple(dict.fromkeys(s.upper() for s in item.symbols if SYMBOL.fullmatch(s.upper())))
    texts = {name: (getattr(item, name) or "").replace("\x00", "") for name in ("id", "source", "summary", "url")}
    headline = " ".join(item.headline.replace("\x00", "").split())[:1000]
    return item.model_copy(
        update=texts
        | {"symbols": symbols, "headline": headline, "summary": texts["summary"][:4000], "url": texts["url"] or None}
    )


async def save(deps: Deps, heard: Heard) -> None:
    """What was heard and not stored yet, with its stories; stays unsaved when the database refuses."""
    items, received = list(heard.unsaved.values()), await deps.clock.now()
    if not items:
        return
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.save_items(connection, items, received)
        await store.link_stories(connection, heard.links(items))
    heard.unsaved = {}


async def learn_names(deps: Deps, heard: Heard, as_of: datetime) -> None:
    """Companies' names, once a day. Without them texts are read by ticker alone, which is worse but works."""
    if heard.names_day == trading_day(as_of):
        return
    try:
        heard.names = {asset.symbol: asset.name for asset in await deps.market.assets()}
        heard.names_day = trading_day(as_of)
    except CatalystError as error:
        log.warning("company_names_missing", detail=error.detail)
