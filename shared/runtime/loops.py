"""The one loop that survives: rounds of work for as long as a service lives, whatever a round raises.

Nothing else may catch every error: what must go on past a failure runs here, or has its outcome taken as a value.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from prometheus_client import Counter

from shared.errors import CatalystError

FAILURES = Counter("catalyst_loop_failures_total", "Rounds of a loop that failed", ["service", "loop"])
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0
CANCEL_AGAIN_SECONDS, LONGEST_DETAIL = 0.5, 300
log = structlog.get_logger()
T = TypeVar("T")
Round = Callable[[], Awaitable[None]]
OnFailure = Callable[[Exception, int], None]


@dataclass(frozen=True)
class Loop:
    """Work that a service repeats. The pause after a failed round, in seconds of the wall's time, doubles with each
    failure in a row from the first to the longest.

    `on_failure` is given the error and how many rounds in a row have failed, before the pause; it must not raise.
    """

    service: str
    name: str
    work: Round
    first_pause_seconds: float = FIRST_PAUSE_SECONDS
    longest_pause_seconds: float = LONGEST_PAUSE_SECONDS
    on_failure: OnFailure | None = None


async def run_loop(loop: Loop) -> None:
    """Round after round, until cancelled. A failed round is logged, counted and paused after; the next one begins anew.

    A round that succeeds is followed by the next at once: how often it runs is the work's own matter.
    """
    failures, pause = 0, loop.first_pause_seconds
    failed = FAILURES.labels(loop.service, loop.name)
    while True:
        try:
            await loop.work()
            failures, pause = 0, loop.first_pause_seconds
        except Exception as error:
            failures += 1
            failed.inc()
            log.warning(
                "loop_failed",
                loop=f"{loop.service}:{loop.name}",
                failures=failures,
                pause_seconds=pause,
                error=detail_of(error),
                exc_info=unnamed(error),
            )
            if loop.on_failure is not None:
                loop.on_failure(error, failures)
            await asyncio.sleep(pause)
            pause = min(loop.longest_pause_seconds, pause * 2)


@asynccontextmanager
async def running(*loops: Loop) -> AsyncIterator[None]:
    """The loops run while inside, and have ended afterwards."""
    tasks = [asyncio.create_task(run_loop(loop), name=f"{loop.service}:{loop.name}") for loop in loops]
    try:
        yield
    finally:
        await end_tasks(*tasks)


async def outcome_of(work: Awaitable[T]) -> T | Exception:
    """What the work returned, or the error that it raised: for work whose failure must cost nothing beside it."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - the caller decides what the error means
        return error


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancel until all have ended: a timed wait that ends at the same moment swallows a cancellation (CPython 3.11)."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)


def detail_of(error: Exception) -> str:
    """The error in at most LONGEST_DETAIL characters, for logs and health."""
    return (error.detail if isinstance(error, CatalystError) else f"{type(error).__name__}: {error}")[:LONGEST_DETAIL]


def unnamed(error: Exception) -> Exception | None:
    """The error where it has no name of ours, so that its traceback is logged; None where it has one."""
    return None if isinstance(error, CatalystError) else error
