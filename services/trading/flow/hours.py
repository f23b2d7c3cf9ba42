"""The session by which exits go: the calendar's where it is known, else what the broker's clock says."""

from datetime import datetime, timedelta

import structlog

from services.trading.flow.desk import Desk
from shared.domain.session import Session, regular_session, trading_day
from shared.errors import CatalystError

ASKED_AGAIN_AFTER = timedelta(seconds=30)
log = structlog.get_logger()


async def session_for_exits(desk: Desk, now: datetime) -> Session | None:
    """Today's session; None on a day without one.

    An exit waits for no calendar: while it is silent the broker's own clock says whether the market is open and until
    when, and where that is silent too, the regular hours of a weekday are assumed. Entries wait for the calendar.
    """
    if desk.calendar.is_of(now) or desk.session(now) is not None:
        return desk.session(now)
    if desk.assumed is None or not timedelta() < desk.assumed[0] - now <= ASKED_AGAIN_AFTER:
        desk.assumed = await _by_the_clock(desk, now)
    return desk.assumed[1]


async def _by_the_clock(desk: Desk, now: datetime) -> tuple[datetime, Session | None]:
    """What holds, and until when: a closed market no longer than to its opening."""
    usual, until = regular_session(trading_day(now)), now + ASKED_AGAIN_AFTER
    try:
        told = await desk.broker.hours()
    except CatalystError as error:
        log.warning("hours_assumed", error=error.detail)
        return until, usual
    if not told.is_open:
        return min(until, told.next_open), None
    session = Session(day=trading_day(now), open=min(now, usual.open if usual else now), close=told.next_close)
    return until, session
