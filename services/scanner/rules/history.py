"""Daily bars of the universe as matrices: read, kept, topped up, mended."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.domain.market import BarTable, Floats

EPOCH, DAY_SECONDS = date(1970, 1, 1), 86_400
SESSIONS_KEPT = 40
AGREE = 0.01
FIELDS = ("close", "volume", "high", "low")
# A split that the bars have missed: the price steps by a whole number within a tenth, in a calm day at less than three
# times the usual dollars. Real halvings and doublings in the recorded months came with ten times and more.
SPLIT_SLACK, SPLIT_RANGE, SPLIT_DOLLARS, USUAL_DAYS = 0.1, 0.25, 3.0, 10
Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class History:
    """Closes, highs, lows (USD, split-adjusted) and volumes (shares), each of shape (symbols, days); NaN where a name
    did not trade. `days` counts days since 1970-01-01, ascending.
    """

    symbols: tuple[str, ...]
    days: Days
    close: Floats
    volume: Floats
    high: Floats
    low: Floats

    @property
    def last_day(self) -> date:
        """The last day that any name traded; the beginning of time when there is none."""
        return EPOCH + timedelta(days=int(self.days[-1]) if len(self.days) else 0)

    @property
    def matrices(self) -> tuple[Floats, ...]:
        """In the order of FIELDS."""
        return tuple(getattr(self, name) for name in FIELDS)


class _Packed(msgspec.Struct):
    symbols: list[str]
    days: bytes
    matrices: list[bytes]
    version: int = 2


def empty(symbols: tuple[str, ...]) -> History:
    """A history without a single day."""
    nothing = np.empty((len(symbols), 0))
    return History(symbols, np.empty(0, dtype=np.int64), *(nothing for _ in FIELDS))


def from_bars(symbols: tuple[str, ...], table: BarTable) -> History:
    """The last 40 days of a table of daily bars. A daily bar opens at New York's midnight: the same date in UTC."""
    of_symbol = {symbol: (bars.start // DAY_SECONDS).astype(np.int64) for symbol, bars in table.items() if len(bars)}
    if not of_symbol:
        return empty(symbols)
    days = np.unique(np.concatenate(list(of_symbol.values())))
    matrices = tuple(np.full((len(symbols), len(days)), np.nan) for _ in FIELDS)
    for row, symbol in enumerate(symbols):
        if symbol in of_symbol:
            places = np.searchsorted(days, of_symbol[symbol])
            for name, matrix in zip(FIELDS, matrices, strict=True):
                matrix[row, places] = getattr(table[symbol], name)
    return _kept(symbols, days, matrices)


def _kept(symbols: tuple[str, ...], days: Days, matrices: tuple[Floats, ...]) -> History:
    last = slice(-SESSIONS_KEPT, None)
    return History(symbols, days[last], *(np.ascontiguousarray(matrix[:, last]) for matrix in matrices))


def for_symbols(history: History, symbols: tuple[str, ...]) -> History:
    """The same days for another universe; names that were not there have no bars."""
    if history.symbols == symbols:
        return history
    places = {symbol: row for row, symbol in enumerate(history.symbols)}
    rows = np.array([places.get(symbol, -1) for symbol in symbols], dtype=np.int64)
    none = np.full((1, len(history.days)), np.nan)
    return History(symbols, history.days, *(np.concatenate((matrix, none))[rows] for matrix in history.matrices))


def merged(old: History, new: History) -> History:
    """Both histories of one universe; where both have a day the newer wins."""
    days = np.union1d(old.days, new.days)
    matrices = tuple(np.full((len(new.symbols), len(days)), np.nan) for _ in FIELDS)
    for part in (old, new):
        places = np.searchsorted(days, part.days)
        for target, source in zip(matrices, part.matrices, strict=True):
            target[:, places] = np.where(np.isnan(source), target[:, places], source)
    return _kept(new.symbols, days, matrices)


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


def split_factor(ratio: Floats) -> Floats:
    """The whole number (or one over it) that a price ratio is within a tenth of; 1.0 where it is none from two up."""
    with np.errstate(divide="ignore", invalid="ignore"):
        larger = np.maximum(ratio, 1 / ratio)
        whole = np.rint(larger)
        near = np.isfinite(larger) & (whole >= 2) & (np.abs(larger / whole - 1) <= SPLIT_SLACK)
        return np.where(near, np.where(ratio > 1, whole, 1 / np.maximum(whole, 1)), 1.0)


def mended(history: History) -> History:
    """The history with the splits that its bars have missed undone, earlier days on the scale of the last.

    A step is believed to be a split by SPLIT_*; names with a day missing beside the step are left as they are.
    """
    if len(history.days) < 2:
        return history
    steps = np.ones(history.close.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps[:, 1:] = split_factor(history.close[:, 1:] / history.close[:, :-1])
        dollars = history.close * history.volume
        calm = history.high / history.low - 1 <= SPLIT_RANGE
    for row, day in np.argwhere((steps != 1) & calm).tolist():
        before = dollars[row, max(0, day - USUAL_DAYS) : day]
        usual = float(np.median(before[np.isfinite(before)]))
        calm[row, day] = usual > 0 and dollars[row, day] < SPLIT_DOLLARS * usual
    steps = np.where(calm, steps, 1.0)
    if (steps == 1).all():
        return history
    # Everything before a step is scaled by it: the product of all steps that lie behind a day.
    scale = np.concatenate((np.cumprod(steps[:, :0:-1], axis=1)[:, ::-1], np.ones((len(steps), 1))), axis=1)
    prices = {name: getattr(history, name) * scale for name in FIELDS if name != "volume"}
    return replace(history, volume=history.volume / scale, **prices)


def last_volumes(history: History, count: int) -> dict[date, Floats]:
    """Volumes of the last `count` days, each of shape (symbols,); NaN for who did not trade."""
    places = range(max(0, len(history.days) - count), len(history.days))
    return {EPOCH + timedelta(days=int(history.days[place])): history.volume[:, place].copy() for place in places}


def packed(history: History) -> bytes:
    """For the cache: matrices of float64, little endian."""
    matrices = [matrix.astype("<f8").tobytes() for matrix in history.matrices]
    return msgspec.msgpack.encode(_Packed(list(history.symbols), history.days.astype("<i8").tobytes(), matrices))


def unpacked(data: bytes) -> History | None:
    """What was packed; None when the bytes are something else."""
    try:
        row = msgspec.msgpack.decode(data, type=_Packed)
        days = np.frombuffer(row.days, dtype="<i8")
        shape = (len(row.symbols), len(days))
        matrices = [np.frombuffer(part, dtype="<f8").reshape(shape) for part in row.matrices]
    except (msgspec.MsgspecError, ValueError):
        return None
    if row.version != _Packed([], b"", []).version or len(matrices) != len(FIELDS):
        return None
    return History(tuple(row.symbols), days, *matrices)
