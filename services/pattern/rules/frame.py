"""One symbol's bars with what every pattern needs beside them: true range, pivots, sessions, VWAP, volume ratios."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np

from services.pattern.rules.pivots import Turn, turning_points, upside_down
from shared.domain.market import Bars, Floats

Timeframe = Literal["5Min", "1Day"]
ATR_BARS = 14
VOLUME_BARS = 20
SESSION_GAP_SECONDS = 3 * 3600.0


@dataclass(frozen=True)
class Frame:
    """Bars of one timeframe, all columns of shape (n,). `sign` is -1 where prices were mirrored.

    Tolerances are counted in `atr` or in a figure's height, so that neither the price's scale nor its sign changes what
    is seen. Every column holds at bar i what was known at its close.
    """

    bars: Bars
    timeframe: Timeframe
    sign: int = 1

    def __len__(self) -> int:
        return len(self.bars)

    @cached_property
    def mirrored(self) -> "Frame":
        """The chart upside down: a bear flag here is a bull flag there. Ranges stay, pivots change sides."""
        bars = self.bars
        turned = replace(bars, open=-bars.open, high=-bars.low, low=-bars.high, close=-bars.close)
        frame = Frame(turned, self.timeframe, -self.sign)
        known = frame.__dict__
        known["atr"], known["turns"] = self.atr, upside_down(self.turns)
        known["session_starts"], known["session_ranges"] = self.session_starts, self.session_ranges
        known["volume_ratio"] = self.volume_ratio
        return frame

    @cached_property
    def atr(self) -> Floats:
        """Wilder's average true range (New Concepts in Technical Trading Systems, 1978), USD, from the first bar on."""
        high, low, close = self.bars.high, self.bars.low, self.bars.close
        before = np.concatenate((close[:1], close[:-1]))
        true_range = np.maximum(high, before) - np.minimum(low, before)
        result, running = list[float](), 0.0
        for count, value in enumerate(true_range.tolist(), 1):
            running += (value - running) / (count if count < ATR_BARS else ATR_BARS)
            result.append(running)
        return np.array(result, dtype=np.float64)

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """Pivots in time order, highs and lows alternating; see pivots.py for the rule."""
        return turning_points(self.bars.high, self.bars.low, self.atr)

    def windows(self, size: int, since: int) -> Iterator[tuple[Turn, ...]]:
        """Every `size` pivots in a row of which the last lies at bar `since` or later."""
        for end in range(len(self.turns), size - 1, -1):
            if self.turns[end - 1].bar < since:
                return
            yield self.turns[end - size : end]

    @cached_property
    def session_starts(self) -> tuple[int, ...]:
        """Number of each session's first bar; empty on daily bars."""
        if self.timeframe == "1Day" or not len(self):
            return ()
        gaps = np.flatnonzero(np.diff(self.bars.start) > SESSION_GAP_SECONDS) + 1
        return (0, *(int(gap) for gap in gaps))

    @cached_property
    def session_ranges(self) -> tuple[float, ...]:
        """Each whole session's high less its low, USD: of all but the last."""
        highs, lows = self.bars.high, self.bars.low
        return tuple(float(highs[a:b].max() - lows[a:b].min()) for a, b in pairwise(self.session_starts))

    def session_vwap(self, first: int, last: int) -> Floats:
        """Volume-weighted average price since the session's first bar, USD, for its bars `first` to before `last`."""
        part = self.bars.slice(first, last)
        typical = (part.high + part.low + part.close) / 3
        volume = np.cumsum(part.volume)
        weighted = np.cumsum(typical * part.volume)
        return np.divide(weighted, volume, out=typical.copy(), where=volume > 0)

    @cached_property
    def volume_ratio(self) -> Floats:
        """Each bar's volume over the mean of up to twenty before it; 1.0 where there is nothing to compare with."""
        volume = self.bars.volume
        total = np.concatenate(([0.0], np.cumsum(volume)))
        numbers = np.arange(len(volume))
        first = np.maximum(0, numbers - VOLUME_BARS)
        mean = (total[numbers] - total[first]) / np.maximum(1, numbers - first)
        return np.divide(volume, mean, out=np.ones(len(volume)), where=mean > 0)
