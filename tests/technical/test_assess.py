"""A symbol's evidence: obeys its moment, repaints nothing, says what it rests on, refuses what it cannot judge."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.technical.rules import assess as rule
from services.technical.rules.levels import Levels, distances, levels, turns
from services.technical.rules.score import OPEN_SKY, WEIGHTS, mapped, room, score, shares
from shared.domain.evidence import TechnicalEvidence
from shared.domain.market import Bars, Timeframe
from shared.domain.session import Session
from tests.technical.world import NOW, SESSIONS, daily_starts, intraday_starts, stock, walk

RECENT = SESSIONS[-6:]
ROUNDED = 2e-5
FRAMES: tuple[Timeframe, ...] = ("1Day", "5Min")


def assess(
    symbol: str, days: Bars | None, minutes: Bars | None, sessions: Sequence[Session], as_of: datetime
) -> TechnicalEvidence:
    """One symbol alone."""
    tables = ({symbol: days} if days else {}, {symbol: minutes} if minutes else {})
    return rule.assess([symbol], *tables, sessions, as_of)[symbol]


def around(days: Bars, minutes: Bars, price: float) -> Levels:
    return levels([days], [minutes], [price])[0]


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


@given(seed=st.integers(0, 10_000), cut=st.integers(30, 250), span=st.sampled_from([3, 12]))
def test_a_turning_point_is_never_taken_back(seed: int, cut: int, span: int) -> None:
    bars = walk("ACME", daily_starts(260), seed, spread=0.02)
    for line in (bars.high[:, np.newaxis], -bars.low[:, np.newaxis]):
        before, after = turns(line[:cut], span), turns(line, span)[:cut]
        assert not (before & ~after).any()
        assert (after & ~before).sum() == after[-span:].sum(), "what is new lies within the last bars"


def test_levels_are_the_nearest_on_either_side() -> None:
    high = np.array([10, 11, 12, 15, 12, 11, 10, 11, 12, 13, 12, 11, 10.0])
    bars = Bars("PEAK", np.arange(13.0), high - 0.5, high, high - 1, high - 0.5, np.ones(13))
    nothing = bars.slice(0, 0)
    found = around(bars, nothing, 12.5)
    assert (found.support, found.resistance) == (9.0, 13.0)
    assert around(bars, nothing, 14.0).support == 13.0
    assert around(bars, nothing, 20.0).resistance is None


def test_distances_to_the_levels_are_told_in_percent_and_ranges() -> None:
    found = assess("ACME", stock("ACME", 1)["1Day"], stock("ACME", 1)["5Min"], RECENT, NOW)
    day, price = found.indicators["1Day"], found.indicators["5Min"]["close"]
    assert price is not None
    assert found.atr is not None
    assert found.support is not None
    assert found.resistance is not None
    assert found.support < price < found.resistance
    assert day["support_distance_pct"] == pytest.approx(100 * (price - found.support) / price, abs=ROUNDED)
    assert day["resistance_distance_pct"] == pytest.approx(100 * (found.resistance - price) / price, abs=ROUNDED)
    assert day["support_distance_atr"] == pytest.approx((price - found.support) / found.atr, abs=ROUNDED)
    assert day["resistance_distance_atr"] == pytest.approx((found.resistance - price) / found.atr, abs=ROUNDED)


def test_without_a_level_or_a_range_there_is_no_distance() -> None:
    sky = distances(Levels(9.0, None), 10.0, 0.5)
    assert sky == {"support_distance_pct": 10.0, "resistance_distance_pct": None,
                   "support_distance_atr": 2.0, "resistance_distance_atr": None}  # fmt: skip
    assert distances(Levels(9.0, 12.0), 10.0, None)["support_distance_atr"] is None
    assert room(distances(Levels(None, None), 10.0, 0.5)) is None
    assert room(sky) == pytest.approx((OPEN_SKY + 0.4) / 2)


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
    present, missing = "trend, momentum, levels, volatility", "timeframes, vwap, volume"
    assert found.rests_on == f"{present} from 259 daily and 0 5-minute bars; without {missing}"
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
    assert (
        score({"trend": 1.0, "momentum": 0.0} | dict.fromkeys(("timeframes", "vwap", "volume", "levels", "volatility")))
        is None
    )
    left = {"trend": 1.0, "momentum": 0.0, "volatility": 0.5}
    some = left | dict.fromkeys(("timeframes", "volume", "levels", "vwap"))
    weighed = {"trend": 0.15 / 0.55, "momentum": 0.15 / 0.55, "volatility": 0.25 / 0.55}
    assert shares(some) == pytest.approx(dict.fromkeys(WEIGHTS, 0.0) | weighed)
    assert score(some) == pytest.approx((0.15 + 0.125) / 0.55)


def test_maps_are_linear_between_their_points_and_flat_outside() -> None:
    points = ((0.0, 0.2), (10.0, 1.0))
    assert [mapped(x, points) for x in (-5, 0, 5, 10, 99)] == pytest.approx([0.2, 0.2, 0.6, 1.0, 1.0])
    assert mapped(None, points) is None


def drifting(symbol: str, daily: float, intraday: float) -> dict[Timeframe, Bars]:
    """A chart that goes steadily one way a day, and steadily one way every five minutes."""
    made = dict[Timeframe, Bars]()
    for timeframe, starts, step in zip(FRAMES, (daily_starts(260), intraday_starts(6)), (daily, intraday), strict=True):
        noise = np.random.default_rng(5).normal(0, abs(step) * 2, len(starts))
        close = np.exp(np.cumsum(step + noise))
        close = 50 * close / close[-1]
        high, low = close * (1 + abs(step)), close * (1 - abs(step))
        made[timeframe] = Bars(symbol, starts, close, high, low, close, np.full(len(starts), 1e5))
    return made


def drift(daily: float, intraday: float) -> TechnicalEvidence:
    made = drifting("ANY", daily, intraday)
    return assess("ANY", made["1Day"], made["5Min"], RECENT, NOW)


def test_a_steady_riser_scores_above_a_steady_faller() -> None:
    up, down = drift(0.004, 0.0002).score, drift(-0.004, -0.0002).score
    assert up is not None
    assert down is not None
    assert up > 0.6 > 0.4 > down


def test_timeframes_that_agree_and_that_do_not_are_seen_and_weighed() -> None:
    both, torn, mirrored = drift(0.004, 0.0002), drift(0.004, -0.0002), drift(-0.004, 0.0002)
    for one in (both, torn, mirrored):
        daily, intraday = one.parts["daily"], one.parts["intraday"]
        assert daily is not None
        assert intraday is not None
        assert one.parts["timeframes"] == min(daily, intraday)
        assert one.parts["agreement"] == pytest.approx(1 - abs(daily - intraday), abs=ROUNDED)
    assert "timeframes agree: daily up" in both.rests_on
    assert "timeframes disagree: daily up" in torn.rests_on
    assert "timeframes disagree: daily down" in mirrored.rests_on
    assert (both.parts["agreement"] or 0) > 0.8 > (torn.parts["agreement"] or 0)
    assert (both.parts["timeframes"] or 0) > 0.6 > 0.4 > (torn.parts["timeframes"] or 0)


@given(seed=st.integers(0, 10_000), days=st.integers(0, 260), minutes=st.integers(0, 400))
def test_parts_times_weights_are_the_score(seed: int, days: int, minutes: int) -> None:
    bars = stock("ACME", seed)
    found = assess("ACME", bars["1Day"].tail(days), bars["5Min"].tail(minutes), RECENT, NOW)
    if found.score is None:
        assert found.refused
        return
    total = sum(weight * (found.parts[name] or 0.0) for name, weight in found.weights.items())
    assert total == pytest.approx(found.score, abs=ROUNDED)
    assert sum(found.weights.values()) == pytest.approx(1.0, abs=ROUNDED)
    numbers = [value for frame in found.indicators.values() for value in frame.values()]
    assert all(value is None or value == round(value, rule.DIGITS) for value in numbers)
    assert all(found.parts[name] is not None for name, weight in found.weights.items() if weight)
    missing = [name for name in WEIGHTS if found.parts[name] is None]
    assert ("without" in found.rests_on) == bool(missing)


def test_evidence_does_not_depend_on_the_company_or_the_order() -> None:
    crowd = {f"S{n}": stock(f"S{n}", n, days=5 + 17 * n, sessions=1 + n % 6) for n in range(16)}
    days, minutes = ({name: one[frame] for name, one in crowd.items()} for frame in FRAMES)
    whole = rule.assess(list(crowd), days, minutes, RECENT, NOW)
    backwards = rule.assess(list(crowd)[::-1], days, minutes, RECENT, NOW)
    assert whole == backwards
    for name, one in crowd.items():
        alone = assess(name, one["1Day"], one["5Min"], RECENT, NOW)
        assert alone.model_dump_json() == whole[name].model_dump_json()
