"""A pivot is known once the price has turned two ranges away, and never before or otherwise."""

from itertools import pairwise

import numpy as np
import pytest

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
    corners = [(0, 100.0), (10, 108.0), (20, 103.0), (30, 108.05), (40, 103.05), (50, 112.0), (60, 106.0)]
    support, resistance = levels(Frame(charts.drawn(corners, noise=0.02), "5Min"))
    assert support[0] == pytest.approx(103.0, abs=0.3)
    assert resistance[0] == pytest.approx(108.0, abs=0.3)
    assert resistance[1] == pytest.approx(112.0, abs=0.3)
    assert support == tuple(sorted(support, reverse=True))
    assert resistance == tuple(sorted(resistance))
