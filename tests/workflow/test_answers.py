"""Stages that answer badly: nothing, half, another moment, twice, no numbers. Real HTTP, a spoilt neighbour."""

from collections.abc import Callable
from typing import Any

import pytest

from services.workflow.flow.scanning import SHORTEST_TIMEOUT
from tests.workflow.conftest import Bench
from tests.workflow.test_scan import BEST
from tests.workflow.world import Answer, symbol

START = "/api/v1/workflow/start"
Spoil = Callable[[Answer], Answer]


def half(answer: Answer) -> Answer:
    return answer | {"evidence": answer["evidence"][::2]}


def nobody(answer: Answer) -> Answer:
    return answer | {"evidence": []}


def nothing(answer: Answer) -> Answer:
    return None


def strangers(answer: Answer) -> Answer:
    return answer | {"evidence": [one | {"symbol": f"X{one['symbol']}"} for one in answer["evidence"]]}


def of_another_moment(answer: Answer) -> Answer:
    return answer | {"as_of": "2025-11-20T14:00:00Z"}


def without_a_score(answer: Answer) -> Answer:
    return answer | {"evidence": [one | {"score": None} for one in answer["evidence"]]}


def not_a_number(answer: Answer) -> Answer:
    return answer | {"evidence": [one | {"score": float("nan")} for one in answer["evidence"]]}


def twice(answer: Answer) -> Answer:
    return answer | {"evidence": [*answer["evidence"], *answer["evidence"]]}


def torn(answer: Answer) -> Answer:
    """The first symbol twice, with another score each time."""
    first = answer["evidence"][0]
    return answer | {"evidence": [*answer["evidence"], first | {"score": 0.123}]}


async def scanned(bench: Bench, service: str, spoil: Spoil) -> tuple[Any, dict[str, Any]]:
    """The scan's row, and the explanation of the best candidate."""
    bench.world.spoilt = {service: spoil}
    async with bench.running() as client:
        cycle_id = (await client.post(START)).json()["cycle_id"]
        (row,) = await bench.scans(1)
        told = (await client.get(f"/api/v1/cycles/{cycle_id}/explain/{symbol(0)}")).json()
    return row, told


def parts_of(told: dict[str, Any], stage: str) -> dict[str, dict[str, Any]]:
    row = next(row for row in told["scans"]["1"] if row["stage"] == stage)
    return {one["name"]: one for one in row["components"]}


@pytest.mark.parametrize("stage", ["news", "pattern"])
@pytest.mark.parametrize("spoil", [nothing, nobody, strangers, of_another_moment, not_a_number, without_a_score])
async def test_evidence_that_is_none_is_lost_evidence(bench: Bench, stage: str, spoil: Spoil) -> None:
    row, told = await scanned(bench, stage, spoil)
    assert (row["status"], row["degraded"]) == ("completed", [f"{stage} lost"])
    assert stage in row["reason"]
    assert bench.world.decided[0].size_factor * 2 == 1
    assert bench.world.sent == BEST
    assert f"scan_degraded_{stage}" in await bench.alerts()
    assert told["degraded"] == {"1": [f"{stage} lost"]}
    lost = parts_of(told, "score" if stage == "news" else "pattern")[stage]
    assert (lost["value"], lost["weight"], lost["note"]) == (None, 0, "missing: its weight went to the others")


async def test_a_stage_that_hears_and_says_nothing_is_given_up(bench: Bench) -> None:
    """It holds the connection open; the scan goes on without it all the same."""
    bench.world.hold_at = ("pattern", 1)
    async with bench.running() as client:
        cycle_id = (await client.post(START)).json()["cycle_id"]
        (row,) = await bench.scans(1)
        assert (row["status"], row["degraded"]) == ("completed", ["pattern lost"])
        assert "did not answer /api/v1/assess" in row["reason"]
        assert SHORTEST_TIMEOUT * 1000 <= row["stage_ms"]["pattern"] < 3 * SHORTEST_TIMEOUT * 1000
        told = (await client.get(f"/api/v1/cycles/{cycle_id}/explain/{symbol(0)}")).json()
    pattern = next(one for one in told["scans"]["1"] if one["stage"] == "pattern")
    assert pattern["reason"].startswith("no pattern heard: earlier scores")
    assert bench.world.sent == BEST


@pytest.mark.parametrize("stage", ["news", "pattern"])
async def test_half_the_evidence_is_told_and_halves_the_sizes(bench: Bench, stage: str) -> None:
    """Symbols with an odd number get no answer: they stay in the race by what else is known of them."""
    row, _ = await scanned(bench, stage, half)
    asked = {"news": 100, "pattern": 35}[stage]
    assert (row["status"], row["degraded"]) == ("completed", [f"{stage}: {asked // 2} of {asked} lost"])
    assert bench.world.decided[0].size_factor * 2 == 1
    weights = {one.symbol: one.weights for one in bench.world.decided[0].candidates}
    assert all(sum(own.values()) == pytest.approx(1) for own in weights.values())
    assert f"scan_degraded_{stage}" in await bench.alerts()
    rows = [one for one in row["trace"]["rows"] if one["stage"] == stage]
    silent = [one for one in rows if f"{stage} did not answer" in one["reason"]]
    assert len(silent) == asked // 2


async def test_a_part_that_one_symbol_misses_is_redistributed_for_it_alone(bench: Bench) -> None:
    row, _ = await scanned(bench, "news", lambda answer: answer | {"evidence": answer["evidence"][1:]})
    assert row["degraded"] == ["news: 1 of 100 lost"]
    told = [one for one in row["trace"]["rows"] if one["symbol"] == symbol(0)]
    assert [one["stage"] for one in told] == ["scanner", "news"], "0.5 instead of news lies behind all who have some"
    assert told[1]["value"] == 0.5
    assert "news did not answer, taken as 0.5" in told[1]["reason"]


@pytest.mark.parametrize("stage", ["news", "pattern", "technical"])
async def test_the_same_answer_twice_is_one_answer(bench: Bench, stage: str) -> None:
    row, _ = await scanned(bench, stage, twice)
    assert (row["status"], row["degraded"], bench.world.sent) == ("completed", [], BEST)


async def test_of_a_symbol_with_two_answers_none_is_believed(bench: Bench) -> None:
    row, told = await scanned(bench, "technical", torn)
    assert (row["status"], row["degraded"]) == ("completed", ["technical: 1 of 20 unanswered"])
    assert told["scans"]["1"][-1]["reason"] == "refused: technical did not answer"
    assert symbol(0) not in bench.world.sent
    assert bench.world.decided[0].size_factor == 1, "what is left has all of its evidence"
    assert "scan_degraded_technical" in await bench.alerts()


async def test_a_missing_technical_score_is_made_up_for_and_shown(bench: Bench) -> None:
    row, told = await scanned(bench, "technical", without_a_score)
    assert (row["status"], row["degraded"]) == ("completed", [])
    assert row["trace"]["missing"][symbol(0)] == ["technical"]
    technical = next(one for one in told["scans"]["1"] if one["stage"] == "technical")
    assert technical["reason"] == "score missing: redistributed"
    parts = parts_of(told, "score")
    assert (parts["technical"]["value"], parts["technical"]["weight"]) == (None, 0)
    assert parts["news"]["weight"] == pytest.approx(0.3 / 0.7)
    assert sum(one["contribution"] or 0 for one in parts.values()) == pytest.approx(
        next(one["value"] for one in told["scans"]["1"] if one["stage"] == "score"), abs=1e-5
    )


def _twice_named(answer: Answer) -> Answer:
    return answer | {"candidates": [*answer["candidates"], answer["candidates"][0]]}


def _of_another_scan(answer: Answer) -> Answer:
    return answer | {"scan": 7}


@pytest.mark.parametrize(
    ("service", "stage", "spoil", "why"),
    [
        ("scanner", "scanner", _twice_named, f"named {symbol(0)} more than once"),
        ("scanner", "scanner", _of_another_scan, "answered for scan 7"),
        ("scanner", "scanner", of_another_moment, "answered for 2025-11-20T14:00:00"),
        ("technical", "technical", of_another_moment, "answered for 2025-11-20T14:00:00"),
        ("technical", "technical", nobody, "said nothing about any of 20 symbols"),
        ("technical", "technical", not_a_number, "in another form"),
        ("risk-manager", "risk", lambda answer: [], "gave no verdict on any of 10"),
        ("trading", "execution", lambda answer: answer | {"symbol": "OTHER"}, "trading answered about"),
    ],
)
async def test_what_a_scan_cannot_do_without_fails_it_by_name(
    bench: Bench, service: str, stage: str, spoil: Spoil, why: str
) -> None:
    row, told = await scanned(bench, service, spoil)
    assert row["status"] == "failed"
    assert row["reason"].startswith(f"{stage}: ")
    assert why in row["reason"]
    assert f"scan_failed_{stage}" in await bench.alerts()
    assert why in told["summary"], "whoever asks about a symbol hears of it"
    assert len(bench.world.sent) == (1 if service == "trading" else 0)


async def test_an_approval_whose_order_is_another_symbols_sends_nothing(bench: Bench) -> None:
    def swapped(answer: Answer) -> Answer:
        first, second, *others = answer
        return [first | {"order": second["order"]}, second, *others]

    row, told = await scanned(bench, "risk-manager", swapped)
    assert row["status"] == "completed"
    assert symbol(0) not in [pick["symbol"] for pick in row["picks"]]
    assert told["scans"]["1"][-1]["stage"] == "risk"
    assert "no verdict on it that can be used" in told["summary"]
    assert bench.world.sent[0] == symbol(1)


async def test_half_the_verdicts_are_half_the_candidates(bench: Bench) -> None:
    row, _ = await scanned(bench, "risk-manager", lambda answer: answer[1::2])
    assert row["status"] == "completed"
    rows = [one for one in row["trace"]["rows"] if one["stage"] == "risk"]
    assert len(rows) == 10
    assert [one["passed"] for one in rows[::2]] == [False] * 5
    assert all("no verdict on it" in one["reason"] for one in rows[::2])
