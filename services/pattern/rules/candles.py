"""The 61 candlestick functions of TA-Lib, on the last complete bar of many charts at once."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from services.pattern.rules.frame import Frame
from services.pattern.rules.worth import candle_confidence
from shared.domain.evidence import Detection, Direction
from shared.domain.market import Floats
from shared.ta import talib

FUNCTIONS: tuple[str, ...] = tuple(talib.get_function_groups()["Pattern Recognition"])
NAMES: tuple[str, ...] = tuple(f"candle_{name.removeprefix('CDL').lower()}" for name in FUNCTIONS)
UNDECIDED = {
    "CDLDOJI", "CDLDRAGONFLYDOJI", "CDLGRAVESTONEDOJI", "CDLHIGHWAVE", "CDLLONGLEGGEDDOJI", "CDLRICKSHAWMAN",
    "CDLSHORTLINE", "CDLSPINNINGTOP",
}  # fmt: skip
"""Their sign is always positive, or tells the candle's colour: as TA-Lib's own source says of them, it does not mean
bullish or bearish."""
LOOKBACK = 40


def candlesticks(frames: Sequence[Frame]) -> tuple[tuple[Detection, ...], ...]:
    """For each chart those that its last bar completes. TA-Lib tells the direction by the sign, of a doji none.

    The charts' last forty bars are laid end to end, so that each function runs once: none looks back further than
    LOOKBACK, and so none sees the neighbour.
    """
    long_enough = [place for place, frame in enumerate(frames) if len(frame) >= LOOKBACK]
    found: list[tuple[Detection, ...]] = [()] * len(frames)
    if long_enough:
        parts = [frames[place].bars.tail(LOOKBACK) for place in long_enough]
        joined = (np.concatenate([getattr(part, name) for part in parts]) for name in ("open", "high", "low", "close"))
        values = marks(*joined)[:, LOOKBACK - 1 :: LOOKBACK]
        for column, place in enumerate(long_enough):
            found[place] = _detections(frames[place], values[:, column])
    return tuple(found)


def marks(open_: Floats, high: Floats, low: Floats, close: Floats) -> NDArray[np.int32]:
    """TA-Lib's answer for each function and bar, of shape (61, n): above zero bullish, below bearish."""
    return np.stack([getattr(talib, name)(open_, high, low, close) for name in FUNCTIONS])


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
