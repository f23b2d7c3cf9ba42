"""How far back news counts, and how old it is in the market's own time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.domain.session import Session

DAY = timedelta(hours=24)
MOST_DAYS = timedelta(days=6)
"""Longer than any closure of the exchanges in living memory but one; a calendar with a hole asks for no more."""
MOST_CLOSED_HOURS = 4.0
"""What one closure, a night or a long weekend, adds to the age of news at most: nobody could trade on it meanwhile, but
everybody could read it. One half-life: Friday evening's news counts half when trading starts again."""


def look_back(sessions: Sequence[Session], as_of: datetime) -> datetime:
    """24 hours ago, or the last close before `as_of` where trading has been shut for longer than that before today.

    On a Monday until the close that is Friday's close: what came out after it has not been traded on for a whole day.
    """
    closed = [session.close for session in sessions if session.close < as_of]
    start = min([as_of - DAY, *closed[-1:]])
    return max(start, as_of - MOST_DAYS)


def aged_hours(sessions: Sequence[Session], published: datetime, as_of: datetime) -> float:
    """Hours from `published` to `as_of`: those of trading whole, those of each closure up to MOST_CLOSED_HOURS.

    Without a calendar every hour counts.
    """
    if not sessions:
        return (as_of - published).total_seconds() / 3600
    hours, at = 0.0, published
    for session in sessions:
        if session.close <= at:
            continue
        if session.open >= as_of:
            break
        if at < session.open:
            hours += _closed(session.open - at)
            at = session.open
        hours += (min(session.close, as_of) - at).total_seconds() / 3600
        at = min(session.close, as_of)
    return hours + _closed(as_of - at)


def _closed(span: timedelta) -> float:
    return min(MOST_CLOSED_HOURS, max(0.0, span.total_seconds() / 3600))
