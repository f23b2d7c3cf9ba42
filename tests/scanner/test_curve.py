"""The volume curve: measured, learned, half days."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.rules import curve
from shared.domain.market import Bars, BarTable, Floats
from shared.domain.session import Session

DAY = date(2026, 6, 16)
OPEN = datetime(2026, 6, 16, 13, 30, tzinfo=UTC)
FULL = Session(day=DAY, open=OPEN, close=OPEN + timedelta(minutes=390))
HALF = Session(day=DAY, open=OPEN, close=OPEN + timedelta(minutes=210))
DOLLARS = np.array([3e6, 2e7, 1e8, 5e8, 5e9])


def bars(symbol: str, volumes: list[float], session: Session = FULL) -> Bars:
    """Bars of equal length that fill the session."""
    step = (session.close - session.open).total_seconds() / len(volumes)
    start: Floats = np.array([session.open.timestamp() + step * n for n in range(len(volumes))])
    price = np.full(len(volumes), 10.0)
    return Bars(symbol, start, price, price, price, price, np.array(volumes))


def taught(volumes: list[float], names: int = 40, day_volume: float = 0.0, session: Session = FULL) -> curve.Lesson:
    symbols = [f"S{n:02}" for n in range(names)]
    table = {symbol: bars(symbol, volumes, session) for symbol in symbols}
    found = curve.lesson_of(table, dict.fromkeys(symbols, 0), session, dict.fromkeys(symbols, day_volume))
    assert found is not None
    return found


def expected(dollars: Floats, session: Session, at: datetime) -> Floats:
    return curve.expected_shares(curve.expected_by_band(curve.MEASURED, session, at), dollars)


def blend(lessons: list[curve.Lesson], today: date, universe: frozenset[str]) -> Floats:
    return curve.curve_of(curve.usable(lessons, today, universe))


def test_the_measured_curve_is_a_u_that_ends_at_the_whole_day() -> None:
    assert curve.MEASURED.shape == (len(curve.BAND_EDGES) + 1, len(curve.KNOTS))
    pace = np.diff(curve.MEASURED, axis=1) / np.diff(curve.KNOTS)
    assert (pace > 0).all()
    assert (curve.MEASURED[:, 0] == 0).all()
    assert (curve.MEASURED[:, -1] == 1).all()
    noon = pace[:, 8]
    assert (pace[:, 2] > noon).all()
    assert (pace[:, -1] > 2 * noon).all()


def test_expected_shares_follow_the_band_and_never_fall() -> None:
    times = [OPEN + timedelta(minutes=n) for n in range(-5, 400, 5)]
    table = np.array([expected(DOLLARS, FULL, at) for at in times])
    assert (np.diff(table, axis=0) >= 0).all()
    assert table[0].tolist() == [curve.LEAST_SHARE] * 5
    assert table[-1].tolist() == [1.0] * 5
    at_ten = expected(DOLLARS, FULL, OPEN + timedelta(minutes=30))
    assert at_ten == pytest.approx([0.084, 0.074, 0.081, 0.103, 0.157])
    unknown = expected(np.array([np.nan, 0.0]), FULL, OPEN + timedelta(minutes=30))
    assert unknown.tolist() == [0.084, 0.084]


def test_a_half_day_is_stretched_and_smaller() -> None:
    middle = expected(DOLLARS, HALF, OPEN + timedelta(minutes=105))
    full = expected(DOLLARS, FULL, OPEN + timedelta(minutes=195))
    assert middle == pytest.approx(full * curve.HALF_DAY_VOLUME)


def test_a_lesson_is_the_median_of_its_names() -> None:
    even = taught([100.0] * 78)
    assert even.shares[0] == pytest.approx(curve.KNOTS / 390)
    assert np.isnan(even.shares[1:]).all()
    late = taught([0.0] * 39 + [100.0] * 39)
    assert late.shares[0] == pytest.approx(np.maximum(0, curve.KNOTS / 390 - 0.5) * 2)
    assert taught([100.0] * 42, session=HALF).shares[0] == pytest.approx(curve.KNOTS / 390)


def test_what_the_bars_lack_of_the_day_is_the_closing_auction_unless_it_is_another_feed() -> None:
    assert taught([100.0] * 78, day_volume=78 * 100 / 0.9).shares[0][-1] == pytest.approx(0.9)
    assert taught([100.0] * 78, day_volume=78 * 100 / 0.03).shares[0][-1] == 1.0
    assert taught([100.0] * 78, day_volume=78 * 50).shares[0][-1] == 1.0


def test_too_few_names_teach_nothing() -> None:
    some = {f"S{n}": bars(f"S{n}", [1.0] * 78) for n in range(curve.LEAST_NAMES - 1)}
    dead = {f"D{n}": bars(f"D{n}", [0.0] * 78) for n in range(40)}
    table: BarTable = some | dead
    assert curve.lesson_of(table, dict.fromkeys([*table, "GONE"], 0), FULL, {}) is None


def test_lessons_are_averaged_with_the_measured_curve() -> None:
    lesson = taught([100.0] * 78)
    universe = frozenset(lesson.symbols)
    tomorrow = DAY + timedelta(days=1)
    blended = blend([lesson], tomorrow, universe)
    assert blended[0] == pytest.approx((2 * curve.MEASURED[0] + curve.KNOTS / 390) / 3)
    assert (blended[1:] == curve.MEASURED[1:]).all(), "bands that were not taught stay as measured"
    assert (blend([lesson], DAY, universe) == curve.MEASURED).all(), "a day does not know itself"
    assert (blend([lesson], tomorrow, frozenset({"X"})) == curve.MEASURED).all(), "another market"
    assert (blend([], tomorrow, universe) == curve.MEASURED).all()


def test_the_order_of_lessons_changes_nothing() -> None:
    lessons = [curve.Lesson(DAY + timedelta(days=n), ("A",), curve.MEASURED * (1 - n / 100)) for n in range(12)]
    later, universe = DAY + timedelta(days=30), frozenset({"A"})
    forth = blend(lessons, later, universe)
    assert forth.tolist() == blend(lessons[::-1], later, universe).tolist()
    assert forth.tolist() == blend(lessons[2:], later, universe).tolist(), "the last ten count"


def test_the_sample_is_spread_over_the_bands_and_does_not_depend_on_order() -> None:
    symbols = [f"S{n:03}" for n in range(500)]
    dollars = np.geomspace(1e5, 1e10, 500)
    found = curve.sample_of(symbols, dollars, 2e6)
    assert set(found.values()) == set(range(5))
    assert max(np.bincount(list(found.values()))) <= curve.NAMES_PER_BAND
    assert min(dollars[symbols.index(symbol)] for symbol in found) >= 2e6
    back = curve.sample_of(symbols[::-1], dollars[::-1], 2e6)
    assert back == found
    assert curve.sample_of(["A", "B"], np.array([np.nan, 0.0]), 2e6) == {}


def test_what_is_left_to_learn() -> None:
    days = [date(2026, 6, n) for n in range(8, 17)]
    sessions = [Session(day=day, open=OPEN - (DAY - day), close=FULL.close - (DAY - day)) for day in days]
    before = curve.to_learn(sessions, [], FULL.close)
    assert [one.day.day for one in before] == [11, 12, 13, 14, 15]
    known = [curve.Lesson(date(2026, 6, 14), (), curve.MEASURED)]
    after = curve.to_learn(sessions, known, FULL.close + curve.LESSON_AFTER)
    assert [one.day.day for one in after] == [12, 13, 15, 16]


def test_the_cache_gives_back_what_was_put_in() -> None:
    lesson = taught([1.0, 2.0, 3.0])
    found = curve.unpacked(curve.packed([lesson]))[0]
    assert (found.day, found.symbols) == (lesson.day, lesson.symbols)
    assert np.array_equal(found.shares, lesson.shares, equal_nan=True)


@given(st.binary(max_size=80))
def test_garbage_in_the_cache_teaches_nothing(data: bytes) -> None:
    assert all(lesson.shares.shape == curve.MEASURED.shape for lesson in curve.unpacked(data))
