"""Which of a symbol's bars may be read: whole ones, traded ones, and only those since the last split."""

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from shared.domain.market import SUB_DOLLAR_TICK, Bars

ENOUGH_BARS, LEAST_PRICE = 12, float(SUB_DOLLAR_TICK)
SPLITS = np.array([2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100])
CLOSE_TO_RATIO, USUAL_RANGES = 0.02, 4.0


class Usable(NamedTuple):
    """The bars that may be read, what was left out and why, and why none of them can be used (None: they can)."""

    bars: Bars
    notes: tuple[str, ...]
    refused: str | None


def usable(bars: Bars) -> Usable:
    """Broken bars are left out, and everything before a split that the prices were not adjusted for."""
    sound = whole(bars)
    notes = [f"{counted(len(bars) - len(sound), 'broken bar')} left out"] * (len(sound) < len(bars))
    split = last_split(sound)
    if split:
        jump = float(sound.open[split] / sound.close[split - 1])
        day = datetime.fromtimestamp(float(sound.start[split]), UTC).date()
        before = counted(split, "bar")
        notes.append(f"{before} before a jump to {jump:.3g} times the price on {day}, a split by its looks, left out")
        sound = sound.slice(split, len(sound))
    return Usable(sound, tuple(notes), _refusal(sound))


def whole(bars: Bars) -> Bars:
    """Only bars with four finite, ordered prices of a tick or more and a volume of zero or more."""
    good = np.isfinite(bars.open + bars.high + bars.low + bars.close + bars.volume) & (bars.low >= LEAST_PRICE)
    good &= (bars.high >= np.maximum(bars.open, bars.close)) & (bars.low <= np.minimum(bars.open, bars.close))
    good &= bars.volume >= 0
    if good.all():
        return bars
    columns = (bars.start, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return Bars(bars.symbol, *(column[good] for column in columns))


def last_split(bars: Bars) -> int:
    """Number of the first bar after the last jump that looks like a split; 0 when there is none.

    A split moves the price by a whole ratio between two bars and leaves its liveliness alone; news that moves it as far
    makes the bar itself wide. So: within 2 % of a ratio, and a bar not over four times as wide as the ones before.
    Bars come adjusted for splits, so this is for those that are not yet. Three for two is left alone: in 138 days of
    2,000 names' adjusted bars twenty had such a jump, on news, and such a name is one to look at.
    """
    if len(bars) < 2:
        return 0
    jump = bars.open[1:] / bars.close[:-1]
    jump = np.maximum(jump, 1 / jump)
    for index in reversed(np.flatnonzero(jump > SPLITS[0] * (1 - CLOSE_TO_RATIO)) + 1):
        before = bars.slice(max(0, index - 20), index)
        usual = float(np.mean((before.high - before.low) / before.close))
        wide = float((bars.high[index] - bars.low[index]) / bars.close[index])
        if np.min(np.abs(jump[index - 1] / SPLITS - 1)) <= CLOSE_TO_RATIO and wide <= USUAL_RANGES * usual:
            return int(index)
    return 0


def counted(number: int, what: str) -> str:
    """One bar, two bars."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _refusal(bars: Bars) -> str | None:
    if len(bars) < ENOUGH_BARS:
        return f"too little history: {counted(len(bars), 'bar')} ({ENOUGH_BARS} needed)"
    if not bars.volume.any():
        return f"no volume in {len(bars)} bars"
    if bars.high.max() == bars.low.min():
        return f"one price in {len(bars)} bars"
    return None
