"""Momentum and volume as cross-sectional percentiles, and the order they give."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.domain.market import Floats

# Parts of the momentum score: what the day did counts twice (as a move and as a gap), where the price stands in the day
# as much as the two weeks before it. Each part is a percentile among the symbols that were not dropped.
MOMENTUM_WEIGHTS = {
    "change_pct": 0.25,
    "gap_pct": 0.15,
    "return_5d_pct": 0.15,
    "return_20d_pct": 0.15,
    "vwap_distance_pct": 0.15,
    "high_distance_pct": 0.15,
}
VOLUME_WEIGHTS = {"rvol": 0.5, "dollar_volume": 0.5}
RANK_WEIGHTS = {"momentum_score": 0.5, "volume_score": 0.5}


@dataclass(frozen=True, slots=True)
class Ranks:
    """Scores in [0, 1] of the symbols asked, and their order (places in the input, best first)."""

    momentum: Floats
    volume: Floats
    order: NDArray[np.int64]


def percentiles(values: Floats) -> Floats:
    """Place of each value among the finite ones, 0 the lowest to 1 the highest, ties sharing their average place.

    What is not finite is neither good nor bad: 0.5.
    """
    result = np.full(len(values), 0.5)
    finite = np.isfinite(values)
    count = int(finite.sum())
    if count < 2:
        return result
    _, place, ties = np.unique(values[finite], return_inverse=True, return_counts=True)
    average = np.cumsum(ties) - (ties + 1) / 2
    result[finite] = average[place] / (count - 1)
    return result


def blend(columns: dict[str, Floats], weights: dict[str, float]) -> Floats:
    """Weighted mean of the columns' percentiles, in [0, 1]."""
    total = sum(weights.values())
    score = sum((weight * percentiles(columns[name]) for name, weight in weights.items()), np.zeros(1))
    return np.clip(np.asarray(score, dtype=np.float64) / total, 0.0, 1.0)


def ranks(symbols: NDArray[np.str_], columns: dict[str, Floats]) -> Ranks:
    """Score and order symbols by their columns (those named in the weights above); ties go by symbol."""
    if not len(symbols):
        nothing = np.empty(0)
        return Ranks(nothing, nothing, np.empty(0, dtype=np.int64))
    momentum, volume = blend(columns, MOMENTUM_WEIGHTS), blend(columns, VOLUME_WEIGHTS)
    both = RANK_WEIGHTS["momentum_score"] * momentum + RANK_WEIGHTS["volume_score"] * volume
    return Ranks(momentum, volume, np.lexsort((symbols, -both)).astype(np.int64))
