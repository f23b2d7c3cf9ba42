"""Figures are seen where drawn and missed where spoilt; scale, mirror and later bars change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.pattern.rules.frame import Frame
from services.pattern.rules.read import clean, detect, evidence
from shared.domain.evidence import Detection
from shared.domain.market import Bars
from tests.pattern import charts

DRAWN = [
    ("double_bottom", "double_top", charts.DOUBLE_BOTTOM),
    ("bull_flag", "bear_flag", charts.BULL_FLAG),
    ("inverse_head_and_shoulders", "head_and_shoulders", charts.INVERSE_HEAD),
    ("ascending_triangle", "descending_triangle", charts.ASCENDING),
    ("cup_and_handle", "inverted_cup_and_handle", charts.CUP),
    ("abcd", "bear_abcd", charts.ABCD),
]


def figures(bars: Bars) -> dict[str, Detection]:
    return {one.name: one for one in detect(Frame(bars, "5Min")) if not one.name.startswith("candle")}


@pytest.mark.parametrize(("name", "mirror", "corners"), DRAWN)
def test_a_drawn_figure_is_seen_and_confirmed(name: str, mirror: str, corners: list[tuple[int, float]]) -> None:
    seen = figures(charts.drawn(corners))[name]
    assert seen.status == "confirmed"
    assert seen.direction == "long"
    assert seen.stop is not None
    assert seen.entry is not None
    assert seen.target is not None
    assert seen.stop < seen.entry < seen.target


@pytest.mark.parametrize(("name", "mirror", "corners"), DRAWN)
def test_the_chart_upside_down_shows_the_mirrored_figure(
    name: str, mirror: str, corners: list[tuple[int, float]]
) -> None:
    bars = charts.drawn(corners)
    upright, turned = figures(bars)[name], figures(charts.flipped(bars))[mirror]
    assert turned.direction == "short"
    assert turned.confidence == pytest.approx(upright.confidence)
    assert turned.breakout == pytest.approx(200 - (upright.breakout or 0))
    assert turned.target == pytest.approx(200 - (upright.target or 0))


@pytest.mark.parametrize(("name", "mirror", "corners"), DRAWN)
def test_scale_of_price_and_volume_changes_nothing(name: str, mirror: str, corners: list[tuple[int, float]]) -> None:
    bars = charts.drawn(corners, noise=0.05)
    plain, large = figures(bars), figures(charts.scaled(bars, 10, 2))
    assert plain.keys() == large.keys()
    for key, one in plain.items():
        assert large[key].confidence == pytest.approx(one.confidence)
        assert large[key].breakout == pytest.approx(10 * (one.breakout or 0))


@pytest.mark.parametrize(
    ("name", "corners"),
    [
        ("double_bottom", [(0, 108.0), (15, 100.0), (23, 105.0), (31, 102.5), (38, 106.0)]),
        ("bull_flag", [(0, 100.0), (15, 100.3), (22, 107.0), (31, 101.0), (33, 107.6)]),
        ("cup_and_handle", [(0, 100), (10, 110), (28, 101.5), (46, 110), (50, 103.0), (54, 111)]),
        ("inverse_head_and_shoulders", [(0, 110.0), (10, 101.0), (16, 107.0), (24, 100.8), (32, 107.0), (39, 104.0)]),
    ],
)
def test_a_near_miss_is_not_taken_for_the_figure(name: str, corners: list[tuple[int, float]]) -> None:
    assert name not in figures(charts.drawn(corners))


def test_before_the_breakout_it_is_forming_and_after_the_stop_it_has_failed() -> None:
    whole = charts.drawn([*charts.DOUBLE_BOTTOM, (44, 98.0)])
    assert figures(whole.slice(0, 36))["double_bottom"].status == "forming"
    assert figures(whole.slice(0, 39))["double_bottom"].status == "confirmed"
    assert figures(whole)["double_bottom"].status == "failed"


def test_opening_range_gap_and_vwap_need_a_session_before() -> None:
    before = charts.drawn([(0, 100.0), (40, 100.4), (77, 100.0)], noise=0.03)
    after = charts.drawn([(0, 102.0), (3, 102.4), (6, 102.0), (10, 103.5)], noise=0.01, start=charts.TODAY)
    both = charts.bars_of(
        "TEST", map(np.concatenate, zip(charts.columns_of(before), charts.columns_of(after), strict=True))
    )
    seen = figures(both)
    assert seen["gap_and_go"].status == "confirmed"
    assert seen["opening_range_breakout"].direction == "long"
    assert "gap_and_go" not in figures(after)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(20, 119))
def test_the_answer_at_a_moment_never_changes_later(seed: int, cut: int) -> None:
    """What was seen with the bars up to `cut` is seen again when the future is there but cut off."""
    steps = np.random.default_rng(seed).normal(0, 0.4, 120)
    bars = charts.drawn([(i, float(p)) for i, p in enumerate(100 + np.cumsum(steps))], noise=0.05, seed=seed)
    at = float(bars.start[cut]) + charts.STEP
    past = evidence("TEST", bars.before(at, charts.STEP), None)
    again = evidence("TEST", bars.slice(0, cut + 1), None)
    assert past == again
    assert all(one.ended_at.timestamp() <= at for one in past.detections)


@pytest.mark.parametrize(
    "bars",
    [
        charts.drawn([(0, 10.0), (1, 10.0)]),
        charts.bars_of("FLAT", [300.0 * np.arange(60), *(np.full(60, 10.0) for _ in range(4)), np.zeros(60)]),
        charts.bars_of("NAN", [300.0 * np.arange(60), *(np.full(60, np.nan) for _ in range(5))]),
    ],
)
def test_charts_without_a_story_stay_neutral(bars: Bars) -> None:
    result = evidence(bars.symbol, bars, None)
    assert result.score == pytest.approx(0.5, abs=0.2)
    assert result.best is None or result.best.confidence <= 1


def test_broken_bars_are_left_out() -> None:
    bars = charts.drawn(charts.DOUBLE_BOTTOM)
    bars.high[5] = np.nan
    bars.low[7] = 0.0
    assert len(clean(bars)) == len(bars) - 2


def test_no_bars_is_a_refusal_with_a_reason() -> None:
    result = evidence("GONE", None, None)
    assert result.refused == "0 bars, 12 needed"
    assert result.score == 0.5
