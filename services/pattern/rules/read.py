"""Everything that two charts of one symbol show, and what it is worth to somebody who wants to buy today."""

from collections.abc import Sequence
from typing import NamedTuple

from services.pattern.rules.candles import candlesticks
from services.pattern.rules.figures import detect
from services.pattern.rules.frame import Frame, Timeframe
from services.pattern.rules.levels import levels
from services.pattern.rules.usable import counted, usable
from services.pattern.rules.worth import BOUNDS, COIN
from shared.domain.evidence import Detection, PatternEvidence
from shared.domain.market import Bars

COUNTED = 4
HORIZON = {"5Min": 1.0, "1Day": 0.6}
"""A day trader is out by the close: what a daily chart says has less time to come true."""
CALLED = {"5Min": "5-minute", "1Day": "daily"}
TIMEFRAMES: tuple[Timeframe, ...] = ("5Min", "1Day")
NO_BARS = "no bars"


class Charts(NamedTuple):
    """One symbol's bars up to the moment, None where there are none, and the timeframes that are asked for."""

    symbol: str
    intraday: Bars | None
    daily: Bars | None
    asked: tuple[Timeframe, ...] = TIMEFRAMES


class Reading(NamedTuple):
    """The charts that may be read, 5-minute first; what the answer rests on; why no chart can be (None: one can)."""

    frames: tuple[Frame, ...]
    rests_on: str
    refused: str | None


def read_charts(charts: Sequence[Charts]) -> tuple[PatternEvidence, ...]:
    """Evidence for each symbol, in the order given."""
    found = []
    for one in charts:
        reading = _reading(one)
        seen = tuple(item for frame in reading.frames for item in (*detect(frame), *candlesticks(frame)))
        found.append(_evidence(one.symbol, reading, seen))
    return tuple(found)


def evidence(symbol: str, intraday: Bars | None, daily: Bars | None) -> PatternEvidence:
    """One symbol's evidence. `refused` says why there is none; then the score stays neutral."""
    return read_charts([Charts(symbol, intraday, daily)])[0]


def strength(detections: tuple[Detection, ...], direction: str) -> float:
    """How much speaks for one direction, in [0, 1]: the surest pattern, and a half less for each further one.

    What is worth no more than a coin, and so whatever is forming or has failed, says nothing. At the highest confidence
    that a pattern may have it says everything.
    """
    leans = sorted(
        (
            max(0.0, one.confidence - COIN) / (BOUNDS[1] - COIN) * HORIZON[one.timeframe]
            for one in detections
            if one.direction == direction
        ),
        reverse=True,
    )
    return min(1.0, sum(lean * 0.5**place for place, lean in enumerate(leans[:COUNTED])))


def best_of(detections: Sequence[Detection]) -> Detection | None:
    """The surest figure to buy: one with levels that has not failed; None without one."""
    figures = [one for one in detections if one.direction == "long" and one.stop is not None and one.status != "failed"]
    return max(figures, key=lambda one: (one.confidence * HORIZON[one.timeframe], one.name), default=None)


def _reading(one: Charts) -> Reading:
    frames, said, refusals, had_bars = list[Frame](), list[str](), list[str](), False
    for timeframe in one.asked:
        called, bars = CALLED[timeframe], one.intraday if timeframe == "5Min" else one.daily
        if bars is None or not len(bars):
            refusals.append(f"{called}: {NO_BARS}")
            continue
        had_bars = True
        kept, notes, refused = usable(bars)
        said += [f"{called}: {note}" for note in notes]
        if refused:
            refusals.append(f"{called}: {refused}")
        else:
            frames.append(Frame(kept, timeframe))
            said.append(counted(len(kept), f"{called} bar"))
    refused = None if frames else NO_BARS if not had_bars else "; ".join(refusals)
    return Reading(tuple(frames), "; ".join([*said, *refusals]), refused)


def _evidence(symbol: str, reading: Reading, detections: tuple[Detection, ...]) -> PatternEvidence:
    if reading.refused:
        return PatternEvidence(symbol=symbol, score=0.5, refused=reading.refused, rests_on=reading.rests_on)
    support, resistance = levels(reading.frames[0])
    score = 0.5 + 0.5 * (strength(detections, "long") - strength(detections, "short"))
    return PatternEvidence(
        symbol=symbol,
        score=round(min(1.0, max(0.0, score)), 6),
        best=best_of(detections),
        detections=detections,
        support=support,
        resistance=resistance,
        rests_on=reading.rests_on,
    )
