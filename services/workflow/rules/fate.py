"""What became of proposals after their scan: a person's yes or no, or time that ran out."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from services.workflow.rules.trace import TraceRow
from shared.domain.cycle import Proposal, ScanView

LIVING = frozenset({"pending", "approving", "unknown", "approved"})
STILL_PENDING = "a proposal of this symbol is still pending"


def told(proposal: Proposal) -> str:
    """In words. The reason that was stored says who or what decided."""
    if proposal.status == "pending":
        return f"waits for approval until {proposal.expires_at.isoformat()}"
    if proposal.status == "approving":
        return "approved by a person, being sent"
    return f"{proposal.status}: {proposal.reason}" if proposal.status != "rejected" else str(proposal.reason)


def of_row(row: TraceRow, proposal: Proposal | None) -> TraceRow:
    """An execution row as it stands by now; any other as it is."""
    if row.stage != "execution" or proposal is None:
        return row
    until, change = proposal.expires_at.isoformat(), None
    if proposal.status == "pending":
        change = f"a no, or no word until {until}"
    elif proposal.status in ("rejected", "expired"):
        change = f"a yes before {until}"
    now = {"passed": proposal.status in LIVING, "reason": f"proposal {told(proposal)}", "otherwise": change}
    if not now["passed"]:  # it had its turn: its place is not what it fell by
        now |= {"value": None, "threshold": None, "margin": None}
    return row.model_copy(update=now)


def of_scan(view: ScanView, proposals: Mapping[UUID, Proposal]) -> ScanView:
    """A scan whose proposed picks say what became of them: `reason` in words, `decision` in one."""
    picks = []
    for pick in view.picks:
        own = proposals.get(UUID(pick["proposal_id"])) if pick.get("proposal_id") else None
        picks.append(pick | {"reason": told(own), "decision": own.status} if own else pick)
    return view.model_copy(update={"picks": tuple(picks)})


def waiting(proposals: Iterable[Proposal], scan: int, at: datetime) -> frozenset[str]:
    """Symbols of which an earlier scan's proposal waited at a moment: none of them was proposed again."""
    return frozenset(
        one.symbol
        for one in proposals
        if one.scan < scan and one.expires_at > at and (one.decided_at is None or one.decided_at > at)
    )
