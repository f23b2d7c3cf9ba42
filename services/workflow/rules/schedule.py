"""When to scan. Slots are counted from the open, so that a restart wakes at the same moments."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.cycle import CycleView
from shared.domain.session import Session, next_slot

OPEN_GRACE = timedelta(seconds=60)
REDO_WITHIN = timedelta(seconds=60)
MAX_ATTEMPTS = 10
LEAST_SPARE, MOST_SPARE = timedelta(minutes=2), timedelta(minutes=5)
NEWS_SILENCE = timedelta(minutes=30)


@dataclass(frozen=True)
class Timetable:
    """A cycle's scanning day: `first_at` is its first scan, then every multiple of `every` after the open."""

    session: Session
    first_at: datetime
    every: timedelta

    def after(self, slot: datetime | None) -> datetime | None:
        """The first slot later than `slot` (None: the first of all); None when none is left before the close.

        A multiple that falls within half a step of the first scan is left out: it would look at the same market.
        """
        if slot is None or slot < self.first_at:
            found = self.first_at
        else:
            found = next_slot(self.session, max(slot, self.first_at + self.every / 2), self.every)
        return found if found < self.session.close else None

    def due(self, last: datetime | None, now: datetime) -> tuple[datetime | None, int]:
        """The newest slot that is due, else the next to come; and how many before it were missed."""
        slot, missed = self.after(last), 0
        while slot is not None and (following := self.after(slot)) is not None and following <= now:
            slot, missed = following, missed + 1
        return slot, missed

    def overdue(self, last: datetime | None, now: datetime) -> timedelta | None:
        """How late the next scan is, where that is more than a machine's hesitation."""
        slot = self.after(last)
        spare = max(LEAST_SPARE, min(MOST_SPARE, self.every / 2))
        return now - slot if slot is not None and now - slot > spare else None


def timetable(session: Session, started_at: datetime, delay_minutes: float, every_seconds: int) -> Timetable:
    """A cycle opened before the first scan's time waits for it; one opened later scans at once."""
    first = max(session.open + timedelta(minutes=delay_minutes), started_at)
    return Timetable(session, first, timedelta(seconds=every_seconds))


def may_redo(cycle: CycleView, session: Session, slot: datetime, attempts: int, now: datetime) -> bool:
    """True while a scan that was cut off may be done again: its cycle runs, and what it had found is not yet stale.

    A scan that brought the process down several times is left alone.
    """
    fresh = now < slot + min(REDO_WITHIN, timedelta(seconds=cycle.scan_frequency_seconds))
    return fresh and now < session.close and cycle.status == "running" and attempts < MAX_ATTEMPTS


def can_open(session: Session, now: datetime) -> bool:
    """True within market hours; a cron line whose machine runs a little fast counts as on time."""
    return session.open - OPEN_GRACE <= now < session.close


def news_is_silent(latest: list[datetime | None], as_of: datetime, session: Session) -> bool:
    """True when the market has been open for half an hour and nothing was published about anyone in that time."""
    since = as_of - NEWS_SILENCE
    return session.open <= since and all(at is None or at <= since for at in latest)
