"""The cuts and the composite score, for any evidence."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workflow.rules import funnel
from services.workflow.rules.score import PARTS, composite, redistribute
from shared.domain.evidence import (
    Candidate,
    NewsAssessment,
    PatternAssessment,
    PatternEvidence,
    TechnicalAssessment,
    TechnicalEvidence,
)  # fmt: skip
from shared.domain.news import Catalyst, NewsEvidence
from tests.workflow.surroundings import OPEN
from tests.workflow.world import candidate

WEIGHTS = {"news": 0.3, "technical": 0.3, "momentum": 0.2, "volume": 0.2}
share = st.floats(0, 1)
parts_of = st.fixed_dictionaries({name: st.none() | share for name in PARTS})
weights_of = st.fixed_dictionaries(dict.fromkeys(PARTS, share))


@given(weights_of, parts_of)
def test_weights_add_up_to_one_over_the_parts_that_are_there(
    weights: dict[str, float], parts: dict[str, float | None]
) -> None:
    shares = redistribute(weights, parts)
    present = [name for name in PARTS if parts[name] is not None]
    assert sum(shares.values()) == pytest.approx(1 if present else 0)
    assert all(shares[name] == 0 for name in PARTS if name not in present)


@given(weights_of, parts_of)
def test_a_composite_lies_between_its_lowest_and_highest_part(
    weights: dict[str, float], parts: dict[str, float | None]
) -> None:
    score = composite(weights, parts)
    known = [value for value in parts.values() if value is not None]
    assert 0 <= score <= 1
    if known:
        assert min(known) - 1e-6 <= score <= max(known) + 1e-6


@given(weights_of, st.fixed_dictionaries(dict.fromkeys(PARTS, share)), st.sampled_from(PARTS), share)
def test_a_better_part_never_makes_a_worse_score(
    weights: dict[str, float], parts: dict[str, float | None], name: str, value: float
) -> None:
    better = max(value, parts[name] or 0.0)
    assert composite(weights, parts | {name: better}) >= composite(weights, parts)


def test_the_weights_of_the_specification() -> None:
    parts = {"news": 1.0, "technical": 0.5, "momentum": 0.0, "volume": 1.0}
    assert composite(WEIGHTS, parts) == 0.65
    assert composite(WEIGHTS, parts | {"news": None}) == pytest.approx((0.15 + 0.2) / 0.7, abs=1e-6)


@st.composite
def evidence(draw: st.DrawFn) -> list[tuple[Candidate, NewsEvidence]]:
    """Candidates with news of any kind."""
    found = []
    for number in range(draw(st.integers(1, 25))):
        one = candidate(number).model_copy(update={"momentum_score": draw(share)})
        kind = draw(st.none() | st.sampled_from(Catalyst))
        news = NewsEvidence(
            symbol=one.symbol, score=draw(share), sentiment=draw(st.floats(-1, 1)), confidence=0.5, catalyst=kind,
            items=1,
        )  # fmt: skip
        found.append((one, news))
    return found


@given(evidence(), st.integers(1, 10))
def test_the_news_cut(found: list[tuple[Candidate, NewsEvidence]], keep: int) -> None:
    leads = funnel.enter([one for one, _ in found], 100).kept
    news = {said.symbol: said for _, said in found}
    heard = NewsAssessment(as_of=OPEN, evidence=tuple(news.values()))
    cut = funnel.cut_by_news(leads, heard, keep)
    bad = {name for name, said in news.items() if said.sentiment <= funnel.negative_threshold(said)}
    kept = [lead.symbol for lead in cut.kept]
    assert len(kept) == min(keep, len(leads) - len(bad))
    assert not bad & set(kept)
    assert sorted(row.symbol for row in cut.rows) == sorted(news)
    assert {row.symbol for row in cut.rows if row.passed} == set(kept)
    assert all(row.margin is None or row.margin >= 0 for row in cut.rows if row.passed)
    assert all(row.margin is None or row.margin <= 0 for row in cut.rows if not row.passed)
    out = [name for name in news if name not in bad and name not in kept]
    assert all(news[a].score >= news[b].score for a in kept for b in out)
    assert funnel.cut_by_news(leads[::-1], heard, keep).kept == cut.kept


def test_without_news_a_name_stands_between_good_and_bad() -> None:
    leads = funnel.enter([candidate(0), candidate(1), candidate(2)], 100).kept
    scores = {leads[0].symbol: 0.4, leads[2].symbol: 0.6}
    said = tuple(
        NewsEvidence(symbol=name, score=score, sentiment=0, confidence=0.5, items=1) for name, score in scores.items()
    )
    cut = funnel.cut_by_news(leads, NewsAssessment(as_of=OPEN, evidence=said), 35)
    assert [lead.symbol for lead in cut.kept] == [leads[2].symbol, leads[1].symbol, leads[0].symbol]


def test_the_pattern_cut_weighs_the_pattern_against_what_came_before() -> None:
    leads = funnel.enter([candidate(number) for number in range(40)], 100).kept
    late = leads[39].symbol
    said = tuple(PatternEvidence(symbol=lead.symbol, score=1.0 if lead.symbol == late else 0.5) for lead in leads)
    cut = funnel.cut_by_pattern(leads, PatternAssessment(as_of=OPEN, evidence=said), WEIGHTS, 20)
    assert cut.kept[0].symbol == late
    unheard = funnel.cut_by_pattern(leads, None, WEIGHTS, 20)
    assert [lead.symbol for lead in unheard.kept] == [lead.symbol for lead in leads[:20]]


def test_technical_drops_whom_it_refuses_and_makes_up_for_a_missing_score() -> None:
    leads = funnel.enter([candidate(0), candidate(1), candidate(2)], 100).kept
    said = (
        TechnicalEvidence(symbol=leads[0].symbol, refused="4 bars of history"),
        TechnicalEvidence(symbol=leads[1].symbol),
        TechnicalEvidence(symbol=leads[2].symbol, score=0.9, atr=0.4),
    )
    cut = funnel.cut_by_technical(leads, TechnicalAssessment(as_of=OPEN + timedelta(minutes=1), evidence=said))
    assert [lead.symbol for lead in cut.kept] == [leads[1].symbol, leads[2].symbol]
    assert cut.rows[0].reason == "refused: 4 bars of history"
    scored = funnel.scored(cut.kept, WEIGHTS, degraded=False)
    assert scored[0].weights["technical"] == 0
    assert funnel.flags(cut.kept)[leads[1].symbol] == ("news", "technical")


def test_nobody_passes_below_the_least_score() -> None:
    leads = funnel.enter([candidate(number) for number in range(60)], 100).kept
    cut = funnel.cut_by_score(leads, WEIGHTS, 10, 0.9)
    scores = [composite(WEIGHTS, lead.parts) for lead in cut.kept]
    assert scores
    assert all(score >= 0.9 for score in scores)
    low = [row for row in cut.rows if row.reason == "composite score below the least"]
    assert all(row.margin is not None and row.margin < 0 and row.threshold == 0.9 for row in low)
    assert len(cut.rows) == 60
