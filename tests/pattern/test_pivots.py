"""A pivot is known once the price has turned two ranges away, and never before or otherwise."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pattern.rules.frame import Frame
from services.pattern.rules.levels import levels
from services.pattern.rules.pivots import REVERSAL_RANGES, turning_points, upside_down
from tests.pattern import charts
from tests.pattern.walks import walk


def test_a_high_is_known_on_the_bar_that_lies_two_ranges_below_it() -> None:
    high = np.array([1.0, 2.0, 3.0, 2.9, 2.5, 2.4, 3.5])
    turns = turning_points(high, high - 0.2, np.full(7, 0.3))
    assert [(turn.bar, turn.kind, turn.known) for turn in turns] == [(0, "low", 1), (2, "high", 4), (5, "low", 6)]
    assert turns[1].price == 3.0


def test_pivots_alternate_and_lie_a_reversal_apart() -> None:
    frame = Frame(walk(2, 8), "5Min")
    turns = frame.turns
    assert len(turns) > 30
    for one, after in pairwise(turns):
        assert one.kind != after.kind
        assert one.bar < one.known <= after.known
        assert abs(after.price - one.price) >= REVERSAL_RANGES * frame.atr[one.bar] * (1 - 1e-12)


def test_nothing_turns_on_a_flat_or_a_straight_chart() -> None:
    flat = np.full(30, 5.0)
    assert turning_points(flat, flat, np.zeros(30)) == ()
    rising = np.linspace(10, 40, 60)
    assert [turn.kind for turn in turning_points(rising, rising - 0.1, np.full(60, 0.5))] == ["low"]


def test_upside_down_turns_the_sides_and_nothing_else() -> None:
    frame = Frame(walk(2, 3), "5Min")
    again = turning_points(frame.mirrored.bars.high, frame.mirrored.bars.low, frame.atr)
    assert upside_down(frame.turns) == frame.mirrored.turns
    assert {(t.bar, t.kind, t.price) for t in again} == {(t.bar, t.kind, t.price) for t in frame.mirrored.turns}


def test_levels_lie_where_the_market_turned_nearest_first() -> None:
    support, resistance = levels(Frame(charts.drawn(STAIRS, noise=0.02), "5Min"))
    assert support[0] == pytest.approx(103.0, abs=0.3)
    assert resistance[0] == pytest.approx(108.0, abs=0.3)
    assert resistance[1] == pytest.approx(112.0, abs=0.3)
    assert support == tuple(sorted(support, reverse=True))
    assert resistance == tuple(sorted(resistance))


STAIRS = [(0, 100.0), (10, 108.0), (20, 103.0), (30, 108.05), (40, 103.05), (50, 112.0), (60, 106.0)]


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_two_turns_at_one_height_are_one_level_and_further_apart_they_are_two(noise: float) -> None:
    frame = Frame(charts.drawn(STAIRS, noise=noise), "5Min")
    near = 0.75 * float(frame.atr[-1])
    one = [price for price in levels(frame)[1] if abs(price - 108.0) < 1.5]
    assert len(one) == 1
    apart = [(at, price + (2.5 * near if at == 30 else 0.0)) for at, price in STAIRS]
    two = [price for price in levels(Frame(charts.drawn(apart, noise=noise), "5Min"))[1] if 107.0 < price < 110.5]
    assert len(two) == 2


def test_a_dent_that_is_no_turn_is_no_level() -> None:
    """The near miss: a pullback of less than two ranges."""
    dented = [(0, 100.0), (10, 108.0), (11, 107.5), (22, 118.0), (32, 110.0)]
    support, resistance = levels(Frame(charts.drawn(dented), "5Min"))
    assert not [price for price in (*support, *resistance) if 106.5 < price < 109.5]
    turned = [(0, 100.0), (10, 108.0), (13, 105.5), (24, 118.0), (34, 110.0)]
    assert [price for price in levels(Frame(charts.drawn(turned), "5Min"))[0] if 106.5 < price < 109.5]


def test_levels_scale_with_the_price_and_change_sides_upside_down() -> None:
    bars = walk(3, 5)
    support, resistance = levels(Frame(bars, "5Min"))
    assert support
    assert resistance
    larger = levels(Frame(charts.scaled(bars, 10, 2), "5Min"))
    assert larger[0] == pytest.approx([10 * price for price in support], abs=1e-3)
    assert larger[1] == pytest.approx([10 * price for price in resistance], abs=1e-3)
    around = 3 * float(bars.high.max())
    turned = levels(Frame(charts.flipped(bars, around), "5Min"))
    assert turned[1] == pytest.approx([around - price for price in support], abs=1e-3)
    assert turned[0] == pytest.approx([around - price for price in resistance], abs=1e-3)


@given(seed=st.integers(0, 10_000), cut=st.integers(60, 389))
def test_a_level_rests_on_pivots_known_by_then(seed: int, cut: int) -> None:
    """No later bar is needed for one: each is the mean of pivots that the whole chart knew at that moment."""
    whole = Frame(walk(seed, 5), "5Min")
    past = Frame(whole.bars.slice(0, cut), "5Min")
    known = [turn.price for turn in whole.turns if turn.known < cut]
    reach = 0.75 * float(past.atr[-1])
    for price in (*levels(past)[0], *levels(past)[1]):
        assert any(abs(price - one) <= reach for one in known)
    assert [turn.price for turn in past.turns] == known
