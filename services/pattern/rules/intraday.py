"""What day traders look for on 5-minute bars: gap and go, opening-range breakout, VWAP reclaim. Long side.

They are events at a level rather than figures, and any random walk crosses a level. So they ask for volume as
well: on the gap, on the breakout, on the reclaim.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from services.pattern.rules.frame import Frame
from services.pattern.rules.outcome import Shape, fit

OPENING_BARS, OPENING_WAIT, NARROW, OPENING_VOLUME = 6, 24, 0.35, 2.0
GAP_BARS, GAP_WAIT, GAP_SHARE, GAP_VOLUME = 3, 12, 0.25, 2.0
BELOW_BARS, BELOW_RANGES, RECLAIM_WAIT, RECLAIM_VOLUME = 12, 3.5, 3, 2.25


def _sessions(frame: Frame, since: int) -> Iterator[tuple[int, int]]:
    """First bar and end (exclusive) of each session that has one before it and reaches `since`."""
    starts = (*frame.session_starts, len(frame))
    for first, end in pairwise(starts[1:]):
        if end > since:
            yield first, end


def _usual_range(frame: Frame, first: int) -> float:
    """Mean range of the sessions before `first` in the frame, USD."""
    ranges = frame.session_ranges[: frame.session_starts.index(first)]
    return sum(ranges) / len(ranges)


def gap_and_go(frame: Frame, since: int) -> Iterator[Shape]:
    """The session opens above all of the one before, keeps the gap on volume, and leaves its first 15 minutes upwards.

    Edwards & Magee, ch. 12 (breakaway gap); the name and the first minutes' high as the entry are the day traders'
    (Cameron, How to Day Trade: The Plain Truth, 2015). In figures: opens above yesterday's high by a quarter of the
    usual session range, does not trade back into it for 15 minutes, on twice the volume of yesterday's first 15
    minutes; breaks out within the hour that follows.
    """
    starts, bars = frame.session_starts, frame.bars
    for first, end in _sessions(frame, since):
        before = starts[starts.index(first) - 1]
        if end - first < GAP_BARS or not frame.atr[first - 1] > 0:
            continue
        usual, roof = _usual_range(frame, first), float(bars.high[before:first].max())
        opening = slice(first, first + GAP_BARS)
        low, high = float(bars.low[opening].min()), float(bars.high[opening].max())
        gap = float(bars.open[first]) - roof
        volume = float(bars.volume[opening].mean())
        if usual <= 0 or gap < GAP_SHARE * usual or low <= roof:
            continue
        if volume < GAP_VOLUME * float(bars.volume[before : before + GAP_BARS].mean()):
            continue
        kept = (low - roof) / gap
        quality = 0.5 * fit(kept, 1, 0) + 0.5 * fit(gap / usual, 1, GAP_SHARE)
        complete, last = first + GAP_BARS, first + GAP_BARS + GAP_WAIT - 1
        target = high + max(gap, high - low)
        yield Shape(("gap_and_go", "gap_down_and_go"), first, complete, complete - 1, last, high, low, target, quality)


def opening_range_breakout(frame: Frame, since: int) -> Iterator[Shape]:
    """A close outside a narrow first half hour, on twice the usual volume, within the two hours that follow.

    Crabel, Day Trading with Short Term Price Patterns and Opening Range Breakout (1990): breakouts are worth taking
    after a contraction. Narrow: at most 35 % of the usual session range. The other side of the range is wrong; the
    usual session range from there is the objective, one width from the breakout at least.
    """
    for first, end in _sessions(frame, since):
        complete = first + OPENING_BARS
        if end < complete or not frame.atr[complete - 1] > 0:
            continue
        opening = slice(first, complete)
        high, low = float(frame.bars.high[opening].max()), float(frame.bars.low[opening].min())
        usual, width = _usual_range(frame, first), high - low
        if not 0 < width <= NARROW * usual:
            continue
        names = ("opening_range_breakout", "opening_range_breakdown")
        last, target = complete + OPENING_WAIT - 1, max(high + width, low + usual)
        quality = fit(width / usual, 0.15, NARROW)
        yield Shape(names, first, complete, complete - 1, last, high, low, target, quality, volume=OPENING_VOLUME)


def vwap_reclaim(frame: Frame, since: int) -> Iterator[Shape]:
    """An hour of closes well below the session's VWAP, a close above on over twice the usual volume, and a higher one.

    Aziz, How to Day Trade for a Living (2016), VWAP trading; the VWAP itself is Berkowitz, Logue & Noser's (Journal of
    Finance 43, 1988). Well below: the low lies 3.5 ranges under the crossing; volume: 2.25 times the usual. The
    breakout is a close above the high of the crossing bar within a quarter of an hour; the low before it is wrong, and
    as far again the objective.
    """
    for first, end in _sessions(frame, since):
        closes = frame.bars.close[first:end]
        above = closes > frame.session_vwap(first, end)
        for cross in np.flatnonzero(above[1:] & ~above[:-1]) + 1:
            if cross < BELOW_BARS or above[cross - BELOW_BARS : cross].any():
                continue
            index = first + int(cross)
            bottom = index - BELOW_BARS + int(frame.bars.low[index - BELOW_BARS : index].argmin())
            low, level, span = float(frame.bars.low[bottom]), float(frame.bars.high[index]), float(frame.atr[bottom])
            if span <= 0 or level - low < BELOW_RANGES * span or frame.volume_ratio[index] < RECLAIM_VOLUME:
                continue
            quality = fit((level - low) / span, 8, BELOW_RANGES)
            names, start = ("vwap_reclaim", "vwap_loss"), index - BELOW_BARS
            yield Shape(names, start, index + 1, index, index + RECLAIM_WAIT, level, low, 2 * level - low, quality)
