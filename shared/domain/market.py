"""What the market says: assets, quotes, bars. Arrays are float64 columns, one entry a symbol or a bar."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shared.domain.base import Value

Floats = NDArray[np.float64]
Timeframe = Literal["1Min", "5Min", "15Min", "1Hour", "1Day"]
PENNY, SUB_DOLLAR_TICK = Decimal("0.01"), Decimal("0.0001")
_ROUNDING = {"nearest": ROUND_HALF_UP, "down": ROUND_FLOOR, "up": ROUND_CEILING}


def tick_size(price: Decimal) -> Decimal:
    """The smallest price step of a US equity: $0.01 from $1 up, $0.0001 below (SEC Rule 612)."""
    return PENNY if price >= 1 else SUB_DOLLAR_TICK


def to_tick(price: Decimal | float | str, direction: Literal["nearest", "down", "up"] = "nearest") -> Decimal:
    """`price` on the tick grid. The one place where order prices are rounded.

    Raises ValueError for a price that is not positive and finite.
    """
    exact = Decimal(str(price))
    if not exact.is_finite() or exact <= 0:
        raise ValueError(f"a price must be positive and finite, not {price}")
    return exact.quantize(tick_size(exact), rounding=_ROUNDING[direction])


class Asset(Value):
    """One listed security as the broker describes it."""

    symbol: str
    name: str
    exchange: str
    tradable: bool
    active: bool
    fractionable: bool = False
    shortable: bool = False
    attributes: tuple[str, ...] = ()


class Quote(Value):
    """Best bid and offer in USD; a zero means that side is missing."""

    symbol: str
    bid: float
    ask: float
    at: datetime

    @property
    def spread_pct(self) -> float | None:
        """Spread over the middle, in percent; None when a side is missing or the quote is crossed."""
        if self.bid <= 0 or self.ask < self.bid:
            return None
        return (self.ask - self.bid) / ((self.ask + self.bid) / 2) * 100


class Trade(Value):
    """The last trade of a symbol. `sets_price` is false for an odd lot and for sale conditions that set no price."""

    symbol: str
    price: float
    at: datetime
    sets_price: bool = True


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The whole market at one moment, a column per fact, all of shape (n,); a missing fact is NaN.

    Prices are USD, volumes shares, `trade_at` and `quote_at` epoch seconds UTC. `sets_price` is 0 where the last trade
    is an odd lot or of a kind that sets no price. `day` and `previous_day` are the market's days of the two daily bars
    (date.toordinal): a source may still show yesterday's bar as today's.
    """

    symbols: tuple[str, ...]
    price: Floats
    trade_at: Floats
    sets_price: Floats
    bid: Floats
    ask: Floats
    quote_at: Floats
    day: Floats
    day_open: Floats
    day_high: Floats
    day_low: Floats
    day_volume: Floats
    day_vwap: Floats
    previous_day: Floats
    previous_close: Floats
    previous_volume: Floats


@dataclass(frozen=True, slots=True)
class Bars:
    """One symbol's bars in time order; `start` is the opening time in epoch seconds UTC, all of shape (n,)."""

    symbol: str
    start: Floats
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.start)

    def tail(self, count: int) -> "Bars":
        """The last `count` bars."""
        return self.slice(max(0, len(self) - count), len(self))

    def before(self, at: float, step_seconds: float) -> "Bars":
        """The bars that were complete at epoch second `at`, given their length."""
        return self.slice(0, int(np.searchsorted(self.start, at - step_seconds, side="right")))

    def slice(self, first: int, last: int) -> "Bars":
        columns = (self.start, self.open, self.high, self.low, self.close, self.volume)
        return Bars(self.symbol, *(column[first:last] for column in columns))


BarTable = dict[str, Bars]
"""Bars by symbol; a symbol without data is absent."""
