"""One symbol's bars with what every pattern needs beside them: true range, sessions, VWAP, pivots."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from shared.domain.market import Bars, Floats

Timeframe = Literal["5Min", "1Day"]
ATR_BARS = 14
PIVOT_REACH = {"5Min": 3, "1Day": 2}
SESSION_GAP_SECONDS = 3 * 3600.0


class Turn(NamedTuple):
    """A pivot: bar number, price, and whether it is a high or a low."""

    bar: int
    price: float
    kind: Literal["high", "low"]


@dataclass(frozen=True)
class Frame:
    """Bars of one timeframe, all columns of shape (n,). `sign` is -1 where prices were mirrored.

    All tolerances are counted in `atr`, so that neither the price's scale nor its sign changes what is seen.
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
        known["atr"] = self.atr
        known["turns"] = tuple(
            Turn(bar, -price, "low" if kind == "high" else "high") for bar, price, kind in self.turns
        )
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
        """Pivots in time order, highs and lows alternating.

        A bar is a high pivot when no bar within `reach` on either side is higher (the first of equals counts): it is
        known `reach` bars later and never changes. Of several highs in a row the highest is kept, of lows the lowest.
        """
        reach = PIVOT_REACH[self.timeframe]
        found = [
            *(Turn(i, float(self.bars.high[i]), "high") for i in _peaks(self.bars.high, reach)),
            *(Turn(i, float(self.bars.low[i]), "low") for i in _peaks(-self.bars.low, reach)),
        ]
        kept: list[Turn] = []
        for turn in sorted(found):
            if kept and kept[-1].kind == turn.kind:
                better = turn.price > kept[-1].price if turn.kind == "high" else turn.price < kept[-1].price
                if better:
                    kept[-1] = turn
            else:
                kept.append(turn)
        return tuple(kept)

    @cached_property
    def session_start(self) -> int:
        """Number of the last session's first bar (intraday bars; 0 on daily ones)."""
        gaps = np.flatnonzero(np.diff(self.bars.start) > SESSION_GAP_SECONDS)
        return int(gaps[-1]) + 1 if len(gaps) and self.timeframe != "1Day" else 0

    @cached_property
    def session_vwap(self) -> Floats:
        """Volume-weighted average price of the last session, from its first bar on, USD."""
        part = self.bars.slice(self.session_start, len(self))
        typical = (part.high + part.low + part.close) / 3
        volume = np.cumsum(part.volume)
        weighted = np.cumsum(typical * part.volume)
        return np.divide(weighted, volume, out=typical.copy(), where=volume > 0)

    def volume_ratio(self, index: int) -> float:
        """A bar's volume over the mean of the twenty before it; 1.0 where there is nothing to compare with."""
        before = self.bars.volume[max(0, index - 20) : index]
        mean = float(before.mean()) if len(before) else 0.0
        return float(self.bars.volume[index]) / mean if mean > 0 else 1.0


def _peaks(values: Floats, reach: int) -> list[int]:
    """Numbers of the entries that no neighbour within `reach` exceeds, the first of equals only."""
    if len(values) < 2 * reach + 1:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(values, 2 * reach + 1)
    first_highest = windows.argmax(axis=1) == reach
    return [int(index) + reach for index in np.flatnonzero(first_highest)]
