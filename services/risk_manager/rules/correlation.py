"""How alike two names moved: Pearson's correlation of daily returns on the days both traded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from shared.domain.market import Bars, BarTable, Floats

DAYS, FEWEST_DAYS, STILL = 60, 20, 1e-20


@dataclass(frozen=True, slots=True)
class Returns:
    """Daily returns (a fraction of the close before), and the day each belongs to as its bar's epoch second; (n,)."""

    day: Floats
    change: Floats


def returns_of(bars: Bars) -> Returns:
    """Close-to-close returns; steps from or to a price that is not positive are left out."""
    before, after = bars.close[:-1], bars.close[1:]
    usable = (before > 0) & (after > 0)
    return Returns(bars.start[1:][usable], after[usable] / before[usable] - 1)


def returns_table(bars: BarTable) -> dict[str, Returns]:
    return {symbol: returns_of(one) for symbol, one in bars.items() if len(one) > 1}


def correlation(first: Returns, second: Returns) -> float | None:
    """Over the last 60 days that both have; None below 20 of them, or when one did not move at all."""
    a, b = first.change[-DAYS:], second.change[-DAYS:]
    if not np.array_equal(first.day[-DAYS:], second.day[-DAYS:]):
        _, left, right = np.intersect1d(first.day, second.day, assume_unique=True, return_indices=True)
        a, b = first.change[left][-DAYS:], second.change[right][-DAYS:]
    if len(a) < FEWEST_DAYS:
        return None
    a, b = a - a.mean(), b - b.mean()
    scale = sqrt(float(a @ a) * float(b @ b))
    return min(1.0, max(-1.0, float(a @ b) / scale)) if scale > STILL else None


def measured(symbol: str, others: Iterable[str], table: Mapping[str, Returns]) -> dict[str, float | None]:
    """The correlation of a symbol with each other one; None where they cannot be compared."""
    mine = table.get(symbol)
    return {
        other: correlation(mine, table[other]) if mine is not None and other in table else None
        for other in sorted({*others} - {symbol})
    }


def closest(
    symbol: str, others: frozenset[str], known: Mapping[str, float | None]
) -> tuple[tuple[str, float] | None, tuple[str, ...]]:
    """The holding that moved most like `symbol`, and how much; and those that cannot be compared with it."""
    found = [(other, known.get(other)) for other in sorted(others - {symbol})]
    compared = [(other, value) for other, value in found if value is not None]
    return max(compared, key=lambda pair: pair[1], default=None), tuple(
        other for other, value in found if value is None
    )
