"""Waiting on the clock that can be cut short, safe for a clock that moves only while everybody waits on it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from shared.ports import Clock


async def wait_until(
    clock: Clock,
    until: datetime,
    wake: asyncio.Event,
    *,
    or_trade_update: bool = False,
    on_wake: Callable[[], Awaitable[bool]] | None = None,
) -> bool:
    """Wait until a time of the clock's, or until `wake` is set; returns whether it was cut short. Clears `wake`.

    `on_wake`, where given, is called each time `wake` is set, and says whether the waiting ends there; while it runs
    the clock goes on being waited for. A `wake` that is set already is dealt with before the clock is asked: in
    lockstep a question to the clock lets time pass. Raises what the clock raises.
    """
    while wake.is_set():
        wake.clear()
        if on_wake is None or await on_wake():
            return True
    sleeping = asyncio.ensure_future(clock.sleep_until(until, or_trade_update=or_trade_update))
    waking: asyncio.Task[bool] | None = None
    try:
        while not sleeping.done():
            waking = asyncio.create_task(wake.wait())
            await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
            waking.cancel()
            if wake.is_set() and not sleeping.done():
                wake.clear()
                if on_wake is None or await on_wake():
                    return True
        await sleeping
        return False
    finally:
        # The clock's answer must not be awaited by anybody when this returns: awake, a participant holds time still.
        for task in (sleeping, waking):
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in (sleeping, waking) if task is not None), return_exceptions=True)
