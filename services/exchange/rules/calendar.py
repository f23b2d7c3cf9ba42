"""The NYSE's trading days and hours, computed: holidays by rule, half days right. Valid for 2000 and later.

Rules: NYSE Rule 7.2 and the exchange's published calendars. Days of mourning and storms cannot be computed: listed.
"""

from collections.abc import Iterator
from datetime import date, time, timedelta
from functools import lru_cache

OPEN, CLOSE, EARLY_CLOSE = time(9, 30), time(16, 0), time(13, 0)
MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6

UNPLANNED = frozenset(
    {
        *(date(2001, 9, d) for d in (11, 12, 13, 14)),
        date(2004, 6, 11),
        date(2007, 1, 2),
        date(2012, 10, 29),
        date(2012, 10, 30),
        date(2018, 12, 5),
        date(2025, 1, 9),
    }
)


def nth_weekday(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th `weekday` (Monday is 0) of a month; n=-1 is the last."""
    if n > 0:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - weekday) % 7)


def easter(year: int) -> date:
    """Easter Sunday, Gregorian (anonymous algorithm, Meeus, Astronomical Algorithms, ch. 8)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, day + 1)


def _observed(day: date) -> date:
    if day.weekday() == SATURDAY:
        return day - timedelta(days=1)
    return day + timedelta(days=1) if day.weekday() == SUNDAY else day


@lru_cache(maxsize=64)
def holidays(year: int) -> frozenset[date]:
    """Weekdays of `year` on which the exchange stays closed."""
    new_year = date(year, 1, 1)
    days = {
        nth_weekday(year, 1, MONDAY, 3),
        nth_weekday(year, 2, MONDAY, 3),
        easter(year) - timedelta(days=2),
        nth_weekday(year, 5, MONDAY, -1),
        _observed(date(year, 7, 4)),
        nth_weekday(year, 9, MONDAY, 1),
        nth_weekday(year, 11, THURSDAY, 4),
        _observed(date(year, 12, 25)),
    }
    if new_year.weekday() != SATURDAY:  # a Saturday New Year is not moved into the old year's accounts
        days.add(_observed(new_year))
    if year >= 2022:
        days.add(_observed(date(year, 6, 19)))
    return frozenset(days | {day for day in UNPLANNED if day.year == year})


def is_trading_day(day: date) -> bool:
    """True on weekdays that are no holiday."""
    return day.weekday() < SATURDAY and day not in holidays(day.year)


def closing_time(day: date) -> time:
    """The regular close on a trading day: 13:00 on half days, else 16:00."""
    half_days = {nth_weekday(day.year, 11, THURSDAY, 4) + timedelta(days=1), date(day.year, 12, 24)}
    if date(day.year, 7, 4).weekday() in range(1, 5):
        half_days.add(date(day.year, 7, 3))
    return EARLY_CLOSE if day in half_days else CLOSE


def trading_days(first: date, last: date) -> Iterator[date]:
    """Every trading day from `first` to `last`, both included."""
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if is_trading_day(day):
            yield day


def next_trading_day(after: date) -> date:
    """The first trading day strictly after `after`."""
    return next(trading_days(after + timedelta(days=1), after + timedelta(days=12)))


def previous_trading_day(before: date) -> date:
    """The last trading day strictly before `before`."""
    return list(trading_days(before - timedelta(days=12), before - timedelta(days=1)))[-1]
