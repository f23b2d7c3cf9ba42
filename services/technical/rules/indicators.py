"""The indicators of a crowd of symbols in one timeframe, each the value at the symbol's last complete bar.

Units: prices and ranges in USD, `*_pct` in percent, oscillators in [0, 100]. None: too little history, or no meaning
(an oscillator of a price that never moved). Definitions: Wilder 1978 (RSI, ATR, ADX), Appel (MACD), Lane (Stochastic),
Granville (OBV), Quong and Soudack (MFI), Bollinger 2001; parameters are in the names.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from services.technical.rules.recursive import NAMES as RECURSIVE
from services.technical.rules.recursive import recursive
from services.technical.rules.windows import session_vwap, windows
from shared.domain.market import Bars, Floats

Values = dict[str, float | None]
NAMES = (
    "close", "rsi_14", "macd", "macd_signal", "macd_histogram", "ema_9", "ema_20", "ema_50", "ema_200", "sma_20",
    "sma_50", "bollinger_upper", "bollinger_middle", "bollinger_lower", "bollinger_position", "atr_14", "atr_pct",
    "adx_14", "plus_di_14", "minus_di_14", "stochastic_k", "stochastic_d", "obv", "obv_slope", "mfi_14", "roc_10",
    "volume_ratio",
)  # fmt: skip
VWAP_NAMES = ("vwap", "vwap_upper_1", "vwap_lower_1", "vwap_upper_2", "vwap_lower_2", "vwap_position")


def indicators(crowd: Sequence[Bars]) -> list[Values]:
    """All names of NAMES for each. Bars must be whole (see columns.whole); any length, zero included.

    A symbol's values are the same, bit for bit, alone and in any company.
    """
    if not crowd:
        return []
    found = windows(crowd)
    found |= zip(RECURSIVE, np.array([recursive(bars) for bars in crowd]).T, strict=True)
    with np.errstate(all="ignore"):
        found["atr_pct"] = np.where(found["atr_14"] > 0, 100 * found["atr_14"] / found["close"], np.nan)
    return _values(NAMES, found)


def vwaps(crowd: Sequence[Bars]) -> list[Values]:
    """All names of VWAP_NAMES for each, from the bars of one session."""
    return _values(VWAP_NAMES, session_vwap(crowd)) if crowd else []


def _values(names: Sequence[str], columns: Mapping[str, Floats]) -> list[Values]:
    """A mapping for each symbol: numbers fit for JSON and SQL, None for what is not finite."""
    table = np.stack([columns[name] for name in names], axis=1)
    numbers = table.astype(object)
    numbers[~np.isfinite(table)] = None
    return [dict(zip(names, row, strict=True)) for row in numbers.tolist()]
