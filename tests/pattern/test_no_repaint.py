"""What was said at a moment stays said: later bars change neither pivots nor breakouts nor the answer."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import pattern_tape as tape
from services.pattern.rules.figures import breakouts, detect
from services.pattern.rules.frame import Frame, Timeframe
from services.pattern.rules.read import evidence
from shared.domain.market import Bars
from tests.pattern import charts
from tests.pattern.test_figures import EVERY, drawing
from tests.pattern.walks import walk

RECORDED = Path(__file__).parents[2] / tape.HELD_OUT
SYMBOLS = ["AAPL", "AMD", "GME", "MARA", "PLUG", "SOFI", "TSLA", "XOM"]


def expect_past_kept(bars: Bars, cut: int, timeframe: Timeframe = "5Min") -> None:
    """Pivots and breakouts of the past are the beginning of those of the whole, and `detect` said each on its bar."""
    past, whole = Frame(bars.slice(0, cut), timeframe), Frame(bars, timeframe)
    assert whole.turns[: len(past.turns)] == past.turns
    assert all(turn.known < cut for turn in past.turns)
    assert all(turn.known >= cut for turn in whole.turns[len(past.turns) :])
    before = [(seen.name, seen.at, seen.shape) for seen in breakouts(past)]
    after = [(seen.name, seen.at, seen.shape) for seen in breakouts(whole) if seen.at < cut]
    assert before == after


@given(seed=st.integers(0, 10_000), cut=st.integers(20, 389))
def test_later_bars_change_nothing_on_a_walk(seed: int, cut: int) -> None:
    expect_past_kept(walk(seed, 5), cut)


@given(seed=st.integers(0, 10_000), cut=st.integers(30, 300))
def test_the_answer_at_a_moment_is_that_of_the_bars_complete_by_then(seed: int, cut: int) -> None:
    bars = walk(seed, 4)
    at = float(bars.start[cut]) + charts.STEP
    past = evidence("WALK", bars.slice(0, cut + 1), None)
    again = evidence("WALK", bars.before(at, charts.STEP), None)
    early = evidence("WALK", bars.before(at - 1.0, charts.STEP), None)
    assert past == again
    assert early == evidence("WALK", bars.slice(0, cut), None)
    assert all(one.ended_at.timestamp() < at for one in past.detections)


@given(seed=st.integers(0, 10_000))
def test_each_breakout_was_said_on_its_own_bar_and_no_other_was(seed: int) -> None:
    """The one pass that the benchmarks use and bar after bar of `detect` tell the same story."""
    bars = walk(seed, 4)
    told = {(seen.name, float(bars.start[seen.at])) for seen in breakouts(Frame(bars, "5Min"))}
    said = set()
    for end in range(13, len(bars) + 1):
        for one in detect(Frame(bars.slice(0, end), "5Min")):
            if one.status == "confirmed" and one.ended_at.timestamp() == bars.start[end - 1]:
                said.add((one.name, float(bars.start[end - 1])))
    assert said <= told
    hidden = told - said
    assert len(hidden) <= 0.1 * len(told) + 1, "only a better figure of the same name may hide one"


@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("name", EVERY)
def test_later_bars_change_nothing_on_a_drawn_figure(name: str, short: bool) -> None:
    """Walks show some figures seldom: each is cut where it matters, around its breakout."""
    drawn = drawing(name, 3, short=short)
    for cut in range(drawn.breakout - 2, min(len(drawn.bars), drawn.breakout + 5)):
        expect_past_kept(drawn.bars, cut)
    told = [seen.at for seen in breakouts(Frame(drawn.bars, "5Min")) if seen.name == drawn.name]
    assert any(abs(at - drawn.breakout) <= 6 for at in told)


@pytest.mark.market_data
@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded days beside the checkout")
def test_later_bars_change_nothing_on_recorded_days() -> None:
    rng = np.random.default_rng(4)
    short, long = tape.intraday(RECORDED, SYMBOLS), tape.daily(RECORDED, SYMBOLS)
    assert short.keys() == long.keys()
    assert len(short) >= 5
    for symbol in short:
        for cut in rng.integers(20, len(short[symbol]), 12).tolist():
            expect_past_kept(short[symbol], cut)
        for cut in rng.integers(20, len(long[symbol]), 12).tolist():
            expect_past_kept(long[symbol], cut, "1Day")
