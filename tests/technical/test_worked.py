"""Each indicator on a chart whose value anybody can work out by hand, the history it needs, and a hole in its bars."""

import math

import numpy as np
import pytest

from services.technical.rules.columns import whole
from services.technical.rules.indicators import NAMES, VWAP_NAMES, Values, indicators, vwaps
from shared.domain.market import Bars, Floats
from tests.technical import published
from tests.technical.world import daily_starts, walk

COUNT = 260
STEPS: Floats = np.arange(COUNT, dtype=np.float64)


def chart(close: Floats, reach: float = 0.0, volume: Floats | None = None) -> Bars:
    """Bars that open where they close, and go `reach` beyond it on both sides."""
    traded = np.full(len(close), 100.0) if volume is None else volume
    return Bars("HAND", 300.0 * STEPS[: len(close)], close, close + reach, close - reach, close, traded)


def of(bars: Bars) -> Values:
    return indicators([bars])[0]


def test_on_a_straight_line_averages_lag_by_half_their_length() -> None:
    """Of a price that rises by 1 a bar every n-bar average, simple or exponential, lies (n - 1) / 2 behind.

    So MACD = 25 / 2 - 11 / 2 = 7, its signal is 7 too, and the deviation of 20 steps is sqrt((20^2 - 1) / 12).
    """
    found, last = of(chart(100 + STEPS)), 100.0 + COUNT - 1
    for name in ("ema_9", "ema_20", "ema_50", "ema_200", "sma_20", "sma_50"):
        lag = (int(name.rpartition("_")[2]) - 1) / 2
        assert found[name] == pytest.approx(last - lag), name
    assert [found["macd"], found["macd_signal"]] == pytest.approx([7.0, 7.0])
    assert found["macd_histogram"] == pytest.approx(0.0, abs=1e-9)
    sigma = math.sqrt((20**2 - 1) / 12)
    assert found["bollinger_middle"] == pytest.approx(last - 9.5)
    assert found["bollinger_upper"] == pytest.approx(last - 9.5 + 2 * sigma)
    assert found["bollinger_lower"] == pytest.approx(last - 9.5 - 2 * sigma)
    assert found["bollinger_position"] == pytest.approx((9.5 + 2 * sigma) / (4 * sigma))
    assert found["roc_10"] == pytest.approx(100 * 10 / (last - 10))
    assert found["close"] == last


@pytest.mark.parametrize(("step", "all_one_way"), [(1.0, 100.0), (-1.0, 0.0)])
def test_where_every_step_goes_one_way_the_oscillators_are_at_their_end(step: float, all_one_way: float) -> None:
    """Steps of 1 and bars 2 in all: the true range is 2, half of it is movement, and nothing goes the other way."""
    found = of(chart(1000 + step * STEPS, reach=1.0))
    assert found["rsi_14"] == pytest.approx(all_one_way)
    assert found["mfi_14"] == pytest.approx(all_one_way)
    assert found["obv_slope"] == pytest.approx(step)
    assert found["obv"] == pytest.approx(100 + step * 100 * (COUNT - 1))
    assert found["atr_14"] == pytest.approx(2.0)
    assert found["atr_pct"] == pytest.approx(100 * 2 / (1000 + step * (COUNT - 1)))
    up, down = ("plus_di_14", "minus_di_14") if step > 0 else ("minus_di_14", "plus_di_14")
    assert [found[up], found[down]] == pytest.approx([50.0, 0.0])
    assert found["adx_14"] == pytest.approx(100.0)
    # The window's range is 13 steps and both reaches, 15; a rising close lies one reach under its top.
    assert found["stochastic_k"] == found["stochastic_d"] == pytest.approx(100 * (14 if step > 0 else 1) / 15)


def test_a_bar_that_trades_four_times_the_usual_says_so() -> None:
    volume = np.full(COUNT, 100.0)
    volume[-1] = 400.0
    found = of(chart(100 + STEPS % 2, volume=volume))
    assert found["volume_ratio"] == pytest.approx(4.0)
    # Of ten bars five go up, the last of them on 400, and five down: (4 x 100 + 400 - 5 x 100) / 1300.
    assert found["obv_slope"] == pytest.approx((400 + 400 - 500) / 1300)


def test_vwap_of_three_bars_worked_by_hand() -> None:
    """Typical prices 10, 11, 13 on 100, 200, 100: mean 11.25, deviation sqrt((1.5625 + 2 x 0.0625 + 3.0625) / 4)."""
    close, volume = np.array([10.0, 11.0, 13.0]), np.array([100.0, 200.0, 100.0])
    found, sigma = vwaps([chart(close, reach=0.5, volume=volume)])[0], math.sqrt((1.5625 + 2 * 0.0625 + 3.0625) / 4)
    assert found["vwap"] == pytest.approx(11.25)
    for bands in (1, 2):
        assert found[f"vwap_upper_{bands}"] == pytest.approx(11.25 + bands * sigma)
        assert found[f"vwap_lower_{bands}"] == pytest.approx(11.25 - bands * sigma)
    assert found["vwap_position"] == pytest.approx((13 - 11.25) / sigma)


def test_the_stochastic_oscillator_of_the_table() -> None:
    """The table's %D is the slow %K, and the mean of three of them the slow %D."""
    high, low = (np.array(line) for line in (published.STOCHASTIC_HIGH, published.STOCHASTIC_LOW))
    close = np.concatenate([(high + low)[:13] / 2, published.STOCHASTIC_CLOSE])
    for end in range(18, len(close) + 1):
        bars = Bars("TABLE", STEPS[:end], close[:end], high[:end], low[:end], close[:end], np.ones(end))
        slow = published.STOCHASTIC_D[end - 18 : end - 15]
        found = of(bars)
        assert found["stochastic_k"] == pytest.approx(slow[-1], abs=0.006)
        assert found["stochastic_d"] == pytest.approx(sum(slow) / 3, abs=0.006)


def test_the_bands_of_the_table() -> None:
    for place, (middle, upper, lower) in enumerate(published.BANDS):
        found = of(chart(np.array(published.BANDS_CLOSE[: 20 + place])))
        shown = [found[f"bollinger_{name}"] for name in ("middle", "upper", "lower")]
        assert shown == pytest.approx([middle, upper, lower], abs=0.011)


NEEDS = {
    "close": 1, "obv": 2, "ema_9": 9, "ema_20": 20, "ema_50": 50, "ema_200": 200, "sma_20": 20, "sma_50": 50,
    "macd": 34, "macd_signal": 34, "macd_histogram": 34, "rsi_14": 15, "atr_14": 15, "atr_pct": 15, "adx_14": 28,
    "plus_di_14": 15, "minus_di_14": 15, "bollinger_upper": 20, "bollinger_middle": 20, "bollinger_lower": 20,
    "bollinger_position": 20, "stochastic_k": 18, "stochastic_d": 18, "mfi_14": 15, "roc_10": 11, "obv_slope": 11,
    "volume_ratio": 21,
}  # fmt: skip
BARS = walk("ACME", daily_starts(260), 7, spread=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_with_one_bar_too_few_an_indicator_is_null_and_with_enough_a_number(name: str) -> None:
    assert of(BARS.slice(0, NEEDS[name] - 1))[name] is None
    assert of(BARS.slice(0, NEEDS[name]))[name] is not None


def test_vwap_has_a_value_from_the_first_bar_and_none_without() -> None:
    first, none = vwaps([BARS.slice(0, 1)])[0], vwaps([BARS.slice(0, 0)])[0]
    assert none == dict.fromkeys(VWAP_NAMES)
    assert first["vwap"] == pytest.approx((BARS.high[0] + BARS.low[0] + BARS.close[0]) / 3)
    assert first["vwap_position"] is None


@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
@pytest.mark.parametrize("place", [0, 120, 250, 259])
def test_a_bar_with_a_hole_is_as_if_it_had_not_been(column: str, place: int) -> None:
    holed = Bars(BARS.symbol, *(getattr(BARS, name).copy() for name in ("start", *COLUMNS)))
    getattr(holed, column)[place] = np.nan
    without = Bars(BARS.symbol, *(np.delete(getattr(BARS, name), place) for name in ("start", *COLUMNS)))
    assert of(whole(holed)) == of(without)
    assert vwaps([whole(holed)]) == vwaps([without])


def test_a_volume_that_is_missing_counts_as_none() -> None:
    silent, missing = BARS.volume.copy(), BARS.volume.copy()
    silent[250], missing[250] = 0.0, np.nan
    prices = (BARS.start, BARS.open, BARS.high, BARS.low, BARS.close)
    assert of(whole(Bars("ACME", *prices, missing))) == of(Bars("ACME", *prices, silent))


COLUMNS = ("open", "high", "low", "close", "volume")
