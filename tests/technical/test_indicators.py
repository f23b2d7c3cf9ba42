"""Every indicator against a slow reading of its definition, and the series on which there is nothing to say."""

import math
import subprocess
import sys
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.technical.rules.columns import ONE_HOUR, since_split, whole
from services.technical.rules.indicators import NAMES, VWAP_NAMES, Values, indicators, vwaps
from services.technical.rules.windows import windows
from shared.domain.market import Bars, Floats
from shared.ta import talib as ta
from tests.technical import slow
from tests.technical.world import daily_starts, walk

BARS = walk("ACME", daily_starts(260), 7, spread=0.02)
IN_PRICES = {
    name for name in (*NAMES, *VWAP_NAMES) if name.startswith(("close", "macd", "ema", "sma", "bolli", "vwap"))
}
TOLERANCE = 1e-9


def of(bars: Bars) -> Values:
    return indicators([bars])[0]


def lists(bars: Bars) -> tuple[list[float], list[float], list[float], list[float]]:
    return bars.high.tolist(), bars.low.tolist(), bars.close.tolist(), bars.volume.tolist()


def flat(count: int, price: float = 10.0, volume: float = 100.0) -> Bars:
    line = np.full(count, price, dtype=np.float64)
    return Bars("FLAT", 300.0 * np.arange(count, dtype=np.float64), line, line, line, line, np.full(count, volume))


def expect_same(found: Values, expected: Values, price: float) -> None:
    """Equal to 1e-9: of the value, of the price for differences of prices, of one for ratios and oscillators."""
    assert set(found) == set(expected)
    for name, want in expected.items():
        have = found[name]
        assert (have is None) == (want is None), (name, have, want)
        if have is not None and want is not None:
            scale = max(abs(want), price if name in IN_PRICES and "position" not in name else 1.0)
            assert abs(have - want) <= TOLERANCE * scale, (name, have, want)


@st.composite
def charts(draw: st.DrawFn) -> Bars:
    """Bars as markets and vendors make them: any length, price and pace, still stretches, silent ones, broken rows."""
    count, seed = draw(st.integers(1, 230)), draw(st.integers(0, 10_000))
    price, spread = draw(st.floats(0.05, 20_000)), draw(st.sampled_from([1e-4, 0.002, 0.02, 0.2]))
    bars, random = (
        walk("ANY", 300.0 * np.arange(count, dtype=np.float64), seed, price, spread),
        np.random.default_rng(seed),
    )
    rows = np.stack([bars.open, bars.high, bars.low, bars.close, bars.volume])
    first, length = draw(st.integers(0, count)), draw(st.integers(0, 60))
    match draw(st.sampled_from(["as it is", "still", "silent", "broken", "without volume", "whole cents"])):
        case "still":
            rows[:4, first : first + length] = rows[3, min(first, count - 1)]
        case "silent":
            rows[4, first : first + length] = 0.0
        case "broken":
            hit = random.random((5, count)) < 0.03
            rows[hit] = random.choice([np.nan, np.inf, -1.0, 0.0], int(hit.sum()))
        case "without volume":
            rows[4] = 0.0
        case "whole cents":
            rows[:4] = np.maximum(np.round(rows[:4], 2), 0.01)
    opened, high, low, close, volume = rows
    return Bars("ANY", bars.start, opened, high, low, close, volume)


@given(charts())
def test_every_indicator_is_what_its_definition_says(bars: Bars) -> None:
    """The slow reading cleans by itself: a row with a price missing or not positive, or upside down, never happened."""
    kept = [
        (h, low, c, v if 0 <= v < math.inf else 0.0)
        for o, h, low, c, v in zip(bars.open.tolist(), *lists(bars), strict=True)
        if all(0 < price < math.inf for price in (o, h, low, c)) and h >= low
    ]
    found = of(whole(bars))
    if not kept:
        assert found == dict.fromkeys(NAMES)
        return
    high, low, close, volume = map(list, zip(*kept, strict=True))
    expect_same(found, slow.everything(high, low, close, volume), close[-1])


@given(charts())
def test_vwap_and_its_bands_are_what_their_definition_says(bars: Bars) -> None:
    clean = whole(bars)
    if not len(clean):
        assert vwaps([clean]) == [dict.fromkeys(VWAP_NAMES)]
        return
    expect_same(vwaps([clean])[0], slow.vwap(*lists(clean)), float(clean.close[-1]))


@pytest.mark.parametrize("seed", range(20))
def test_what_numpy_computes_across_symbols_is_what_talib_computes_for_one(seed: int) -> None:
    bars = walk("ACME", daily_starts(200), seed, spread=0.02)
    high, low, close, volume = bars.high, bars.low, bars.close, bars.volume
    upper, middle, lower = (line[-1] for line in ta.BBANDS(close, 20, 2.0, 2.0))
    k, d = (line[-1] for line in ta.STOCH(high, low, close, 14, 3, 0, 3, 0))
    expected = {
        "sma_20": ta.SMA(close, 20)[-1], "sma_50": ta.SMA(close, 50)[-1], "bollinger_upper": upper,
        "bollinger_middle": middle, "bollinger_lower": lower, "stochastic_k": k, "stochastic_d": d,
        "mfi_14": ta.MFI(high, low, close, volume, 14)[-1], "roc_10": ta.ROC(close, 10)[-1],
    }  # fmt: skip
    found = windows([bars])
    assert {name: float(found[name][0]) for name in expected} == pytest.approx(expected, rel=TOLERANCE)


@given(st.lists(charts(), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_symbol_has_the_same_bits_alone_and_in_any_company(crowd: list[Bars], random: Random) -> None:
    crowd = [whole(bars) for bars in crowd]
    order = list(range(len(crowd)))
    random.shuffle(order)
    shuffled = [crowd[place] for place in order]
    together, sessions = indicators(shuffled), vwaps(shuffled)
    for place, found, session in zip(order, together, sessions, strict=True):
        assert found == of(crowd[place])
        assert session == vwaps([crowd[place]])[0]


@pytest.mark.parametrize("count", [0, 1, 2, 5, 13, 14, 15, 17, 18, 20, 27, 28, 33, 34, 50, 199, 200])
def test_too_little_history_is_none_and_never_nan(count: int) -> None:
    found = of(BARS.tail(count))
    assert set(found) == set(NAMES)
    assert all(value is None or math.isfinite(value) for value in found.values())


def test_a_price_that_never_moved_has_no_oscillators() -> None:
    found = of(flat(260, price=10.1))
    assert found["atr_14"] == 0
    for name in ("rsi_14", "stochastic_k", "mfi_14", "adx_14", "bollinger_position", "atr_pct"):
        assert found[name] is None, name
    assert found["ema_200"] == pytest.approx(10.1)
    assert vwaps([flat(40)])[0]["vwap_position"] is None
    assert vwaps([flat(40)])[0]["vwap"] == pytest.approx(10.0)


def test_without_volume_nothing_is_said_about_volume() -> None:
    silent = Bars("ZERO", BARS.start, BARS.open, BARS.high, BARS.low, BARS.close, np.zeros(len(BARS)))
    found = of(silent)
    assert [found[name] for name in ("mfi_14", "obv_slope", "volume_ratio")] == [None, None, None]
    assert vwaps([silent])[0] == dict.fromkeys(VWAP_NAMES)
    assert found["rsi_14"] is not None


def split(bars: Bars, at: int, factor: float) -> Bars:
    """The same company with every price before bar `at` as it was before a split that nobody adjusted for."""
    scale: Floats = np.where(np.arange(len(bars)) < at, factor, 1.0)
    opened, high, low, close = (line * scale for line in (bars.open, bars.high, bars.low, bars.close))
    return Bars(bars.symbol, bars.start, opened, high, low, close, bars.volume / scale)


@pytest.mark.parametrize("factor", [0.05, 0.1, 0.25, 1 / 3, 0.5, 2.0, 3.0, 4.0, 20.0])
def test_history_before_a_split_is_left_out(factor: float) -> None:
    still = BARS.open[150] / BARS.close[149]
    assert still == pytest.approx(1.0), "no overnight gap of its own"
    after = since_split(split(BARS, 150, factor), 0.0)
    assert after.jump == pytest.approx(1 / factor)
    assert len(after.bars) == len(BARS) - 150
    assert of(after.bars) == of(BARS.tail(len(BARS) - 150))


def test_a_split_is_an_overnight_thing_and_a_crash_is_none() -> None:
    within_a_day = replace(split(BARS, 150, 2.0), start=300.0 * np.arange(len(BARS), dtype=np.float64))
    assert since_split(within_a_day, ONE_HOUR).jump is None
    for factor in (1.3, 1.5, 1.8, 2.4, 2.7, 3.3, 1 / 1.5, 1 / 2.5):
        crashed = since_split(split(BARS, 150, factor), 0.0)
        assert (crashed.jump, len(crashed.bars)) == (None, len(BARS)), factor


def test_broken_rows_are_left_out() -> None:
    high, close, volume = BARS.high.copy(), BARS.close.copy(), BARS.volume.copy()
    high[100], close[120], close[130], volume[140] = np.nan, -1.0, np.inf, np.nan
    kept = whole(Bars("GAPS", BARS.start, BARS.open, high, BARS.low, close, volume))
    assert len(kept) == len(BARS) - 3
    assert np.isfinite(np.stack([kept.high, kept.close, kept.volume])).all()
    assert all(value is not None for value in of(kept).values())


def test_ten_times_the_price_and_twice_the_volume_change_no_oscillator() -> None:
    bigger = Bars("BIG", BARS.start, 10 * BARS.open, 10 * BARS.high, 10 * BARS.low, 10 * BARS.close, 2 * BARS.volume)
    before, after = of(BARS), of(bigger)
    for name in ("rsi_14", "adx_14", "stochastic_k", "mfi_14", "roc_10", "bollinger_position", "atr_pct", "obv_slope"):
        assert after[name] == pytest.approx(before[name]), name
    for name in ("ema_200", "macd_histogram", "atr_14", "bollinger_upper"):
        assert after[name] == pytest.approx(10 * (before[name] or 0.0)), name


def test_the_service_imports_no_data_frames() -> None:
    program = "import sys, services.technical.api; print(sorted({'pandas', 'polars'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
