"""Bars of any timeframe from the tape's own, up to a moment: complete ones, and today's daily row as it forms."""

import re
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Literal, NamedTuple

import numpy as np

from services.exchange.rules.board import Board
from services.exchange.rules.tape import Floats, Ints, Tape
from shared.domain.session import MARKET_ZONE
from shared.errors import BadInput

Unit = Literal["Min", "Hour", "Day", "Week", "Month"]
_UNITS: dict[str, Unit] = {"T": "Min", "H": "Hour", "D": "Day", "W": "Week", "M": "Month"}
_LIMITS = {"Min": range(1, 60), "Hour": range(1, 24), "Day": range(1, 2), "Week": range(1, 2)}
_MONTHS = (1, 2, 3, 4, 6, 12)


class Timeframe(NamedTuple):
    """`amount` units, such as 5 Min."""

    amount: int
    unit: Unit

    @property
    def seconds(self) -> int:
        """Length of an intraday timeframe, 0 for the others."""
        return self.amount * {"Min": 60, "Hour": 3600}.get(self.unit, 0)


class Candles(NamedTuple):
    """Bars of one symbol in time order; `time` is each bar's opening in epoch seconds UTC, `vwap` in USD."""

    time: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Ints
    vwap: Floats

    def take(self, rows: slice) -> "Candles":
        """Some of them, by place."""
        t, o, h, low, c, v, vw = self
        return Candles(t[rows], o[rows], h[rows], low[rows], c[rows], v[rows], vw[rows])

    def between(self, start: float, end: float) -> "Candles":
        """Those that open in [start, end]; time must ascend."""
        low = int(np.searchsorted(self.time, start, side="left"))
        return self.take(slice(low, int(np.searchsorted(self.time, end, side="right"))))


def timeframe_of(text: str) -> Timeframe:
    """'5Min', '1Hour', '1Day', ... Raises BadInput."""
    match = re.fullmatch(r"(\d+)(Min|T|Hour|H|Day|D|Week|W|Month|M)", text)
    if match:
        amount, unit = int(match[1]), _UNITS.get(match[2], match[2])
        if amount in (_MONTHS if unit == "Month" else _LIMITS[unit]):
            return Timeframe(amount, unit)  # type: ignore[arg-type]  # one of the five by the expression above
    raise BadInput(f"invalid timeframe: {text}", field="timeframe")


def check_timeframe(tape: Tape, timeframe: Timeframe) -> None:
    """Raises BadInput when the tape is too coarse for it."""
    if timeframe.seconds % tape.bar_seconds:
        wanted, there = f"{timeframe.amount}{timeframe.unit}", tape.bar_seconds // 60
        raise BadInput(f"timeframe {wanted} cannot be made from this tape's {there}-minute bars", field="timeframe")


def candles(tape: Tape, board: Board, symbol: str, timeframe: Timeframe, now: float, since: float = -inf) -> Candles:
    """What of `symbol` is known at `now`, in this timeframe: all that opens at `since` or later, and perhaps more.

    The symbol must be on the tape.
    """
    i = tape.index[symbol]
    if timeframe.seconds:
        return _intraday(tape, i, timeframe, since, now)
    known = _daily(tape, board, i)
    if timeframe.unit == "Day" or not len(known.time):
        return known
    labels = np.array([_label(int(t), timeframe) for t in known.time], dtype=np.int64)
    return _grouped(known, labels)


def _intraday(tape: Tape, i: int, timeframe: Timeframe, since: float, now: float) -> Candles:
    """Bars that have ended by `now`: of the earlier sessions that `since` reaches back to, and of the day's own."""
    until = now - tape.bar_seconds
    parts = [_priced(*one.bars(i, until)) for one in tape.earlier if one.closes > since]
    parts.append(_today(tape, i, until))
    if timeframe.seconds != tape.bar_seconds:
        parts = [_grouped(part, _buckets(part.time, timeframe)) for part in parts]
    return parts[0] if len(parts) == 1 else Candles(*map(np.concatenate, zip(*parts, strict=True)))


def _today(tape: Tape, i: int, until: float) -> Candles:
    """The day's own bars that open at or before `until`."""
    bars = tape.bars
    low, high = bars.rows(i)
    rows = slice(low, low + int(np.searchsorted(bars.time[low:high], until, side="right")))
    return _priced(
        bars.time[rows], bars.open[rows], bars.high[rows], bars.low[rows], bars.close[rows], bars.volume[rows]
    )


def _priced(time: Ints, open_: Floats, high: Floats, low: Floats, close: Floats, volume: Ints) -> Candles:
    """With the typical price of each bar for its average price, which tapes do not tell."""
    return Candles(time, open_, high, low, close, volume, (high + low + close) / 3.0)


def _daily(tape: Tape, board: Board, i: int) -> Candles:
    daily = tape.daily
    rows = slice(*daily.rows(i))
    past = _priced(
        daily.time[rows], daily.open[rows], daily.high[rows], daily.low[rows], daily.close[rows], daily.volume[rows]
    )
    if not board.traded[i]:
        return past
    today = (
        tape.midnight,
        board.day_open[i],
        board.day_high[i],
        board.day_low[i],
        board.last[i],
        board.day_volume[i],
        board.day_vwap[i],
    )
    return Candles(*(np.append(column, value) for column, value in zip(past, today, strict=True)))


def _buckets(times: Ints, timeframe: Timeframe) -> Ints:
    """Opening time of each bar's bucket; buckets are counted from midnight in New York of the one day of all bars."""
    if not len(times):
        return times
    local = datetime.fromtimestamp(int(times[0]), MARKET_ZONE)
    midnight = int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    return midnight + (times - midnight) // timeframe.seconds * timeframe.seconds


def _label(at: int, timeframe: Timeframe) -> int:
    """Midnight in New York of the Monday, or of the first of the first month, of the group of a day."""
    day = datetime.fromtimestamp(at, MARKET_ZONE)
    if timeframe.unit == "Week":
        first = day - timedelta(days=day.weekday())
    else:
        first = day.replace(day=1, month=(day.month - 1) // timeframe.amount * timeframe.amount + 1)
    return int(first.replace(hour=0, fold=0).astimezone(UTC).timestamp())


def _grouped(rows: Candles, keys: Ints) -> Candles:
    """One bar a run of equal keys."""
    if not len(keys):
        return rows
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    last = np.append(first[1:], len(keys)) - 1
    volume = np.add.reduceat(rows.volume, first)
    dollars = np.add.reduceat(rows.vwap * rows.volume, first)
    plain = np.add.reduceat(rows.vwap, first) / (last - first + 1)
    return Candles(
        keys[first],
        rows.open[first],
        np.maximum.reduceat(rows.high, first),
        np.minimum.reduceat(rows.low, first),
        rows.close[last],
        volume,
        np.where(volume > 0, dollars / np.maximum(volume, 1), plain),
    )
