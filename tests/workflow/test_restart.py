"""Killed anywhere in a scan and started again: the same orders as if nothing had happened."""

import asyncio
from datetime import timedelta

import pytest

from tests.workflow.conftest import Bench
from tests.workflow.surroundings import OPEN
from tests.workflow.world import symbol

START = "/api/v1/workflow/start"
BEST = [symbol(0), symbol(1), symbol(2)]
MOMENTS = [("scan", 1), ("news", 1), ("pattern", 1), ("technical", 1), ("decide", 1), ("order", 1), ("order", 2),
           ("order", 3), ("scores", 1)]  # fmt: skip


async def killed_at(bench: Bench, moment: tuple[str, int]) -> None:
    """One life of workflow that ends while a neighbour holds its question."""
    bench.world.hold_at = moment
    async with bench.running() as client:
        await client.post(START)
        await asyncio.wait_for(bench.world.held.wait(), 10)
    bench.world.let_go.set()
    bench.world.hold_at = None


@pytest.mark.parametrize("after_store", [False, True])
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment[0]}{moment[1]}")
async def test_a_scan_that_is_killed_is_done_again_with_the_same_end(
    bench: Bench, moment: tuple[str, int], after_store: bool
) -> None:
    bench.world.after_store = after_store
    await killed_at(bench, moment)
    async with bench.running():
        (row,) = await bench.scans(1)
    assert (row["status"], row["scan"], row["attempts"]) == ("completed", 1, 2)
    assert bench.world.sent == BEST
    assert row["funnel"]["execution"] == 3


async def test_what_was_sent_before_counts_even_when_a_better_one_could_now_be_sent(bench: Bench) -> None:
    bench.world.refused_by_trading = {symbol(0): 409}
    await killed_at(bench, ("scores", 1))
    assert bench.world.sent == [symbol(1), symbol(2), symbol(3)]
    bench.world.refused_by_trading = {}
    async with bench.running():
        await bench.scans(1)
    assert bench.world.sent == [symbol(1), symbol(2), symbol(3)]


async def test_a_stale_scan_is_interrupted_and_the_next_slot_scans_anew(bench: Bench) -> None:
    await killed_at(bench, ("decide", 1))
    await bench.clock.move(bench.clock.time + timedelta(seconds=60))
    async with bench.running() as client:
        (row,) = await bench.scans(1)
        assert (row["status"], row["attempts"]) == ("interrupted", 1)
        await bench.asleep()
        status = (await client.get("/api/v1/workflow/status")).json()
        assert status["next_scan_at"] == "2025-11-20T15:30:00Z"
        await bench.clock.move(OPEN.replace(hour=15, minute=30))
        rows = await bench.scans(2)
    assert [row["status"] for row in rows] == ["interrupted", "completed"]
    assert "scan_interrupted" in await bench.alerts()
    assert bench.world.sent == BEST


async def test_a_slot_missed_while_away_is_told(bench: Bench) -> None:
    async with bench.running() as client:
        await client.post(START)
        await bench.scans(1)
    await bench.clock.move(OPEN.replace(hour=16, minute=40))
    async with bench.running():
        rows = await bench.scans(2)
    assert rows[1]["slot"] == OPEN.replace(hour=16, minute=30)
    assert "no_scan_when_due" in await bench.alerts()
