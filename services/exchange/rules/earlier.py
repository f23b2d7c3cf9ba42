"""Bars of a session before the day that is played. They are shown as the past and never traded on, so they are packed:
24 bytes a bar instead of 56, and exact to the four decimals in which prices are told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from services.exchange.rules.calendar import previous_trading_day

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Unsigned = NDArray[np.unsignedinteger]
IN_A_DOLLAR = 10_000
MOST_SESSIONS = 3
"""What the pattern service's window of five days holds on a Monday; the technical service would take five."""
MOST_BARS = 2_400_000
"""58 MB. Three sessions of five-minute bars of 7,000 names are 1.6 million, one of one-minute bars of 6,000 is 2.3."""


def days_before(day: date, recorded: Collection[date]) -> list[date]:
    """The recorded sessions just before `day`, newest first: up to the first trading day that was not recorded, for
    whoever asks takes the last session that is served for the one before."""
    found = list[date]()
    while len(found) < MOST_SESSIONS and (day := previous_trading_day(day)) in recorded:
        found.append(day)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Earlier:
    """One whole session; bars of symbol i are rows `offsets[i]:offsets[i + 1]`, sorted by time.

    `time` is the opening of a bar in epoch seconds; `prices` are open, high, low and close in ten-thousandths of a USD.
    """

    closes: float
    offsets: Ints
    time: Unsigned
    prices: tuple[Unsigned, ...]
    volume: Unsigned

    def bars(self, i: int, until: float) -> tuple[Ints, Floats, Floats, Floats, Floats, Ints]:
        """Time, open, high, low, close and volume of symbol i's bars that open at or before `until`."""
        low, high = int(self.offsets[i]), int(self.offsets[i + 1])
        times = self.time[low:high].astype(np.int64)
        rows = slice(low, low + int(np.searchsorted(times, until, side="right")))
        open_, top, bottom, close = (column[rows] / IN_A_DOLLAR for column in self.prices)
        return times[: rows.stop - low], open_, top, bottom, close, self.volume[rows].astype(np.int64)


def packed(closes: float, offsets: Ints, time: Ints, prices: Sequence[Floats], volume: Ints) -> Earlier:
    """Columns in USD (open, high, low, close), shares and epoch seconds, none of them negative, made small."""
    ticks = (np.rint(column * IN_A_DOLLAR).astype(np.int64) for column in prices)
    return Earlier(closes, offsets, _narrow(time), tuple(map(_narrow, ticks)), _narrow(volume))


def _narrow(column: Ints) -> Unsigned:
    """Four bytes each where they hold the largest: prices below 429,496 USD, times before 2106."""
    fits = not len(column) or int(column.max()) <= np.iinfo(np.uint32).max
    return column.astype(np.uint32 if fits else np.uint64)
