"""Cycles and scans: one session of work, and one run down the funnel."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from config.yaml_file import LONGEST_KEY, MOST_CHARACTERS
from shared.domain.base import Value
from shared.domain.evidence import Candidate, Scored, Stage
from shared.domain.order import Quantity, Verdict

MOST_FILES = 2
CycleMode = Literal["conservative", "normal", "aggressive"]
SessionMode = Literal["supervised", "autonomous"]
ProposalStatus = Literal["pending", "approving", "unknown", "approved", "rejected", "expired", "refused"]
ProposalReason = Literal[
    "order_taken",
    "rejected_by_operator",
    "not_decided_in_time",
    "cycle_ended",
    "no_price",
    "price_moved",
    "halted",
    "risk_refused",
    "larger_than_proposed",
    "trading_refused",
    "broker_rejected",
    "never_sent",
    "outcome_unknown",
]
SIZE_FACTORS: dict[str, Decimal] = {
    "conservative": Decimal("0.5"),
    "normal": Decimal("1"),
    "aggressive": Decimal("1.5"),
}


class ScanRequest(Value):
    """Ask the scanner for its stage. Workflow names cycle, scan and moment; an operator's bare POST names nothing."""

    cycle_id: str | None = None
    scan: int | None = None
    as_of: datetime | None = None
    limit: int = Field(default=100, ge=1, le=200)


class ScanAnswer(Value):
    """The scanner's stage: how many were looked at, what was dropped and why (counts by reason), who goes on."""

    success: bool = True
    cycle_id: str
    scan: int
    as_of: datetime
    universe: int
    scanned: int
    stored: int
    dropped: dict[str, int]
    candidates: tuple[Candidate, ...]


class Cap(Value):
    """The most that a person has agreed to of one symbol: whole shares, and USD lost at the stop (None: no bound)."""

    symbol: str
    quantity_max: Quantity
    risk_max_usd: Decimal | None = Field(default=None, ge=0)


class DecideRequest(Value):
    """Ask risk about scored candidates, best first; approvals earlier in the list count against later ones.

    `size_factor` scales sizes (mode and degradation), never above a hard limit. `approve_max` bounds the approvals.
    Asked again with the same cycle, scan and attempt the answer is the stored one; a higher `attempt` asks anew
    (a proposal that a person approved later) and takes the place of the approvals of the earlier ones. `caps` bound
    the size of single candidates; a cap of a symbol that is no candidate bounds nothing.
    """

    cycle_id: str
    scan: int
    as_of: datetime
    candidates: tuple[Scored, ...]
    size_factor: Decimal = Field(gt=0, le=2)
    approve_max: int = Field(ge=0, le=50)
    max_positions: int | None = None
    max_daily_loss_usd: Decimal | None = None
    attempt: int = Field(default=1, ge=1, le=1000)
    caps: tuple[Cap, ...] = ()


def _bounded(files: Any) -> Any:
    """The files of a request, none of them longer than a configuration is. Raises ValueError without repeating them."""
    if isinstance(files, dict):
        if len(files) > MOST_FILES or any(len(str(name)) > LONGEST_KEY for name in files):
            raise ValueError(f"at most {MOST_FILES} files, with the names of the configuration's")
        if any(isinstance(text, str) and len(text) > MOST_CHARACTERS for text in files.values()):
            raise ValueError(f"a file may have at most {MOST_CHARACTERS:,} characters")
    return files


Files = Annotated[dict[str, str], BeforeValidator(_bounded)]
"""The contents of the two configuration files by name."""


class WhatIfRequest(Value):
    """Ask risk what it would have said under other files of decisions that it once took."""

    files: Files
    scans: tuple[DecideRequest, ...]


class Rejudged(Value):
    """A stored verdict, and the one under other files; `why_not`: why there is none."""

    was: Verdict
    would: Verdict | None
    why_not: Literal["inputs_not_stored"] | None = None


class FunnelCounts(Value):
    """How many symbols each stage let through in one scan."""

    universe: int = 0
    scanner: int = 0
    news: int = 0
    pattern: int = 0
    technical: int = 0
    risk: int = 0
    execution: int = 0


class Degradation(Value):
    """Evidence that a scan had to do without.

    `off`: the stage is switched off; `lost`: evidence that should have been there is not, and sizes are halved for it;
    `unanswered`: the stage said nothing of some, who are out. `missing` of the `asked` symbols; 0: the whole stage.
    """

    stage: Stage
    kind: Literal["off", "lost", "unanswered"]
    missing: int = 0
    asked: int = 0

    @property
    def halves(self) -> bool:
        """Whether sizes are halved for it."""
        return self.kind == "lost"

    @property
    def words(self) -> str:
        """As people read it."""
        how = "switched off" if self.kind == "off" else self.kind
        return f"{self.stage}: {self.missing} of {self.asked} {how}" if self.missing else f"{self.stage} {how}"


class ScanView(Value):
    """One scan as workflow's API shows it. `degraded`: the degradations in words."""

    cycle_id: str
    scan: int
    slot: datetime
    status: Literal["running", "completed", "failed", "interrupted"]
    degraded: tuple[str, ...] = ()
    degradations: tuple[Degradation, ...] = ()
    failed_stage: Stage | None = None
    funnel: FunnelCounts
    stage_ms: dict[str, float] = Field(default_factory=dict)
    picks: tuple[dict[str, Any], ...] = ()
    reason: str | None = None
    started_at: datetime
    ended_at: datetime | None = None


class Proposal(Value):
    """A trade that waits for a person: the evidence, the price when it was proposed, and how long it holds.

    `status`: pending -> approving -> approved, refused, or unknown (sent, and not known whether it arrived: settled
    from trading's orders, to approved or refused); or pending -> rejected, expired, refused. `risk_amount` is USD lost
    at the stop. `reason_code` says why it has its status, `refused_check` which of risk's checks it failed, `reason`
    the same in words. `decision_id` to `approval_expires_at` belong to the order that an approval sends.
    """

    proposal_id: UUID
    cycle_id: str
    scan: int
    symbol: str
    status: ProposalStatus
    scored: Scored
    price_at_proposal: Decimal
    quantity: int
    stop_price: Decimal
    take_profit_price: Decimal
    risk_amount: Decimal | None = None
    reason_code: ProposalReason | None = None
    refused_check: str | None = None
    reason: str | None = None
    attempts: int = 0
    decision_id: UUID | None = None
    client_order_id: str | None = None
    approved_quantity: int | None = None
    approval_expires_at: datetime | None = None
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None = None


class StartRequest(Value):
    """Open the day's cycle; without a mode the configuration decides."""

    mode: SessionMode | None = None


class CycleRequest(Value):
    """Open a cycle driven by hand. Limits in USD and seconds; the configuration's hold where they are stricter."""

    mode: CycleMode = "normal"
    session_mode: SessionMode | None = None
    max_positions: int | None = Field(default=None, ge=1, le=50)
    max_daily_loss: Decimal | None = Field(default=None, gt=0, le=Decimal("1e9"))
    scan_frequency: int | None = Field(default=None, ge=60, le=23_400)


class CycleView(Value):
    """One cycle as workflow's API shows it. `max_daily_loss` in USD."""

    cycle_id: str
    mode: CycleMode
    session_mode: SessionMode
    status: Literal["running", "stopping", "completed", "stopped", "failed"]
    trading_day: date
    driven_by: Literal["schedule", "hand"]
    max_positions: int
    max_daily_loss: Decimal
    scan_frequency_seconds: int
    config_hash: str
    started_at: datetime
    stopped_at: datetime | None = None
    reason: str | None = None


class CycleOpened(CycleView):
    """A cycle and what its opener must know: whether it ran already, and where the switches disagree."""

    already_running: bool = False
    warnings: tuple[str, ...] = ()


class CycleDetail(CycleView):
    """A cycle with its scans, oldest first, and how long it has lasted."""

    duration_seconds: float
    scans: tuple[ScanView, ...]


class WorkflowStatus(Value):
    """What workflow is doing now. `mode` is what new trades would do; `clock` is the market's time."""

    mode: SessionMode
    cycle: CycleView | None
    next_scan_at: datetime | None
    last_scan: ScanView | None
    clock: datetime
    warnings: tuple[str, ...] = ()
