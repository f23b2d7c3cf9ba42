"""The cuts: 100 -> 35 by news, -> 20 by pattern, -> 10 by technical and composite score.

News thinks like a trader who only buys. A name with a negative catalyst (a named bad event, or clearly bad news) is
out first and never comes back to fill a place. The rest is ranked by news score, momentum breaking ties. No news is
0.5: such names stay possible behind good news and before bad. Pattern counts half, everything known before it the
other half. Technical drops what it refuses to judge; the composite score decides among the others. All ties fall to
the symbol.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from services.workflow.rules.score import composite, missing, redistribute
from services.workflow.rules.trace import TraceRow
from shared.domain.evidence import (
    Candidate,
    NewsAssessment,
    PatternAssessment,
    PatternEvidence,
    Scored,
    Stage,
    TechnicalAssessment,
    TechnicalEvidence,
)  # fmt: skip
from shared.domain.news import NewsEvidence

BAD_EVENT, BAD_NEWS = -0.2, -0.5
NO_NEWS, PATTERN_SHARE = 0.5, 0.5


@dataclass(frozen=True)
class Lead:
    """A symbol on its way down, with what each stage said of it; None where a stage was not heard."""

    candidate: Candidate
    news: NewsEvidence | None = None
    pattern: PatternEvidence | None = None
    technical: TechnicalEvidence | None = None

    @property
    def symbol(self) -> str:
        return self.candidate.symbol

    @property
    def parts(self) -> dict[str, float | None]:
        """The parts of the composite score, each in [0, 1]."""
        return {
            "news": self.news.score if self.news else None,
            "technical": self.technical.score if self.technical else None,
            "momentum": self.candidate.momentum_score,
            "volume": self.candidate.volume_score,
        }


@dataclass(frozen=True)
class Cut:
    """Who goes on, best first; everybody who was looked at, and a row for each."""

    kept: tuple[Lead, ...]
    rows: tuple[TraceRow, ...]
    seen: tuple[Lead, ...]


def enter(candidates: Sequence[Candidate], limit: int) -> Cut:
    """The scanner's candidates by its own rank."""
    leads = [Lead(one) for one in sorted(candidates, key=lambda candidate: (candidate.rank, candidate.symbol))]
    rows = []
    for place, lead in enumerate(leads, 1):
        reason = f"rank {'among' if place <= limit else 'below'} the best {limit}"
        rows.append(_row(lead, "scanner", place <= limit, reason, place, limit, limit - place, lead.candidate.rank))
    return Cut(tuple(leads[:limit]), tuple(rows), tuple(leads))


def _best(
    leads: Sequence[Lead],
    keep: int,
    stage: Stage,
    value: Callable[[Lead], float],
    what: str,
    least: float | None = None,
) -> Cut:
    """The first `keep` of an ordered list.

    Who stays is held against the first one out, who is out against the last one kept; where there is room for
    everybody, against `least`.
    """
    values = [value(lead) for lead in leads]
    last = values[keep - 1] if 0 < keep < len(values) else None
    first_out = values[keep] if keep < len(values) else least
    rows = []
    for rank, (lead, own) in enumerate(zip(leads, values, strict=True), 1):
        passed = rank <= keep
        reason, edge = f"{what} {'among' if passed else 'below'} the best {keep}", first_out if passed else last
        rows.append(_row(lead, stage, passed, reason, own, edge, None if edge is None else own - edge, rank))
    return Cut(tuple(leads[:keep]), tuple(rows), tuple(leads))


def _row(
    lead: Lead,
    stage: Stage,
    passed: bool,
    reason: str,
    value: float | None = None,
    threshold: float | None = None,
    margin: float | None = None,
    rank: int | None = None,
) -> TraceRow:
    rounded = None if margin is None else round(margin, 6)
    return TraceRow(
        symbol=lead.symbol,
        stage=stage,
        passed=passed,
        reason=reason,
        value=value,
        threshold=threshold,
        margin=rounded,
        rank=rank,
    )


def negative_threshold(news: NewsEvidence) -> float:
    """The sentiment at or below which a name is out: sooner when the event has a name."""
    return BAD_EVENT if news.catalyst is not None else BAD_NEWS


def is_bad(news: NewsEvidence) -> bool:
    """Whether what is said of a name puts it out."""
    return news.sentiment <= negative_threshold(news)


def cut_by_news(leads: Sequence[Lead], heard: NewsAssessment | None, keep: int) -> Cut:
    """`heard` None: momentum alone ranks."""
    if heard is None:
        ordered = sorted(leads, key=lambda lead: (-lead.candidate.momentum_score, lead.symbol))
        return _best(ordered, keep, "news", lambda lead: lead.candidate.momentum_score, "no news heard: momentum")
    evidence = {one.symbol: one for one in heard.evidence}
    told = [replace(lead, news=evidence.get(lead.symbol)) for lead in leads]
    bad = [lead for lead in told if lead.news and is_bad(lead.news)]
    out = {lead.symbol for lead in bad}
    ordered = sorted(
        (lead for lead in told if lead.symbol not in out),
        key=lambda lead: (-_news_score(lead), -lead.candidate.momentum_score, lead.symbol),
    )
    cut = _best(ordered, keep, "news", _news_score, "news score")
    silent = {lead.symbol for lead in told if lead.news is None}
    rows = _without_answer(cut.rows, silent, f"news did not answer, taken as {NO_NEWS:g}")
    return Cut(cut.kept, rows + tuple(_bad_news(lead, lead.news) for lead in bad if lead.news), tuple(told))


def _without_answer(rows: tuple[TraceRow, ...], silent: Collection[str], what: str) -> tuple[TraceRow, ...]:
    """The rows, saying so of those about whom the stage was asked and said nothing."""
    return tuple(
        row.model_copy(update={"reason": f"{what}: {row.reason}"}) if row.symbol in silent else row for row in rows
    )


def _news_score(lead: Lead) -> float:
    return lead.news.score if lead.news else NO_NEWS


def _bad_news(lead: Lead, news: NewsEvidence) -> TraceRow:
    edge, name = negative_threshold(news), news.catalyst or "news"
    reason = f"negative catalyst ({name}): {news.reason}"
    row = _row(lead, "news", False, reason, news.sentiment, edge, news.sentiment - edge)
    return row.model_copy(update={"catalyst": news.catalyst})


def cut_by_pattern(
    leads: Sequence[Lead], heard: PatternAssessment | None, weights: Mapping[str, float], keep: int
) -> Cut:
    """Half the pattern's score, half what came before; `heard` None: what came before alone."""
    evidence = {one.symbol: one for one in heard.evidence} if heard else {}
    seen = [replace(lead, pattern=evidence.get(lead.symbol)) for lead in leads]

    def value(lead: Lead) -> float:
        before = composite(weights, lead.parts)
        if lead.pattern is None:
            return before
        return round(PATTERN_SHARE * lead.pattern.score + (1 - PATTERN_SHARE) * before, 6)

    ordered = sorted(seen, key=lambda lead: (-value(lead), lead.symbol))
    what = "pattern and earlier scores" if heard else "no pattern heard: earlier scores"
    cut = _best(ordered, keep, "pattern", value, what)
    silent = {lead.symbol for lead in seen if heard and lead.pattern is None}
    return replace(cut, rows=_without_answer(cut.rows, silent, "pattern did not answer, earlier scores alone"))


def cut_by_technical(leads: Sequence[Lead], heard: TechnicalAssessment | None) -> Cut:
    """Out goes what technical refuses to judge; a score that is merely missing is made up for by the other parts."""
    evidence = {one.symbol: one for one in heard.evidence} if heard else {}
    kept, rows = list[Lead](), list[TraceRow]()
    for lead in leads:
        own = evidence.get(lead.symbol)
        refused = "technical did not answer" if own is None else own.refused
        score = own.score if own else None
        reason = f"refused: {refused}" if refused else "judged" if score is not None else "score missing: redistributed"
        row = _row(lead, "technical", not refused, reason, score)
        rows.append(row.model_copy(update={"refused": refused}))
        if not refused:
            kept.append(replace(lead, technical=own))
    return Cut(tuple(kept), tuple(rows), tuple(kept))


def cut_by_score(leads: Sequence[Lead], weights: Mapping[str, float], keep: int, least: float) -> Cut:
    """The best `keep` by composite score, none below `least`."""
    scores = {lead.symbol: composite(weights, lead.parts) for lead in leads}
    ordered = sorted(leads, key=lambda lead: (-scores[lead.symbol], lead.symbol))
    good = [lead for lead in ordered if scores[lead.symbol] >= least]
    cut = _best(good, keep, "score", lambda lead: scores[lead.symbol], "composite score", least)
    edge = scores[good[keep - 1].symbol] if 0 < keep <= len(good) else least
    low = [
        _row(lead, "score", False, f"composite score below the least, {least:g}", own, edge, own - edge, rank)
        for rank, lead in enumerate(ordered, 1)
        if (own := scores[lead.symbol]) < least
    ]
    return Cut(cut.kept, cut.rows + tuple(low), tuple(leads))


def scored(leads: Sequence[Lead], weights: Mapping[str, float], degraded: bool) -> tuple[Scored, ...]:
    """What risk is asked about, in the order given. Levels come from a long pattern that lies around the price."""
    return tuple(_scored(lead, rank, weights, degraded) for rank, lead in enumerate(leads, 1))


def _scored(lead: Lead, rank: int, weights: Mapping[str, float], degraded: bool) -> Scored:
    candidate, parts = lead.candidate, lead.parts
    best = lead.pattern.best if lead.pattern else None
    long = best if best and best.direction == "long" and best.status != "failed" else None
    return Scored(
        symbol=lead.symbol,
        rank=rank,
        composite_score=composite(weights, parts),
        parts={**parts, "pattern": lead.pattern.score if lead.pattern else None},
        weights=redistribute(weights, parts),
        price=candidate.price,
        sector=candidate.sector,
        average_volume=candidate.average_volume,
        spread_pct=candidate.spread_pct,
        atr=lead.technical.atr if lead.technical else None,
        stop=long.stop if long and long.stop and 0 < long.stop < candidate.price else None,
        target=long.target if long and long.target and long.target > candidate.price else None,
        catalyst=lead.news.catalyst if lead.news else None,
        pattern=long.name if long else None,
        degraded=degraded,
    )


def flags(leads: Sequence[Lead]) -> dict[str, tuple[str, ...]]:
    """Symbols whose score had to do without a part, and which."""
    return {lead.symbol: lost for lead in leads if (lost := missing(lead.parts))}
