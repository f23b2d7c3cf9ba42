"""A stored scan sent down again: under values that ask nobody new it is what the funnel itself makes of them."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

from config.trading import FunnelPart, Weights
from services.workflow.rules import funnel
from services.workflow.rules.facts import facts_of
from services.workflow.rules.funnel import Cut, Lead
from services.workflow.rules.what_if.endings import endings
from services.workflow.rules.what_if.replay_funnel import Descent, Past, descend, past_of
from shared.domain.cycle import CycleView, FunnelCounts, ScanView
from shared.domain.evidence import NewsAssessment, PatternAssessment, TechnicalAssessment
from shared.domain.news import Catalyst
from tests.workflow.surroundings import OPEN
from tests.workflow.test_explain import crowds

CYCLE = CycleView(
    cycle_id="20251120-093000",
    mode="normal",
    session_mode="autonomous",
    status="running",
    trading_day=OPEN.date(),
    driven_by="hand",
    max_positions=5,
    max_daily_loss=Decimal(2000),
    scan_frequency_seconds=1800,
    config_hash="0" * 16,
    started_at=OPEN,
)
VIEW = ScanView(cycle_id=CYCLE.cycle_id, scan=1, slot=OPEN, status="completed", funnel=FunnelCounts(), started_at=OPEN)
WIDE = FunnelPart(scanner=100, news=100, pattern=100, technical=100, min_composite_score=0)


def told(leads: list[Lead], sizes: FunnelPart) -> tuple[Descent, dict[str, Lead]]:
    """The cuts of a scan whose stages say what the leads have; one that says nothing of anybody is lost."""
    weights, way, seen = sizes.weights.model_dump(), Descent(), dict[str, Lead]()
    full = {lead.symbol: lead for lead in leads}

    def news() -> NewsAssessment | None:
        said = tuple(own for lead in way.leads if (own := full[lead.symbol].news))
        return NewsAssessment(as_of=OPEN, evidence=said) if said else None

    def pattern() -> PatternAssessment | None:
        said = tuple(own for lead in way.leads if (own := full[lead.symbol].pattern))
        return PatternAssessment(as_of=OPEN, evidence=said) if said else None

    technical = TechnicalAssessment(as_of=OPEN, evidence=tuple(lead.technical for lead in leads if lead.technical))
    cuts: tuple[Callable[[], Cut], ...] = (
        lambda: funnel.enter([lead.candidate for lead in leads], sizes.scanner),
        lambda: funnel.cut_by_news(way.leads, news(), sizes.news),
        lambda: funnel.cut_by_pattern(way.leads, pattern(), weights, sizes.pattern),
        lambda: funnel.cut_by_technical(way.leads, technical),
        lambda: funnel.cut_by_score(way.leads, weights, sizes.technical, sizes.min_composite_score),
    )
    for make in cuts:
        cut = make()
        way = way.take(cut)
        seen |= {lead.symbol: lead for lead in cut.seen}
    return way, seen


def stored(leads: list[Lead], sizes: FunnelPart) -> Past:
    """That scan as the tables have it."""
    way, seen = told(leads, sizes)
    rows = [row.model_dump(mode="json", exclude_none=True) for row in way.rows]
    trace = {"rows": rows, "facts": {symbol: facts_of(lead) for symbol, lead in seen.items()}}
    return past_of(CYCLE, VIEW, trace, tuple(lead.candidate for lead in leads))


def with_bad_news(leads: list[Lead], bad: list[bool]) -> list[Lead]:
    """Some have an event with a name against them."""
    worst = {"sentiment": -0.3, "catalyst": Catalyst.LEGAL, "reason": "sued"}
    return [
        replace(lead, news=lead.news.model_copy(update=worst)) if is_bad and lead.news else lead
        for lead, is_bad in zip(leads, bad, strict=False)
    ]


share = st.integers(0, 100).map(lambda percent: percent / 100)
weights = st.builds(Weights, news=share, technical=share, momentum=share, volume=share)
sizes = st.builds(
    FunnelPart,
    scanner=st.integers(1, 14),
    news=st.integers(1, 10),
    pattern=st.integers(1, 8),
    technical=st.integers(1, 6),
    min_composite_score=share,
    weights=weights,
)


@given(crowds(), st.lists(st.booleans(), min_size=14, max_size=14), sizes)
def test_where_everybody_was_asked_it_is_the_funnel_itself(leads: list[Lead], bad: list[bool], now: FunnelPart) -> None:
    leads = with_bad_news(leads, bad)
    way, (truth, _) = descend(stored(leads, WIDE), now), told(leads, now)
    assert way.unknown == {}
    assert way.rows == truth.rows
    assert [lead.symbol for lead in way.leads] == [lead.symbol for lead in truth.leads]


@given(crowds(), st.lists(st.sampled_from(["news", "pattern", "technical", None]), min_size=14, max_size=14), sizes)
def test_whoever_a_stage_did_not_answer_about_is_followed_too(
    leads: list[Lead], silent: list[str | None], now: FunnelPart
) -> None:
    """Each may miss the answer of one stage; tried under its own files, the scan goes as it went."""
    nothing: dict[str, Any] = {"news": {"news": None}, "pattern": {"pattern": None}, "technical": {"technical": None}}
    part = [replace(lead, **nothing.get(stage or "", {})) for lead, stage in zip(leads, silent, strict=False)]
    way, (truth, _) = descend(stored(part, now), now), told(part, now)
    assert way.rows == truth.rows
    assert [lead.parts for lead in way.leads] == [lead.parts for lead in truth.leads]


@given(crowds(), sizes, sizes)
def test_what_is_said_is_true_and_the_rest_is_said_to_be_unknown(
    leads: list[Lead], then: FunnelPart, now: FunnelPart
) -> None:
    """Whoever is not called unknown has the scores that a scan of now would have given; nobody is lost."""
    past = stored(leads, then)
    way, (truth, _) = descend(past, now), told(leads, now)
    ends, wide = endings(way.rows, way.unknown), told(leads, WIDE.model_copy(update={"weights": now.weights}))[0]
    assert set(ends) == {lead.symbol for lead in leads}
    for symbol, stage in way.unknown.items():
        assert (symbol, stage) not in past.rows
        assert ends[symbol].why == f"not known: the {stage} stage never saw it"
    scores = {(row.symbol, row.stage): row.value for row in wide.rows if row.stage in ("pattern", "score")}
    for row in way.rows:
        if row.stage in ("pattern", "score"):
            assert row.value == scores[row.symbol, row.stage]
    if now == then:
        assert way.unknown == {}
        assert way.rows == truth.rows


@given(crowds(), st.lists(st.booleans(), min_size=14, max_size=14), sizes)
def test_no_word_of_the_stored_rows_counts(leads: list[Lead], bad: list[bool], now: FunnelPart) -> None:
    past = stored(with_bad_news(leads, bad), WIDE)
    wordless = {key: row.model_copy(update={"reason": "x"}) for key, row in past.rows.items()}
    way, other = descend(past, now), descend(replace(past, rows=wordless), now)
    assert other == way
