"""Workflow's health goes by what it saw: a scan that is overdue, turns that fail, a clock that is mute."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from services.workflow.rules import schedule
from shared.domain.session import Session
from tests.workflow.conftest import Bench, eventually
from tests.workflow.surroundings import CLOSE, OPEN

SESSION = Session(day=OPEN.date(), open=OPEN, close=CLOSE)


async def health(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = (await bench.client.get("/health")).json()
    return found


async def test_a_scan_that_is_overdue_is_a_problem(bench: Bench) -> None:
    async with bench.running() as client:
        await client.post("/api/v1/workflow/start", json={"mode": "autonomous"})
        await bench.scans(1)

        async def planned() -> Any:
            return (await health(bench))["next_scan_at"]

        slot = datetime.fromisoformat(await eventually(planned, "the next scan"))
        bench.clock.time = slot + timedelta(minutes=5)
        well = await health(bench)
        assert (well["status"], well["last_scan_age_seconds"] > 300) == ("healthy", True)
        bench.clock.time = slot + timedelta(minutes=5, seconds=1)
        assert (await health(bench))["problem"] == "scan: the next one is 301 s overdue"
        bench.clock.time = CLOSE
        assert (await health(bench))["status"] == "healthy"


async def test_turns_that_fail_are_a_problem_until_one_succeeds(bench: Bench) -> None:
    calendar = bench.market.sessions

    async def broken(*_days: Any) -> Any:
        raise ZeroDivisionError("a calendar of another form")

    bench.market.sessions = broken  # type: ignore[method-assign, assignment]
    async with bench.running():

        async def is_said() -> bool:
            return "ZeroDivisionError" in (await health(bench)).get("problem", "")

        await eventually(is_said, "the problem")
        bench.market.sessions = calendar  # type: ignore[method-assign]

        async def is_well() -> bool:
            return bool((await health(bench))["status"] == "healthy")

        await bench.asleep()
        await eventually(is_well, "health")
        assert await is_well()


async def test_a_clock_that_does_not_answer_is_a_problem(bench: Bench) -> None:
    async with bench.running():
        await bench.asleep()

        async def stands() -> datetime:
            await asyncio.Event().wait()
            raise AssertionError

        bench.clock.now = stands  # type: ignore[method-assign]
        assert (await health(bench))["problem"] == "clock: it does not answer"


def test_a_frequent_schedule_is_overdue_sooner() -> None:
    for every, spare in ((60, 120), (360, 180), (1800, 300)):
        table = schedule.timetable(SESSION, OPEN, 5, every)
        due = table.after(OPEN + timedelta(hours=1))
        assert due is not None
        assert table.overdue(OPEN + timedelta(hours=1), due + timedelta(seconds=spare)) is None
        assert table.overdue(OPEN + timedelta(hours=1), due + timedelta(seconds=spare + 1)) is not None
