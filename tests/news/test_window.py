"""How far back news counts, and how old it is in the market's own time."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.news.rules.window import DAY, MOST_DAYS, aged_hours, look_back
from shared.domain.session import session_from_hours
from tests.technical.world import sessions_until

# Friday 12th, Monday 15th, Tuesday 16th of June 2026, 13:30 to 20:00 UTC.
SESSIONS = sessions_until(date(2026, 6, 16), 10)
FRIDAY_CLOSE = datetime(2026, 6, 12, 20, 0, tzinfo=UTC)


def at(day: int, hour: float) -> datetime:
    return datetime(2026, 6, day, tzinfo=UTC) + timedelta(hours=hour)


@pytest.mark.parametrize(
    ("as_of", "start"),
    [
        (at(16, 15), at(15, 15)),
        (at(15, 12), FRIDAY_CLOSE),
        (at(15, 14), FRIDAY_CLOSE),
        (at(15, 19.9), FRIDAY_CLOSE),
        (at(15, 20.5), at(14, 20.5)),
        (at(14, 12), FRIDAY_CLOSE),
        (at(13, 12), at(12, 12)),
        (at(12, 15), at(11, 15)),
    ],
)
def test_monday_sees_friday_evening(as_of: datetime, start: datetime) -> None:
    assert look_back(SESSIONS, as_of) == start


def test_without_a_calendar_it_is_a_day_and_with_holes_in_it_never_a_month() -> None:
    assert look_back((), at(15, 14)) == at(14, 14)
    old = (session_from_hours(date(2026, 5, 1), time(9, 30), time(16)),)
    assert look_back(old, at(15, 14)) == at(15, 14) - MOST_DAYS


@pytest.mark.parametrize(
    ("published", "as_of", "hours"),
    [
        (at(16, 14), at(16, 15), 1.0),
        (at(16, 12.5), at(16, 14), 1.5),  # an hour before the open, half an hour after it
        (at(15, 21), at(16, 14.5), 4.0 + 1.0),  # a night adds four hours
        (at(12, 21), at(15, 14.5), 4.0 + 1.0),  # and so does a weekend
        (at(12, 18), at(15, 14.5), 2.0 + 4.0 + 1.0),
        (at(12, 21), at(15, 23), 4.0 + 6.5 + 3.0),
    ],
)
def test_closed_hours_age_news_less(published: datetime, as_of: datetime, hours: float) -> None:
    assert aged_hours(SESSIONS, published, as_of) == pytest.approx(hours)
    assert aged_hours((), published, as_of) == pytest.approx((as_of - published).total_seconds() / 3600)


MINUTES = st.integers(0, 6 * 24 * 60)


@given(MINUTES, MINUTES, MINUTES)
def test_age_never_runs_backwards(first: int, second: int, third: int) -> None:
    start = at(10, 0)
    early, middle, late = (start + timedelta(minutes=n) for n in sorted((first, second, third)))
    assert 0 <= aged_hours(SESSIONS, middle, late) <= aged_hours(SESSIONS, early, late) + 1e-9
    assert aged_hours(SESSIONS, early, middle) <= aged_hours(SESSIONS, early, late) + 1e-9
    assert aged_hours(SESSIONS, early, late) <= (late - early) / timedelta(hours=1) + 1e-9


@given(MINUTES, MINUTES)
def test_the_look_back_moves_with_time_and_holds_a_day_at_least(first: int, second: int) -> None:
    start = at(10, 0)
    early, late = (start + timedelta(minutes=n) for n in sorted((first, second)))
    assert look_back(SESSIONS, early) <= look_back(SESSIONS, late)
    assert look_back(SESSIONS, late) <= late - DAY
