"""What becomes of a proposal, and why: a person's yes or no, time, risk's word, and what trading made of the order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from services.workflow.rules.outcome import NOT_SENT, drift_pct
from shared.domain.cycle import Cap, Proposal, ProposalReason, ProposalStatus
from shared.domain.order import FINAL_STATUSES, ApprovedOrder, OrderView, Verdict

ARRIVED_BY = timedelta(seconds=60)
"""Trading takes no order after its approval expired; one that it had begun to take by then is in its books this long
after, or it never will be."""
IN_DOUBT = frozenset({"approving", "unknown"})


@dataclass(frozen=True)
class Ruling:
    """The status that a proposal takes: `code` for programs, `check` of risk's that failed, `reason` for people."""

    status: ProposalStatus
    code: ProposalReason
    reason: str
    check: str | None = None

    @property
    def is_final(self) -> bool:
        return self.status not in IN_DOUBT


def no_longer_approvable(proposal: Proposal, now: datetime, cycle_running: bool) -> Ruling | None:
    """What a pending proposal becomes instead of being approved; None while it still holds."""
    if now >= proposal.expires_at:
        return Ruling("expired", "not_decided_in_time", f"it expired at {proposal.expires_at.isoformat()}")
    if not cycle_running:
        return Ruling("refused", "cycle_ended", f"cycle {proposal.cycle_id} has ended")
    return None


def by_price(proposal: Proposal, price: float, most_pct: float) -> Ruling | None:
    """Refused when the price has moved too far from the one that the person saw; None while it has not."""
    if (drift := drift_pct(proposal.price_at_proposal, Decimal(str(price)))) > most_pct:
        return Ruling("refused", "price_moved", f"the price moved {drift:.2f} %, {most_pct:g} % is allowed")
    return None


def cap_of(proposal: Proposal) -> Cap:
    """The most that the person saw: shares, and USD lost at the stop."""
    return Cap(symbol=proposal.symbol, quantity_max=proposal.quantity, risk_max_usd=proposal.risk_amount)


def by_risk(proposal: Proposal, verdicts: Sequence[Verdict]) -> Ruling | ApprovedOrder:
    """The order that risk allows now, or why there is none. It is never larger than what the person saw."""
    verdict = next((one for one in verdicts if one.symbol == proposal.symbol), None)
    if verdict is None:
        return Ruling("refused", "risk_refused", "risk gave no verdict on it")
    if not verdict.approved or verdict.order is None:
        check = next((one.name for one in verdict.checks if not one.passed), None)
        return Ruling("refused", "halted" if check == "halted" else "risk_refused", f"risk: {verdict.reason}", check)
    if verdict.order.quantity > proposal.quantity:
        more = f"risk allowed {verdict.order.quantity} shares and {proposal.quantity} were proposed"
        return Ruling("refused", "larger_than_proposed", f"{more}: nothing is sent")
    return verdict.order


def by_order(proposal: Proposal, order: OrderView) -> Ruling:
    """What trading's order means. `intended`: trading has it, and does not know yet whether the broker has."""
    named = f"order {order.client_order_id}"
    if order.status == "intended":
        return unknown(f"trading has {named} and does not know yet whether the broker has it")
    if order.status in NOT_SENT and not order.filled_quantity:
        return Ruling("refused", "broker_rejected", f"trading: {order.reason or order.status}")
    if order.status in FINAL_STATUSES and order.broker_order_id is None:
        return Ruling("refused", "never_sent", f"trading: {order.reason or order.status}")
    fewer = f" ({proposal.quantity} were proposed)" if order.quantity < proposal.quantity else ""
    return Ruling("approved", "order_taken", f"{named}, {order.quantity} shares{fewer}")


def by_absence(proposal: Proposal, now: datetime) -> Ruling:
    """Trading does not have the order. It may still be on its way, until some time after its approval expired."""
    expires = proposal.approval_expires_at
    if expires is None or now < expires + ARRIVED_BY:
        return unknown("trading does not have the order yet")
    return Ruling("refused", "never_sent", f"order {proposal.client_order_id} never reached trading: nothing was sent")


def unknown(why: str) -> Ruling:
    """Sent, and not known whether it arrived."""
    return Ruling("unknown", "outcome_unknown", f"{why}; it is settled from trading's orders")
