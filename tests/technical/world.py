"""A market in memory that tells the truth up to a moment, and the deps of an analysing service around it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import asyncpg
import numpy as np

from config.reload import LiveConfig
from config.settings import Settings
from shared.adapters.http_calls import HttpCalls
from shared.deps import Deps
from shared.domain.market import Asset, Bars, BarTable, Floats, Quote, Snapshots, Timeframe, Trade
from shared.domain.news import Headline, Terms
from shared.domain.session import Session, at_market_time, session_from_hours
from shared.errors import Unavailable
from tests.absent import NoCache

TODAY = date(2026, 6, 16)
NOW = datetime(2026, 6, 16, 15, 2, 30, tzinfo=UTC)
CYCLE = "20260616-093000"
STEP = {"5Min": 300.0, "1Day": 23_400.0}


def sessions_until(last: date, count: int) -> tuple[Session, ...]:
    """So many weekdays up to `last`, regular hours."""
    days: list[date] = []
    day = last
    while len(days) < count:
        if day.weekday() < 5:
            days.insert(0, day)
        day -= timedelta(days=1)
    return tuple(session_from_hours(day, time(9, 30), time(16, 0)) for day in days)


SESSIONS = sessions_until(TODAY, 280)


def walk(symbol: str, start: Floats, seed: int, price: float = 50.0, spread: float = 0.004) -> Bars:
    """A random walk that looks like bars."""
    random = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(random.normal(0, spread, len(start))))
    opened = np.concatenate([[price], close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(random.normal(0, spread / 2, len(start))))
    low = np.minimum(opened, close) * (1 - np.abs(random.normal(0, spread / 2, len(start))))
    volume = np.round(random.lognormal(9, 1, len(start)))
    return Bars(symbol, start, opened, high, low, close, volume)


def daily_starts(count: int) -> Floats:
    """Opening times of the last so many daily bars, today's included."""
    return np.array([at_market_time(one.day, time()).timestamp() for one in SESSIONS[-count:]])


def intraday_starts(sessions: int) -> Floats:
    """Opening times of the 5-minute bars of the last so many sessions, today's whole day included."""
    return np.concatenate([one.open.timestamp() + 300.0 * np.arange(78) for one in SESSIONS[-sessions:]])


def stock(symbol: str, seed: int, days: int = 260, sessions: int = 6) -> dict[Timeframe, Bars]:
    """Both timeframes of an invented stock, running on through the whole of today."""
    return {
        "1Day": walk(symbol, daily_starts(days), seed, spread=0.02),
        "5Min": walk(symbol, intraday_starts(sessions), seed + 1000),
    }


@dataclass
class Market:
    """MarketData over made-up bars. It never shows a bar that is not complete at the clock's time."""

    clock: "Clock"
    stocks: dict[str, dict[Timeframe, Bars]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    is_down: bool = False
    calls: list[tuple[str, int]] = field(default_factory=list)

    def _answer(self, what: str, count: int) -> None:
        self.calls.append((what, count))
        if self.is_down:
            raise Unavailable("market data does not answer")

    async def assets(self) -> tuple[Asset, ...]:
        self._answer("assets", 0)
        return tuple(
            Asset(symbol=symbol, name=name, exchange="NASDAQ", tradable=True, active=True)
            for symbol, name in sorted(self.names.items())
        )

    async def snapshots(self, symbols: Sequence[str]) -> Snapshots:
        raise Unavailable("no snapshots in this world")

    async def bars(self, symbols: Sequence[str], timeframe: Timeframe, start: datetime, end: datetime) -> BarTable:
        self._answer(timeframe, len(symbols))
        found = {}
        for symbol in symbols:
            bars = self.stocks.get(symbol, {}).get(timeframe)
            if bars is None:
                continue
            length = STEP[timeframe] if timeframe == "5Min" else 16 * 3600.0
            known = bars.before(self.clock.at.timestamp(), length)
            first, last = np.searchsorted(known.start, [start.timestamp(), end.timestamp()])
            if last > first:
                found[symbol] = known.slice(int(first), int(last))
        return found

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        return {}

    async def trades(self, symbols: Sequence[str]) -> dict[str, Trade]:
        return {}

    async def sectors(self) -> dict[str, str]:
        return {}

    async def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        self._answer("sessions", 0)
        return tuple(one for one in SESSIONS if start <= one.day <= end)


@dataclass
class Feed:
    """NewsFeed over made-up items. It may show items later than `until`, as real sources do when clocks differ."""

    name: str = "wire"
    terms: Terms = field(default_factory=Terms)
    items: list[Headline] = field(default_factory=list)
    is_down: bool = False
    dropped: int = 0
    leaks: bool = False
    calls: list[tuple[tuple[str, ...], datetime, datetime]] = field(default_factory=list)

    async def headlines(self, symbols: Sequence[str], since: datetime, until: datetime) -> tuple[Headline, ...]:
        self.calls.append((tuple(symbols), since, until))
        if self.is_down:
            raise Unavailable("no route to the wire")
        return tuple(
            item
            for item in reversed(self.items)
            if set(item.symbols) & set(symbols) and since < item.told_at and (self.leaks or item.told_at <= until)
        )


@dataclass
class Clock:
    """Time that stands where it was put."""

    at: datetime = NOW

    async def now(self) -> datetime:
        return self.at

    async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
        self.at = max(self.at, when)
        return self.at


def deps_around(pool: asyncpg.Pool, market: Market, feed: Feed | None = None) -> Deps:
    """The deps of a service in this world."""
    settings = Settings(_env_file=None)
    return Deps(
        settings=settings,
        config=LiveConfig(Path("config"), settings),
        clock=market.clock,
        pool=pool,
        cache=NoCache(),
        client=HttpCalls(settings),
        market=market,
        news=(feed or Feed(),),
    )


async def open_scan(admin_url: str, scan: int = 1) -> None:
    """What workflow does before it asks: a cycle (once) and a running scan."""
    connection = await asyncpg.connect(admin_url)
    await connection.execute(
        "INSERT INTO trading_cycles (cycle_id, mode, session_mode, status, trading_day, driven_by, max_positions,"
        " max_daily_loss, scan_frequency_seconds, config_hash, started_at)"
        " VALUES ($1, 'normal', 'autonomous', 'running', $2, 'hand', 5, 2000, 1800, 'x', $3) ON CONFLICT DO NOTHING",
        CYCLE, TODAY, NOW,
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO scans (cycle_id, scan, slot, status, started_at) VALUES ($1, $2, $3, 'completed', $3)",
        CYCLE, scan, NOW,
    )  # fmt: skip
    await connection.close()
