"""A symbol's evidence: obeys its moment, repaints nothing, says what it rests on, refuses what it cannot judge."""

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.technical.rules.assess import assess
from services.technical.rules.levels import levels, turning_points
from services.technical.rules.score import WEIGHTS, mapped, score
from shared.domain.market import Bars
from tests.technical.world import NOW, SESSIONS, daily_starts, intraday_starts, stock, walk

RECENT = SESSIONS[-6:]


@settings(max_examples=60, deadline=None)
@given(minutes=st.integers(-600, 390), seed=st.integers(0, 10_000))
def test_nothing_later_than_the_moment_is_used(minutes: int, seed: int) -> None:
    as_of = SESSIONS[-1].open + timedelta(minutes=minutes, seconds=17)
    bars = stock("ACME", seed % 50)
    midnight = SESSIONS[-1].open.replace(hour=4, minute=0)
    cut = {
        "1Day": bars["1Day"].slice(0, int(np.searchsorted(bars["1Day"].start, min(as_of, midnight).timestamp() - 1))),
        "5Min": bars["5Min"].before(as_of.timestamp(), 300.0),
    }
    whole = assess("ACME", bars["1Day"], bars["5Min"], RECENT, as_of)
    assert whole == assess("ACME", cut["1Day"], cut["5Min"], RECENT, as_of)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(30, 250), span=st.sampled_from([3, 12]))
def test_a_turning_point_is_never_taken_back(seed: int, cut: int, span: int) -> None:
    bars = walk("ACME", daily_starts(260), seed, spread=0.02)
    before, after = turning_points(bars.slice(0, cut), span), turning_points(bars, span)
    assert np.isin(before, after).all()


def test_levels_are_the_nearest_on_either_side() -> None:
    high = np.array([10, 11, 12, 15, 12, 11, 10, 11, 12, 13, 12, 11, 10.0])
    bars = Bars("PEAK", np.arange(13.0), high - 0.5, high, high - 1, high - 0.5, np.ones(13))
    nothing = bars.slice(0, 0)
    found = levels(bars, nothing, 12.5)
    assert (found.support, found.resistance) == (9.0, 13.0)
    assert levels(bars, nothing, 14.0).support == 13.0
    assert levels(bars, nothing, 20.0).resistance is None


@pytest.mark.parametrize(("days", "sessions", "refused"), [(19, 0, True), (20, 0, False), (0, 1, False), (0, 0, True)])
def test_the_floor(days: int, sessions: int, refused: bool) -> None:
    day_bars = walk("NEW", daily_starts(days + 1), 3, spread=0.02) if days else None
    five_bars = walk("NEW", intraday_starts(sessions), 4) if sessions else None
    found = assess("NEW", day_bars, five_bars, RECENT, NOW)
    assert (found.refused is not None) == refused
    assert (found.score is None) == refused
    if refused:
        assert found.refused == "no bars" if not days else "19 daily bars (needs 20)" in (found.refused or "")


def test_five_intraday_bars_are_too_few_and_six_are_enough() -> None:
    bars = walk("IPO", intraday_starts(1), 5)
    opened = SESSIONS[-1].open
    early = assess("IPO", None, bars, RECENT, opened + timedelta(minutes=25))
    later = assess("IPO", None, bars, RECENT, opened + timedelta(minutes=30))
    assert early.refused == "too little history: 0 daily bars (needs 20) and 5 of 5 minutes (needs 6)"
    assert "5-minute" in later.rests_on


def test_it_says_what_it_does_without() -> None:
    found = assess("ACME", stock("ACME", 1)["1Day"], None, RECENT, NOW)
    assert found.score is not None
    assert (
        found.rests_on == "trend, momentum, levels, volatility from 259 daily and 0 5-minute bars; without vwap, volume"
    )
    assert found.parts["vwap"] is None


def test_vwap_is_todays_or_nobodys() -> None:
    bars = stock("ACME", 1)
    before_open = assess("ACME", bars["1Day"], bars["5Min"], RECENT, SESSIONS[-1].open - timedelta(minutes=5))
    assert before_open.indicators["5Min"]["vwap"] is None
    assert before_open.indicators["5Min"]["rsi_14"] is not None
    assert assess("ACME", bars["1Day"], bars["5Min"], RECENT, NOW).indicators["5Min"]["vwap"] is not None


def test_bars_outside_regular_hours_change_nothing() -> None:
    bars = stock("ACME", 1)
    five = bars["5Min"]
    start = np.concatenate([five.start, [one.open.timestamp() - 600 for one in RECENT]])
    order = np.argsort(start)
    columns = [
        np.concatenate([c, np.full(6, 999.0)])[order] for c in (five.open, five.high, five.low, five.close, five.volume)
    ]
    early = Bars("ACME", start[order], *columns)
    assert assess("ACME", bars["1Day"], early, RECENT, NOW) == assess("ACME", bars["1Day"], five, RECENT, NOW)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000), spread=st.floats(1e-6, 0.2), price=st.floats(0.01, 90_000), count=st.integers(0, 400)
)
def test_score_and_parts_stay_in_bounds(seed: int, spread: float, price: float, count: int) -> None:
    days = walk("ANY", daily_starts(260), seed, price, spread).tail(count)
    found = assess("ANY", days, walk("ANY", intraday_starts(5), seed + 1, price, spread / 5).tail(count), RECENT, NOW)
    values = [found.score, *found.parts.values()]
    assert all(value is None or 0 <= value <= 1 for value in values)
    numbers = [value for timeframe in found.indicators.values() for value in timeframe.values()]
    assert all(value is None or math.isfinite(value) for value in numbers)


def test_a_missing_component_hands_its_weight_to_the_others() -> None:
    full: dict[str, float | None] = dict.fromkeys(WEIGHTS, 0.8)
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
    assert score(full) == pytest.approx(0.8)
    assert score(full | {"trend": None}) == pytest.approx(0.8)
    assert score(dict.fromkeys(WEIGHTS, None) | {"trend": 1.0}) is None
    assert score(
        {"trend": 1.0, "momentum": 0.0} | dict.fromkeys(("vwap", "volume", "levels", "volatility"))
    ) == pytest.approx(5 / 9)


def test_maps_are_linear_between_their_points_and_flat_outside() -> None:
    points = ((0.0, 0.2), (10.0, 1.0))
    assert [mapped(x, points) for x in (-5, 0, 5, 10, 99)] == pytest.approx([0.2, 0.2, 0.6, 1.0, 1.0])
    assert mapped(None, points) is None


def test_a_steady_riser_scores_above_a_steady_faller() -> None:
    def drift(symbol: str, slope: float) -> float:
        made = []
        for starts, step in ((daily_starts(260), slope), (intraday_starts(6), slope / 20)):
            noise = np.random.default_rng(5).normal(0, abs(step) * 2, len(starts))
            close = 50 * np.exp(np.cumsum(step + noise))
            high, low = close * (1 + abs(step)), close * (1 - abs(step))
            made.append(Bars(symbol, starts, close, high, low, close, np.full(len(starts), 1e5)))
        found = assess(symbol, made[0], made[1], RECENT, NOW).score
        assert found is not None
        return found

    assert drift("UP", 0.004) > 0.6 > 0.4 > drift("DOWN", -0.004)
