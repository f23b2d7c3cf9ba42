"""How the benchmark plays an entry: the stop first within a bar, at the open where a bar opens beyond a level."""

import numpy as np
import pytest

from benchmarks.pattern_trades import Plan, Tally, wilson
from shared.domain.market import Bars
from tests.pattern import charts

Row = tuple[float, float, float, float]


def bars(*rows: Row) -> Bars:
    times = charts.YESTERDAY + charts.STEP * np.arange(len(rows))
    columns = np.array(rows, dtype=np.float64).T
    return charts.bars_of("PLAY", [times, *columns, np.ones(len(rows))])


def played(chart: Bars, long: bool = True) -> Tally:
    tally = Tally()
    tally.add(chart, Plan(0, len(chart), long, 0.02, 0.04))
    return tally


CALM: Row = (100.0, 101.0, 99.0, 100.0)


@pytest.mark.parametrize(
    ("last", "how", "gain"),
    [
        ((100.0, 104.5, 99.5, 104.0), (1, 0, 0), 0.04),
        ((100.0, 100.5, 97.0, 98.5), (0, 1, 0), -0.02),
        ((100.0, 105.0, 97.0, 104.0), (0, 1, 0), -0.02),
        ((96.0, 97.0, 95.0, 96.0), (0, 1, 0), -0.04),
        ((106.0, 107.0, 105.0, 106.0), (1, 0, 0), 0.06),
        ((100.0, 101.5, 99.5, 101.0), (0, 0, 1), 0.01),
    ],
    ids=["target", "stop", "both", "opens below", "opens above", "neither"],
)
def test_a_long_entry(last: Row, how: tuple[int, int, int], gain: float) -> None:
    tally = played(bars(CALM, last))
    assert (tally.target, tally.stop, tally.neither) == how
    assert tally.mean == pytest.approx(gain)
    assert tally.mean_forward == pytest.approx(last[3] / 100 - 1)


def test_a_short_entry_is_the_mirror() -> None:
    tally = played(bars(CALM, (100.0, 100.5, 95.5, 96.0)), long=False)
    assert (tally.target, tally.stop) == (1, 0)
    assert tally.mean == pytest.approx(0.04)
    assert played(bars(CALM, (100.0, 102.5, 99.0, 102.0)), long=False).stop == 1


def test_counts_add_up_and_know_their_error() -> None:
    one, two = played(bars(CALM, (100.0, 104.5, 99.5, 104.0))), played(bars(CALM, (100.0, 100.5, 97.0, 98.5)))
    one.merge(two)
    assert (one.count, one.decided, one.hit_rate) == (2, 2, 0.5)
    assert one.mean == pytest.approx(0.01)
    assert one.error == pytest.approx(0.03 / np.sqrt(2))


def test_wilson_as_in_the_textbook() -> None:
    """Eight of ten: 0.490 to 0.943 (Newcombe, Statistics in Medicine 17, 1998, gives the method's closed form)."""
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
