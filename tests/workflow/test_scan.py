"""A scan over HTTP: from the start of a cycle to the last order, whole and with parts missing."""

import pytest

from tests.workflow.conftest import Bench, MakeBench
from tests.workflow.surroundings import OPEN
from tests.workflow.world import symbol

START = "/api/v1/workflow/start"
BEST = [symbol(0), symbol(1), symbol(2)]


async def test_a_start_scans_at_once_and_sends_the_best_three(bench: Bench) -> None:
    bench.world.latest_news = OPEN.replace(hour=15)
    async with bench.running() as client:
        answer = await client.post(START, json={"mode": "autonomous"})
        assert answer.status_code == 202
        cycle_id = answer.json()["cycle_id"]
        assert cycle_id == "20251120-100500"
        assert answer.json()["session_mode"] == "autonomous"
        (row,) = await bench.scans(1)
        assert (row["status"], row["reason"]) == ("completed", None)
        expected = {"universe": 4129, "scanner": 100, "news": 35, "pattern": 20, "technical": 10, "risk": 5}
        assert row["funnel"] == expected | {"execution": 3}
        assert bench.world.sent == BEST
        (scan,) = (await client.get(f"/api/v1/cycles/{cycle_id}")).json()["scans"]
        assert [pick["outcome"] for pick in scan["picks"]] == ["order"] * 3 + ["reserve"] * 2
        assert set(scan["stage_ms"]) == {"scanner", "news", "pattern", "technical", "risk", "execution"}
        assert (await client.get(f"/api/v1/cycles/{cycle_id}/scans/1")).json() == scan
        assert (await client.get(f"/api/v1/cycles/{cycle_id}/scans/2")).status_code == 404
        assert len(bench.world.scores[0].scores) == 100
        assert await bench.alerts() == []


async def test_a_name_with_bad_news_is_out_and_explained(bench: Bench) -> None:
    bench.world.negative = {symbol(0)}
    async with bench.running() as client:
        cycle_id = (await client.post(START)).json()["cycle_id"]
        await bench.scans(1)
        assert bench.world.sent == [symbol(1), symbol(2), symbol(3)]
        told = (await client.get(f"/api/v1/cycles/{cycle_id}/explain/{symbol(0).lower()}")).json()
        assert "fell out at news: negative catalyst" in told["summary"]
        assert [row["stage"] for row in told["scans"]["1"]] == ["scanner", "news"]
        assert told["scans"]["1"][1]["margin"] < 0
        traded = (await client.get(f"/api/v1/cycles/{cycle_id}/explain/{symbol(1)}")).json()
        assert [row["stage"] for row in traded["scans"]["1"]] == [
            "scanner", "news", "pattern", "technical", "score", "risk", "execution",
        ]  # fmt: skip
        cheap = (await client.get(f"/api/v1/cycles/{cycle_id}/explain/CHEAP")).json()
        assert cheap["summary"] == (
            "scan 1: fell out at the market's filters: price below the least (0.800 against 1.000, margin -0.200);"
            " to decide otherwise: at least 1.000 instead of 0.800"
        )
        nobody = await client.get(f"/api/v1/cycles/{cycle_id}/explain/ZZZZ")
        assert (nobody.status_code, nobody.json()["field"]) == (404, "symbol")
        assert (await client.get(f"/api/v1/cycles/{cycle_id}/explain/A$")).status_code == 422
        missed = (await client.get(f"/api/v1/cycles/{cycle_id}/near-misses?limit=5")).json()
        assert len(missed) == 5
        assert all(not row["passed"] for row in missed)


async def test_whoever_trading_refuses_gives_his_place_to_the_next(bench: Bench) -> None:
    bench.world.refused_by_trading = {symbol(0): 409, symbol(1): 502, symbol(2): 422}
    async with bench.running() as client:
        await client.post(START)
        (row,) = await bench.scans(1)
        assert bench.world.sent == [symbol(3), symbol(4)]
        assert row["status"] == "completed"
        assert [pick["outcome"] for pick in row["picks"]] == ["refused"] * 3 + ["order"] * 2
        assert "S" in row["picks"][0]["reason"]
        assert "is halted" in row["picks"][0]["reason"]


@pytest.mark.parametrize("part", ["news", "pattern"])
async def test_lost_evidence_halves_the_sizes_and_is_told(bench: Bench, part: str) -> None:
    bench.world.down = {part}
    async with bench.running() as client:
        await client.post(START)
        (row,) = await bench.scans(1)
        assert (row["status"], row["degraded"]) == ("completed", [f"{part} lost"])
        assert bench.world.decided[0].size_factor * 2 == 1
        weights = bench.world.decided[0].candidates[0].weights
        assert weights["news"] == (0 if part == "news" else pytest.approx(0.3))
        assert sum(weights.values()) == pytest.approx(1)
        assert len(bench.world.sent) == 3
        assert f"scan_degraded_{part}" in await bench.alerts()


async def test_evidence_switched_off_keeps_the_sizes(make_bench: MakeBench) -> None:
    async with make_bench(enable_news_sentiment=False) as bench, bench.running() as client:
        await client.post(START)
        (row,) = await bench.scans(1)
        assert row["degraded"] == ["news switched off"]
        assert bench.world.decided[0].size_factor == 1
        assert bench.world.count("news") == 0


@pytest.mark.parametrize(
    ("service", "stage"),
    [("scanner", "scanner"), ("technical", "technical"), ("risk-manager", "risk"), ("trading", "execution")],
)
async def test_a_lost_stage_fails_the_scan_and_the_cycle_goes_on(bench: Bench, service: str, stage: str) -> None:
    bench.world.down = {service}
    async with bench.running() as client:
        await client.post(START)
        (row,) = await bench.scans(1)
        assert row["status"] == "failed"
        assert row["reason"].startswith(f"{stage}: ")
        assert bench.world.sent == []
        assert f"scan_failed_{stage}" in await bench.alerts()
        bench.world.down = set()
        await bench.asleep()
        await bench.clock.move(OPEN.replace(hour=15, minute=30))
        rows = await bench.scans(2)
        assert rows[1]["status"] == "completed"
        assert bench.world.sent == BEST


async def test_silence_raises_an_alarm_once(bench: Bench) -> None:
    bench.world.candidates = 0
    async with bench.running() as client:
        await client.post(START)
        await bench.scans(1)
        await bench.asleep()
        await bench.clock.move(OPEN.replace(hour=15, minute=30))
        await bench.scans(2)
        assert await bench.alerts() == ["zero_candidates"]


async def test_every_order_refused_is_an_alarm(bench: Bench) -> None:
    bench.world.refused_by_risk = {symbol(number) for number in range(100)}
    async with bench.running() as client:
        await client.post(START)
        (row,) = await bench.scans(1)
        assert row["picks"] == []
        assert await bench.alerts() == ["every_order_refused", "no_news"]
