"""Every indicator against a slow reading of its definition, and the series on which there is nothing to say."""

import math
import subprocess
import sys

import numpy as np
import pytest

from services.technical.rules.columns import whole
from services.technical.rules.indicators import NAMES, VWAP_NAMES, indicators, session_vwap
from shared.domain.market import Bars
from tests.technical import slow
from tests.technical.world import daily_starts, walk

BARS = walk("ACME", daily_starts(260), 7, spread=0.02)
OPEN, HIGH, LOW, CLOSE, VOLUME = (
    column.tolist() for column in (BARS.open, BARS.high, BARS.low, BARS.close, BARS.volume)
)


def flat(count: int, price: float = 10.0, volume: float = 100.0) -> Bars:
    line = np.full(count, price, dtype=np.float64)
    return Bars("FLAT", 300.0 * np.arange(count, dtype=np.float64), line, line, line, line, np.full(count, volume))


def test_averages_follow_their_recurrences() -> None:
    found = indicators(BARS)
    for count in (9, 20, 50, 200):
        assert found[f"ema_{count}"] == pytest.approx(slow.ema_line(CLOSE, count)[-1])
    for count in (20, 50):
        assert found[f"sma_{count}"] == pytest.approx(slow.sma(CLOSE, count))


def test_wilders_indicators_follow_his_book() -> None:
    found = indicators(BARS)
    plus, minus, adx = slow.directional(HIGH, LOW, CLOSE)
    assert found["rsi_14"] == pytest.approx(slow.rsi(CLOSE))
    assert found["atr_14"] == pytest.approx(slow.atr(HIGH, LOW, CLOSE))
    assert found["atr_pct"] == pytest.approx(100 * slow.atr(HIGH, LOW, CLOSE) / CLOSE[-1])
    assert (found["plus_di_14"], found["minus_di_14"]) == pytest.approx((plus, minus))
    assert found["adx_14"] == pytest.approx(adx)


def test_rsi_of_wilders_kind_worked_by_hand() -> None:
    """Fourteen changes, ten of +1 and four of -1: up 10/14, down 4/14, RSI = 100 x 10/14."""
    steps = [1, 1, -1, 1, 1, -1, 1, 1, -1, 1, 1, -1, 1, 1]
    close = np.concatenate([[50.0], 50.0 + np.cumsum(steps)])
    bars = Bars("HAND", np.arange(15.0), close, close, close, close, np.ones(15))
    assert indicators(bars)["rsi_14"] == pytest.approx(100 * 10 / 14)


def test_macd_bands_and_oscillators() -> None:
    found = indicators(BARS)
    assert (found["macd"], found["macd_signal"], found["macd_histogram"]) == pytest.approx(slow.macd(CLOSE))
    upper, middle, lower = slow.bollinger(CLOSE)
    bands = (found["bollinger_upper"], found["bollinger_middle"], found["bollinger_lower"])
    assert bands == pytest.approx((upper, middle, lower))
    assert found["bollinger_position"] == pytest.approx((CLOSE[-1] - lower) / (upper - lower))
    assert (found["stochastic_k"], found["stochastic_d"]) == pytest.approx(slow.stochastic(HIGH, LOW, CLOSE))
    assert found["roc_10"] == pytest.approx(100 * (CLOSE[-1] / CLOSE[-11] - 1))


def test_volume_indicators() -> None:
    found = indicators(BARS)
    assert found["mfi_14"] == pytest.approx(slow.mfi(HIGH, LOW, CLOSE, VOLUME))
    assert found["obv"] == pytest.approx(slow.obv(CLOSE, VOLUME))
    slope = (slow.obv(CLOSE, VOLUME) - slow.obv(CLOSE[:-10], VOLUME[:-10])) / sum(VOLUME[-10:])
    assert found["obv_slope"] == pytest.approx(slope)
    assert found["volume_ratio"] == pytest.approx(VOLUME[-1] / (sum(VOLUME[-21:-1]) / 20))


def test_vwap_and_its_bands() -> None:
    session = BARS.tail(30)
    typical = [(h + low + c) / 3 for h, low, c in zip(session.high, session.low, session.close, strict=True)]
    traded = float(session.volume.sum())
    vwap = sum(t * v for t, v in zip(typical, session.volume, strict=True)) / traded
    sigma = math.sqrt(sum(v * (t - vwap) ** 2 for t, v in zip(typical, session.volume, strict=True)) / traded)
    found = session_vwap(session)
    assert found["vwap"] == pytest.approx(vwap)
    assert found["vwap_upper_2"] == pytest.approx(vwap + 2 * sigma)
    assert found["vwap_lower_1"] == pytest.approx(vwap - sigma)
    assert found["vwap_position"] == pytest.approx((session.close[-1] - vwap) / sigma)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 13, 14, 15, 17, 18, 20, 27, 28, 33, 34, 50, 199, 200])
def test_too_little_history_is_none_and_never_nan(count: int) -> None:
    found = indicators(BARS.tail(count))
    assert set(found) == set(NAMES)
    assert all(value is None or math.isfinite(value) for value in found.values())
    assert (found["ema_200"] is None) == (count < 200)
    assert (found["rsi_14"] is None) == (count < 15)
    assert (found["adx_14"] is None) == (count < 28)
    assert (found["stochastic_k"] is None) == (count < 18)


def test_a_price_that_never_moved_has_no_oscillators() -> None:
    found = indicators(flat(260))
    assert found["atr_14"] == 0
    for name in ("rsi_14", "stochastic_k", "mfi_14", "adx_14", "bollinger_position"):
        assert found[name] is None, name
    assert found["ema_200"] == pytest.approx(10.0)
    assert session_vwap(flat(40))["vwap_position"] is None
    assert session_vwap(flat(40))["vwap"] == pytest.approx(10.0)


def test_without_volume_nothing_is_said_about_volume() -> None:
    silent = Bars("ZERO", BARS.start, BARS.open, BARS.high, BARS.low, BARS.close, np.zeros(len(BARS)))
    found = indicators(silent)
    assert [found[name] for name in ("mfi_14", "obv_slope", "volume_ratio")] == [None, None, None]
    assert session_vwap(silent) == dict.fromkeys(VWAP_NAMES)
    assert found["rsi_14"] is not None


def test_broken_rows_are_left_out() -> None:
    high, close, volume = BARS.high.copy(), BARS.close.copy(), BARS.volume.copy()
    high[100], close[120], close[130], volume[140] = np.nan, -1.0, np.inf, np.nan
    kept = whole(Bars("GAPS", BARS.start, BARS.open, high, BARS.low, close, volume))
    assert len(kept) == len(BARS) - 3
    assert np.isfinite(np.stack([kept.high, kept.close, kept.volume])).all()
    assert all(value is not None for value in indicators(kept).values())


def test_ten_times_the_price_and_twice_the_volume_change_no_oscillator() -> None:
    bigger = Bars("BIG", BARS.start, 10 * BARS.open, 10 * BARS.high, 10 * BARS.low, 10 * BARS.close, 2 * BARS.volume)
    before, after = indicators(BARS), indicators(bigger)
    for name in ("rsi_14", "adx_14", "stochastic_k", "mfi_14", "roc_10", "bollinger_position", "atr_pct", "obv_slope"):
        assert after[name] == pytest.approx(before[name]), name
    for name in ("ema_200", "macd_histogram", "atr_14", "bollinger_upper"):
        assert after[name] == pytest.approx(10 * (before[name] or 0.0)), name


def test_the_service_imports_no_data_frames() -> None:
    program = "import sys, services.technical.api; print(sorted({'pandas', 'polars'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
