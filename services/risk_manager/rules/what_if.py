"""Stored decisions judged once more under other limits: the same rules over the stored inputs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from services.risk_manager.rules.book import Limits
from services.risk_manager.rules.judge import INPUTS, Inputs, Question, decision_id, judge_all, verdict_of
from shared.domain.cycle import DecideRequest, Rejudged

Row = Mapping[str, Any]


def rejudged(asked: DecideRequest, rows: Mapping[UUID, Row], limits: Limits) -> tuple[Rejudged, ...]:
    """Both verdicts of each candidate that has a stored one, in the order asked; approvals count as they would have.

    `rows` of risk_decisions by id, those of one request. Size factor and bound on approvals are those of `asked`; the
    book is the one before the request's first approval.
    """
    ids = [decision_id(asked.cycle_id, asked.scan, one.symbol, asked.attempt) for one in asked.candidates]
    stored = {rows[one]["symbol"]: rows[one] for one in ids if one in rows}
    inputs = {symbol: found for symbol, row in stored.items() if (found := inputs_of(row)) is not None}
    would = {}
    if inputs:
        first = min(inputs, key=lambda symbol: (stored[symbol]["decided_at"], inputs[symbol].book.approvals))
        decisions = judge_all(
            tuple(one.subject for one in inputs.values()),
            replace(inputs[first].book, approve_max=asked.approve_max),
            limits,
            stored[first]["decided_at"],
            Question(asked.cycle_id, asked.scan, asked.size_factor, asked.attempt),
            {symbol: one.used for symbol, one in inputs.items()},
        )
        would = {one.verdict.symbol: one.verdict for one in decisions}
    return tuple(
        Rejudged(
            was=verdict_of(row),
            would=would.get(symbol),
            why_not=None if symbol in would else "inputs_not_stored",
        )
        for symbol, row in stored.items()
    )


def inputs_of(row: Row) -> Inputs | None:
    """What a decision was made from; None for one of a time when that was not kept, or not in this form."""
    try:
        return INPUTS.validate_python(row["inputs"]) if row["inputs"] is not None else None
    except ValidationError:
        return None
