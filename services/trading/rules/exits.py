"""When positions end: longest hold, the end of the actual session, and the moments the service must be awake for."""

from datetime import datetime, timedelta

from config.trading import PositionsPart
from services.trading.rules.positions import PositionRow
from shared.domain.session import Session, next_slot, trading_day

SETTLE_EVERY = timedelta(seconds=30)
QUIET_EVERY = timedelta(minutes=5)
IDLE_EVERY = timedelta(hours=1)
WIND_DOWN = timedelta(minutes=10)
"""After the close the venue still tells what expired."""
PAGE_BEFORE_CLOSE = timedelta(minutes=2)
LATE_AFTER = timedelta(seconds=60)


def flatten_at(session: Session, how: PositionsPart) -> datetime | None:
    """When closing everything begins: so many minutes before the real close of that day; None when switched off."""
    return session.close - timedelta(minutes=how.close_before_minutes) if how.close_all_at_market_close else None


def hold_ends(position: PositionRow, how: PositionsPart) -> datetime:
    """The longest hold counts from the first fill."""
    return position.entry_time + timedelta(minutes=how.max_hold_time_minutes)


def held_overnight(position: PositionRow | None, session: Session | None, now: datetime) -> bool:
    """Held since an earlier day, with today's session still to open."""
    if position is None or session is None or now >= session.open:
        return False
    return trading_day(position.entry_time) < session.day


def exit_due(position: PositionRow, session: Session | None, how: PositionsPart, now: datetime) -> str | None:
    """Why a position of ours must be closed now, or None. Nothing is due while the market is closed. A short is never
    meant.
    """
    if session is None or not session.is_open(now):
        return None
    if position.side == "short":
        return "oversold"
    flatten = flatten_at(session, how)
    if flatten is not None and now >= flatten:
        return "close_of_day"
    return "max_hold" if now >= hold_ends(position, how) else None


def entries_end(session: Session | None, how: PositionsPart, now: datetime) -> bool:
    """True when no entry may be sent or left working: market closed, or closing for the day has begun."""
    if session is None or not session.is_open(now):
        return True
    flatten = flatten_at(session, how)
    return flatten is not None and now >= flatten


def settle_slot(session: Session | None, upcoming: Session | None, now: datetime, busy: bool) -> datetime:
    """The next moment to look at everything, counted from the open so that a restart does not move it.

    Every half minute while anything is held or under way, every five minutes of the session otherwise.
    """
    if busy and session is not None:
        return next_slot(session, now, SETTLE_EVERY)
    if session is not None and now < session.close + WIND_DOWN:
        return next_slot(session, now, QUIET_EVERY)
    idle = now + IDLE_EVERY if session is None else next_slot(session, now, IDLE_EVERY)
    return min(idle, upcoming.open) if upcoming is not None else idle


def deadlines(
    positions: tuple[PositionRow, ...], entries_work: bool, session: Session | None, how: PositionsPart, now: datetime
) -> list[datetime]:
    """Future moments at which something falls due."""
    if session is None:
        return []
    flatten = flatten_at(session, how)
    moments = [hold_ends(position, how) for position in positions if position.exit_reason is None]
    if flatten is not None and (positions or entries_work):
        moments += [flatten]
    if positions or (flatten is not None and entries_work):
        moments += [session.close - PAGE_BEFORE_CLOSE]
    return [max(moment, session.open) for moment in moments if moment > now]
