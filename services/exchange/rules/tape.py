"""The tape: what the market did on one day, and what of it was known at a moment.

Every time is float epoch seconds, UTC. Every answer that takes `at` uses nothing later than `at`, except `bar_at`,
which shows the whole running bar and is there for matching alone.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, time
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.exchange.rules.earlier import Earlier
from services.exchange.rules.spread import Quote, quote_around
from shared.domain.session import at_market_time

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Session(NamedTuple):
    """Regular hours of the day that is played."""

    open: float
    close: float
    day: date


class Bar(NamedTuple):
    """One bar of the tape; it holds trades of [start, start + bar_seconds). Prices in USD, volume in shares."""

    start: float
    open: float
    high: float
    low: float
    close: float
    volume: int


class Asset(NamedTuple):
    """A line of the universe. `market_cap` in USD, 0 when unknown."""

    symbol: str
    name: str
    exchange: str
    sector: str
    industry: str
    market_cap: float


class NewsItem(NamedTuple):
    """A headline of the wire, visible from `published_at` on."""

    id: int
    published_at: float
    headline: str
    source: str
    symbols: tuple[str, ...]
    url: str


class NewsEdit(NamedTuple):
    """How an item of the wire reads from `at` on; None stays as it was. An id that no item has is a new item."""

    id: int
    at: float
    headline: str | None
    symbols: tuple[str, ...] | None
    summary: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Rows of OHLCV sorted by symbol then time; rows of symbol i are `offsets[i]:offsets[i + 1]`.

    `time` is the opening time of a bar, or midnight in New York for a daily row.
    """

    offsets: Ints
    time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Ints

    def rows(self, i: int) -> tuple[int, int]:
        return int(self.offsets[i]), int(self.offsets[i + 1])

    def row_before(self, i: int, at: float) -> int:
        """Row of symbol i with the largest time <= at, or -1."""
        low, high = self.rows(i)
        row = low + int(np.searchsorted(self.time[low:high], at, side="right")) - 1
        return row if row >= low else -1


@dataclass(frozen=True)
class Tape:
    """One session day of the market, with the daily rows before it and the news up to its end.

    `earlier` are the tape's sessions just before the day, oldest first: bars of the past, for those who ask for bars.

    `daily` holds no row of the session day or later: today's row is made from bars as the clock moves.
    `daily_close_at[k]` is when the k-th daily row's session closed. `halts` are (start, end) per symbol; a delisted
    symbol stops trading for good at `delistings[symbol]`.
    """

    name: str
    session: Session
    bar_seconds: int
    assets: tuple[Asset, ...]
    bars: Columns
    daily: Columns
    daily_close_at: Ints
    news: tuple[NewsItem, ...] = ()
    halts: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    delistings: dict[str, float] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    days: tuple[date, ...] = ()
    earlier: tuple[Earlier, ...] = ()

    @cached_property
    def index(self) -> dict[str, int]:
        """Row number of each symbol in `assets`."""
        return {asset.symbol: i for i, asset in enumerate(self.assets)}

    @cached_property
    def dollar_volume(self) -> Floats:
        """Average daily dollar volume over the last 20 sessions before the day, per symbol; 0 without history."""
        totals = np.zeros(len(self.assets))
        traded = self.daily.close * self.daily.volume
        for i in range(len(self.assets)):
            low, high = self.daily.rows(i)
            if high > low:
                totals[i] = float(traded[max(low, high - 20) : high].mean())
        return totals

    @cached_property
    def midnight(self) -> int:
        """When the session's day began in New York, epoch seconds: the label of its daily row."""
        return int(at_market_time(self.session.day, time()).timestamp())

    @cached_property
    def bar_dollars(self) -> Floats:
        """Dollar volume of each bar at its typical price (high + low + close) / 3."""
        return (self.bars.high + self.bars.low + self.bars.close) * self.bars.volume / 3.0

    def has(self, symbol: str) -> bool:
        return symbol in self.index

    def asset(self, symbol: str) -> Asset | None:
        i = self.index.get(symbol)
        return None if i is None else self.assets[i]

    def bar_at(self, symbol: str, at: float) -> Bar | None:
        """The bar whose [start, start + bar_seconds) holds `at`, whole. For matching only: it shows the future."""
        i = self.index.get(symbol)
        if i is None:
            return None
        row = self.bars.row_before(i, at)
        if row < 0 or at >= self.bars.time[row] + self.bar_seconds:
            return None
        return self.bar(row)

    def bar(self, row: int) -> Bar:
        """Row `row` of the bars."""
        b = self.bars
        return Bar(
            float(b.time[row]),
            float(b.open[row]),
            float(b.high[row]),
            float(b.low[row]),
            float(b.close[row]),
            int(b.volume[row]),
        )

    def next_bar_start(self, symbol: str, after: float) -> float | None:
        """Start of the first bar that begins strictly after `after`."""
        i = self.index.get(symbol)
        if i is None:
            return None
        low, high = self.bars.rows(i)
        row = low + int(np.searchsorted(self.bars.time[low:high], after, side="right"))
        return float(self.bars.time[row]) if row < high else None

    def last_price(self, symbol: str, at: float) -> tuple[float, float] | None:
        """(price, when) of the last trade known at `at`: the running bar's open, else the last completed bar's close
        (when = that bar's end), else the previous day's close (when = that session's close)."""
        i = self.index.get(symbol)
        if i is None:
            return None
        row = self.bars.row_before(i, at)
        if row >= 0:
            start = float(self.bars.time[row])
            if at < start + self.bar_seconds:
                return float(self.bars.open[row]), start
            return float(self.bars.close[row]), start + self.bar_seconds
        low, high = self.daily.rows(i)
        if high == low:
            return None
        return float(self.daily.close[high - 1]), float(self.daily_close_at[high - 1])

    def previous_close(self, symbol: str) -> float | None:
        """Close of the last session before the day, or None for a name without history."""
        i = self.index.get(symbol)
        if i is None:
            return None
        low, high = self.daily.rows(i)
        return float(self.daily.close[high - 1]) if high > low else None

    def quote(self, symbol: str, at: float, spread_bps: float) -> Quote | None:
        """The quote at `at` around the last price. None for an unknown, never traded, halted or delisted symbol.

        `spread_bps` is the width for a name that trades 50 million USD a day; thinner names are quoted wider.
        """
        last = self.last_price(symbol, at)
        if last is None or self.halted(symbol, at) or self.delisted(symbol, at):
            return None
        return quote_around(last[0], float(self.dollar_volume[self.index[symbol]]), spread_bps)

    def halted(self, symbol: str, at: float) -> bool:
        """True within a declared trading halt."""
        return any(start <= at < end for start, end in self.halts.get(symbol, ()))

    def delisted(self, symbol: str, at: float) -> bool:
        """True once the symbol has stopped trading for good."""
        when = self.delistings.get(symbol)
        return when is not None and at >= when

    def news_until(self, at: float) -> tuple[NewsItem, ...]:
        """Headlines published at or before `at`, oldest first."""
        return self.news[: bisect_right(self.news, at, key=lambda item: item.published_at)]
