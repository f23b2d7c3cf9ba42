"""A stored scan sent down the funnel once more under other values, by the cuts that the scan itself made.

A stage answers only for those it was asked about: who comes to it without having been there is set aside as unknown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from config.trading import FunnelPart
from services.workflow.rules import funnel
from services.workflow.rules.explain import ORDER, STAGES
from services.workflow.rules.funnel import BAD_EVENT, Cut, Lead
from services.workflow.rules.trace import TraceRow
from shared.domain.base import Value
from shared.domain.cycle import CycleView, Proposal, ScanView
from shared.domain.evidence import (
    Candidate,
    NewsAssessment,
    PatternAssessment,
    PatternEvidence,
    Stage,
    TechnicalAssessment,
    TechnicalEvidence,
)  # fmt: skip
from shared.domain.news import Catalyst, NewsEvidence


@dataclass(frozen=True)
class Past:
    """One stored scan: `rows` by symbol and stage, the scanner's `candidates`, all `proposals` of its cycle."""

    cycle: CycleView
    view: ScanView
    rows: Mapping[tuple[str, str], TraceRow]
    facts: Mapping[str, Any]
    candidates: tuple[Candidate, ...]
    proposals: tuple[Proposal, ...] = ()

    @property
    def is_lossy(self) -> bool:
        """True when evidence was lost in the scan: sizes were halved for it."""
        return any(part.endswith("lost") for part in self.view.degraded)

    def heard(self, stage: str) -> bool:
        """True when the stage spoke of anybody."""
        return any(stage in one for one in self.facts.values())


@dataclass
class Descent:
    """How far everybody would have come: the rows of each stage in order, and who could not be followed further."""

    rows: list[TraceRow] = field(default_factory=list)
    unknown: dict[str, Stage] = field(default_factory=dict)
    leads: tuple[Lead, ...] = ()

    def take(self, cut: Cut) -> None:
        self.rows += cut.rows
        self.leads = cut.kept

    def ask(self, stage: Stage, past: Past) -> None:
        """Set aside those about whom the stage was never asked."""
        self.unknown |= {lead.symbol: stage for lead in self.leads if (lead.symbol, stage) not in past.rows}
        self.leads = tuple(lead for lead in self.leads if lead.symbol not in self.unknown)


def past_of(
    cycle: CycleView,
    view: ScanView,
    trace: Mapping[str, Any],
    candidates: tuple[Candidate, ...],
    proposals: tuple[Proposal, ...] = (),
) -> Past:
    """A scan as the tables tell it."""
    rows = (TraceRow.model_validate(row) for row in trace.get("rows", ()))
    return Past(
        cycle, view, {(row.symbol, row.stage): row for row in rows}, trace.get("facts", {}), candidates, proposals
    )


def descend(past: Past, sizes: FunnelPart) -> Descent:
    """Down to the composite score: `leads` are those whom risk would have been asked about, best first."""
    weights, way, as_of = sizes.weights.model_dump(), Descent(), past.view.started_at
    way.take(funnel.enter(past.candidates, sizes.scanner))
    way.ask("news", past)
    news = tuple(one for lead in way.leads if (one := _news(lead.symbol, past)) is not None)
    assessed = NewsAssessment(as_of=as_of, evidence=news) if past.heard("news") else None
    way.take(funnel.cut_by_news(way.leads, assessed, sizes.news))
    way.ask("pattern", past)
    pattern = tuple(seen for lead in way.leads if (seen := _pattern(lead.symbol, past)) is not None)
    drawn = PatternAssessment(as_of=as_of, evidence=pattern) if past.heard("pattern") else None
    way.take(funnel.cut_by_pattern(way.leads, drawn, weights, sizes.pattern))
    way.ask("technical", past)
    technical = tuple(_technical(lead.symbol, past) for lead in way.leads)
    way.take(funnel.cut_by_technical(way.leads, TechnicalAssessment(as_of=as_of, evidence=technical)))
    way.take(funnel.cut_by_score(way.leads, weights, sizes.technical, sizes.min_composite_score))
    return way


def _news(symbol: str, past: Past) -> NewsEvidence | None:
    """What was heard; the row has a ranked name's score in full, and whether a bad one's event had a name."""
    heard, row = past.facts.get(symbol, {}).get("news"), past.rows[symbol, "news"]
    if heard is None:
        return None
    ranked = row.rank is not None and row.value is not None
    named = row.reason.partition("(")[2].partition(")")[0] if not ranked and row.threshold == BAD_EVENT else None
    return NewsEvidence(
        symbol=symbol,
        score=row.value if ranked and row.value is not None else heard["score"],
        sentiment=heard["sentiment"],
        confidence=heard["confidence"],
        catalyst=Catalyst(named) if named else None,
        items=int(heard["items"]),
        reason="" if ranked else row.reason.partition(": ")[2],
    )


def _pattern(symbol: str, past: Past) -> PatternEvidence | None:
    heard = past.facts.get(symbol, {}).get("pattern")
    return None if heard is None else PatternEvidence(symbol=symbol, score=heard["score"])


def _technical(symbol: str, past: Past) -> TechnicalEvidence:
    """The row has the score in full, or the refusal in words."""
    row = past.rows[symbol, "technical"]
    refused = None if row.passed else row.reason.removeprefix("refused: ")
    return TechnicalEvidence(symbol=symbol, score=row.value, refused=refused)


ASKED = {stage: f"the {stage} stage" for stage in STAGES} | {"risk": "risk"}


class Standing(Value):
    """Where a symbol's way ended, and the line that says why."""

    stage: Stage
    passed: bool
    known: bool = True
    why: str


def standings(rows: Sequence[TraceRow], unknown: Mapping[str, Stage]) -> dict[str, Standing]:
    """The last stage of each symbol."""
    last: dict[str, TraceRow] = {}
    for row in sorted(rows, key=lambda row: ORDER.index(row.stage)):
        last[row.symbol] = row
    found = {symbol: Standing(stage=row.stage, passed=row.passed, why=told(row)) for symbol, row in last.items()}
    for symbol, stage in unknown.items():
        why = f"not known: {ASKED[stage]} never saw it"
        found[symbol] = Standing(stage=stage, passed=False, known=False, why=why)
    return found


def told(row: TraceRow) -> str:
    """A row in one line, with its figures."""
    if row.stage == "risk" or row.value is None or row.threshold is None:
        return row.reason
    return f"{row.reason} ({row.value:.3f} against {row.threshold:.3f})"


def moved(was: Mapping[str, Standing], would: Mapping[str, Standing]) -> Iterator[str]:
    """Symbols whose way would have ended elsewhere. A symbol that no scan handed on fell out at the scanner."""
    unseen = Standing(stage="scanner", passed=False, why="not among the scanner's candidates")
    for symbol in sorted({*was, *would}):
        before, after = was.get(symbol, unseen), would.get(symbol, unseen)
        if (before.stage, before.passed, before.known) != (after.stage, after.passed, after.known):
            yield symbol
