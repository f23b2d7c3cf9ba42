"""The calendar's one look-up: the session now and next across half days, holidays and silence."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import pytest

from shared.domain.session import Session, session_from_hours
from shared.errors import Unavailable
from shared.runtime.calendar import Calendar, now_and_next, sessions_around

HALF = date(2026, 11, 27)
HOLIDAYS = {date(2026, 11, 26), date(2026, 12, 25)}


@dataclass
class Hours:
    """The year's trading days, as a source of market data tells them; counts the questions."""

    asked: list[tuple[date, date]] = field(default_factory=list)
    silent: bool = False

    async def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        self.asked.append((start, end))
        if self.silent:
            raise Unavailable("the calendar does not answer")
        days = (start + timedelta(days=number) for number in range((end - start).days + 1))
        return tuple(
            session_from_hours(day, time(9, 30), time(13 if day == HALF else 16))
            for day in days
            if day.weekday() < 5 and day not in HOLIDAYS
        )


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "current", "following"),
    [
        (at(date(2026, 11, 25), 15), date(2026, 11, 25), HALF),  # the day before a holiday and a half day
        (at(HALF, 17, 59), HALF, date(2026, 11, 30)),  # the last minute of a half day
        (at(HALF, 18), None, date(2026, 11, 30)),
        (at(date(2026, 11, 30), 14, 29), None, date(2026, 11, 30)),
        (at(date(2026, 11, 30), 14, 30), date(2026, 11, 30), date(2026, 12, 1)),
        (at(date(2026, 12, 2), 2), None, date(2026, 12, 2)),  # still 1 December where the market is
    ],
)
async def test_the_session_now_and_next(now: datetime, current: date | None, following: date) -> None:
    found, upcoming = await now_and_next(Hours(), now)
    assert (found and found.day) == current
    assert upcoming is not None
    assert upcoming.day == following


async def test_the_window_holds_six_sessions_back_and_the_next_one_at_any_time_of_a_year() -> None:
    for number in range(365):
        now = at(date(2026, 1, 1), 15) + timedelta(days=number)
        found = await sessions_around(Hours(), now)
        assert sum(one.open <= now for one in found) >= 6
        assert any(one.open > now for one in found)
        assert [one.day for one in found] == sorted(one.day for one in found)


async def test_a_calendar_is_asked_for_once_a_day_and_kept_while_nobody_answers() -> None:
    hours, calendar = Hours(), Calendar()
    monday, tuesday = at(date(2026, 11, 30), 15), at(date(2026, 12, 1), 15)
    first = await calendar.look_up(hours, monday)
    assert await calendar.look_up(hours, monday + timedelta(hours=5)) == first
    assert len(hours.asked) == 1
    hours.silent = True
    with pytest.raises(Unavailable):
        await calendar.look_up(hours, tuesday)
    assert calendar.sessions == first
    assert calendar.is_of(monday)
    assert not calendar.is_of(tuesday)
    hours.silent = False
    assert await calendar.look_up(hours, tuesday) != first
    assert calendar.is_of(tuesday)
