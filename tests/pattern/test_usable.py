"""Charts that cannot or should not be read: each has a sane answer that says what it rests on."""

import numpy as np
import pytest

from services.pattern.rules.read import evidence
from services.pattern.rules.usable import last_split, usable, whole
from shared.domain.market import Bars
from tests.pattern import charts
from tests.pattern.walks import walk


def flat(price: float, volume: float, count: int = 60) -> Bars:
    times = charts.YESTERDAY + charts.STEP * np.arange(count)
    return charts.bars_of("FLAT", [times, *(np.full(count, price) for _ in range(4)), np.full(count, volume)])


def split_in_the_middle(ratio: float, at: int = 200, seed: int = 5) -> Bars:
    """A walk whose prices from bar `at` on are `ratio` times higher, and its volume as much lower."""
    bars = walk(seed, 4)
    factor = np.where(np.arange(len(bars)) < at, 1.0, ratio)
    prices = (column * factor for column in (bars.open, bars.high, bars.low, bars.close))
    return charts.bars_of("SPLIT", [bars.start, *prices, bars.volume / factor])


@pytest.mark.parametrize(
    ("bars", "reason"),
    [
        (flat(10.0, 500.0, count=1), "5-minute: too little history: 1 bar (12 needed); daily: no bars"),
        (flat(10.0, 500.0), "5-minute: one price in 60 bars; daily: no bars"),
        (flat(float("nan"), 500.0), "5-minute: too little history: 0 bars (12 needed); daily: no bars"),
        (flat(1e-5, 500.0), "5-minute: too little history: 0 bars (12 needed); daily: no bars"),
        (flat(0.0, 500.0), "5-minute: too little history: 0 bars (12 needed); daily: no bars"),
        (None, "no bars"),
    ],
    ids=["one bar", "one price", "nan", "under a tick", "zero price", "none"],
)
def test_a_chart_without_a_story_is_refused_and_neutral(bars: Bars | None, reason: str) -> None:
    result = evidence("X", bars, None)
    assert result.refused == reason
    assert reason in result.rests_on
    assert result.score == 0.5
    assert result.detections == ()
    assert result.best is None


def test_prices_without_any_trade_are_refused() -> None:
    bars = walk(3, 3)
    quotes = charts.bars_of("QUIET", [*charts.columns_of(bars)[:5], np.zeros(len(bars))])
    assert evidence("QUIET", quotes, None).refused == f"5-minute: no volume in {len(bars)} bars; daily: no bars"


def test_some_bars_without_volume_are_read_and_confirm_nothing() -> None:
    bars = walk(3, 4)
    bars.volume[200:] = 0.0
    result = evidence("THIN", bars, None)
    assert result.refused is None
    late = [one for one in result.detections if one.ended_at.timestamp() >= bars.start[230]]
    assert not any(one.volume_confirmed for one in late)


def test_broken_bars_are_left_out_and_counted() -> None:
    bars = walk(4, 4)
    bars.high[5], bars.low[7], bars.close[9], bars.volume[11] = np.nan, 0.0, np.inf, -1.0
    result = evidence("BROKEN", bars, None)
    assert len(whole(bars)) == len(bars) - 4
    assert result.rests_on == f"5-minute: 4 broken bars left out; {len(bars) - 4} 5-minute bars; daily: no bars"
    assert np.isfinite(result.score)


@pytest.mark.parametrize("ratio", [0.1, 0.25, 0.5, 2.0, 3.0, 10.0, 20.0])
def test_only_bars_since_a_split_are_read(ratio: float) -> None:
    bars = split_in_the_middle(ratio)
    assert last_split(bars) == 200
    result, since = evidence("SPLIT", bars, None), evidence("SPLIT", bars.slice(200, len(bars)), None)
    assert (result.score, result.detections) == (since.score, since.detections)
    assert "200 bars before a jump" in result.rests_on
    assert "a split by its looks, left out" in result.rests_on
    assert not any("gap" in one.name for one in result.detections)


def test_a_jump_on_news_is_no_split() -> None:
    bars = split_in_the_middle(2.0)
    bars.high[200] *= 1.3
    bars.low[200] *= 0.8
    assert last_split(bars) == 0
    for ratio in (0.655, 1.455, 1.5, 1.75, 2.06, 2.5):
        assert last_split(split_in_the_middle(ratio)) == 0, ratio


def test_bars_right_after_a_split_are_too_few() -> None:
    kept = usable(split_in_the_middle(0.5, at=200).slice(0, 205))
    assert kept.refused == "too little history: 5 bars (12 needed)"


def test_an_intact_chart_is_read_as_it_is() -> None:
    bars = walk(6, 4)
    kept = usable(bars)
    assert kept.refused is None
    assert kept.notes == ()
    assert kept.bars is bars
