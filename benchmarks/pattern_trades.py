"""What an entry at a bar's open came to, with a stop and a target: for a pattern's entries and for random ones."""

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.domain.market import Bars

CERTAIN = 1.96


@dataclass(frozen=True)
class Plan:
    """An entry at the open of bar `at`, held to the close of bar `end` - 1. Distances are fractions of the entry."""

    at: int
    end: int
    long: bool
    stop: float
    target: float


@dataclass
class Tally:
    """Counts of what entries came to; `gain` sums signed returns to the exit, `forward` those to the time's end."""

    target: int = 0
    stop: int = 0
    neither: int = 0
    gain: float = 0.0
    squares: float = 0.0
    forward: float = 0.0

    @property
    def count(self) -> int:
        return self.target + self.stop + self.neither

    @property
    def decided(self) -> int:
        return self.target + self.stop

    @property
    def hit_rate(self) -> float:
        return self.target / self.decided if self.decided else math.nan

    @property
    def mean(self) -> float:
        return self.gain / self.count if self.count else math.nan

    @property
    def mean_forward(self) -> float:
        return self.forward / self.count if self.count else math.nan

    @property
    def error(self) -> float:
        """Standard error of the mean return."""
        if self.count < 2:
            return math.nan
        return math.sqrt(max(0.0, self.squares / self.count - self.mean**2) / self.count)

    def add(self, bars: Bars, plan: Plan) -> None:
        """Play one entry. A bar that touches both is a stop; one that opens beyond a level fills at its open."""
        entry, side = float(bars.open[plan.at]), 1 if plan.long else -1
        worst = bars.low if plan.long else bars.high
        best = bars.high if plan.long else bars.low
        inside = slice(plan.at, plan.end)
        against = side * (worst[inside] / entry - 1)
        along = side * (best[inside] / entry - 1)
        stopped = _first(against <= -plan.stop)
        reached = _first(along >= plan.target)
        last = side * (float(bars.close[plan.end - 1]) / entry - 1)
        self.forward += last
        if stopped is not None and (reached is None or stopped <= reached):
            opened = side * (float(bars.open[plan.at + stopped]) / entry - 1)
            self._book("stop", min(-plan.stop, opened))
        elif reached is not None:
            opened = side * (float(bars.open[plan.at + reached]) / entry - 1)
            self._book("target", max(plan.target, opened))
        else:
            self._book("neither", last)

    def _book(self, how: str, gain: float) -> None:
        setattr(self, how, getattr(self, how) + 1)
        self.gain += gain
        self.squares += gain * gain

    def merge(self, other: "Tally") -> None:
        for name in ("target", "stop", "neither", "gain", "squares", "forward"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class Pair:
    """A pattern's entries and the random ones drawn against them."""

    own: Tally = field(default_factory=Tally)
    random: Tally = field(default_factory=Tally)

    def merge(self, other: "Pair") -> None:
        self.own.merge(other.own)
        self.random.merge(other.random)


class Key(NamedTuple):
    """What entries are counted by: the pattern, whether volume confirmed it, whether its fit was among the better."""

    timeframe: str
    name: str
    volume: bool
    fits: bool


class Table(defaultdict[Key, Pair]):
    """All entries of one period."""

    def __init__(self) -> None:
        super().__init__(Pair)

    def total(self, wanted: Callable[[Key], bool]) -> Pair:
        """The sum of what is wanted."""
        result = Pair()
        for key, pair in self.items():
            if wanted(key):
                result.merge(pair)
        return result


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of a rate (Wilson, Journal of the American Statistical Association 22, 1927)."""
    if not count:
        return 0.0, 1.0
    rate, z2 = hits / count, CERTAIN**2
    middle = (rate + z2 / (2 * count)) / (1 + z2 / count)
    half = CERTAIN / (1 + z2 / count) * math.sqrt(rate * (1 - rate) / count + z2 / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def _first(hit: NDArray[np.bool_]) -> int | None:
    place = int(hit.argmax())
    return place if hit[place] else None
