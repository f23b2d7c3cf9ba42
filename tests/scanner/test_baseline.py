"""What daily bars say of a name: ranges, medians, offers, missed splits, and bars that are not fit to be read."""

import numpy as np
import pytest

from services.scanner.rules.baseline import Baseline, baseline_of, with_companies
from services.scanner.rules.history import FIELDS, History, from_bars, mended, split_factor
from shared.domain.market import Bars

DAYS = 40


def days(closes: np.ndarray, ranges: float | np.ndarray = 0.03, volume: float | np.ndarray = 1e6) -> History:
    """One name, a close a day, highs and lows `ranges` of the close apart around it."""
    close = np.asarray(closes, dtype=np.float64)[None]
    half = close * ranges / 2
    volumes = np.broadcast_to(np.asarray(volume, dtype=np.float64), close.shape).copy()
    return History(("A",), np.arange(close.shape[1]), close, volumes, close + half, close - half)


def wobbling(price: float, count: int, size: float = 0.01) -> np.ndarray:
    return price * (1 + size * np.where(np.arange(count) % 2, 1.0, -1.0))


def offered(jump: float = 0.3, since: int = 8, wobble: float = 0.001) -> np.ndarray:
    return np.concatenate((wobbling(10, DAYS - since), wobbling(10 * (1 + jump), since, wobble)))


def base_of(closes: np.ndarray, ranges: float | np.ndarray = 0.03) -> Baseline:
    return baseline_of(days(closes, ranges))


def narrow_since(since: int, then: float = 0.003) -> np.ndarray:
    return np.where(np.arange(DAYS) >= DAYS - since, then, 0.03)


def test_an_offer_pins_a_price_between_its_bounds() -> None:
    found = base_of(offered(), narrow_since(8)).pinned_range
    assert 0.2 < found[0] < 0.6


@pytest.mark.parametrize(
    ("closes", "ranges"),
    [
        (offered(jump=0.05), narrow_since(8)),
        (offered(), np.full(DAYS, 0.03)),
        (offered(since=1), narrow_since(1)),
        (offered(wobble=0.01), narrow_since(8)),
        (np.concatenate((offered()[:-4], 13 * 1.02 ** np.arange(1, 5))), narrow_since(8)),
        (wobbling(10, DAYS, 0.001), np.full(DAYS, 0.003)),
    ],
    ids=["a small jump", "still lively", "jumped yesterday", "closes wander", "it runs away", "no jump at all"],
)
def test_near_misses_of_an_offer(closes: np.ndarray, ranges: np.ndarray) -> None:
    assert np.isnan(base_of(closes, ranges).pinned_range[0])


def test_a_raised_offer_is_still_one() -> None:
    closes = np.concatenate((offered(since=8)[:-4], wobbling(13.4, 4, 0.001)))
    assert np.isfinite(base_of(closes, narrow_since(8)).pinned_range[0])


def test_a_late_jump_is_the_largest_rise_of_two_sessions() -> None:
    assert base_of(np.array([10.0, 10, 12, 12])).late_jump[0] == pytest.approx(20.0)
    assert base_of(np.array([10.0, 12, 12, 12])).late_jump[0] == pytest.approx(0.0)
    assert base_of(np.array([10.0, np.nan, 12, 12.6])).late_jump[0] == pytest.approx(5.0)
    assert np.isnan(base_of(np.array([10.0])).late_jump[0])


def test_the_median_does_not_believe_one_wild_day() -> None:
    volume = np.full(DAYS, 1000.0)
    volume[-3] = 1e9
    found = baseline_of(days(np.full(DAYS, 2.0), volume=volume))
    assert found.median_dollar_volume[0] == 2000.0
    assert found.average_dollar_volume[0] > 9e7


def test_usual_range_is_the_median_true_range() -> None:
    closes = wobbling(100, DAYS, 0.0)
    assert base_of(closes, 0.04).usual_range[0] == pytest.approx(4.0)
    gap = np.concatenate((np.full(DAYS // 2, 50.0), np.full(DAYS // 2, 100.0)))
    assert base_of(gap, 0.04).usual_range[0] == pytest.approx(4.0), "one gap moves no median"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_name_of_few_bars_has_unknowns_and_no_errors(count: int) -> None:
    found = base_of(np.full(count, 7.0))
    assert found.traded_days[0] == count
    assert found.last_close[0] == 7.0
    assert np.isnan(found.close_20[0])
    assert np.isnan(found.pinned_range[0])


def test_constant_prices_zero_volume_and_holes() -> None:
    constant = baseline_of(days(np.full(DAYS, 5.0), 0.0, 0.0))
    assert (constant.usual_range[0], constant.average_volume[0], constant.median_dollar_volume[0]) == (0, 0, 0)
    holes = np.where(np.arange(DAYS) % 3, 10.0, np.nan)
    found = baseline_of(days(holes))
    assert found.traded_days[0] == np.isfinite(holes).sum()
    assert np.isfinite(found.usual_range[0])
    nothing = baseline_of(days(np.full(DAYS, np.nan)))
    assert (nothing.traded_days[0], nothing.average_volume[0]) == (0, 1e6 * 0)
    assert np.isnan(nothing.usual_range[0])


@pytest.mark.parametrize(("ratio", "factor"), [(2, 2), (0.5, 0.5), (10.4, 10), (0.099, 0.1), (3.05, 3), (1.95, 2)])
def test_split_factors(ratio: float, factor: float) -> None:
    assert split_factor(np.array([ratio]))[0] == pytest.approx(factor)


@pytest.mark.parametrize("ratio", [1.0, 1.5, 0.8, 2.4, 0.42, np.nan, np.inf, 0.0])
def test_no_split_factor(ratio: float) -> None:
    assert split_factor(np.array([ratio]))[0] == 1.0


def halves(step: float) -> tuple[np.ndarray, np.ndarray]:
    """Closes and volumes of a name whose price steps by a split in the middle of its bars, unadjusted."""
    behind = np.arange(DAYS) >= DAYS // 2
    return np.where(behind, 10.0 * step, 10.0) * wobbling(1, DAYS, 0.005), np.where(behind, 1e6 / step, 1e6)


@pytest.mark.parametrize("step", [0.5, 0.1, 2.0, 8.0, 20.0])
def test_a_split_in_the_middle_is_undone(step: float) -> None:
    closes, volumes = halves(step)
    found = mended(days(closes, 0.02, volumes))
    assert found.close[0] == pytest.approx(wobbling(10 * step, DAYS, 0.005))
    assert found.volume[0] == pytest.approx(np.full(DAYS, 1e6 / step))
    assert (found.high >= found.close).all()
    base = baseline_of(found)
    assert base.close_20[0] == pytest.approx(10 * step, rel=0.01)
    assert np.isnan(base.pinned_range[0])


def test_two_splits_are_both_undone() -> None:
    closes = np.where(np.arange(DAYS) < 10, 40.0, np.where(np.arange(DAYS) < 30, 20.0, 5.0))
    volumes = 1e8 / closes
    found = mended(days(closes, 0.02, volumes))
    assert found.close[0] == pytest.approx(np.full(DAYS, 5.0))
    assert found.volume[0] == pytest.approx(np.full(DAYS, 2e7))


def test_a_true_crash_is_left_as_it_is() -> None:
    closes, volumes = halves(0.5)
    volumes = np.where(np.arange(DAYS) == DAYS // 2, 2e7, 1e6)
    crash = days(closes, 0.02, volumes)
    assert (mended(crash).close == crash.close).all()
    wild = days(*halves(0.5)[:1], 0.4, halves(0.5)[1])
    assert (mended(wild).close == wild.close).all()


def test_mending_a_market_without_splits_changes_no_bit() -> None:
    rng = np.random.default_rng(3)
    close = 20 * np.exp(np.cumsum(rng.normal(0, 0.03, (50, DAYS)), axis=1))
    close[rng.random(close.shape) < 0.05] = np.nan
    whole = History(
        tuple(f"S{n}" for n in range(50)), np.arange(DAYS), close, np.full(close.shape, 1e5), close * 1.02, close * 0.98
    )
    found = mended(whole)
    assert all(np.array_equal(getattr(found, name), getattr(whole, name), equal_nan=True) for name in FIELDS)


def test_bars_of_nothing_but_one_day_can_be_mended() -> None:
    one = np.array([5.0])
    history = from_bars(("A", "B"), {"A": Bars("A", np.array([1.78e9]), one, one, one, one, one)})
    assert mended(history) == history
    assert baseline_of(history).traded_days.tolist() == [1.0, 0.0]


def test_of_two_lines_of_a_company_the_more_traded_is_the_main_one() -> None:
    close = np.full((4, DAYS), 10.0)
    volume = np.broadcast_to(np.array([[1e3], [5e3], [2e3], [0.0]]), close.shape)
    base = baseline_of(History(tuple("ABCD"), np.arange(DAYS), close, volume, close, close))
    assert base.main_dollar_volume.tolist() == [1e4, 5e4, 2e4, 0]
    found = with_companies(base, np.array([0, 0, 1, 2]))
    assert found.main_dollar_volume.tolist() == [5e4, 5e4, 2e4, 0]
    nobody = baseline_of(History((), np.arange(DAYS), *(np.empty((0, DAYS)) for _ in FIELDS)))
    assert with_companies(nobody, np.array([], dtype=np.int64)).main_dollar_volume.tolist() == []
