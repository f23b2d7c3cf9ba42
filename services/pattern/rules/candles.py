"""The 61 candlestick functions of TA-Lib, on the last complete bar."""

from datetime import UTC, datetime

from services.pattern.rules.frame import Frame
from shared.domain.evidence import Detection
from shared.ta import talib

NAMES: tuple[str, ...] = tuple(talib.get_function_groups()["Pattern Recognition"])
LOOKBACK = 40
CONFIDENCE = 0.3


def candlesticks(frame: Frame) -> tuple[Detection, ...]:
    """Those that the last bar completes. TA-Lib says the direction by the sign; 200 marks a confirmed one."""
    if len(frame) < LOOKBACK:
        return ()
    part = frame.bars.tail(LOOKBACK)
    at = datetime.fromtimestamp(float(part.start[-1]), UTC)
    found = []
    for name in NAMES:
        value = int(getattr(talib, name)(part.open, part.high, part.low, part.close)[-1])
        if value:
            found.append(
                Detection(
                    name=f"candle_{name.removeprefix('CDL').lower()}",
                    timeframe=frame.timeframe,
                    direction="long" if value > 0 else "short",
                    status="confirmed",
                    confidence=CONFIDENCE if abs(value) <= 100 else CONFIDENCE + 0.1,
                    started_at=at,
                    ended_at=at,
                )
            )
    return tuple(found)
