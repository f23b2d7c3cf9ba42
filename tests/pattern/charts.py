"""Drawn charts: straight legs between corner points, with a little seeded noise."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from shared.domain.market import Bars, Floats

STEP = 300.0
YESTERDAY = 1_750_080_600.0
TODAY = YESTERDAY + 86_400.0


def drawn(corners: list[tuple[int, float]], noise: float = 0.0, seed: int = 1, start: float = YESTERDAY) -> Bars:
    """5-minute bars whose closes run through `corners` = (bar number, price); bodies are half a noise wide."""
    last = corners[-1][0]
    path = np.interp(np.arange(last + 1), [at for at, _ in corners], [price for _, price in corners])
    rng = np.random.default_rng(seed)
    close = path + rng.normal(0, noise, last + 1) if noise else path
    open_ = np.concatenate((close[:1], close[:-1]))
    wick = 0.02 + np.abs(rng.normal(0, noise / 2, last + 1))
    high, low = np.maximum(open_, close) + wick, np.minimum(open_, close) - wick
    times = start + STEP * np.arange(last + 1)
    return bars_of("TEST", [times, open_, high, low, close, np.full(last + 1, 10_000.0)])


def bars_of(symbol: str, columns: Iterable[Any]) -> Bars:
    """Bars from six columns: start, open, high, low, close, volume."""
    start, open_, high, low, close, volume = (np.asarray(column, dtype=np.float64) for column in columns)
    return Bars(symbol, start, open_, high, low, close, volume)


def columns_of(bars: Bars) -> tuple[Floats, ...]:
    return (bars.start, bars.open, bars.high, bars.low, bars.close, bars.volume)


def flipped(bars: Bars, around: float = 200.0) -> Bars:
    """The same chart upside down, at positive prices."""
    return Bars(
        bars.symbol,
        bars.start,
        around - bars.open,
        around - bars.low,
        around - bars.high,
        around - bars.close,
        bars.volume,
    )


def scaled(bars: Bars, price: float, volume: float) -> Bars:
    prices = (column * price for column in (bars.open, bars.high, bars.low, bars.close))
    return bars_of(bars.symbol, (bars.start, *prices, bars.volume * volume))
