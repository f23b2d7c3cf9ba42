"""The emergency stop: what is latched, what counts as flat, and when it may be released."""

from datetime import datetime
from decimal import Decimal
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


class Left(Value):
    """One thing that keeps the account from being flat. A person may accept it by `name` or by `symbol`, where it has
    any; what has neither must pass by itself.
    """

    kind: Literal[
        "position", "disagreement", "order", "other_order", "unreadable_order", "unreadable_position",
        "not_reconciled", "orders_unread", "positions_unread", "not_flat",
    ]  # fmt: skip
    name: str | None = None
    symbol: str | None = None
    ours: Decimal | None = None
    theirs: Decimal | None = None

    @property
    def words(self) -> str:
        """For people."""
        match self.kind:
            case "position":
                return f"{self.symbol}: {self.ours} in our books"
            case "disagreement":
                return f"{self.symbol}: {self.theirs} at the broker, {self.ours} in our books"
            case "order":
                return f"{self.symbol}: our order {self.name} is not settled"
            case "other_order":
                return f"{self.symbol}: {self.name}, of another hand, may still buy"
            case "unreadable_order" | "unreadable_position":
                return f"{self.name} at the broker cannot be read ({self.symbol or 'no symbol'})"
            case "not_reconciled":
                return "trading has not reconciled yet"
            case "orders_unread":
                return "the broker's open orders cannot be read"
            case "positions_unread":
                return "the broker's positions cannot be read"
            case "not_flat":
                return "the broker still lists positions"


def still_there(positions: tuple[PositionView, ...], seen: Reconciliation) -> tuple[Left, ...]:
    """What keeps the account from being flat: our books' positions, the broker's lists, and what of them is dark."""
    found = [Left(kind="position", name=p.symbol, symbol=p.symbol, ours=Decimal(p.quantity)) for p in positions]
    for one in seen.disagreements:
        apart = {"ours": Decimal(one.ours), "theirs": Decimal(one.theirs)}
        found.append(Left(kind="disagreement", name=one.symbol, symbol=one.symbol, **apart))
    found += [Left(kind="order", name=f"order:{o.client_order_id}", symbol=o.symbol) for o in seen.unsettled]
    opening = (order for order in seen.other_orders if order.opens)
    found += [Left(kind="other_order", name=f"order:{o.order_id}", symbol=o.symbol) for o in opening]
    for row in seen.unreadable:
        kind: Literal["unreadable_order", "unreadable_position"]
        kind = "unreadable_order" if row.kind == "order" else "unreadable_position"
        found += [Left(kind=kind, name=row.name, symbol=row.symbol)] if row.obscures else []
    if not seen.orders_read:
        found.append(Left(kind="orders_unread"))
    if not seen.positions_read:
        found.append(Left(kind="positions_unread"))
    if not seen.ready:
        found.append(Left(kind="not_reconciled"))
    elif not seen.flat and not found:
        found.append(Left(kind="not_flat"))
    return tuple(found)


def not_accepted(left: tuple[Left, ...], accepted: tuple[str, ...]) -> tuple[Left, ...]:
    """What is left and was not named by the person who resumes."""
    names = {name.upper() for name in accepted}
    return tuple(one for one in left if not {(one.name or "").upper(), one.symbol or ""} & names - {""})


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


def words_of(left: tuple[Left, ...]) -> str:
    return "; ".join(one.words for one in left)


def not_flat(attempts: int, left: tuple[Left, ...], trouble: str | None) -> Notice:
    what = trouble or words_of(left)
    message = f"Still not flat after {attempts} attempts: {what}. A person must look at the account."
    facts = {"left": [one.model_dump(mode="json") for one in left], "trouble": trouble}
    return Notice(severity="critical", kind="not_flat", message=message, payload=facts)


def resumed(halt: Halt, reason: str, accepted: tuple[Left, ...]) -> Notice:
    stays = f" What stays, by name: {words_of(accepted)}." if accepted else ""
    message = f"Trading may go on: {reason}. It was halted: {halt.reason}.{stays}"
    facts = {"accepted": [one.model_dump(mode="json") for one in accepted]}
    return Notice(severity="info", kind="resumed", message=message, payload=facts)


def cooling_down(halt: Halt, now: datetime) -> str | None:
    """Why the halt cannot be released yet, whatever the account holds; None when the cool-down is over."""
    left = (halt.resume_after - now).total_seconds() / 60
    return f"the cool-down lasts another {left:.1f} minutes" if left > 0 else None


def why_not_resume(left: tuple[Left, ...]) -> str:
    """What a person is told while something is left that nobody accepted."""
    names = ", ".join(one.name for one in left if one.name) or "nothing of it can be accepted"
    return f"not flat: {words_of(left)}. To go on with it all the same, accept it by name: {names}"
