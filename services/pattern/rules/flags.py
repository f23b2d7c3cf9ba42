"""A pole, and a short rest against it: flag and pennant. And the push, pullback and second push of ABCD. Long side."""

from collections.abc import Iterator

import numpy as np

from services.pattern.rules.frame import Frame
from services.pattern.rules.outcome import Shape, fit
from services.pattern.rules.pivots import Turn
from shared.domain.market import Floats

POLE_BARS, POLE_RANGES, QUIET = 10, 6.0, 4
FLAG_BARS_MIN, FLAG_BARS_MAX = 4, 16
FLAG_BACK, PENNANT_BACK, FLAG_DRIFT, PENNANT_DRIFT = 0.4, 0.5, 0.05, 0.25
PUSH_RANGES, PUSH_BARS_MAX, LOWEST_BACK, HIGHEST_BACK = 6.0, 14, 0.382, 0.786
CALMER = 0.75


def flags(frame: Frame, since: int) -> Iterator[Shape]:
    """A steep pole, then a shallow drift against it on less volume, left in the pole's direction within 16 bars.

    Edwards & Magee, Technical Analysis of Stock Trends, ch. 11: sharp rise, volume dwindles in the flag, done within
    three weeks. Bulkowski, Encyclopedia of Chart Patterns, gives the pennant's converging lines and the measure rule
    (pole's height from the breakout). In figures: pole of six ranges in ten bars; four bars or more in which no high
    passes the pole's, on three quarters of its volume; at most 40 % given back and no drift upwards. A pennant where
    the closes of the second half span under six tenths of the first's: it may give back a half.
    """
    bars = frame.bars
    for top in _pole_tops(frame, since):
        first = max(0, top - POLE_BARS)
        foot = first + int(np.argmin(bars.low[first : top + 1]))
        bottom, peak = float(bars.low[foot]), float(bars.high[top])
        height, span = peak - bottom, float(frame.atr[foot])
        if foot >= top or span <= 0 or height < POLE_RANGES * span:
            continue
        end = _rest_end(frame, top)
        highs, lows = bars.high[top + 1 : end + 1], bars.low[top + 1 : end + 1]
        back = (peak - float(lows.min())) / height
        drift = _slope(bars.close[top + 1 : end + 1]) * (end - top) / height
        narrows = _narrows(bars.close[top:end])
        most_back, most_drift = (PENNANT_BACK, PENNANT_DRIFT) if narrows else (FLAG_BACK, FLAG_DRIFT)
        if back > most_back or drift > most_drift or not _calmer(frame, foot, top, end):
            continue
        names = ("pennant", "bear_pennant") if narrows else ("bull_flag", "bear_flag")
        breakout, stop = float(highs.max()), float(lows.min())
        quality = 0.5 * fit(back, 0.15, most_back) + 0.5 * fit(height / span, 10, POLE_RANGES)
        turns = (
            Turn(foot, bottom, "low", top),
            Turn(top, peak, "high", top + QUIET),
            Turn(top + 1 + int(lows.argmin()), stop, "low", end),
        )
        last = top + FLAG_BARS_MAX + 1
        yield Shape(names, foot, end + 1, end, last, breakout, stop, breakout + height, quality, turns)


def _pole_tops(frame: Frame, since: int) -> list[int]:
    """Bars whose high is above the ten before and not passed in the four after."""
    begin = max(0, since - FLAG_BARS_MAX - POLE_BARS)
    high = frame.bars.high[begin:]
    if len(high) < POLE_BARS + QUIET + 1:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(high, POLE_BARS + QUIET + 1)
    return (np.flatnonzero(windows.argmax(axis=1) == POLE_BARS) + begin + POLE_BARS).tolist()


def _rest_end(frame: Frame, top: int) -> int:
    """The last bar of the rest: the one before the first close above every high since, or the sixteenth."""
    last = min(len(frame) - 1, top + FLAG_BARS_MAX)
    ceiling = np.maximum.accumulate(frame.bars.high[top + 1 : last + 1])[:-1]
    beyond = np.flatnonzero(frame.bars.close[top + 2 : last + 1] > ceiling)
    beyond = beyond[beyond >= FLAG_BARS_MIN - 1]
    return top + 1 + int(beyond[0]) if len(beyond) else last


def _slope(values: Floats) -> float:
    """Least-squares slope per bar."""
    steps = np.arange(len(values)) - (len(values) - 1) / 2
    return float(steps @ values / (steps @ steps))


def _calmer(frame: Frame, foot: int, top: int, end: int) -> bool:
    """Less volume a bar in the rest than on the way up; true where there is no volume to compare."""
    push = float(frame.bars.volume[foot + 1 : top + 1].mean())
    return push <= 0 or float(frame.bars.volume[top + 1 : end + 1].mean()) <= CALMER * push


def _narrows(closes: Floats) -> bool:
    """True when the closes of the second half span less than six tenths of the first's and do not undercut them."""
    half = len(closes) // 2
    early, late = closes[:half], closes[half:]
    return bool(np.ptp(late) < 0.6 * np.ptp(early) and late.min() > early.min())


def abcd(frame: Frame, since: int) -> Iterator[Shape]:
    """A push A-B, a pullback to C above A on less volume, a breakout above B; the second push CD is as long as AB.

    The day trader's form (Aziz, How to Day Trade for a Living, 2016) of Gartley's AB=CD (Profits in the Stock Market,
    1935), with the retracements that Carney (The Harmonic Trader, 1999) allows: C gives back 38.2 to 78.6 % of AB.
    In figures: AB of six ranges within 14 bars, and BC takes between a third of its time and twice as long.
    """
    for a, b, c in frame.windows(3, since):
        push, span = b.price - a.price, float(frame.atr[a.bar])
        if a.kind != "low" or span <= 0 or push < PUSH_RANGES * span:
            continue
        back, pace = (b.price - c.price) / push, (c.bar - b.bar) / (b.bar - a.bar)
        if not LOWEST_BACK <= back <= HIGHEST_BACK or b.bar - a.bar > PUSH_BARS_MAX or not 0.33 <= pace <= 2:
            continue
        if not _calmer(frame, a.bar, b.bar, c.bar):
            continue
        quality = 0.5 * fit(abs(back - 0.5), 0.0, 0.3) + 0.5 * fit(push / span, 10, PUSH_RANGES)
        target = max(c.price + push, b.price + 0.5 * push)
        names, expires = ("abcd", "bear_abcd"), c.bar + max(12, b.bar - a.bar)
        yield Shape(names, a.bar, c.bar + 1, c.known, expires, b.price, c.price, target, quality, (a, b, c))
