"""The universe once a day, a scan when asked, and an operator's request handed to workflow."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

from services.scanner import store
from services.scanner.rules import answer, history, score, sift, universe
from shared.deps import Deps
from shared.domain.cycle import ScanAnswer, ScanRequest
from shared.domain.evidence import ScoreUpdates, Standing
from shared.domain.market import BarTable
from shared.domain.session import Session, current_session, next_session, trading_day
from shared.errors import BadInput, CatalystError, NotFound, NotNow, Unavailable
from shared.journal import append_event, events_after, listening

HISTORY_DAYS, HISTORY_KEY, HISTORY_TTL_SECONDS = 62, "scanner:history:v1", 4 * 86_400.0
CHECK_SECONDS, FIRST_BACK_OFF_SECONDS, MOST_BACK_OFF_SECONDS = 30.0, 0.5, 30.0
WORKFLOW_SECONDS, LOOK_AGAIN_SECONDS = 90.0, 5.0
REQUESTED, COMPLETED = "scan.requested", "scan.completed"

FAILURES = Counter("catalyst_scanner_refresh_failures_total", "Refreshes of the universe that failed")
DROPPED = Gauge("catalyst_scanner_dropped", "Symbols dropped by the last scan", ["reason"])
STEPS = Histogram("catalyst_scanner_step_seconds", "Time of each step of a scan", ["step"])
log = structlog.get_logger()


@dataclass(frozen=True)
class Desk:
    """What a scan needs and a day does not change."""

    refreshed_at: datetime
    selection: universe.Selection
    symbols: tuple[str, ...]
    sectors: dict[str, str]
    history_days: int
    baseline: history.Baseline


class Scanner:
    """The running service: deps, the day's desk, and locks so that each thing happens once at a time."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps
        self.desk: Desk | None = None
        self.trouble = "the universe has not been read yet"
        self.stale_part: float | None = None
        self.refreshing, self.scanning = asyncio.Lock(), asyncio.Lock()
        self.hours: dict[date, tuple[Session, ...]] = {}


async def keep_fresh(scanner: Scanner) -> None:
    """Read the universe at the start and once a day, for as long as the service lives; survives every failure."""
    pause = FIRST_BACK_OFF_SECONDS
    while True:
        try:
            await desk_for(scanner, await scanner.deps.clock.now())
            pause = CHECK_SECONDS
        except Exception as error:  # noqa: BLE001 - the loop outlives what it asks; it says so and tries again
            scanner.trouble = error.detail if isinstance(error, CatalystError) else f"{type(error).__name__}: {error}"
            FAILURES.inc()
            log.warning("universe_not_refreshed", reason=scanner.trouble)
            pause = min(pause * 2, MOST_BACK_OFF_SECONDS)
        await asyncio.sleep(pause)


async def desk_for(scanner: Scanner, now: datetime) -> Desk:
    """The desk of the day, refreshed first when it is due. Raises Unavailable; yesterday's desk does not do."""
    async with scanner.refreshing:
        if scanner.desk is None or universe.refresh_due(scanner.desk.refreshed_at, now):
            scanner.desk = await refreshed(scanner.deps, now)
            scanner.trouble = ""
        return scanner.desk


async def refreshed(deps: Deps, now: datetime) -> Desk:
    """Assets, sectors and daily bars, read and stored."""
    assets, said = await asyncio.gather(deps.market.assets(), deps.market.sectors())
    selection = universe.select(assets)
    if not selection.kept:
        raise Unavailable(f"none of {len(assets)} assets belongs in the universe: {selection.counts}")
    symbols = tuple(asset.symbol for asset in selection.kept)
    path = deps.settings.config_folder / "sectors.csv"
    given = await asyncio.to_thread(path.read_text) if path.is_file() else ""
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.stage_assets(connection, selection.kept, said | universe.sectors_of(given))
        await store.upsert_sectors(connection)
        await store.upsert_securities(connection, now)
        await store.retire_securities(connection, now)
    sectors = await store.read_sectors(deps.pool)
    days = await daily_history(deps, symbols, now)
    log.info("universe_refreshed", universe=len(symbols), sectors=len(sectors), days=len(days.days), **selection.counts)
    return Desk(now, selection, symbols, sectors, len(days.days), history.baseline_of(days))


async def daily_history(deps: Deps, symbols: tuple[str, ...], now: datetime) -> history.History:
    """The last forty days: from the cache, topped up from its last day on, or whole where the cache does not hold.

    The last cached day is always read again: where it differs (a split, another tape) the cache is not believed.
    """
    today = trading_day(now)
    cached = history.unpacked(await deps.cache.get(HISTORY_KEY) or b"")
    first = today - timedelta(days=HISTORY_DAYS)
    if cached is None or not first < cached.last_day < today:
        result = history.from_bars(symbols, await _daily(deps, symbols, first, now))
    else:
        old = history.for_symbols(cached, symbols)
        fresh = history.from_bars(symbols, await _daily(deps, symbols, cached.last_day, now))
        again = history.changed(old, fresh)
        if len(again) == len(symbols):
            old = history.empty(symbols)
        whole = history.from_bars(symbols, await _daily(deps, again, first, now)) if again else history.empty(symbols)
        result = history.merged(history.merged(old, fresh), whole)
    await deps.cache.set(HISTORY_KEY, history.packed(result), HISTORY_TTL_SECONDS)
    return result


async def _daily(deps: Deps, symbols: tuple[str, ...], first: date, now: datetime) -> BarTable:
    return await deps.market.bars(symbols, "1Day", datetime.combine(first, time(), UTC), now)


async def session_at(scanner: Scanner, now: datetime) -> Session:
    """The session that is open. Raises NotNow with the next opening when none is."""
    day = trading_day(now)
    if day not in scanner.hours:
        scanner.hours = {day: await scanner.deps.market.sessions(day, day + timedelta(days=10))}
    found = current_session(scanner.hours[day], now)
    if found is None:
        following = next_session(scanner.hours[day], now)
        opens = following.open if following else None
        raise NotNow(f"the market is closed; it opens at {opens}", possible_at=opens)
    return found


async def scan(scanner: Scanner, request: ScanRequest) -> ScanAnswer:
    """The scanner's stage for a named scan, once: asked again it answers what was stored.

    Raises NotNow with the market closed, NotFound for a scan that workflow does not have, Unavailable without data.
    """
    if request.cycle_id is None or request.scan is None or request.as_of is None:
        missing = next(name for name in ("cycle_id", "scan", "as_of") if getattr(request, name) is None)
        raise BadInput("name cycle_id, scan and as_of together, or none of them", field=missing)
    if request.as_of.tzinfo is None:
        raise BadInput("as_of needs an offset, such as Z", field="as_of")
    key = (request.cycle_id, request.scan)
    async with scanner.scanning:
        stored = await stored_answer(scanner, key, request.limit)
        return stored or await _scan_now(scanner, key, request.as_of, request.limit)


async def _scan_now(scanner: Scanner, key: store.Scan, as_of: datetime, limit: int) -> ScanAnswer:
    deps = scanner.deps
    now = await deps.clock.now()
    session = await session_at(scanner, now)
    desk = await desk_for(scanner, now)
    limits = deps.config.current().trading.scanner
    with STEPS.labels("fetch").time():
        snapshots = await deps.market.snapshots(desk.symbols)
    with STEPS.labels("rank").time():
        sifted = sift.sift(snapshots, desk.baseline, limits, now.timestamp(), session.elapsed_fraction(now))
        kept = sifted.kept
        ranks = score.ranks(sifted.symbols[kept], {name: column[kept] for name, column in sifted.columns.items()})
        rows = answer.rows_of(sifted, ranks, limits.store_top)
        coverage = answer.coverage_of(sifted, ranks)
    with STEPS.labels("store").time():
        fresh = await _store(deps, key, coverage, rows, as_of)
    if not fresh and (stored := await stored_answer(scanner, key, limit)):
        return stored
    _tell(scanner, key, sifted, len(rows))
    with_sectors = ({**row, "sector": desk.sectors.get(row["symbol"])} for row in rows[:limit])
    return _answer(key, as_of, coverage, len(rows), tuple(map(answer.candidate_of, with_sectors)))


async def _store(
    deps: Deps, key: store.Scan, coverage: answer.Coverage, rows: list[answer.Row], as_of: datetime
) -> bool:
    """One transaction: a scan is stored whole or not at all; false when it was there before."""
    async with deps.pool.acquire() as connection, connection.transaction():
        fresh = await store.add_coverage(connection, key, coverage, as_of)
        if fresh:
            await store.name_securities(connection, [row["symbol"] for row in rows])
            await store.add_results(connection, key, rows, as_of)
        return fresh


def _tell(scanner: Scanner, key: store.Scan, sifted: sift.Sifted, stored: int) -> None:
    counts = sifted.counts
    scanner.stale_part = counts.get("stale", 0) / max(1, len(sifted.symbols))
    for reason in sifted.reasons:
        DROPPED.labels(reason).set(counts.get(reason, 0))
    log.info("scan_stored", cycle_id=key[0], scan=key[1], survivors=len(sifted.kept), stored=stored, **counts)


def _answer(key: store.Scan, as_of: datetime, coverage: answer.Coverage, stored: int, candidates: Any) -> ScanAnswer:
    return ScanAnswer(
        cycle_id=key[0],
        scan=key[1],
        as_of=as_of,
        universe=coverage.universe,
        scanned=coverage.scanned,
        stored=stored,
        dropped=coverage.counts,
        candidates=candidates,
    )


async def stored_answer(scanner: Scanner, key: store.Scan, limit: int) -> ScanAnswer | None:
    """What was answered when the scan ran; None when it did not."""
    found = await store.read_coverage(scanner.deps.pool, key)
    if found is None:
        return None
    coverage, scanned_at = found
    rows = await store.read_results(scanner.deps.pool, key, limit)
    count = await store.count_results(scanner.deps.pool, key)
    return _answer(key, scanned_at, coverage, count, tuple(map(answer.candidate_of, rows)))


async def ask_workflow(scanner: Scanner) -> dict[str, Any]:
    """An operator's scan: leave the request in the journal, wait for workflow's word, return its payload.

    Raises NotNow with the market closed, Unavailable when workflow does not take the request.
    """
    deps = scanner.deps
    now = await deps.clock.now()
    await session_at(scanner, now)
    async with listening(deps.settings.dsn, COMPLETED) as heard:
        async with deps.pool.acquire() as connection, connection.transaction():
            request_id = await append_event(connection, "scanner", REQUESTED, now)
        try:
            async with asyncio.timeout(WORKFLOW_SECONDS):
                return await _completed(deps, heard, request_id)
        except TimeoutError as error:
            raise Unavailable("workflow did not take the request; is catalyst-workflow up?") from error


async def _completed(deps: Deps, heard: "asyncio.Queue[int]", request_id: int) -> dict[str, Any]:
    """The payload that answers a request; looked up every few seconds too, should a notification be lost."""
    while True:
        async with deps.pool.acquire() as connection:
            events = await events_after(connection, request_id, COMPLETED)
        for event in events:
            if event.payload.get("request_id") == request_id:
                return event.payload
        try:
            await asyncio.wait_for(heard.get(), LOOK_AGAIN_SECONDS)
        except TimeoutError:
            continue


async def add_scores(scanner: Scanner, updates: ScoreUpdates) -> int:
    """Store what the funnel said about a scan's candidates; returns for how many. Raises NotFound for none of them."""
    found = await store.update_scores(scanner.deps.pool, updates)
    if updates.scores and not found:
        raise NotFound(f"scan {updates.scan} of cycle {updates.cycle_id} has none of these symbols", field="scan")
    return found


async def _key(scanner: Scanner, cycle_id: str | None, number: int | None) -> store.Scan:
    key = await store.latest_scan(scanner.deps.pool, cycle_id, number)
    if key is None:
        raise NotFound("there is no such scan", field="scan" if number is not None else "cycle_id")
    return key


async def results(
    scanner: Scanner, cycle_id: str | None, number: int | None, limit: int, symbol: str | None
) -> answer.ScanResults:
    """Stored rows of a scan, the latest where none is named. Raises NotFound."""
    key = await _key(scanner, cycle_id, number)
    found = await store.read_coverage(scanner.deps.pool, key)
    if found is None:
        raise NotFound("there is no such scan", field="scan")
    coverage, scanned_at = found
    rows = await store.read_results(scanner.deps.pool, key, limit, symbol and symbol.upper())
    return answer.ScanResults(
        cycle_id=key[0],
        scan=key[1],
        scanned_at=scanned_at,
        universe=coverage.universe,
        scanned=coverage.scanned,
        candidates=tuple(map(answer.result_of, rows)),
    )


async def explain(scanner: Scanner, symbol: str, cycle_id: str | None, number: int | None) -> Standing:
    """Where a symbol stood in a scan, the latest where none is named. Raises NotFound outside the universe."""
    symbol, pool = symbol.upper(), scanner.deps.pool
    key = await _key(scanner, cycle_id, number)
    found, rows = await store.read_coverage(pool, key), await store.read_results(pool, key, 1, symbol)
    standing = answer.standing_of(found[0], *key, symbol, rows[0] if rows else None) if found else None
    if standing is None:
        why = scanner.desk.selection.excluded.get(symbol, "unknown to the broker") if scanner.desk else "unknown"
        raise NotFound(f"{symbol} was not in the universe of scan {key[1]} of {key[0]}: {why}", field="symbol")
    return standing
