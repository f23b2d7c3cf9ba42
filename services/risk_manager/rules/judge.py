"""The verdicts: one case at a time, best first, each approval counted before the next is looked at."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid5

from pydantic import TypeAdapter

from services.risk_manager.rules.book import Book, Limits, Subject
from services.risk_manager.rules.case import Case, case_of
from services.risk_manager.rules.checks import CHECKS
from shared.domain.base import Value
from shared.domain.cycle import DecideRequest
from shared.domain.order import ApprovedOrder, Check, Verdict, client_order_id
from shared.domain.session import trading_day

NAMESPACE = UUID("6f1d9c1e-5b0a-5f43-9f6e-0d4b7c2a9e11")
CENT = Decimal("0.01")
# How much of each of these limits a trade would use up makes its score.
USED = ("max_position_size", "risk_per_trade", "buying_power", "daily_loss_used", "sector_exposure", "total_exposure")


def decision_id(cycle_id: str, scan: int, symbol: str, attempt: int = 1) -> UUID:
    """The same question has the same id, whoever asks it again; asking anew on purpose counts attempts."""
    return uuid5(NAMESPACE, f"{cycle_id}/{scan}/{symbol}" + (f"/{attempt}" if attempt > 1 else ""))


def superseded_ids(request: DecideRequest) -> list[UUID]:
    """Decisions of earlier attempts, whose approvals the present one takes the place of."""
    symbols, attempts = [one.symbol for one in request.candidates], range(1, request.attempt)
    return [decision_id(request.cycle_id, request.scan, one, attempt) for one in symbols for attempt in attempts]


def validation_id(cycle_id: str, symbol: str, quantity: int, price: Decimal, now: datetime) -> UUID:
    return uuid5(NAMESPACE, f"validate/{cycle_id}/{symbol}/{quantity}/{price}/{now.isoformat()}")


def risk_score(checks: tuple[Check, ...]) -> float:
    """Mean part of the money limits that the trade would use up, in [0, 1]."""
    parts = []
    for check in checks:
        if check.name in USED and check.value is not None and check.limit is not None:
            used = check.value / check.limit if check.limit > 0 else 1.0
            parts.append(min(1.0, max(0.0, used)))
    return round(sum(parts) / len(parts), 4) if parts else 0.0


def reason_of(checks: tuple[Check, ...]) -> str:
    """Why not, each miss with its figures; or that all is well."""
    missed = []
    for check in checks:
        if not check.passed:
            has_figures = check.value is not None and check.limit is not None
            figures = f"{check.value:g} against {check.limit:g} " if has_figures else ""
            missed.append(f"{check.name}: {figures}{check.note}".rstrip())
    return "; ".join(missed) or "Risk within limits"


def examine(case: Case) -> tuple[Check, ...]:
    """Every check, whether or not an earlier one failed."""
    return tuple(check(case) for check in CHECKS)


def judge(case: Case, identity: UUID, order: ApprovedOrder | None) -> Verdict:
    """The verdict on one case; `order` is what an approval would send."""
    return verdict_on(case, examine(case), identity, order)


def verdict_on(case: Case, checks: tuple[Check, ...], identity: UUID, order: ApprovedOrder | None) -> Verdict:
    """What the checks come to."""
    approved = all(check.passed for check in checks)
    return Verdict(
        symbol=case.subject.symbol,
        approved=approved,
        decision_id=identity,
        reason=reason_of(checks),
        risk_score=risk_score(checks),
        risk_amount=case.risk.quantize(CENT),
        checks=checks,
        order=order if approved else None,
    )


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a verdict is computed from but for the limits and the question: stored with it, so that asking
    what other limits would have said is the same rules run again. `used`: the symbol's approvals earlier in the day.
    """

    subject: Subject
    book: Book
    size_factor: Decimal
    used: int


INPUTS = TypeAdapter(Inputs)


class Decision(Value):
    """One row of risk_decisions: a verdict with what it was about, and what it was made from (as JSON)."""

    cycle_id: str
    scan: int | None
    kind: Literal["order", "validation"]
    verdict: Verdict
    quantity: int | None
    reference_price: Decimal
    stop_price: Decimal
    take_profit_price: Decimal
    decided_at: datetime
    inputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What one request asks of every candidate."""

    cycle_id: str
    scan: int
    size_factor: Decimal
    attempt: int = 1


def order_on(case: Case, question: Question, identity: UUID, used: int) -> ApprovedOrder | None:
    """What an approval would send; `used` counts the symbol's approvals earlier in the day."""
    if case.sized < 1 or case.levels.stop >= case.reference.price:
        return None
    day, symbol = f"{trading_day(case.now):%Y%m%d}", case.subject.symbol
    return ApprovedOrder(
        decision_id=identity,
        cycle_id=question.cycle_id,
        scan=question.scan,
        client_order_id=client_order_id(day, symbol, "e", used + 1),
        symbol=symbol,
        side="long",
        quantity=case.sized,
        reference_price=case.reference.price,
        limit_price=case.reference.cost,
        stop_price=case.levels.stop,
        take_profit_price=case.levels.target,
        expires_at=case.now + timedelta(seconds=case.limits.decision_ttl_seconds),
    )


def decided(case: Case, verdict: Verdict, cycle_id: str, scan: int | None, inputs: Inputs) -> Decision:
    """The row of a verdict; without a scan it was a validation."""
    return Decision(
        cycle_id=cycle_id,
        scan=scan,
        kind="validation" if scan is None else "order",
        verdict=verdict,
        quantity=case.sized or None,
        reference_price=case.reference.price,
        stop_price=case.levels.stop,
        take_profit_price=case.levels.target,
        decided_at=case.now,
        # A number that is none becomes null, which the database can keep.
        inputs=json.loads(INPUTS.dump_json(inputs)),
    )


def judge_all(
    subjects: tuple[Subject, ...],
    book: Book,
    limits: Limits,
    now: datetime,
    question: Question,
    approved_before: Mapping[str, int],
) -> tuple[Decision, ...]:
    """Verdicts in the order asked. `approved_before` counts a symbol's approvals earlier in the day."""
    decisions = []
    for subject in subjects:
        case = case_of(subject, book, limits, now, question.size_factor)
        identity = decision_id(question.cycle_id, question.scan, subject.symbol, question.attempt)
        used = approved_before.get(subject.symbol, 0)
        verdict = judge(case, identity, order_on(case, question, identity, used))
        inputs = Inputs(subject, book, question.size_factor, used)
        decisions.append(decided(case, verdict, question.cycle_id, question.scan, inputs))
        if verdict.approved:
            book = book.approve(case.holding())
    return tuple(decisions)


def order_of(row: Mapping[str, Any]) -> ApprovedOrder | None:
    """The order of a stored approval."""
    if row["verdict"] != "approved" or row["kind"] != "order":
        return None
    names = ("decision_id", "cycle_id", "scan", "client_order_id", "symbol", "side", "quantity", "reference_price",
             "stop_price", "take_profit_price", "expires_at")  # fmt: skip
    # Approvals from before entries had a limit have none; trading refuses those, for the database has no such approval.
    limit = row["limit_price"] or row["reference_price"]
    return ApprovedOrder(limit_price=limit, **{name: row[name] for name in names})


def verdict_of(row: Mapping[str, Any]) -> Verdict:
    """A verdict as it was stored."""
    return Verdict(
        symbol=row["symbol"],
        approved=row["verdict"] == "approved",
        decision_id=row["decision_id"],
        reason=row["reason"],
        risk_score=row["risk_score"],
        risk_amount=row["risk_amount"],
        checks=tuple(Check(**check) for check in row["checks"]),
        order=order_of(row),
    )
