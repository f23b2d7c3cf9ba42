"""The one loop outlives every error, pauses longer with each, counts them, and ends when it is told to."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.errors import Unavailable
from shared.runtime.loops import FAILURES, Loop, detail_of, end_tasks, outcome_of, run_loop, running

SECONDS = 10.0


class Rounds:
    """Work that fails in the rounds named, and then waits for ever."""

    def __init__(self, last: int, *failing: int) -> None:
        self.last, self.failing = last, failing
        self.begun: list[float] = []
        self.done = asyncio.Event()

    async def one(self) -> None:
        self.begun.append(asyncio.get_running_loop().time())
        number = len(self.begun)
        if number in self.failing:
            raise ZeroDivisionError(f"round {number}") if number % 2 else Unavailable(f"round {number}")
        if number >= self.last:
            self.done.set()
            await asyncio.Event().wait()


def counted(name: str) -> float:
    return FAILURES.labels("test", name)._value.get()  # type: ignore[no-any-return]


async def test_every_error_is_outlived_counted_and_said() -> None:
    rounds, told = Rounds(6, 1, 2, 4), list[tuple[str, int]]()
    before = counted("outlives")
    loop = Loop("test", "outlives", rounds.one, 0.01, 0.02, lambda error, failures: told.append((str(error), failures)))
    with capture_logs() as logs:
        async with running(loop), asyncio.timeout(SECONDS):
            await rounds.done.wait()
    assert counted("outlives") - before == 3
    assert told == [("round 1", 1), ("round 2", 2), ("round 4", 1)]
    said = [one for one in logs if one["event"] == "loop_failed"]
    assert [one["error"] for one in said] == ["ZeroDivisionError: round 1", "round 2", "round 4"]
    assert [one["pause_seconds"] for one in said] == [0.01, 0.02, 0.01]
    assert said[0]["exc_info"] is not None, "an error without a name of ours is logged with where it came from"
    assert said[1]["exc_info"] is None


async def test_the_pause_grows_to_its_bound_and_begins_anew_after_a_success() -> None:
    rounds = Rounds(7, 1, 2, 3, 5)
    async with running(Loop("test", "pauses", rounds.one, 0.05, 0.1)), asyncio.timeout(SECONDS):
        await rounds.done.wait()
    waited = [after - before for before, after in zip(rounds.begun, rounds.begun[1:], strict=False)]
    for got, least in zip(waited, (0.05, 0.1, 0.1, 0.0, 0.05, 0.0), strict=True):
        assert got >= least * 0.99
    assert waited[3] < 0.05, "a round that succeeds is followed at once"


async def test_all_loops_have_ended_when_the_service_has() -> None:
    first, second = Rounds(1), Rounds(1)
    async with running(Loop("test", "a", first.one), Loop("test", "b", second.one)):
        await asyncio.gather(first.done.wait(), second.done.wait())
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert {"test:a", "test:b"} <= names
    assert not {"test:a", "test:b"} & {task.get_name() for task in asyncio.all_tasks()}


async def test_a_cancellation_that_was_swallowed_is_asked_for_again() -> None:
    swallowed = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(SECONDS):
        await end_tasks(task)
    assert swallowed.is_set()
    assert task.cancelled()


async def test_a_cancelled_loop_is_no_failure() -> None:
    rounds, before = Rounds(1), counted("cancelled")
    task = asyncio.create_task(run_loop(Loop("test", "cancelled", rounds.one)))
    await rounds.done.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert counted("cancelled") == before


async def good() -> int:
    return 7


async def bad(error: Exception) -> int:
    raise error


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), Unavailable("away"), TimeoutError()])
async def test_an_outcome_is_the_result_or_the_error(error: Exception) -> None:
    work: Callable[[], Coroutine[Any, Any, int]] = partial(bad, error)
    assert await outcome_of(work()) is error
    assert await outcome_of(good()) == 7


def test_what_is_said_of_an_error_is_bounded() -> None:
    assert detail_of(Unavailable("away")) == "away"
    assert detail_of(ValueError("x" * 999)).startswith("ValueError: xxx")
    assert len(detail_of(ValueError("x" * 999))) == 300
