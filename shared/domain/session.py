"""Market hours. The only file that knows where the market is."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.domain.base import Value

REGULAR_OPEN, REGULAR_CLOSE, SATURDAY = time(9, 30), time(16), 5
MARKET_ZONE = ZoneInfo("America/New_York")


class Session(Value):
    """One trading day: regular hours as aware UTC times. Half days carry their real close."""

    day: date
    open: datetime
    close: datetime

    def is_open(self, now: datetime) -> bool:
        """True from the opening second up to, not including, the closing one."""
        return self.open <= now < self.close

    def minutes_to_close(self, now: datetime) -> float:
        """Minutes of regular trading left; negative after the close."""
        return (self.close - now).total_seconds() / 60

    def elapsed_fraction(self, now: datetime) -> float:
        """Part of the session that has passed, in [0, 1]."""
        return min(1.0, max(0.0, (now - self.open) / (self.close - self.open)))


class MarketClock(Value):
    """The broker's time, and the market's hours as it tells them."""

    now: datetime
    is_open: bool
    next_open: datetime
    next_close: datetime


def trading_day(now: datetime) -> date:
    """The market's calendar date at `now` (aware)."""
    return now.astimezone(MARKET_ZONE).date()


def at_market_time(day: date, wall: time) -> datetime:
    """`wall` on the market's clock on `day`, as an aware UTC time; daylight saving is applied."""
    return datetime.combine(day, wall, MARKET_ZONE).astimezone(ZoneInfo("UTC"))


def session_from_hours(day: date, open_wall: time, close_wall: time) -> Session:
    """A session from the market's wall-clock hours, as Alpaca's calendar prints them."""
    return Session(day=day, open=at_market_time(day, open_wall), close=at_market_time(day, close_wall))


def regular_session(day: date) -> Session | None:
    """The usual hours of a weekday, 9:30 to 16:00: an assumption for where no calendar answers; None at weekends."""
    return session_from_hours(day, REGULAR_OPEN, REGULAR_CLOSE) if day.weekday() < SATURDAY else None


def current_session(sessions: tuple[Session, ...], now: datetime) -> Session | None:
    """The session that is open at `now`, if any."""
    return next((session for session in sessions if session.is_open(now)), None)


def next_session(sessions: tuple[Session, ...], now: datetime) -> Session | None:
    """The first session that opens after `now`."""
    return next((session for session in sorted(sessions, key=lambda s: s.open) if session.open > now), None)


def last_close(sessions: tuple[Session, ...], now: datetime) -> datetime | None:
    """When the last session before `now` ended."""
    return max((session.close for session in sessions if session.close <= now), default=None)


def next_slot(session: Session, now: datetime, every: timedelta) -> datetime:
    """The next multiple of `every` after the open that lies strictly after `now`.

    Slots are counted from the open, so a restarted process wakes at the same moments as one that never stopped.
    """
    if now < session.open:
        return session.open
    return session.open + ((now - session.open) // every + 1) * every


def lacks_days(sessions: tuple[Session, ...], start: date, end: date) -> bool:
    """Whether a calendar of [start, end] leaves out more weekdays than there ever were holidays: it is not one then.

    The worst were four weekdays in a row (September 2001) and three in three weeks around New Year 2025.
    """
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    weekdays = {day for day in days if day.weekday() < SATURDAY}
    missing = len(weekdays - {session.day for session in sessions})
    return len(weekdays) >= 5 and missing > max(2, len(weekdays) * 3 // 10)
