"""The 61 candlestick functions of TA-Lib, on the last complete bar of a chart."""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from services.pattern.rules.frame import Frame
from services.pattern.rules.worth import candle_confidence
from shared.domain.evidence import Detection, Direction
from shared.domain.market import Bars, Floats
from shared.ta import talib

FUNCTIONS: tuple[str, ...] = tuple(talib.get_function_groups()["Pattern Recognition"])
_CALLS = tuple(getattr(talib, name) for name in FUNCTIONS)
NAMES: tuple[str, ...] = tuple(f"candle_{name.removeprefix('CDL').lower()}" for name in FUNCTIONS)
UNDECIDED = {
    "CDLDOJI", "CDLDRAGONFLYDOJI", "CDLGRAVESTONEDOJI", "CDLHIGHWAVE", "CDLLONGLEGGEDDOJI", "CDLRICKSHAWMAN",
    "CDLSHORTLINE", "CDLSPINNINGTOP",
}  # fmt: skip
"""Their sign is always positive, or tells the candle's colour: as TA-Lib's own source says of them, it does not mean
bullish or bearish."""
LOOKBACK = 40


def candlesticks(frame: Frame) -> tuple[Detection, ...]:
    """Those that the chart's last bar completes. TA-Lib tells the direction by the sign, of a doji none.

    TA-Lib keeps running sums, whose rounding depends on every bar before: it is given the last forty bars of this chart
    and nothing else, so that the answer depends neither on older bars nor on other charts. None looks further back.
    """
    if len(frame) < LOOKBACK:
        return ()
    last = frame.bars.tail(LOOKBACK)
    return _detections(frame, marks(*(np.ascontiguousarray(line) for line in _prices(last)))[:, -1])


def _prices(bars: Bars) -> tuple[Floats, Floats, Floats, Floats]:
    return bars.open, bars.high, bars.low, bars.close


def marks(open_: Floats, high: Floats, low: Floats, close: Floats) -> NDArray[np.int32]:
    """TA-Lib's answer for each function and bar, of shape (61, n): above zero bullish, below bearish."""
    return np.stack([function(open_, high, low, close) for function in _CALLS])


def direction(number: int, mark: int) -> Direction:
    """Which way the function of that number points with that mark."""
    if FUNCTIONS[number] in UNDECIDED:
        return "neutral"
    return "long" if mark > 0 else "short"


def _detections(frame: Frame, values: NDArray[np.int32]) -> tuple[Detection, ...]:
    at = datetime.fromtimestamp(float(frame.bars.start[-1]), UTC)
    return tuple(
        Detection(
            name=NAMES[number],
            timeframe=frame.timeframe,
            direction=direction(number, int(values[number])),
            status="confirmed",
            confidence=candle_confidence(frame.timeframe),
            reason="completed by the last bar",
            started_at=at,
            ended_at=at,
        )
        for number in np.flatnonzero(values).tolist()
    )
