"""Everything that two charts of one symbol show, and what it is worth to somebody who wants to buy today."""

from collections.abc import Callable, Iterator

import numpy as np

from services.pattern.rules.candles import candlesticks
from services.pattern.rules.continuation import abcd, cup_and_handle, flags, triangles
from services.pattern.rules.frame import Frame
from services.pattern.rules.intraday import gap_and_go, opening_range_breakout, vwap_reclaim
from services.pattern.rules.levels import levels
from services.pattern.rules.outcome import Shape, detection
from services.pattern.rules.reversal import double_bottom, inverse_head_and_shoulders
from shared.domain.evidence import Detection, PatternEvidence
from shared.domain.market import Bars

Finder = Callable[[Frame], Iterator[Shape]]
ANY_TIMEFRAME: tuple[Finder, ...] = (
    flags,
    abcd,
    triangles,
    cup_and_handle,
    double_bottom,
    inverse_head_and_shoulders,
)
IN_A_SESSION: tuple[Finder, ...] = (gap_and_go, opening_range_breakout, vwap_reclaim)
ENOUGH_BARS = 12
DAILY_WEIGHT = 0.6
STATUS_WEIGHT = {"confirmed": 1.0, "forming": 0.6, "failed": 0.0}


def clean(bars: Bars) -> Bars:
    """Only bars with four positive, finite, ordered prices."""
    good = np.isfinite(bars.open + bars.high + bars.low + bars.close + bars.volume) & (bars.low > 0)
    good &= (bars.high >= np.maximum(bars.open, bars.close)) & (bars.low <= np.minimum(bars.open, bars.close))
    if good.all():
        return bars
    columns = (bars.start, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return Bars(bars.symbol, *(column[good] for column in columns))


def detect(frame: Frame) -> tuple[Detection, ...]:
    """All figures on one chart, surest first; of one figure seen several times the surest."""
    if len(frame) < ENOUGH_BARS or float(frame.atr[-1]) <= 0:
        return ()
    finders = ANY_TIMEFRAME + (IN_A_SESSION if frame.timeframe == "5Min" else ())
    best: dict[str, Detection] = {}
    for side in (frame, frame.mirrored):
        for find in finders:
            for shape in find(side):
                seen = detection(side, shape)
                if seen and (seen.name not in best or seen.confidence > best[seen.name].confidence):
                    best[seen.name] = seen
    figures = sorted(best.values(), key=lambda one: (-one.confidence, one.name))
    return (*figures, *candlesticks(frame))


def strength(detections: tuple[Detection, ...], direction: str) -> float:
    """How much speaks for one direction, in [0, 1]: the surest figure, and a little for each further one."""
    weights = sorted(
        (
            one.confidence * STATUS_WEIGHT[one.status] * (DAILY_WEIGHT if one.timeframe == "1Day" else 1.0)
            for one in detections
            if one.direction == direction
        ),
        reverse=True,
    )
    return min(1.0, sum(weight * 0.5**place for place, weight in enumerate(weights[:4])))


def evidence(symbol: str, intraday: Bars | None, daily: Bars | None) -> PatternEvidence:
    """One symbol's evidence. `refused` says why there is none; then the score stays neutral."""
    frames = []
    if intraday is not None:
        frames.append(Frame(clean(intraday), "5Min"))
    if daily is not None:
        frames.append(Frame(clean(daily), "1Day"))
    usable = [frame for frame in frames if len(frame) >= ENOUGH_BARS]
    if not usable:
        longest = max((len(frame) for frame in frames), default=0)
        return PatternEvidence(symbol=symbol, score=0.5, refused=f"{longest} bars, {ENOUGH_BARS} needed")
    detections = tuple(one for frame in usable for one in detect(frame))
    support, resistance = levels(usable[0])
    score = 0.5 + 0.5 * (strength(detections, "long") - strength(detections, "short"))
    figures = [one for one in detections if one.direction == "long" and one.stop is not None and one.status != "failed"]
    best = max(figures, key=lambda one: (one.confidence * STATUS_WEIGHT[one.status], one.timeframe), default=None)
    return PatternEvidence(
        symbol=symbol,
        score=round(min(1.0, max(0.0, score)), 6),
        best=best,
        detections=detections,
        support=support,
        resistance=resistance,
    )
