"""The one look-up of the market's calendar: trading days around a moment, and the session now and next."""

from datetime import date, datetime, timedelta
from typing import Protocol

from shared.domain.session import Session, current_session, next_session, trading_day

BACK, AHEAD = timedelta(days=14), timedelta(days=10)
"""Ten days are longer than any closure of the exchanges in living memory but one; fourteen hold at least six sessions
with such a closure among them.
"""


class Hours(Protocol):
    """The part of the MarketData port that is asked here."""

    async def sessions(self, start: date, end: date) -> tuple[Session, ...]: ...


async def sessions_around(market: Hours, now: datetime) -> tuple[Session, ...]:
    """Trading days from two weeks before a moment to ten days after it, oldest first. Raises Unavailable."""
    day = trading_day(now)
    return await market.sessions(day - BACK, day + AHEAD)


async def now_and_next(market: Hours, now: datetime) -> tuple[Session | None, Session | None]:
    """The session that is open, and the one that opens next within ten days. Raises Unavailable."""
    known = await sessions_around(market, now)
    return current_session(known, now), next_session(known, now)


class Calendar:
    """The trading days around a day, asked for once a day; a part of a service's state.

    `sessions` and `day` are those of the last answer: they stay while the source does not answer.
    """

    def __init__(self) -> None:
        self.day: date | None = None
        self.sessions: tuple[Session, ...] = ()

    def is_of(self, now: datetime) -> bool:
        """Whether it was read on the market's day of a moment."""
        return self.day == trading_day(now)

    async def look_up(self, market: Hours, now: datetime) -> tuple[Session, ...]:
        """The trading days around a moment, oldest first. Raises Unavailable."""
        if self.is_of(now):
            return self.sessions
        found = await sessions_around(market, now)
        self.day, self.sessions = trading_day(now), found
        return found
