"""One scan's notebook: what it has found so far, and what it will have been."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, Literal

from services.workflow.rules import outcome
from services.workflow.rules.facts import facts_of
from services.workflow.rules.funnel import Cut, Lead, flags
from services.workflow.rules.schedule import news_is_silent
from services.workflow.rules.trace import TraceRow
from shared.domain.cycle import (
    CycleView,
    DecideRequest,
    Degradation,
    FunnelCounts,
    ScanAnswer,
    ScanRequest,
    ScanView,
)
from shared.domain.evidence import (
    AssessRequest,
    NewsAssessment,
    PatternAssessment,
    Scored,
    ScoreUpdates,
    Stage,
    TechnicalAssessment,
)  # fmt: skip
from shared.domain.order import Verdict
from shared.domain.session import Session
from shared.errors import CatalystError

STALE = "cut off; its analysis is stale"
Evidence = NewsAssessment | PatternAssessment | TechnicalAssessment


@dataclass
class Scan:
    """One run down the funnel. A redone scan keeps its number, slot and start."""

    cycle: CycleView
    scan: int
    slot: datetime
    started_at: datetime
    session: Session
    attempts: int = 1
    request_id: int | None = None
    answer: ScanAnswer | None = None
    failed: str | None = None
    failed_stage: Stage | None = None
    interrupted: bool = False
    silent: bool = False
    config_hash: str | None = None
    places: int = 0
    weights: dict[str, float] = field(default_factory=dict)
    scored: tuple[Scored, ...] = ()
    rows: list[TraceRow] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    stage_ms: dict[str, float] = field(default_factory=dict)
    degraded: list[Degradation] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    picks: list[outcome.Pick] = field(default_factory=list)
    leads: dict[str, Lead] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Times a stage; one that is lost leaves its name."""
        started = perf_counter()
        try:
            yield
        except CatalystError as error:
            self.failed, self.failed_stage = f"{name}: {error.detail}", name
            raise
        finally:
            self.stage_ms[name] = round((perf_counter() - started) * 1000, 3)

    def lose(self, what: Degradation, why: str) -> None:
        """Go on without a part of the evidence."""
        self.failed = self.failed_stage = None
        self.degraded.append(what)
        self.losses.append(why)

    def notice(self, stage: Stage, asked: AssessRequest, answer: Evidence) -> None:
        """Some of those whom a stage was asked about may be missing from its answer: say how many.

        Whom technical does not answer about is out, so nothing is lost of those who stay.
        """
        if silent := len(asked.symbols) - len(answer.evidence):
            kind: Literal["lost", "unanswered"] = "unanswered" if stage == "technical" else "lost"
            what = Degradation(stage=stage, kind=kind, missing=silent, asked=len(asked.symbols))
            self.lose(what, f"{stage} gave no answer that can be used about {silent} symbols")

    def take(self, stage: Stage, cut: Cut) -> tuple[Lead, ...]:
        """Remember a cut; returns who goes on."""
        self.rows += cut.rows
        self.leads |= {lead.symbol: lead for lead in cut.seen}
        self.counts["technical" if stage == "score" else stage] = len(cut.kept)
        return cut.kept

    def hear(self, news: NewsAssessment | None) -> None:
        """Notice when the wires have been silent."""
        if news and news.evidence:
            self.silent = news_is_silent([one.latest_at for one in news.evidence], self.as_of, self.session)

    def judge(self, verdicts: Sequence[Verdict], most: int) -> None:
        """Remember risk's verdicts and whom it approved."""
        self.rows += outcome.risk_rows(self.scored, verdicts)
        self.picks = outcome.chosen(self.scored, verdicts, most)
        self.counts["risk"] = len(self.picks)

    @property
    def is_lossy(self) -> bool:
        """True when evidence that should have been there was lost, not merely switched off."""
        return any(part.halves for part in self.degraded)

    @property
    def as_of(self) -> datetime:
        """The moment that every stage judges: the scanner's, which a redone scan gets again."""
        return self.answer.as_of if self.answer else self.started_at

    def end(self, now: datetime) -> ScanView:
        """The scan as it ended."""
        self.rows += outcome.execution_rows(self.picks, self.places)
        self.counts["universe"] = self.answer.universe if self.answer else 0
        self.counts["execution"] = sum(pick.outcome in outcome.TAKEN for pick in self.picks)
        return ScanView(
            cycle_id=self.cycle.cycle_id,
            scan=self.scan,
            slot=self.slot,
            status="interrupted" if self.interrupted else "failed" if self.failed else "completed",
            degraded=tuple(part.words for part in self.degraded),
            degradations=tuple(self.degraded),
            failed_stage=self.failed_stage,
            funnel=FunnelCounts(**self.counts),
            stage_ms=self.stage_ms,
            picks=tuple(pick.as_json() for pick in self.picks),
            reason=STALE if self.interrupted else self.failed or "; ".join(self.losses) or None,
            started_at=self.started_at,
            ended_at=max(now, self.started_at),
        )

    def decide_request(self, most: int) -> DecideRequest:
        """What risk is asked about this scan."""
        return outcome.decide_request(self.cycle, self.scan, self.as_of, self.scored, most)

    def scan_request(self, limit: int) -> ScanRequest:
        """What the scanner is asked; a redone scan asks the same."""
        return ScanRequest(cycle_id=self.cycle.cycle_id, scan=self.scan, as_of=self.started_at, limit=min(limit, 200))

    def assess_request(self, leads: Sequence[Lead]) -> AssessRequest:
        """What a stage is asked about those who are left."""
        symbols = tuple(lead.symbol for lead in leads)
        return AssessRequest(symbols=symbols, as_of=self.as_of, cycle_id=self.cycle.cycle_id, scan=self.scan)

    def score_updates(self) -> ScoreUpdates:
        """What the scanner stores of it all."""
        return outcome.score_updates(self.cycle.cycle_id, self.scan, self.leads, self.weights, self.rows)

    def trace(self) -> dict[str, Any]:
        """Everything that `explain` is answered from."""
        counts: dict[str, Any] = {}
        if self.answer:
            counts = self.answer.model_dump(include={"universe", "scanned", "stored", "dropped"})
            counts["candidates"] = len(self.answer.candidates)
        return {
            "rows": [row.model_dump(mode="json", exclude_none=True) for row in self.rows],
            "counts": counts,
            "missing": flags([self.leads[one.symbol] for one in self.scored]),
            "weights": self.weights,
            "facts": {symbol: facts_of(lead) for symbol, lead in sorted(self.leads.items())},
            "config": self.config_hash,
            "degraded": [part.words for part in self.degraded],
            "degradations": [part.model_dump(mode="json") for part in self.degraded],
            "failed": self.failed,
            "failed_stage": self.failed_stage,
        }

    def alarms(self, view: ScanView, last_minutes_without_entries: int) -> list[tuple[str, str]]:
        """What a person must hear: kind and message."""
        if self.interrupted:
            return [("scan_interrupted", f"scan {self.scan} was cut off and came too late to be done again")]
        refused = [row.reason for row in self.rows if row.stage in ("risk", "execution") and not row.passed]
        last_entry = self.session.close - timedelta(minutes=last_minutes_without_entries)
        return outcome.alarms(view, refused, entries_allowed=self.started_at < last_entry, silent=self.silent)

    def payload(self, view: ScanView) -> dict[str, Any]:
        """The answer to whoever asked for the scan."""
        scanned = self.answer.scanned if self.answer else 0
        return {"request_id": self.request_id, "answer": outcome.answer(view, scanned)}
