"""What keeps the risk manager from watching, as problems of its health and as alerts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from services.risk_manager.rules.stop import Notice
from shared.domain.base import Value
from shared.domain.session import Session, current_session

LOOK_EVERY = timedelta(seconds=60)
OLD_AFTER = 2 * LOOK_EVERY
TOLD_AFTER_FAILURES = 3
QUIET = timedelta(minutes=10)
"""A loop that fails, recovers and fails again calls once in this time."""
WORK = {
    "monitor": "the watch over the day's loss",
    "close": "the closing of an emergency stop",
    "outbox": "the sending of alerts",
    "files": "the reading of the configuration files",
    "fills": "the following of fills",
}


class Failing(Value):
    """A loop that has failed `failures` times in a row, with its last error."""

    failures: int
    error: str


def last_look_due(seen: datetime | None, begun: datetime, session: Session) -> datetime:
    """From when on the age of the last look counts: the look, or what came after it of opening and our own start."""
    return max(seen or session.open, session.open, begun)


def problem_of(
    now: datetime,
    seen: datetime | None,
    begun: datetime | None,
    sessions: Sequence[Session],
    failing: Mapping[str, Failing],
) -> str | None:
    """Why the risk manager cannot do its job; None when it can."""  # fmt: skip
    found = [
        f"{name}: failed {one.failures} times in a row: {one.error}"
        for name, one in sorted(failing.items())
        if one.failures >= TOLD_AFTER_FAILURES
    ]
    session = current_session(tuple(sessions), now)
    if session is not None:
        age = now - last_look_due(seen, begun or now, session)
        if age > OLD_AFTER:
            found.append(f"monitor: nobody has looked at the day for {age.total_seconds():.0f} s of an open market")
    return "; ".join(found) or None


def kind_of(loop: str) -> str:
    return "monitor_failing" if loop == "monitor" else f"loop_failing_{loop}"


def loop_failing(loop: str, one: Failing) -> Notice:
    """The monitor, or another loop, does not get through."""
    what = f"{WORK.get(loop, loop)} has failed {one.failures} times in a row and is tried again and again: {one.error}"
    message, facts = what[0].upper() + what[1:], {"loop": loop, **one.model_dump()}
    if loop == "monitor":
        return Notice(severity="critical", kind="monitor_failing", message=message, payload=facts)
    severity = "warning" if loop == "files" else "critical"
    return Notice(severity=severity, kind=kind_of(loop), message=message, payload=facts)
