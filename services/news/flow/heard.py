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
    """The items: of each its versions, oldest first; by symbol the keys of those that any version is tagged with.

    `undated`: items that changed without their source saying when.
    """

    versions: dict[Key, list[Headline]] = field(default_factory=dict)
    by_symbol: dict[str, set[Key]] = field(default_factory=dict)
    undated: set[Key] = field(default_factory=set)
    unsaved: dict[tuple[Key, datetime], Headline] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    names_day: date | None = None

    def hear(self, item: Headline, as_of: datetime) -> bool:
        """Keep an item that says something; True when it is new.

        What reads otherwise than before is a version from its update on; from `as_of` on where the source names no
        update. The moment of publication stays that of the first version.
        """
        if not item.headline:
            return False
        known = self.versions.setdefault(key_of(item), [])
        if not known:
            self._keep(known, item)
            return True
        last = known[-1]
        item = item.model_copy(update={"published_at": last.published_at})
        is_later = item.updated_at is not None and item.updated_at > last.told_at
        if _text(item) == _text(last):
            if is_later and set(item.symbols) != set(last.symbols):
                self._keep(known, item)
            elif not is_later:
                self._add_symbols(known, item)
        elif is_later:
            self._keep(known, item)
        elif as_of > last.told_at and (item.updated_at == last.updated_at or key_of(item) in self.undated):
            self.undated.add(key_of(item))
            self._keep(known, item.model_copy(update={"updated_at": as_of}))
        return False

    def _keep(self, known: list[Headline], item: Headline) -> None:
        known.append(item)
        self.unsaved[key_of(item), item.told_at] = item
        for symbol in item.symbols:
            self.by_symbol.setdefault(symbol, set()).add(key_of(item))

    def _add_symbols(self, known: list[Headline], item: Headline) -> None:
        """Some sources tag an item with the symbols that were asked about only: those of a later question are added."""
        symbols = tuple(dict.fromkeys((*known[-1].symbols, *item.symbols)))
        if len(symbols) > len(known[-1].symbols):
            self._keep(known, known.pop().model_copy(update={"symbols": symbols}))

    def about(self, symbol: str, as_of: datetime) -> list[Headline]:
        """The symbol's items as they stood at `as_of`."""
        versions = (self._at(key, as_of) for key in sorted(self.by_symbol.get(symbol, ())))
        return [item for item in versions if item is not None and symbol in item.symbols]

    def _at(self, key: Key, as_of: datetime) -> Headline | None:
        return next((item for item in reversed(self.versions[key]) if item.told_at <= as_of), None)

    def forget(self, before: datetime) -> None:
        """Drop what is older."""
        old = [key for key, known in self.versions.items() if known[0].published_at < before]
        self.undated -= set(old)
        for key in old:
            for symbol in {symbol for item in self.versions.pop(key) for symbol in item.symbols}:
                self.by_symbol.get(symbol, set()).discard(key)

    def links(self, items: Sequence[Headline]) -> dict[Key, Key]:
        """Each new item's story, found among everything heard about the same symbols.

        A story that is stored keeps its name, even when another source's earlier telling of it arrives later.
        """
        new = {key_of(item) for item in items}
        keys = {key for item in items for symbol in item.symbols for key in self.by_symbol.get(symbol, ())}
        near = {key: self.versions[key][-1] for key in keys} | {key_of(item): item for item in items}
        of = stories(list(near.values()))
        named: dict[Key, Key] = {}
        for item in in_order([item for key, item in near.items() if key not in new]):
            named.setdefault(of[key_of(item)], key_of(item))
        return {key: named.get(of[key], of[key]) for key in new}


def _text(item: Headline) -> tuple[str, str]:
    return item.headline, item.summary


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
    versions, received = sorted(heard.unsaved.values(), key=lambda item: item.told_at), await deps.clock.now()
    if not versions:
        return
    latest = list({key_of(item): item for item in versions}.values())
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.save_items(connection, latest, received)
        await store.save_versions(connection, versions, received)
        await store.link_stories(connection, heard.links(latest))
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
