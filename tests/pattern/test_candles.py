"""The 61 candlesticks: each seen where drawn, missed where spoilt, mirrored upside down, and never repainted."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import pattern_tape as tape
from services.pattern.rules.candles import FUNCTIONS, LOOKBACK, NAMES, candlesticks, direction, marks
from services.pattern.rules.frame import Frame
from services.pattern.rules.read import Charts, read_charts
from shared.domain.evidence import Direction
from shared.domain.market import Bars
from tests.pattern import charts
from tests.pattern.candle_drawing import CANDLES, draw_candle
from tests.pattern.walks import walk

MIRRORED = {
    "DRAGONFLYDOJI": "GRAVESTONEDOJI", "EVENINGDOJISTAR": "MORNINGDOJISTAR", "EVENINGSTAR": "MORNINGSTAR",
    "DARKCLOUDCOVER": "PIERCING", "3BLACKCROWS": "3WHITESOLDIERS", "HANGINGMAN": "INVERTEDHAMMER",
}  # fmt: skip
"""Figures that have another name upside down."""
ONE_SIDED = frozenset((
    "2CROWS", "3STARSINSOUTH", "ADVANCEBLOCK", "CONCEALBABYSWALL", "GAPSIDESIDEWHITE", "HAMMER", "HOMINGPIGEON",
    "IDENTICAL3CROWS", "INNECK", "LADDERBOTTOM", "MATCHINGLOW", "MATHOLD", "ONNECK", "SHOOTINGSTAR", "STALLEDPATTERN",
    "STICKSANDWICH", "TAKURI", "THRUSTING", "UNIQUE3RIVER", "UPSIDEGAP2CROWS",
))  # fmt: skip
"""Figures that TA-Lib knows one way up only."""
SEEDS, NOISE = range(8), 0.03
RECORDED = Path(__file__).parents[2] / tape.HELD_OUT


def seen_in(bars: Bars) -> dict[str, Direction]:
    return {one.name.removeprefix("candle_").upper(): one.direction for one in candlesticks(Frame(bars, "5Min"))}


def way(name: str) -> Direction:
    return direction(FUNCTIONS.index("CDL" + name), CANDLES[name].sign)


def test_there_are_sixty_one() -> None:
    assert len(FUNCTIONS) == len(set(NAMES)) == 61
    assert {"CDL" + name for name in CANDLES} == set(FUNCTIONS)


@pytest.mark.parametrize("name", CANDLES)
def test_a_drawn_candle_is_seen_clean_and_noisy(name: str) -> None:
    assert seen_in(draw_candle(name)).get(name) == way(name)
    noisy = [seen_in(draw_candle(name, noise=NOISE, seed=seed)).get(name) for seed in SEEDS]
    assert noisy.count(way(name)) >= len(SEEDS) - 1


@pytest.mark.parametrize("name", CANDLES)
def test_one_bar_spoils_it(name: str) -> None:
    assert name not in seen_in(draw_candle(name, spoilt=True))
    noisy = [name in seen_in(draw_candle(name, spoilt=True, noise=NOISE, seed=seed)) for seed in SEEDS]
    assert sum(noisy) <= 1


@pytest.mark.parametrize("name", CANDLES)
def test_scale_changes_no_drawn_candle(name: str) -> None:
    bars = draw_candle(name)
    assert seen_in(charts.scaled(bars, 10, 2)) == seen_in(bars)


@pytest.mark.parametrize("name", CANDLES)
def test_upside_down_it_is_its_mirror_image_or_none(name: str) -> None:
    turned = seen_in(charts.flipped(draw_candle(name)))
    if name in ONE_SIDED:
        assert name not in turned
        return
    both_ways = MIRRORED | {second: first for first, second in MIRRORED.items()}
    mirror: dict[Direction, Direction] = {"long": "short", "short": "long", "neutral": "neutral"}
    assert turned.get(both_ways.get(name, name)) == mirror[way(name)]


def test_what_a_doji_or_a_spinning_top_means_is_undecided() -> None:
    for name in ("DOJI", "SPINNINGTOP", "HIGHWAVE", "SHORTLINE"):
        assert way(name) == "neutral"
    assert way("HAMMER") == "long"
    assert way("SHOOTINGSTAR") == "short"


def expect_same_as_of_the_whole(bars: Bars) -> int:
    """The last bar of each beginning says what TA-Lib says of it in the whole. Returns how much that is."""
    ends = range(LOOKBACK, len(bars) + 1)
    values = marks(bars.open, bars.high, bars.low, bars.close)
    for end in ends:
        found = candlesticks(Frame(bars.slice(0, end), "5Min"))
        column = values[:, end - 1]
        expected = {NAMES[number]: direction(number, int(column[number])) for number in np.flatnonzero(column).tolist()}
        assert {one.name: one.direction for one in found} == expected
    return int(np.count_nonzero(values[:, LOOKBACK - 1 :]))


def test_no_later_bar_repaints_a_candle_of_a_walk_or_a_drawing() -> None:
    assert sum(expect_same_as_of_the_whole(walk(seed, 3)) for seed in range(4)) > 500
    drawn = [draw_candle(name) for name in CANDLES]
    joined = [np.concatenate(columns) for columns in zip(*map(charts.columns_of, drawn), strict=True)]
    joined[0] = charts.YESTERDAY + charts.STEP * np.arange(len(joined[0]))
    assert expect_same_as_of_the_whole(charts.bars_of("ALL", joined)) > 61


@pytest.mark.market_data
@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded days beside the checkout")
def test_no_later_bar_repaints_a_candle_of_a_recorded_day() -> None:
    for bars in tape.intraday(RECORDED, ["AAPL", "GME", "SOFI"]).values():
        assert expect_same_as_of_the_whole(bars) > 100


def test_a_wild_neighbour_changes_no_bit() -> None:
    """Laid end to end, one chart's running sums would carry into the next one's averages."""
    calm, wild = walk(1, 3), charts.scaled(walk(2, 3), 1e140, 1)
    alone = read_charts([Charts("CALM", calm, None)])[0]
    assert alone.detections
    assert read_charts([Charts("WILD", wild, None), Charts("CALM", calm, None)])[1] == alone


def test_an_engulfing_bar_is_named_with_its_direction_and_time() -> None:
    bars = charts.drawn([(0, 110.0), (LOOKBACK, 100.0)])
    last = len(bars) - 1
    bars.open[last], bars.close[last] = bars.close[last - 1] - 0.05, bars.open[last - 1] + 0.2
    bars.low[last], bars.high[last] = bars.open[last] - 0.02, bars.close[last] + 0.02
    found = {one.name: one for one in candlesticks(Frame(bars, "5Min"))}
    assert found["candle_engulfing"].direction == "long"
    assert found["candle_engulfing"].ended_at.timestamp() == bars.start[last]
    assert found["candle_engulfing"].stop is None


def test_scale_changes_no_candle_and_a_short_chart_has_none() -> None:
    bars = walk(9, 2)
    plain, large = (candlesticks(Frame(one, "5Min")) for one in (bars, charts.scaled(bars, 16, 2)))
    assert plain == large
    assert candlesticks(Frame(bars.slice(0, LOOKBACK - 1), "5Min")) == ()
    assert np.isfinite([one.confidence for one in plain]).all()
