"""Ask the sources, read what they say, store, answer. What was heard stays in memory for two days, never longer."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog

from services.news import store
from services.news.rules.aggregate import LOOKBACK, evidence, label
from services.news.rules.answers import Classified, ClassifyAnswer, ClassifyRequest, SourceHealth
from services.news.rules.read import read
from services.news.rules.story import Key, key_of, stories
from shared.deps import Deps
from shared.domain.evidence import AssessRequest, NewsAssessment
from shared.domain.news import Headline, NewsEvidence
from shared.domain.session import trading_day
from shared.errors import BadInput, CatalystError, NotFound, Unavailable

FUTURE, OVERLAP, KEPT = timedelta(seconds=60), timedelta(minutes=10), timedelta(hours=48)
SYMBOL = re.compile(r"[A-Z][A-Z0-9./-]{0,11}", re.ASCII)
ASK_TIMEOUT_S, REST_S, FAILURES_UNTIL_REST, MOST_ITEMS, AT_ONCE = 15.0, 20.0, 3, 30_000, 100
log = structlog.get_logger()


@dataclass
class Wire:
    """What was heard of one source: the items, which stretch of time is covered for which symbol, and its health."""

    items: dict[Key, Headline] = field(default_factory=dict)
    by_symbol: dict[str, dict[Key, Headline]] = field(default_factory=dict)
    covered: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    unsaved: list[Headline] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    names_day: date | None = None
    failures: int = 0
    rest_until: float = 0.0
    last_success: datetime | None = None
    last_error: str | None = None
    last_assess: dict[str, object] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def hear(self, item: Headline) -> None:
        """Keep an item that is new and says something."""
        key = key_of(item)
        if key not in self.items and item.headline:
            self.items[key] = item
            self.unsaved.append(item)
            for symbol in item.symbols:
                self.by_symbol.setdefault(symbol, {})[key] = item

    def forget(self, before: datetime) -> None:
        """Drop what is older; the covered stretches shrink with it."""
        old = [key for key, item in self.items.items() if item.published_at < before]
        for key in old:
            for symbol in self.items.pop(key).symbols:
                self.by_symbol.get(symbol, {}).pop(key, None)
        self.covered = {s: (max(a, before), b) for s, (a, b) in self.covered.items() if b > before}


def tidy(item: Headline) -> Headline:
    """An item fit to be stored: no NUL, bounded lengths, symbols in capitals."""
    symbols = tuple(dict.fromkeys(s.upper() for s in item.symbols if SYMBOL.fullmatch(s.upper())))
    texts = {name: (getattr(item, name) or "").replace("\x00", "") for name in ("id", "source", "summary", "url")}
    headline = " ".join(item.headline.replace("\x00", "").split())[:1000]
    return item.model_copy(
        update=texts
        | {"symbols": symbols, "headline": headline, "summary": texts["summary"][:4000], "url": texts["url"] or None}
    )


def check_symbols(symbols: Sequence[str]) -> None:
    """Raises BadInput for a text that cannot be a ticker."""
    for symbol in symbols:
        if not SYMBOL.fullmatch(symbol):
            raise BadInput(f"not a symbol: {symbol[:20]!r}", field="symbols")


async def check(deps: Deps, request: AssessRequest) -> None:
    """Raises BadInput naming the field that cannot be used."""
    check_symbols(request.symbols)
    if request.as_of.tzinfo is None:
        raise BadInput("as_of needs an offset, such as Z", field="as_of")
    if request.as_of > await deps.clock.now() + FUTURE:
        raise BadInput("as_of lies in the future", field="as_of")
    if (request.cycle_id is None) != (request.scan is None):
        raise BadInput("cycle_id and scan come together or not at all", field="scan")


async def assess_all(deps: Deps, wire: Wire, request: AssessRequest) -> NewsAssessment:
    """One entry for each symbol asked, in the order asked; the same again for a scan that was answered before.

    Raises BadInput, NotFound for an unknown scan, Unavailable when the source does not answer.
    """
    await check(deps, request)
    started, wanted = time.perf_counter(), sorted(set(request.symbols))
    found = await _already(deps, request, wanted)
    missing = [symbol for symbol in wanted if symbol not in found]
    if missing:
        found |= await evidence_of(deps, wire, missing, request.as_of)
        await _save(deps, request, [found[symbol] for symbol in missing])
        found |= await _already(deps, request, missing)  # another caller may have stored first: that is the answer
    took = round((time.perf_counter() - started) * 1000, 1)
    wire.last_assess = {"as_of": request.as_of.isoformat(), "symbols": len(request.symbols), "ms": took}
    log.info("assessed", cycle_id=request.cycle_id, scan=request.scan, fresh=len(missing), **wire.last_assess)
    return NewsAssessment(as_of=request.as_of, evidence=tuple(found[symbol] for symbol in request.symbols))


async def _already(deps: Deps, request: AssessRequest, symbols: Sequence[str]) -> dict[str, NewsEvidence]:
    """What the scan holds. Raises NotFound for a scan that workflow has not opened."""
    if request.cycle_id is None or request.scan is None:
        return {}
    async with deps.pool.acquire() as connection:
        if not await store.scan_exists(connection, request.cycle_id, request.scan):
            raise NotFound(f"no scan {request.scan} in cycle {request.cycle_id}", field="scan")
        return await store.stored(connection, request.cycle_id, request.scan, symbols)


async def _save(deps: Deps, request: AssessRequest, found: Sequence[NewsEvidence]) -> None:
    """The evidence in one transaction. Outside a scan a symbol without news leaves no row."""
    rows = [one for one in found if request.cycle_id is not None or one.items]
    if not rows:
        return
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.name_securities(connection, [one.symbol for one in rows])
        await store.save_evidence(connection, rows, request.as_of, request.cycle_id, request.scan)


async def _save_items(deps: Deps, wire: Wire) -> None:
    """What was heard and not stored yet, with its stories; stays unsaved when the database refuses."""
    items, received = wire.unsaved, await deps.clock.now()
    if not items:
        return
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.save_items(connection, items, received)
        await store.link_stories(connection, _links(wire, items))
    wire.unsaved = []


def _links(wire: Wire, items: Sequence[Headline]) -> dict[Key, Key]:
    """Each new item's story, found among everything heard about the same symbols."""
    near = {key: item for item in items for symbol in item.symbols for key, item in wire.by_symbol[symbol].items()}
    near |= {key_of(item): item for item in items}
    of = stories(list(near.values()))
    return {key_of(item): of[key_of(item)] for item in items}


async def evidence_of(deps: Deps, wire: Wire, symbols: Sequence[str], as_of: datetime) -> dict[str, NewsEvidence]:
    """Top up what was heard about the symbols, then read it."""
    async with wire.lock:
        await _learn_names(deps, wire, as_of)
        await _top_up(deps, wire, symbols, as_of)
        await _save_items(deps, wire)
    return {
        symbol: evidence(list(wire.by_symbol.get(symbol, {}).values()), symbol, wire.names.get(symbol), as_of)
        for symbol in symbols
    }


async def _learn_names(deps: Deps, wire: Wire, as_of: datetime) -> None:
    """Companies' names, once a day. Without them texts are read by ticker alone, which is worse but works."""
    if wire.names_day == trading_day(as_of):
        return
    try:
        wire.names = {asset.symbol: asset.name for asset in await deps.market.assets()}
        wire.names_day = trading_day(as_of)
    except CatalystError as error:
        log.warning("company_names_missing", detail=error.detail)


async def _top_up(deps: Deps, wire: Wire, symbols: Sequence[str], as_of: datetime) -> None:
    """Ask for what is not covered yet: all of the last 24 hours for new symbols, the rest since last time."""
    start = as_of - LOOKBACK
    fresh: list[str] = []
    known: dict[str, datetime] = {}
    for symbol in symbols:
        first, last = wire.covered.get(symbol, (as_of, start))
        if not first <= start <= last:
            fresh.append(symbol)
        elif last < as_of:
            known[symbol] = max(start, last - OVERLAP)
    for since, wanted in ((start, fresh), (min(known.values(), default=as_of), list(known))):
        for place in range(0, len(wanted), AT_ONCE):
            part = wanted[place : place + AT_ONCE]
            for item in await _ask(deps, wire, part, since, as_of):
                wire.hear(tidy(item))
            for symbol in part:
                wire.covered[symbol] = (min(since, wire.covered.get(symbol, (since, since))[0]), as_of)
    wire.forget(as_of - KEPT if len(wire.items) <= MOST_ITEMS else start)


async def _ask(
    deps: Deps, wire: Wire, symbols: Sequence[str], since: datetime, until: datetime
) -> tuple[Headline, ...]:
    """One question to the source. Raises Unavailable at once while it rests after failures."""
    loop = asyncio.get_running_loop()
    if loop.time() < wire.rest_until:
        raise Unavailable(f"news source {deps.news.name} rests after {wire.failures} failures: {wire.last_error}")
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            found = await deps.news.headlines(symbols, since, until)
    except (CatalystError, TimeoutError) as error:
        wire.failures += 1
        wire.last_error = getattr(error, "detail", f"no answer within {ASK_TIMEOUT_S:.0f} s")
        if wire.failures >= FAILURES_UNTIL_REST:
            wire.rest_until = loop.time() + REST_S
        log.warning("news_source_failed", source=deps.news.name, failures=wire.failures, detail=wire.last_error)
        raise Unavailable(f"news source {deps.news.name}: {wire.last_error}") from error
    wire.failures, wire.last_error, wire.last_success = 0, None, until
    return tuple(item for item in found if item.published_at <= until)


async def sentiment_now(deps: Deps, wire: Wire, symbol: str) -> NewsAssessment:
    """One symbol now, not stored. Raises NotFound when the market knows no such symbol."""
    check_symbols([symbol])
    now = await deps.clock.now()
    found = await evidence_of(deps, wire, [symbol], now)
    if not found[symbol].items and wire.names and symbol not in wire.names:
        raise NotFound(f"no such symbol: {symbol}", field="symbol")
    return NewsAssessment(as_of=now, evidence=(found[symbol],))


def classify(request: ClassifyRequest) -> ClassifyAnswer:
    """Read texts with the code that the funnel uses."""
    readings = [read(item.text[:20_000], item.symbol and item.symbol.upper(), item.company) for item in request.items]
    return ClassifyAnswer(items=tuple(Classified(**one.model_dump(), label=label(one)) for one in readings))


def health_of(wire: Wire, name: str) -> SourceHealth:
    """How the source is doing."""
    rest = max(0.0, wire.rest_until - asyncio.get_running_loop().time())
    unused = wire.last_success is None and not wire.failures
    status = "resting" if rest else "failing" if wire.failures else "unused" if unused else "ok"
    return SourceHealth.model_validate(
        {
            "name": name,
            "status": status,
            "items": len(wire.items),
            "newest_item_at": max((item.published_at for item in wire.items.values()), default=None),
            "last_success_at": wire.last_success,
            "last_error": wire.last_error,
            "failures_in_a_row": wire.failures,
            "retry_in_s": round(rest, 1),
        }
    )
