"""What day traders look for on 5-minute bars: gap and go, opening-range breakout, VWAP reclaim. Long side."""

from collections.abc import Iterator

import numpy as np

from services.pattern.rules.frame import Frame
from services.pattern.rules.outcome import Shape, fit

OPENING_BARS = 6
GAP_BARS = 3
BELOW_BARS = 6


def gap_and_go(frame: Frame) -> Iterator[Shape]:
    """The session opens three ranges above the last close, keeps the gap, and leaves the first 15 minutes upwards."""
    first, bars = frame.session_start, frame.bars
    if first == 0 or len(frame) - first <= GAP_BARS:
        return
    before, span = float(bars.close[first - 1]), float(frame.atr[first - 1])
    gap = float(bars.open[first]) - before
    low = float(bars.low[first : first + GAP_BARS].min())
    if span <= 0 or gap < 3 * span or low <= before:
        return
    high = float(bars.high[first : first + GAP_BARS].max())
    kept = (low - before) / gap
    quality = 0.5 * fit(kept, 1, 0) + 0.5 * fit(gap / span, 8, 3)
    names = ("gap_and_go", "gap_down_and_go")
    yield Shape(names, first, first + GAP_BARS, high, low, high + max(gap, high - low), quality)


def opening_range_breakout(frame: Frame) -> Iterator[Shape]:
    """A close outside the first half hour's range (Crabel, Day Trading with Short Term Price Patterns, 1990)."""
    first, bars = frame.session_start, frame.bars
    if first == 0 or len(frame) - first <= OPENING_BARS:
        return
    high = float(bars.high[first : first + OPENING_BARS].max())
    low = float(bars.low[first : first + OPENING_BARS].min())
    span, width = float(frame.atr[first + OPENING_BARS - 1]), high - low
    if span <= 0 or width < span:
        return
    quality = fit(width / span, 2, 6)
    names = ("opening_range_breakout", "opening_range_breakdown")
    yield Shape(names, first, first + OPENING_BARS, high, (high + low) / 2, high + width, quality)


def vwap_reclaim(frame: Frame) -> Iterator[Shape]:
    """Half an hour of closes below the session's VWAP, then two closes above it."""
    first, bars = frame.session_start, frame.bars
    closes, vwap = bars.close[first:], frame.session_vwap
    if first == 0 or len(closes) < BELOW_BARS + 2:
        return
    above = closes > vwap
    crossings = np.flatnonzero(above[1:] & ~above[:-1]) + 1
    for cross in crossings[-2:]:
        if cross < BELOW_BARS or above[cross - BELOW_BARS : cross].any():
            continue
        index = first + int(cross)
        low = float(bars.low[index - BELOW_BARS : index + 1].min())
        level, span = float(max(vwap[cross], bars.high[index])), float(frame.atr[index])
        if span <= 0 or level - low < span:
            continue
        quality = fit((level - low) / span, 4, 1)
        yield Shape(("vwap_reclaim", "vwap_loss"), index - BELOW_BARS, index + 1, level, low, 2 * level - low, quality)
