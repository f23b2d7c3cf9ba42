"""Daily bars of the universe as two matrices, and what a scan needs of them."""

from dataclasses import dataclass
from datetime import date, timedelta

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.domain.market import BarTable, Floats

EPOCH, DAY_SECONDS = date(1970, 1, 1), 86_400
SESSIONS_KEPT = 40
AVERAGE_DAYS = 20
SILENT_SESSIONS = 5
AGREE = 0.01
Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class History:
    """Closes (USD, split-adjusted) and volumes (shares) of shape (symbols, days); NaN where a name did not trade.

    `days` counts days since 1970-01-01, ascending.
    """

    symbols: tuple[str, ...]
    days: Days
    close: Floats
    volume: Floats

    @property
    def last_day(self) -> date:
        """The last day that any name traded; the beginning of time when there is none."""
        return EPOCH + timedelta(days=int(self.days[-1]) if len(self.days) else 0)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a scan compares the day with, one entry a symbol; NaN where there is no history.

    `close_5` and `close_20` are the closes so many sessions ago; averages run over the last 20 sessions, a session
    without a trade counting as zero; `traded_days` counts sessions with a trade in the last 40; `silent_days` the
    sessions since the last trade.
    """

    last_close: Floats
    last_volume: Floats
    close_5: Floats
    close_20: Floats
    average_volume: Floats
    average_dollar_volume: Floats
    traded_days: Floats
    silent_days: Floats


class _Packed(msgspec.Struct):
    symbols: list[str]
    days: bytes
    close: bytes
    volume: bytes
    version: int = 1


def empty(symbols: tuple[str, ...]) -> History:
    """A history without a single day."""
    nothing = np.empty((len(symbols), 0))
    return History(symbols, np.empty(0, dtype=np.int64), nothing, nothing)


def from_bars(symbols: tuple[str, ...], table: BarTable) -> History:
    """The last 40 days of a table of daily bars. A daily bar opens at New York's midnight: the same date in UTC."""
    of_symbol = {symbol: (bars.start // DAY_SECONDS).astype(np.int64) for symbol, bars in table.items() if len(bars)}
    if not of_symbol:
        return empty(symbols)
    days = np.unique(np.concatenate(list(of_symbol.values())))
    close = np.full((len(symbols), len(days)), np.nan)
    volume = close.copy()
    for row, symbol in enumerate(symbols):
        if symbol in of_symbol:
            places = np.searchsorted(days, of_symbol[symbol])
            close[row, places], volume[row, places] = table[symbol].close, table[symbol].volume
    return _kept(History(symbols, days, close, volume))


def _kept(history: History) -> History:
    last = slice(-SESSIONS_KEPT, None)
    close, volume = (np.ascontiguousarray(matrix[:, last]) for matrix in (history.close, history.volume))
    return History(history.symbols, history.days[last], close, volume)


def for_symbols(history: History, symbols: tuple[str, ...]) -> History:
    """The same days for another universe; names that were not there have no bars."""
    if history.symbols == symbols:
        return history
    places = {symbol: row for row, symbol in enumerate(history.symbols)}
    rows = np.array([places.get(symbol, -1) for symbol in symbols], dtype=np.int64)
    none = np.full((1, len(history.days)), np.nan)
    close, volume = (np.concatenate((matrix, none))[rows] for matrix in (history.close, history.volume))
    return History(symbols, history.days, close, volume)


def merged(old: History, new: History) -> History:
    """Both histories of one universe; where both have a day the newer wins."""
    days = np.union1d(old.days, new.days)
    close = np.full((len(new.symbols), len(days)), np.nan)
    volume = close.copy()
    for part in (old, new):
        places = np.searchsorted(days, part.days)
        for target, source in ((close, part.close), (volume, part.volume)):
            target[:, places] = np.where(np.isnan(source), target[:, places], source)
    return _kept(History(new.symbols, days, close, volume))


def changed(old: History, new: History) -> tuple[str, ...]:
    """Symbols whose old bars cannot be kept: split since (the shared days differ), or never held before.

    All of them when a fifth or more differ: then the old history belongs to another market.
    """
    shared, left, right = np.intersect1d(old.days, new.days, return_indices=True)
    before, after = old.close[:, left], new.close[:, right]
    both = np.isfinite(before) & np.isfinite(after)
    differs = (both & (np.abs(after - before) > AGREE * np.abs(before))).any(axis=1)
    known = both.any(axis=1)
    if not len(shared) or not known.any() or differs.sum() >= 0.2 * known.sum():
        return new.symbols
    held = np.isfinite(old.close).any(axis=1)
    again = np.flatnonzero(differs | ~held).tolist()
    return tuple(new.symbols[row] for row in again)


def baseline_of(history: History) -> Baseline:
    """See Baseline."""
    count, width = history.close.shape
    if width == 0:
        nothing, zero = np.full(count, np.nan), np.zeros(count)
        return Baseline(nothing, nothing, nothing, nothing, zero, zero, zero, zero)
    traded = np.isfinite(history.close)
    latest = np.maximum.accumulate(np.where(traded, np.arange(width), -1), axis=1)
    rows = np.arange(count)

    def close_at(column: int) -> Floats:
        if column < 0:
            return np.full(count, np.nan)
        place = latest[:, column]
        return np.where(place >= 0, history.close[rows, place], np.nan)

    volume = np.where(traded, history.volume, 0.0)
    dollars = volume * np.where(traded, history.close, 0.0)
    return Baseline(
        last_close=close_at(width - 1),
        last_volume=history.volume[:, -1].copy(),
        close_5=close_at(width - 5),
        close_20=close_at(width - 20),
        average_volume=volume[:, -AVERAGE_DAYS:].mean(axis=1),
        average_dollar_volume=dollars[:, -AVERAGE_DAYS:].mean(axis=1),
        traded_days=traded.sum(axis=1).astype(np.float64),
        silent_days=(width - 1 - latest[:, -1]).astype(np.float64),
    )


def packed(history: History) -> bytes:
    """For the cache: two matrices of float64, little endian."""
    close, volume = (matrix.astype("<f8").tobytes() for matrix in (history.close, history.volume))
    return msgspec.msgpack.encode(_Packed(list(history.symbols), history.days.astype("<i8").tobytes(), close, volume))


def unpacked(data: bytes) -> History | None:
    """What was packed; None when the bytes are something else."""
    try:
        row = msgspec.msgpack.decode(data, type=_Packed)
        days = np.frombuffer(row.days, dtype="<i8")
        shape = (len(row.symbols), len(days))
        close, volume = (np.frombuffer(part, dtype="<f8").reshape(shape) for part in (row.close, row.volume))
    except (msgspec.MsgspecError, ValueError):
        return None
    return History(tuple(row.symbols), days, close, volume) if row.version == 1 else None
