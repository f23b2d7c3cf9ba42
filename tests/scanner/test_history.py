"""Daily bars as matrices."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.rules import history
from services.scanner.rules.baseline import baseline_of
from shared.domain.market import Bars, BarTable

MIDNIGHT = 1_781_496_000.0
DAY = 86_400.0


def bars(symbol: str, closes: list[float], first: int = 0, volume: float = 1000.0) -> Bars:
    close = np.array(closes)
    start = np.array([MIDNIGHT + DAY * (first + n) for n in range(len(closes))])
    return Bars(symbol, start, close, close, close, close, np.full(len(closes), volume))


def table(*rows: Bars) -> BarTable:
    return {row.symbol: row for row in rows}


def same(left: history.History, right: history.History) -> bool:
    return left.symbols == right.symbols and all(
        np.array_equal(getattr(left, name), getattr(right, name), equal_nan=True) for name in ("days", *history.FIELDS)
    )


def test_bars_become_a_matrix_with_holes() -> None:
    found = history.from_bars(("A", "B", "C"), table(bars("A", [1, 2, 3]), bars("B", [9], first=1)))
    assert found.close.shape == (3, 3)
    assert found.close[0].tolist() == [1, 2, 3]
    assert np.isnan(found.close[1]).tolist() == [True, False, True]
    assert np.isnan(found.close[2]).all()
    assert str(found.last_day) == "2026-06-17"


def test_only_the_last_forty_days_are_kept() -> None:
    found = history.from_bars(("A",), table(bars("A", list(range(1, 61)))))
    assert found.close[0].tolist() == list(range(21, 61))


def test_a_baseline_looks_back_over_holes() -> None:
    gaps = bars("B", [50.0] * 20)
    found = baseline_of(history.from_bars(("A", "B", "C"), table(bars("A", [float(n) for n in range(1, 31)]), gaps)))
    assert found.last_close.tolist()[:2] == [30.0, 50.0]
    assert found.close_5[0] == 26.0
    assert found.close_20[0] == 11.0
    assert found.average_volume.tolist() == [1000.0, 500.0, 0.0]
    assert found.traded_days.tolist() == [30.0, 20.0, 0.0]
    assert found.silent_days[:2].tolist() == [0.0, 10.0]
    assert np.isnan(found.last_close[2])


def test_no_history_at_all_is_no_error() -> None:
    found = baseline_of(history.from_bars(("A", "B"), {}))
    assert np.isnan(found.last_close).all()
    assert found.traded_days.tolist() == [0.0, 0.0]


def test_a_top_up_equals_a_whole_read() -> None:
    symbols = ("A", "B")
    whole = history.from_bars(symbols, table(bars("A", [1, 2, 3, 4]), bars("B", [5, 6, 7, 8])))
    old = history.from_bars(symbols, table(bars("A", [1, 2, 3]), bars("B", [5, 6, 7])))
    new = history.from_bars(symbols, table(bars("A", [3, 4], first=2), bars("B", [7, 8], first=2)))
    assert history.changed(old, new) == ()
    assert same(history.merged(old, new), whole)


def test_a_split_and_a_new_name_are_read_again() -> None:
    symbols = tuple(f"S{n}" for n in range(10))
    rows = [bars(symbol, [10.0, 20.0]) for symbol in symbols[:9]]
    old = history.from_bars(symbols, table(*rows))
    split = [bars(symbol, [20.0 if symbol != "S3" else 2.0], first=1) for symbol in symbols]
    assert history.changed(old, history.from_bars(symbols, table(*split))) == ("S3", "S9")


def test_another_market_is_read_whole() -> None:
    symbols = ("A", "B", "C")
    old = history.from_bars(symbols, table(*(bars(symbol, [10.0, 20.0]) for symbol in symbols)))
    other = history.from_bars(symbols, table(*(bars(symbol, [7.0], first=1) for symbol in symbols)))
    apart = history.from_bars(symbols, table(*(bars(symbol, [7.0], first=9) for symbol in symbols)))
    assert history.changed(old, other) == symbols
    assert history.changed(old, apart) == symbols


def test_another_universe_keeps_what_it_shares() -> None:
    old = history.from_bars(("A", "B"), table(bars("A", [1.0, 2.0]), bars("B", [3.0, 4.0])))
    found = history.for_symbols(old, ("B", "X"))
    assert found.close[0].tolist() == [3.0, 4.0]
    assert np.isnan(found.close[1]).all()


@given(st.integers(0, 5), st.integers(0, 50))
def test_the_cache_gives_back_what_was_put_in(names: int, days: int) -> None:
    symbols = tuple(f"S{n}" for n in range(names))
    rows = [bars(symbol, [1.0 + n for n in range(days)]) for symbol in symbols[::2]]
    given_ = history.from_bars(symbols, table(*rows))
    found = history.unpacked(history.packed(given_))
    assert found is not None
    assert same(found, given_)


@given(st.binary(max_size=60))
def test_garbage_in_the_cache_is_no_history(data: bytes) -> None:
    found = history.unpacked(data)
    assert found is None or len(found.symbols) * len(found.days) == found.close.size


def test_the_last_volumes_by_day() -> None:
    found = history.from_bars(("A", "B"), table(bars("A", [1, 2, 3]), bars("B", [9], first=2)))
    volumes = history.last_volumes(found, 2)
    assert [str(day) for day in volumes] == ["2026-06-16", "2026-06-17"]
    assert [column.tolist() for column in volumes.values()][1] == [1000.0, 1000.0]
    assert np.isnan(next(iter(volumes.values()))[1])
    assert history.last_volumes(history.empty(("A",)), 5) == {}
