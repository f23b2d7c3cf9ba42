"""The emergency stop: what is latched, what counts as flat, and when it may be released."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from shared.domain.base import Value
from shared.domain.position import PositionView, Reconciliation


class Halt(Value):
    """The halt that stands. `flat_at` is empty until everything was seen closed at the broker."""

    halt_id: int
    reason: str
    latched_at: datetime
    flat_at: datetime | None
    resume_after: datetime

    @property
    def closing(self) -> bool:
        return self.flat_at is None


class Notice(Value):
    """Something a person must know: a risk event, a journal entry and an alert in one."""

    severity: Literal["info", "warning", "critical"]
    kind: str
    message: str
    payload: dict[str, Any] = Field(default_factory=dict)
    mailed: bool = True


def still_there(positions: tuple[PositionView, ...], seen: Reconciliation) -> tuple[str, ...]:
    """What keeps the account from being flat: our books' positions, and the broker's word."""
    found = [f"{one.symbol}: {one.quantity} in our books" for one in positions]
    found += [f"{one.symbol}: {one.theirs} at the broker, {one.ours} in our books" for one in seen.disagreements]
    if not seen.ready:
        found.append("trading has not reconciled yet")
    elif not seen.flat:
        found.append("the broker still lists positions")
    if seen.unsettled_orders:
        found.append(f"{seen.unsettled_orders} orders are not settled")
    return tuple(found)


def stopped(reason: str, closes: bool, mailed: bool) -> Notice:
    what = "everything is being closed" if closes else "open positions are left as they are"
    message = f"Emergency stop: {reason}. New entries are refused; {what}."
    return Notice(
        severity="critical", kind="emergency_stop", message=message, payload={"reason": reason}, mailed=mailed
    )


def flat(halt: Halt, attempts: int, now: datetime) -> Notice:
    message = "Everything is closed, verified at the broker."
    facts = {"attempts": attempts, "seconds": (now - halt.latched_at).total_seconds()}
    return Notice(severity="info", kind="verified_flat", message=message, payload=facts)


def not_flat(attempts: int, left: tuple[str, ...]) -> Notice:
    message = f"Still not flat after {attempts} attempts: {'; '.join(left)}. A person must look at the account."
    return Notice(severity="critical", kind="not_flat", message=message, payload={"left": list(left)})


def resumed(halt: Halt, reason: str) -> Notice:
    message = f"Trading may go on: {reason}. It was halted: {halt.reason}."
    return Notice(severity="info", kind="resumed", message=message)


def why_not_resume(halt: Halt, now: datetime) -> str | None:
    """Why the halt cannot be released now; None when it can."""
    if halt.closing:
        return "the emergency stop is still closing positions; it can be released when the broker's account is flat"
    left = (halt.resume_after - now).total_seconds() / 60
    return f"the cool-down lasts another {left:.1f} minutes" if left > 0 else None
