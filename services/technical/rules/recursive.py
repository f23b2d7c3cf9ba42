"""The indicators that remember all of their history, one symbol at a time. TA-Lib computes.

Each starts from a seed at the first bar where it can, so the same history gives the same value in any company.
"""

import numpy as np

from shared.domain.market import Bars, Floats
from shared.ta import talib as ta

NAMES = (
    "ema_9", "ema_20", "ema_50", "ema_200", "macd", "macd_signal", "macd_histogram", "rsi_14", "atr_14", "adx_14",
    "plus_di_14", "minus_di_14", "obv",
)  # fmt: skip
FEWEST = 2
"""Bars without which TA-Lib refuses to look."""


def recursive(bars: Bars) -> list[float]:
    """The values of NAMES at the last bar; NaN: too little history, or no meaning. `bars` must be whole."""
    if len(bars) < FEWEST:
        return [np.nan] * len(NAMES)
    high, low, close, volume = map(_column, (bars.high, bars.low, bars.close, bars.volume))
    lines = [ta.EMA(close, count) for count in (9, 20, 50, 200)]
    lines += ta.MACD(close, 12, 26, 9)
    values = [float(line[-1]) for line in lines]
    return [*values, _strength(close), *_range(high, low, close), float(ta.OBV(close, volume)[-1])]


def _column(values: Floats) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


def _strength(close: Floats) -> float:
    """Wilder's RSI; NaN for a price that never moved, which TA-Lib calls 0, oversold."""
    value = float(ta.RSI(close, 14)[-1])
    return np.nan if value == 0 and close.min() == close.max() else value


def _range(high: Floats, low: Floats, close: Floats) -> list[float]:
    """ATR, ADX, +DI, -DI; without any range there is no direction either."""
    atr = float(ta.ATR(high, low, close, 14)[-1])
    if not atr > 0:
        return [atr, np.nan, np.nan, np.nan]
    lines = (ta.ADX(high, low, close, 14), ta.PLUS_DI(high, low, close, 14), ta.MINUS_DI(high, low, close, 14))
    return [atr, *(float(line[-1]) for line in lines)]
