"""The 61 candlesticks: many charts at once give what each gives alone, mirrored names aside."""

import numpy as np

from services.pattern.rules.candles import FUNCTIONS, LOOKBACK, NAMES, UNDECIDED, candlesticks
from services.pattern.rules.frame import Frame
from shared.ta import talib
from tests.pattern import charts
from tests.pattern.walks import walk


def test_there_are_sixty_one() -> None:
    assert len(FUNCTIONS) == len(set(NAMES)) == 61


def test_many_charts_at_once_say_what_each_says_alone() -> None:
    frames = [Frame(walk(seed, 2).slice(0, 60 + seed), "5Min") for seed in range(40)]
    together = candlesticks(frames)
    seen = 0
    for frame, found in zip(frames, together, strict=True):
        bars, alone = frame.bars, {}
        for function, name in zip(FUNCTIONS, NAMES, strict=True):
            value = int(getattr(talib, function)(bars.open, bars.high, bars.low, bars.close)[-1])
            if value:
                alone[name] = "neutral" if function in UNDECIDED else "long" if value > 0 else "short"
        assert {one.name: one.direction for one in found} == alone
        seen += len(found)
    assert seen > 40


def test_an_engulfing_bar_is_named_with_its_direction_and_time() -> None:
    bars = charts.drawn([(0, 110.0), (LOOKBACK, 100.0)])
    last = len(bars) - 1
    bars.open[last], bars.close[last] = bars.close[last - 1] - 0.05, bars.open[last - 1] + 0.2
    bars.low[last], bars.high[last] = bars.open[last] - 0.02, bars.close[last] + 0.02
    found = {one.name: one for one in candlesticks([Frame(bars, "5Min")])[0]}
    assert found["candle_engulfing"].direction == "long"
    assert found["candle_engulfing"].ended_at.timestamp() == bars.start[last]
    assert found["candle_engulfing"].stop is None


def test_scale_changes_no_candle_and_a_short_chart_has_none() -> None:
    bars = walk(9, 2)
    plain, large = candlesticks([Frame(bars, "5Min"), Frame(charts.scaled(bars, 16, 2), "5Min")])
    assert plain == large
    assert candlesticks([Frame(bars.slice(0, LOOKBACK - 1), "5Min")]) == ((),)
    assert candlesticks([]) == ()
    assert np.isfinite([one.confidence for one in plain]).all()
