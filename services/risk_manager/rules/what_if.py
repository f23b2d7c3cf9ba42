"""Stored decisions judged once more under other limits: the same rules over the stored inputs."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from services.risk_manager.rules.book import Limits
from services.risk_manager.rules.judge import INPUTS, Inputs, Question, decision_id, judge_all, verdict_of
from shared.domain.cycle import DecideRequest, Rejudged

Row = Mapping[str, Any]


def rejudged(asked: DecideRequest, rows: Iterable[Row], limits: Limits) -> tuple[Rejudged, ...]:
    """Both verdicts of each candidate that has a stored one, in the order asked; approvals count as they would have.

    `rows` are all of the scan's in risk_decisions: also one that is not asked about tells the book that stood before
    the request's first approval. Size factor and bound on approvals are those of `asked`.
    """
    key = (asked.cycle_id, asked.scan)
    own = {row["symbol"]: row for row in rows if row["decision_id"] == decision_id(*key, row["symbol"], asked.attempt)}
    inputs = {symbol: found for symbol, row in own.items() if (found := inputs_of(row)) is not None}
    stored = [own[one.symbol] for one in asked.candidates if one.symbol in own]
    again = [inputs[row["symbol"]] for row in stored if row["symbol"] in inputs]
    would = {}
    if again:
        first = min(inputs, key=lambda symbol: (own[symbol]["decided_at"], inputs[symbol].book.approvals))
        decisions = judge_all(
            tuple(one.subject for one in again),
            replace(inputs[first].book, approve_max=asked.approve_max),
            limits,
            own[first]["decided_at"],
            Question(*key, asked.size_factor, asked.attempt),
            {one.subject.symbol: one.used for one in again},
        )
        would = {one.verdict.symbol: one.verdict for one in decisions}
    return tuple(
        Rejudged(
            was=verdict_of(row),
            would=would.get(row["symbol"]),
            why_not=None if row["symbol"] in would else "inputs_not_stored",
        )
        for row in stored
    )


def inputs_of(row: Row) -> Inputs | None:
    """What a decision was made from; None for one of a time when that was not kept, or not in this form."""
    try:
        return INPUTS.validate_python(row["inputs"]) if row["inputs"] is not None else None
    except ValidationError:
        return None
