"""The explanation: every number that decided, its place among the others, and what would have decided otherwise."""

import asyncio
import json
import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.child import free_ports, inherited
from services.workflow.api import create_app
from services.workflow.rules import explain, funnel
from services.workflow.rules.facts import facts_of
from services.workflow.rules.funnel import Cut, Lead
from services.workflow.rules.score import composite
from services.workflow.rules.trace import TraceRow
from shared.domain.evidence import (
    NewsAssessment,
    PatternAssessment,
    PatternEvidence,
    TechnicalAssessment,
    TechnicalEvidence,
)  # fmt: skip
from shared.domain.news import NewsEvidence
from tests.workflow.conftest import ROOT, Bench, listening_on
from tests.workflow.surroundings import OPEN
from tests.workflow.world import candidate, symbol

START = "/api/v1/workflow/start"
WEIGHTS = {"news": 0.3, "technical": 0.3, "momentum": 0.2, "volume": 0.2}
KEEP, LEAST = 5, 0.4
share = st.floats(0, 1).map(lambda value: round(value, 4))


def trace_of(cuts: Sequence[Cut]) -> dict[str, Any]:
    """What a scan that made these cuts would store; it goes through JSON types as the database's does."""
    leads = {lead.symbol: lead for cut in cuts for lead in cut.seen}
    return {
        "rows": [row.model_dump(mode="json", exclude_none=True) for cut in cuts for row in cut.rows],
        "counts": {"universe": 4129, "candidates": 100},
        "weights": WEIGHTS,
        "facts": {name: facts_of(lead) for name, lead in leads.items()},
    }


def told_of(row: TraceRow, trace: dict[str, Any]) -> TraceRow:
    return explain.deepened(row, explain.stand_of(row.stage, trace), trace)


@st.composite
def crowds(draw: st.DrawFn) -> list[Lead]:
    """Leads that all stages have spoken of, with scores of any kind; some without a technical score."""
    found = []
    for number in range(draw(st.integers(2, 14))):
        one = candidate(number).model_copy(update={"momentum_score": draw(share), "volume_score": draw(share)})
        name, score = one.symbol, draw(st.none() | share)
        news = NewsEvidence(symbol=name, score=draw(share), sentiment=0.1, confidence=0.5, items=1)
        pattern = PatternEvidence(symbol=name, score=draw(share))
        technical = TechnicalEvidence(symbol=name, score=score)
        found.append(Lead(one, news, pattern, technical))
    return found


def scored(leads: Sequence[Lead]) -> Cut:
    return funnel.cut_by_score(leads, WEIGHTS, KEEP, LEAST)


def patterned(leads: Sequence[Lead]) -> Cut:
    heard = PatternAssessment(as_of=OPEN, evidence=tuple(lead.pattern for lead in leads if lead.pattern))
    return funnel.cut_by_pattern([replace(lead, technical=None) for lead in leads], heard, WEIGHTS, KEEP)


def changed(lead: Lead, part: str, value: float) -> Lead:
    """The same lead, had one part been different."""
    match part:
        case "momentum" | "volume":
            return replace(lead, candidate=lead.candidate.model_copy(update={f"{part}_score": value}))
        case _:
            evidence = getattr(lead, part)
            return replace(lead, **{part: evidence.model_copy(update={"score": value})})


LEVER = re.compile(r"(news|technical|momentum|volume|pattern) (over|under) ([\d.]+) instead of ([\d.]+)")


@given(crowds(), st.sampled_from([scored, patterned]))
def test_what_it_says_would_have_changed_the_outcome_changes_it(
    leads: list[Lead], cut_by: Callable[[Sequence[Lead]], Cut]
) -> None:
    """Each named lever, pulled a little further than said, in the same cut: who fell stays, who stayed falls."""
    cut = cut_by(leads)
    trace = trace_of([cut])
    for row in cut.rows:
        told = told_of(row, trace)
        for part, side, text, was in LEVER.findall(told.otherwise or ""):
            needed = float(text) + (0.002 if side == "over" else -0.002)
            if not 0 <= needed <= 1:
                continue
            assert (side == "over") != row.passed
            others = [changed(lead, part, needed) if lead.symbol == row.symbol else lead for lead in leads]
            again = next(one for one in cut_by(others).rows if one.symbol == row.symbol)
            assert again.passed != row.passed, (told.otherwise, part, was)


@given(crowds(), st.sampled_from([scored, patterned]))
def test_contributions_add_up_to_the_value_and_margins_to_the_threshold(
    leads: list[Lead], cut_by: Callable[[Sequence[Lead]], Cut]
) -> None:
    cut = cut_by(leads)
    trace = trace_of([cut])
    for row in (told_of(one, trace) for one in cut.rows):
        assert row.value is not None
        assert sum(one.contribution or 0 for one in row.components) == pytest.approx(row.value, abs=1e-5)
        assert sum(one.weight or 0 for one in row.components) == pytest.approx(1)
        assert all(one.percentile is None or 0 <= one.percentile <= 1 for one in row.components)
        assert row.of == len(cut.rows)
        if row.threshold is not None:
            assert row.margin == pytest.approx(row.value - row.threshold, abs=1e-6)
            assert row.margin is not None
            assert (row.margin >= 0) == row.passed or math.isclose(row.value, row.threshold)
            assert row.otherwise


def test_a_percentile_is_the_share_of_the_others_that_is_beaten() -> None:
    values = [0.1, 0.2, 0.2, 0.9]
    assert [explain.percentile(value, values) for value in values] == [0, 0.5, 0.5, 1]
    assert explain.percentile(0.5, [0.5]) is None
    assert explain.percentile(None, values) is None


def test_whoever_stays_is_held_against_the_first_one_out() -> None:
    leads = [Lead(candidate(number)) for number in range(8)]
    cut = funnel.cut_by_score(leads, WEIGHTS, 5, 0.1)
    values = [row.value for row in cut.rows]
    assert [row.threshold for row in cut.rows] == [values[5]] * 5 + [values[4]] * 3
    room = funnel.cut_by_score(leads[:3], WEIGHTS, 5, 0.1)
    assert [row.threshold for row in room.rows] == [0.1] * 3
    nobody = funnel.cut_by_score(leads, WEIGHTS, 5, 0.99)
    assert {(row.passed, row.threshold) for row in nobody.rows} == {(False, 0.99)}


def test_below_the_least_it_is_the_edge_that_counts_where_all_places_are_taken() -> None:
    leads = [Lead(candidate(number * 10)) for number in range(8)]
    values = [composite(WEIGHTS, lead.parts) for lead in leads]
    cut = funnel.cut_by_score(leads, WEIGHTS, 3, values[4] + 1e-6)
    assert cut.rows[-1].threshold == values[2]
    assert "where" in (told_of(cut.rows[-1], trace_of([cut])).otherwise or "")


def test_a_tie_is_called_one() -> None:
    twins = [Lead(candidate(0)), Lead(candidate(0).model_copy(update={"symbol": "TWIN"}))]
    cut = funnel.cut_by_score(twins, WEIGHTS, 1, 0.1)
    told = told_of(cut.rows[1], trace_of([cut]))
    assert (told.margin, told.passed) == (0, False)
    assert "a tie at" in (told.otherwise or "")
    assert "SAA" in (told.otherwise or "")


def test_a_tie_of_news_is_decided_by_momentum_and_says_so() -> None:
    """All have the same news; the order of the symbols would have let the first two pass."""
    leads = [Lead(candidate(number).model_copy(update={"momentum_score": 0.5 + number / 10})) for number in range(3)]
    said = tuple(NewsEvidence(symbol=lead.symbol, score=0.5, sentiment=0.0, confidence=0.5, items=0) for lead in leads)
    cut = funnel.cut_by_news(leads, NewsAssessment(as_of=OPEN, evidence=said), 2)
    trace = trace_of([cut])
    told = {row.symbol: told_of(row, trace).otherwise or "" for row in cut.rows}
    assert told[symbol(0)] == f"a tie at 0.500, where {symbol(1)} stood too: momentum decided, 0.500 against 0.600"
    assert told[symbol(2)] == f"a tie at 0.500, where {symbol(0)} stood too: momentum decided, 0.700 against 0.500"


def test_technical_shows_its_parts_and_says_when_it_refuses() -> None:
    leads = [Lead(candidate(number)) for number in range(2)]
    parts: dict[str, float | None] = {"trend": 0.9, "volume": 0.5, "agreement": 0.8}
    said = (
        TechnicalEvidence(symbol=symbol(0), score=0.7, parts=parts, weights={"trend": 0.5, "volume": 0.5}),
        TechnicalEvidence(symbol=symbol(1), refused="too little history: 3 daily bars"),
    )
    cut = funnel.cut_by_technical(leads, TechnicalAssessment(as_of=OPEN, evidence=said))
    trace = trace_of([cut])
    judged, refused = (told_of(row, trace) for row in cut.rows)
    assert [(one.name, one.weight, one.contribution) for one in judged.components] == [
        ("trend", 0.5, 0.45), ("volume", 0.5, 0.25), ("agreement", None, None),
    ]  # fmt: skip
    assert refused.otherwise == "to be judged at all: too little history: 3 daily bars"


def test_a_trace_of_older_days_is_still_told() -> None:
    row = {"symbol": "OLD", "stage": "news", "passed": False, "reason": "news score below", "value": 0.1, "rank": 3}
    told = explain.told("c", "OLD", {1: {"rows": [row], "counts": {"universe": 9}}}, {}, {})
    assert told.scans[1][0] == TraceRow.model_validate(row | {"of": 1})


async def test_every_stage_of_a_traded_symbol_shows_its_numbers(bench: Bench) -> None:
    async with bench.running() as client:
        cycle_id = (await client.post(START)).json()["cycle_id"]
        await bench.scans(1)
        told = (await client.get(f"/api/v1/cycles/{cycle_id}/explain/{symbol(1)}")).json()
        rows = {row["stage"]: row for row in told["scans"]["1"]}
        assert [rows[stage]["of"] for stage in ("scanner", "news", "pattern", "technical", "score", "risk")] == [
            100, 100, 35, 20, 20, 10,
        ]  # fmt: skip
        for stage in ("news", "pattern", "technical", "score"):
            weighted = [one for one in rows[stage]["components"] if one["weight"]]
            assert sum(one["contribution"] for one in weighted) == pytest.approx(rows[stage]["value"], abs=1e-5), stage
            assert all(one["percentile"] is not None for one in weighted), stage
        momentum = next(one for one in rows["score"]["components"] if one["name"] == "momentum")
        assert (momentum["value"], momentum["weight"], momentum["contribution"]) == (0.995, 0.2, 0.199)
        assert momentum["percentile"] == pytest.approx(18 / 19)
        (check,) = rows["risk"]["components"]
        assert (check["name"], check["value"], check["threshold"], check["margin"]) == ("max_positions", 6, 5, -1)
        assert all(rows[stage]["otherwise"] for stage in ("scanner", "news", "pattern", "technical", "score", "risk"))
        assert rows["pattern"]["rank"] == 2


async def test_bad_news_is_explained_by_what_it_fell_by(bench: Bench) -> None:
    bench.world.negative = {symbol(0)}
    async with bench.running() as client:
        cycle_id = (await client.post(START)).json()["cycle_id"]
        await bench.scans(1)
        told = (await client.get(f"/api/v1/cycles/{cycle_id}/explain/{symbol(0)}")).json()
        news = told["scans"]["1"][-1]
        weighted = {one["name"]: one["contribution"] for one in news["components"] if one["weight"]}
        assert weighted == {"sentiment": news["value"]} == {"sentiment": -0.8}
        assert told["sentences"]["1"].endswith(
            "to decide otherwise: a sentiment above -0.5: then its score would have counted"
        )


async def test_near_misses_name_each_symbol_once(bench: Bench) -> None:
    async with bench.running() as client:
        cycle_id = (await client.post(START)).json()["cycle_id"]
        await bench.scans(1)
        await bench.asleep()
        await bench.clock.move(OPEN.replace(hour=15, minute=30))
        await bench.scans(2)
        missed = (await client.get(f"/api/v1/cycles/{cycle_id}/near-misses?limit=40")).json()
        assert len({one["symbol"] for one in missed}) == len(missed) == 40
        shares = [abs(one["margin"]) / abs(one["threshold"]) for one in missed]
        assert shares == sorted(shares)


async def test_it_is_typed_by_a_person_and_read_without_a_manual(bench: Bench, tmp_path: Path) -> None:
    port = free_ports(1)[0]
    async with bench.running() as client:
        await client.post(START)
        await bench.scans(1)
        async with listening_on(create_app(bench.deps), port):
            where = json.dumps({"workflow": f"http://127.0.0.1:{port}"})
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "scripts.catalyst", "explain", symbol(1).lower(), cwd=tmp_path,
                env=inherited() | {"PYTHONPATH": str(ROOT), "SERVICE_URLS": where}, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            said, _ = await asyncio.wait_for(process.communicate(), 60)
    text = " ".join(said.decode().split())
    assert process.returncode == 0
    assert f"{symbol(1)} in scan 1 of 20251120-100500, 10:05:00 market time" in text
    assert "│ total score │ passed │ 0.858 │" in text
    assert "what would have changed it" in text
    assert not re.search(r"\d{4}-\d\d-\d\dT|/api/", text)
