"""The indicators of one symbol in one timeframe, each the value at the last complete bar. TA-Lib computes.

Units: prices and ranges in USD, `*_pct` in percent, oscillators in [0, 100]. None: too little history, or no meaning
(an oscillator of a price that never moved). Definitions: Wilder 1978 (RSI, ATR, ADX), Appel (MACD), Lane (Stochastic),
Granville (OBV), Quong and Soudack (MFI), Bollinger 2001; parameters are in the names.
"""

import math

import numpy as np

from shared.domain.market import Bars, Floats
from shared.ta import talib as ta

Values = dict[str, float | None]
SLOPE_BARS = 10
NAMES = (
    "close", "rsi_14", "macd", "macd_signal", "macd_histogram", "ema_9", "ema_20", "ema_50", "ema_200", "sma_20",
    "sma_50", "bollinger_upper", "bollinger_middle", "bollinger_lower", "bollinger_position", "atr_14", "atr_pct",
    "adx_14", "plus_di_14", "minus_di_14", "stochastic_k", "stochastic_d", "obv", "obv_slope", "mfi_14", "roc_10",
    "volume_ratio",
)  # fmt: skip
VWAP_NAMES = ("vwap", "vwap_upper_1", "vwap_lower_1", "vwap_upper_2", "vwap_lower_2", "vwap_position")


def finite(value: float) -> float | None:
    """A number fit for JSON and SQL, or None."""
    number = float(value)
    return number if math.isfinite(number) else None


def ratio(above: float | None, below: float | None) -> float | None:
    """`above / below`; None when either is missing or `below` is zero."""
    return finite(above / below) if above is not None and below else None


def indicators(bars: Bars) -> Values:
    """All names of NAMES. `bars` must be whole (see columns.whole); any length, zero included."""
    values: Values = dict.fromkeys(NAMES)
    if len(bars) < 2:
        return values | {"close": finite(bars.close[-1])} if len(bars) else values
    high, low, close, volume = (np.ascontiguousarray(x, dtype=np.float64) for x in _columns(bars))
    last: Values = {"close": finite(close[-1]), **_averages(close)}
    last |= _momentum(high, low, close) | _range(high, low, close) | _volume(high, low, close, volume)
    return values | last


def _columns(bars: Bars) -> tuple[Floats, Floats, Floats, Floats]:
    return bars.high, bars.low, bars.close, bars.volume


def _averages(close: Floats) -> Values:
    values: Values = {f"ema_{n}": finite(ta.EMA(close, n)[-1]) for n in (9, 20, 50, 200)}
    values |= {f"sma_{n}": finite(ta.SMA(close, n)[-1]) for n in (20, 50)}
    upper, middle, lower = (finite(line[-1]) for line in ta.BBANDS(close, 20, 2.0, 2.0))
    values |= {"bollinger_upper": upper, "bollinger_middle": middle, "bollinger_lower": lower}
    if upper is not None and lower is not None:
        values["bollinger_position"] = ratio(float(close[-1]) - lower, upper - lower)
    return values


def _momentum(high: Floats, low: Floats, close: Floats) -> Values:
    macd, signal, histogram = (finite(line[-1]) for line in ta.MACD(close, 12, 26, 9))
    values: Values = {"macd": macd, "macd_signal": signal, "macd_histogram": histogram}
    moved = close.min() < close.max()
    values["rsi_14"] = finite(ta.RSI(close, 14)[-1]) if moved else None  # TA-Lib calls a flat line 0: oversold
    values["roc_10"] = finite(ta.ROC(close, 10)[-1])
    if len(close) >= 18:  # 14 for %K, two smoothings of 3
        k, d = ta.STOCH(high, low, close, 14, 3, 0, 3, 0)
        if (ta.MAX(high, 14)[-5:] > ta.MIN(low, 14)[-5:]).all():  # the five windows that %D rests on
            values |= {"stochastic_k": finite(k[-1]), "stochastic_d": finite(d[-1])}
    return values


def _range(high: Floats, low: Floats, close: Floats) -> Values:
    atr = finite(ta.ATR(high, low, close, 14)[-1])
    values: Values = {"atr_14": atr}
    if not atr:
        return values
    values["atr_pct"] = ratio(atr * 100, float(close[-1]))
    values["adx_14"] = finite(ta.ADX(high, low, close, 14)[-1])
    values["plus_di_14"] = finite(ta.PLUS_DI(high, low, close, 14)[-1])
    values["minus_di_14"] = finite(ta.MINUS_DI(high, low, close, 14)[-1])
    return values


def _volume(high: Floats, low: Floats, close: Floats, volume: Floats) -> Values:
    obv = ta.OBV(close, volume)
    values: Values = {"obv": finite(obv[-1])}
    if len(close) > SLOPE_BARS:
        traded = float(volume[-SLOPE_BARS:].sum())
        values["obv_slope"] = ratio(float(obv[-1] - obv[-1 - SLOPE_BARS]), traded)
    if len(close) > 14:
        typical = (high[-15:] + low[-15:] + close[-15:]) / 3
        flow = float((typical[1:] * volume[-14:])[np.diff(typical) != 0].sum())
        values["mfi_14"] = finite(ta.MFI(high, low, close, volume, 14)[-1]) if flow >= 1 else None
    if len(volume) > 20:
        values["volume_ratio"] = ratio(float(volume[-1]), float(volume[-21:-1].mean()))
    return values


def session_vwap(session: Bars) -> Values:
    """Volume-weighted average price of one session's bars with bands of one and two standard deviations.

    Typical price (h+l+c)/3 weighted by volume; sigma is the volume-weighted deviation of it, so a bar's own width does
    not count. `vwap_position` is the last close's distance from VWAP in sigmas. All None without volume.
    """
    values: Values = dict.fromkeys(VWAP_NAMES)
    traded = float(session.volume.sum()) if len(session) else 0.0
    if traded <= 0 or not math.isfinite(traded):
        return values
    typical = (session.high + session.low + session.close) / 3
    vwap = float((typical * session.volume).sum() / traded)
    variance = float((session.volume * (typical - vwap) ** 2).sum() / traded)
    if not (math.isfinite(vwap) and math.isfinite(variance)):
        return values
    sigma = math.sqrt(variance)
    values["vwap"] = vwap
    for bands in (1, 2):
        values |= {f"vwap_upper_{bands}": vwap + bands * sigma, f"vwap_lower_{bands}": vwap - bands * sigma}
    distance = float(session.close[-1]) - vwap
    values["vwap_position"] = ratio(distance, sigma) if sigma > vwap * 1e-9 else None
    return values
