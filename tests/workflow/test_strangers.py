"""Symbols that were no candidates: what dropped them, what they were ranked behind, and by how much."""

from typing import Any

import pytest

from services.scanner.rules.score import RANK_WEIGHTS
from services.workflow.rules import explain
from services.workflow.rules.facts import SCANNER_SHARES
from shared.domain.evidence import Standing
from tests.workflow.conftest import Bench

START = "/api/v1/workflow/start"


def test_the_scanners_shares_are_its_own() -> None:
    assert SCANNER_SHARES == RANK_WEIGHTS


@pytest.mark.parametrize(
    ("value", "threshold", "margin", "said"),
    [
        (774.78, 500.0, 274.78, "(774.78 against 500.00, margin -274.78); to decide otherwise: at most 500.00"),
        (0.171, 1.0, -0.829, "(0.171 against 1.000, margin -0.829); to decide otherwise: at least 1.000"),
        (0.0, 0.0, 0.0, "its price is beyond the limit"),
    ],
)
def test_whom_the_filters_dropped_missed_by_a_negative_margin(
    value: float, threshold: float, margin: float, said: str
) -> None:
    standing = Standing(
        cycle_id="c", scan=1, symbol="AAA", reached="universe", reason="its price is beyond the limit",
        survivors=9, value=value, threshold=threshold, margin=margin,
    )  # fmt: skip
    told = explain.told("c", "AAA", {1: {"counts": {"universe": 9}}}, {1: standing}, {})
    assert said in told.summary
    assert told.scans[1][0].margin == -abs(margin)
    assert ("against" in told.summary) == (margin != 0)


async def test_strangers_are_told_what_they_would_have_needed(bench: Bench) -> None:
    async with bench.running() as client:
        cycle_id = (await client.post(START)).json()["cycle_id"]
        await bench.scans(1)

        async def only_row(name: str) -> dict[str, Any]:
            told = (await client.get(f"/api/v1/cycles/{cycle_id}/explain/{name}")).json()
            (row,) = told["scans"]["1"]
            return dict(row)

        cheap, late = await only_row("CHEAP"), await only_row("LATE")
        assert (cheap["stage"], cheap["otherwise"], cheap["of"]) == (
            "universe",
            "at least 1.000 instead of 0.800",
            4129,
        )
        assert (late["rank"], late["of"], late["threshold"], late["margin"]) == (231, 4000, 100, -131)
        assert late["otherwise"] == (
            "rank 100 or better instead of 231: 0.105 more, beyond 0.455, where SDV stood:"
            " momentum_score over 0.610 instead of 0.400 or volume_score over 0.510 instead of 0.300"
        )
        assert {one["name"]: one["percentile"] for one in late["components"]} == {
            "momentum_score": 0.4, "volume_score": 0.3,
        }  # fmt: skip
        missed = (await client.get(f"/api/v1/cycles/{cycle_id}/near-misses?limit=5")).json()
        assert all(row["otherwise"] and row["components"] for row in missed)
