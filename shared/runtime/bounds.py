"""Waits that end: an answer within a bound, or TimeoutError."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Awaitable[T]) -> T:
    """The result of `work`. Raises TimeoutError after `seconds`, also when the work takes long to be cancelled."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_forget)
    if not done:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return task.result()


def _forget(task: "asyncio.Future[Any]") -> None:
    """Nobody asks for the outcome of work that was given up; asyncio would complain about an error in it."""
    if not task.cancelled():
        task.exception()
