"""What a scan came to: verdicts in the order of the scores, picks, the rows that tell it, and the answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from services.workflow.rules.funnel import Lead
from services.workflow.rules.limits import size_factor
from services.workflow.rules.score import composite
from services.workflow.rules.trace import Component, TraceRow
from shared.domain.cycle import Cap, CycleView, DecideRequest, Proposal, ScanView
from shared.domain.evidence import Scored, ScoreUpdate, ScoreUpdates
from shared.domain.order import ApprovedOrder, Check, OrderView, RefusalCode, Verdict

NOT_SENT = frozenset({"rejected", "refused"})
TAKEN = ("order", "proposal")
NO_VERDICT = "risk gave no verdict on it that can be used: nothing is sent"
AFTER_A_RACE = 3
"""Which attempt at a decision: the broker's price had moved past the legs. A person's yes counts its own."""


@dataclass(frozen=True)
class Pick:
    """One approved candidate: what was approved and what became of it. `reserve`: approved, and not needed.

    `risk_amount` is what its stop would lose, USD.
    """

    scored: Scored
    order: ApprovedOrder
    risk_amount: Decimal = Decimal(0)
    outcome: str = "reserve"
    reason: str = "approved; better ones took the places"
    order_id: UUID | None = None
    proposal_id: UUID | None = None
    refusal: RefusalCode | None = None

    def as_json(self) -> dict[str, Any]:
        """The pick as the scan's answer and the API show it."""
        return {
            "symbol": self.scored.symbol,
            "rank": self.scored.rank,
            "price": self.scored.price,
            "composite_score": self.scored.composite_score,
            "parts": self.scored.parts,
            "quantity": self.order.quantity,
            "stop_price": str(self.order.stop_price),
            "take_profit_price": str(self.order.take_profit_price),
            "decision_id": str(self.order.decision_id),
            "client_order_id": self.order.client_order_id,
            "outcome": self.outcome,
            "reason": self.reason,
            "refusal": self.refusal,
            "order_id": str(self.order_id) if self.order_id else None,
            "proposal_id": str(self.proposal_id) if self.proposal_id else None,
        }


def chosen(scored: Sequence[Scored], verdicts: Iterable[Verdict], most: int) -> list[Pick]:
    """The approved candidates, best score first, never more than `most`."""
    found = {verdict.symbol: verdict for verdict in verdicts if verdict.approved}
    ordered = [found[one.symbol] for one in sorted(scored, key=lambda one: one.rank) if one.symbol in found]
    by_symbol = {one.symbol: one for one in scored}
    return [Pick(by_symbol[one.symbol], one.order, one.risk_amount) for one in ordered if one.order is not None][:most]


def risk_rows(scored: Sequence[Scored], verdicts: Iterable[Verdict]) -> list[TraceRow]:
    """Risk's answers as rows; the numbers are those of the first check that failed, every check is a component."""
    found = {verdict.symbol: verdict for verdict in verdicts}
    return [_risk_row(one, found.get(one.symbol)) for one in scored]


def _risk_row(one: Scored, verdict: Verdict | None) -> TraceRow:
    if verdict is None:
        return TraceRow(symbol=one.symbol, stage="risk", passed=False, reason=NO_VERDICT, rank=one.rank)
    missed = next((check for check in verdict.checks if not check.passed), None)
    return TraceRow(
        symbol=one.symbol,
        stage="risk",
        passed=verdict.approved,
        reason=verdict.reason,
        value=missed.value if missed else None,
        threshold=missed.limit if missed else None,
        margin=missed.margin if missed else None,
        rank=one.rank,
        components=tuple(_checked(check) for check in verdict.checks),
    )


def _checked(check: Check) -> Component:
    return Component(
        name=check.name,
        value=check.value,
        threshold=check.limit,
        margin=check.margin,
        passed=check.passed,
        note=check.note,
    )


def execution_rows(picks: Sequence[Pick], places: int) -> list[TraceRow]:
    """One row for each approved candidate: sent, proposed, refused or held in reserve.

    The value is its place among the approved, held against the last one whose turn came: there are `places`, and one
    more for each that was refused. Whoever was refused had a turn, and no figures.
    """
    turns = [place for place, pick in enumerate(picks, 1) if pick.outcome != "reserve"]
    last = max([places, *turns])
    return [_execution_row(place, pick, last) for place, pick in enumerate(picks, 1)]


def _execution_row(place: int, pick: Pick, last: int) -> TraceRow:
    is_ranked = pick.outcome in (*TAKEN, "reserve")
    return TraceRow(
        symbol=pick.scored.symbol,
        stage="execution",
        passed=pick.outcome in TAKEN,
        reason=f"{pick.outcome}: {pick.reason}",
        value=place if is_ranked else None,
        threshold=last if is_ranked else None,
        margin=last - place if is_ranked else None,
        rank=place,
    )


def taken(pick: Pick, order: OrderView) -> Pick:
    """What trading's answer means for a pick: an order that the broker refused was not sent."""
    if order.status in NOT_SENT:
        why = order.reason or order.status
        return replace(pick, outcome="refused", reason=why, order_id=order.order_id, refusal=order.refusal)
    return replace(pick, outcome="order", reason=f"sent: {order.status}", order_id=order.order_id)


def was_raced(pick: Pick) -> bool:
    """The broker refused the legs for where its own price stood by then."""
    return pick.outcome == "refused" and pick.refusal == "price_moved"


def already_sent(orders: Iterable[OrderView]) -> dict[UUID, OrderView]:
    """Entries that trading has taken on, by decision: what an interrupted scan has already spent."""
    return {
        order.decision_id: order
        for order in orders
        if order.purpose == "entry" and order.decision_id is not None and order.status not in NOT_SENT
    }


def score_updates(
    cycle_id: str, scan: int, leads: Mapping[str, Lead], weights: Mapping[str, float], rows: Sequence[TraceRow]
) -> ScoreUpdates:
    """What the scanner stores beside each candidate: its scores and the last stage it saw.

    A composite score belongs only to those whom the technical stage has judged.
    """
    last = {row.symbol: row for row in rows}
    return ScoreUpdates(
        cycle_id=cycle_id,
        scan=scan,
        scores=tuple(
            ScoreUpdate(
                symbol=symbol,
                stage=row.stage,
                composite_score=composite(weights, lead.parts) if lead.technical else None,
                news_score=lead.news.score if lead.news else None,
                pattern_score=lead.pattern.score if lead.pattern else None,
                technical_score=lead.technical.score if lead.technical else None,
                outcome=row.reason,
            )
            for symbol, lead in leads.items()
            if (row := last.get(symbol)) is not None
        ),
    )


def decide_request(
    cycle: CycleView,
    scan: int,
    as_of: datetime,
    scored: tuple[Scored, ...],
    most: int,
    attempt: int = 1,
    caps: tuple[Cap, ...] = (),
) -> DecideRequest:
    """Ask risk, with the cycle's limits and its scale of sizes."""
    return DecideRequest(
        cycle_id=cycle.cycle_id,
        scan=scan,
        as_of=as_of,
        candidates=scored,
        size_factor=size_factor(cycle.mode, any(one.degraded for one in scored)),
        approve_max=most,
        attempt=attempt,
        caps=caps,
        max_positions=cycle.max_positions,
        max_daily_loss_usd=cycle.max_daily_loss,
    )


def proposed(cycle_id: str, scan: int, pick: Pick, now: datetime, hold_seconds: int) -> Proposal:
    """The trade that waits for a person; its id follows from the decision, so that it is made once."""
    return Proposal(
        proposal_id=uuid5(pick.order.decision_id, "proposal"),
        cycle_id=cycle_id,
        scan=scan,
        symbol=pick.scored.symbol,
        status="pending",
        scored=pick.scored,
        price_at_proposal=pick.order.reference_price,
        quantity=pick.order.quantity,
        stop_price=pick.order.stop_price,
        take_profit_price=pick.order.take_profit_price,
        risk_amount=pick.risk_amount,
        created_at=now,
        expires_at=now + timedelta(seconds=hold_seconds),
    )


def answer(view: ScanView, scanned: int) -> dict[str, Any]:
    """What whoever asked for the scan is told."""
    return {
        "success": view.status == "completed",
        "cycle_id": view.cycle_id,
        "scan": view.scan,
        "status": view.status,
        "universe": view.funnel.universe,
        "scanned": scanned,
        "candidates": view.funnel.risk,
        "picks": list(view.picks),
        "degraded": list(view.degraded),
        "degradations": [part.model_dump(mode="json") for part in view.degradations],
        "reason": view.reason,
    }


def refused(detail: str, possible_at: datetime | str | None) -> dict[str, Any]:
    """Why there is no scan, for whoever asked for one."""
    at = possible_at.isoformat() if isinstance(possible_at, datetime) else possible_at
    return {"status": 409, "detail": detail, "possible_at": at}


def alarms(view: ScanView, refusals: Sequence[str], *, entries_allowed: bool, silent: bool) -> list[tuple[str, str]]:
    """What a person must hear of this scan: kind and message. `refusals`: reasons of risk and trading."""
    found = list[tuple[str, str]]()
    if view.status == "failed":
        found.append((f"scan_failed_{view.failed_stage or 'workflow'}", f"scan {view.scan} failed: {view.reason}"))
    elif view.funnel.scanner == 0:
        found.append(("zero_candidates", f"scan {view.scan} found no candidate"))
    elif entries_allowed and refusals and view.funnel.execution == 0:
        found.append(("every_order_refused", f"scan {view.scan}: nothing was sent; refused first: {refusals[0]}"))
    for part in (part for part in view.degradations if part.kind != "off"):
        halved = ", its weight went to the others and sizes are halved" if part.halves else ""
        said = f"scan {view.scan} went on without all evidence: {part.words}{halved} ({view.reason})"
        found.append((f"scan_degraded_{part.stage}", said))
    if silent:
        found.append(("no_news", f"scan {view.scan}: nothing was published about any candidate for 30 minutes"))
    return found


def drift_pct(then: Decimal, now: Decimal) -> float:
    """How far the price has moved since a proposal, in percent of the price then; always positive."""
    return float(abs(now - then) / then * 100)
