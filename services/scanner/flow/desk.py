"""What a scan needs and a day does not change: the universe, its sectors and its history."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import structlog
from numpy.typing import NDArray

from services.scanner import store
from services.scanner.rules import curve, history, universe
from services.scanner.rules.baseline import Baseline, baseline_of, with_companies
from shared.deps import Deps
from shared.domain.market import BarTable, Floats
from shared.domain.session import Session, current_session, next_session, trading_day
from shared.errors import NotNow, Unavailable
from shared.runtime.calendar import Calendar
from shared.runtime.loops import detail_of

HISTORY_DAYS, HISTORY_KEY, HISTORY_TTL_SECONDS = 62, "scanner:history:v2", 4 * 86_400.0
LESSONS_KEY = "scanner:volume-lessons:v1"
FIRST_PAUSE_SECONDS, CHECK_SECONDS = 1.0, 30.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Desk:
    """What a scan needs and a day does not change; `names` are the symbols as an array, `volumes` those of the last
    sessions by day.
    """

    refreshed_at: datetime
    selection: universe.Selection
    symbols: tuple[str, ...]
    names: NDArray[np.str_]
    listed: frozenset[str]
    sectors: dict[str, str]
    history_days: int
    volumes: dict[date, Floats]
    baseline: Baseline


class Scanner:
    """The running service: deps, the day's desk, and locks so that each thing happens once at a time."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps
        self.desk: Desk | None = None
        self.trouble = "the universe has not been read yet"
        self.stale_part: float | None = None
        self.lessons: tuple[curve.Lesson, ...] = ()
        self.days_asked = set[date]()
        self.looked_back = asyncio.Event()
        self.unclassified: tuple[str, ...] = ()
        self.names_asked = set[str]()
        self.refreshing, self.scanning = asyncio.Lock(), asyncio.Lock()
        self.calendar = Calendar()
        self.ears = set[asyncio.Queue[int]]()


async def keep_fresh(scanner: Scanner) -> None:
    """Read the universe at the start and once a day: one look whether it is due, and the rest until the next."""
    await desk_for(scanner, await scanner.deps.clock.now())
    await asyncio.sleep(CHECK_SECONDS)


def note_trouble(scanner: Scanner, error: Exception, _failures: int) -> None:
    """Why there is no universe of today, for health."""
    scanner.trouble = detail_of(error)


async def desk_for(scanner: Scanner, now: datetime) -> Desk:
    """The desk of the day, refreshed first when it is due. Raises Unavailable; yesterday's desk does not do."""
    async with scanner.refreshing:
        if scanner.desk is None or universe.refresh_due(scanner.desk.refreshed_at, now):
            scanner.desk = await refreshed(scanner.deps, now)
            scanner.lessons = scanner.lessons or curve.unpacked(await scanner.deps.cache.get(LESSONS_KEY) or b"")
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
    baseline = with_companies(baseline_of(history.mended(days)), universe.companies_of(selection.kept))
    names = np.array(symbols, dtype=np.str_)
    volumes = history.last_volumes(days, curve.SESSIONS_LEARNED)
    return Desk(now, selection, symbols, names, frozenset(symbols), sectors, len(days.days), volumes, baseline)


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
    known = await scanner.calendar.look_up(scanner.deps.market, now)
    found = current_session(known, now)
    if found is None:
        following = next_session(known, now)
        opens = following.open if following else None
        raise NotNow(f"the market is closed; it opens at {opens}", possible_at=opens)
    return found


def last_close(scanner: Scanner, session: Session) -> datetime:
    """When trading ended before a session; a day before it opened where the calendar has a hole."""
    closes = [one.close for one in scanner.calendar.sessions if one.close <= session.open]
    return max(closes, default=session.open - timedelta(days=1))


def day_before(scanner: Scanner, session: Session) -> date | None:
    """The trading day before a session's by the calendar; None where the calendar has a hole."""
    return max((one.day for one in scanner.calendar.sessions if one.day < session.day), default=None)
