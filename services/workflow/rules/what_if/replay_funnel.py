"""A stored scan sent down the funnel once more under other values, by the cuts that the scan itself made.

A stage answers only for those it was asked about: who comes to it without having been there is set aside as unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from config.trading import FunnelPart
from services.workflow.rules import funnel
from services.workflow.rules.funnel import Cut, Lead
from services.workflow.rules.trace import TraceRow
from shared.domain import evidence as said
from shared.domain.cycle import CycleView, Proposal, ScanView
from shared.domain.news import NewsEvidence


@dataclass(frozen=True)
class Past:
    """One stored scan: `rows` by symbol and stage, the scanner's `candidates`, all `proposals` of its cycle."""

    cycle: CycleView
    view: ScanView
    rows: Mapping[tuple[str, str], TraceRow]
    facts: Mapping[str, Any]
    candidates: tuple[said.Candidate, ...]
    proposals: tuple[Proposal, ...] = ()

    @property
    def is_lossy(self) -> bool:
        """True when evidence was lost in the scan: sizes were halved for it."""
        return any(part.halves for part in self.view.degradations)

    def heard(self, stage: str) -> bool:
        """True when the stage spoke of anybody."""
        return any(stage in one for one in self.facts.values())


@dataclass(frozen=True)
class Descent:
    """How far everybody would have come: the rows of each stage in order, and who could not be followed further."""

    rows: tuple[TraceRow, ...] = ()
    unknown: Mapping[str, said.Stage] = field(default_factory=dict)
    leads: tuple[Lead, ...] = ()

    def take(self, cut: Cut) -> "Descent":
        """After a cut."""
        return replace(self, rows=self.rows + cut.rows, leads=cut.kept)

    def ask(self, stage: said.Stage, past: Past) -> "Descent":
        """Without those about whom the stage was never asked."""
        unknown = {lead.symbol: stage for lead in self.leads if (lead.symbol, stage) not in past.rows}
        left = tuple(lead for lead in self.leads if lead.symbol not in unknown)
        return replace(self, unknown={**self.unknown, **unknown}, leads=left)


def past_of(
    cycle: CycleView,
    view: ScanView,
    trace: Mapping[str, Any],
    candidates: tuple[said.Candidate, ...],
    proposals: tuple[Proposal, ...] = (),
) -> Past:
    """A scan as the tables tell it."""
    rows = (TraceRow.model_validate(row) for row in trace.get("rows", ()))
    return Past(
        cycle, view, {(row.symbol, row.stage): row for row in rows}, trace.get("facts", {}), candidates, proposals
    )


def descend(past: Past, sizes: FunnelPart) -> Descent:
    """Down to the composite score: `leads` are those whom risk would have been asked about, best first."""
    weights, as_of = sizes.weights.model_dump(), past.view.started_at
    way = Descent().take(funnel.enter(past.candidates, sizes.scanner)).ask("news", past)
    news = tuple(one for lead in way.leads if (one := _news(lead.symbol, past)) is not None)
    assessed = said.NewsAssessment(as_of=as_of, evidence=news) if past.heard("news") else None
    way = way.take(funnel.cut_by_news(way.leads, assessed, sizes.news)).ask("pattern", past)
    pattern = tuple(
        said.PatternEvidence(symbol=lead.symbol, score=heard["score"])
        for lead in way.leads
        if (heard := past.facts.get(lead.symbol, {}).get("pattern")) is not None
    )
    drawn = said.PatternAssessment(as_of=as_of, evidence=pattern) if past.heard("pattern") else None
    way = way.take(funnel.cut_by_pattern(way.leads, drawn, weights, sizes.pattern)).ask("technical", past)
    judged = [past.rows[lead.symbol, "technical"] for lead in way.leads]
    technical = tuple(said.TechnicalEvidence(symbol=r.symbol, score=r.value, refused=r.refused) for r in judged)
    way = way.take(funnel.cut_by_technical(way.leads, said.TechnicalAssessment(as_of=as_of, evidence=technical)))
    return way.take(funnel.cut_by_score(way.leads, weights, sizes.technical, sizes.min_composite_score))


def _news(symbol: str, past: Past) -> NewsEvidence | None:
    heard = past.facts.get(symbol, {}).get("news")
    return None if heard is None else NewsEvidence(symbol=symbol, **heard)
