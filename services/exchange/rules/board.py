"""The whole market as it is known at one moment, computed for all symbols at once."""

from dataclasses import dataclass

import numpy as np

from services.exchange.rules.spread import Quote, quote_around
from services.exchange.rules.tape import Floats, Ints, Tape


@dataclass(frozen=True, slots=True)
class Board:
    """One entry a symbol, in the order of `tape.assets`. Nothing in it is later than `valid_from`.

    `last`/`when`: last known trade (USD, epoch s), NaN/0 if never traded. `running`: that trade opened a bar still
    forming. `done`: row of the last completed bar of the day, -1 before the first. Day columns are built from
    completed bars and the running bar's open; `traded` says that the day has begun for the symbol. `previous`: row of
    the last daily row, -1 without history. `quotes`: None where there is no quote.
    """

    valid_from: float
    valid_until: float
    last: Floats
    when: Floats
    running: np.ndarray
    done: Ints
    traded: np.ndarray
    day_open: Floats
    day_high: Floats
    day_low: Floats
    day_volume: Ints
    day_vwap: Floats
    previous: Ints
    previous_close: Floats
    quotes: tuple[Quote | None, ...]

    def holds_at(self, at: float) -> bool:
        """No bar has begun or ended between the moment of the board and `at`."""
        return self.valid_from <= at < self.valid_until


def _bounds(tape: Tape, at: float) -> tuple[float, float]:
    """The span around `at` in which the board stays the same: between two steps of the grid, halts and delistings."""
    marks = [tape.session.open, tape.session.close]
    marks += [edge for spans in tape.halts.values() for span in spans for edge in span]
    marks += list(tape.delistings.values())
    low, high = float("-inf"), float("inf")
    if tape.session.open <= at < tape.session.close:
        low = at - (at - tape.session.open) % tape.bar_seconds
        high = low + tape.bar_seconds
    return max([low, *(m for m in marks if m <= at)]), min([high, *(m for m in marks if m > at)])


def _over(pick: np.ufunc, column: Floats | Ints, low: Ints, high: Ints, empty: float) -> Floats:
    """`pick` (maximum, minimum, add) over column[low:high] for each symbol; `empty` where there are no rows."""
    answer = np.full(len(low), empty)
    some = np.flatnonzero(high > low)
    if len(some):
        edges = np.column_stack((low[some], high[some])).ravel()
        if edges[-1] == len(column):
            edges = edges[:-1]
        answer[some] = pick.reduceat(column, edges)[::2]
    return answer


def board_at(tape: Tape, at: float, spread_bps: float) -> Board:
    """The market at `at`. The running bar gives its open and nothing else."""
    bars, count = tape.bars, len(tape.assets)
    low = bars.offsets[:-1]
    if at < tape.session.open:
        begun = np.zeros(len(bars.time) + 1, dtype=np.int64)
    else:
        begun = np.concatenate(([0], np.cumsum(bars.time <= at, dtype=np.int64)))
    started = low + begun[bars.offsets[1:]] - begun[low]
    traded = started > low
    row = np.where(traded, started - 1, 0)
    running = traded & (bars.time[row] + tape.bar_seconds > at)
    ended = started - running
    opened = np.where(running, bars.open[row], np.nan)
    highest = np.fmax(_over(np.maximum, bars.high, low, ended, np.nan), opened)
    lowest = np.fmin(_over(np.minimum, bars.low, low, ended, np.nan), opened)
    volume = _over(np.add, bars.volume, low, ended, 0.0)
    dollars = _over(np.add, tape.bar_dollars, low, ended, 0.0)
    previous = np.where(tape.daily.offsets[1:] > tape.daily.offsets[:-1], tape.daily.offsets[1:] - 1, -1)
    history = previous >= 0
    if len(tape.daily.time):
        close = np.where(history, tape.daily.close[previous], np.nan)
        closed_at = np.where(history, tape.daily_close_at[previous], 0)
    else:
        close, closed_at = np.full(count, np.nan), np.zeros(count)
    last = np.where(traded, np.where(running, bars.open[row], bars.close[row]), close)
    when = np.where(traded, bars.time[row] + np.where(running, 0, tape.bar_seconds), closed_at)
    valid_from, valid_until = _bounds(tape, at)
    return Board(
        valid_from=valid_from,
        valid_until=valid_until,
        last=last,
        when=when.astype(np.float64),
        running=running,
        done=np.where(ended > low, ended - 1, -1),
        traded=traded,
        day_open=np.where(traded, bars.open[np.where(traded, low, 0)], np.nan),
        day_high=highest,
        day_low=lowest,
        day_volume=volume.astype(np.int64),
        day_vwap=np.where(volume > 0, dollars / np.maximum(volume, 1), opened),
        previous=previous,
        previous_close=close,
        quotes=_quotes(tape, at, last, spread_bps),
    )


def _quotes(tape: Tape, at: float, last: Floats, spread_bps: float) -> tuple[Quote | None, ...]:
    silent = {
        symbol for symbol in (*tape.halts, *tape.delistings) if tape.halted(symbol, at) or tape.delisted(symbol, at)
    }
    closed = {tape.index[symbol] for symbol in silent if symbol in tape.index}
    known = np.isfinite(last)
    pairs = zip(last.tolist(), tape.dollar_volume.tolist(), known.tolist(), strict=True)
    return tuple(
        quote_around(price, volume, spread_bps) if there and i not in closed else None
        for i, (price, volume, there) in enumerate(pairs)
    )
