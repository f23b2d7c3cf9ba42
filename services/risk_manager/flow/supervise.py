"""The loops that live as long as the risk manager does, and what a failing one leads to."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from services.risk_manager.flow import day, failing, outbox, reload, stop
from services.risk_manager.flow.watch import SERVICE, Watch
from shared.deps import Deps
from shared.runtime.loops import Loop

OUTBOX_PAUSE_SECONDS, FILES_PAUSE_SECONDS, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 0.5, 0.5, 10.0


def loops(deps: Deps, watch: Watch) -> tuple[Loop, ...]:
    """Every loop of the service; each failure is remembered for health and told to a person once a streak."""
    return tuple(
        Loop(
            SERVICE,
            name,
            partial(_round, deps, watch, name, work),
            FIRST_PAUSE_SECONDS,
            LONGEST_PAUSE_SECONDS,
            partial(_remember, watch, name),
        )
        for name, work in _works(deps, watch).items()
    )


def _remember(watch: Watch, name: str, error: Exception, _failures: int) -> None:
    watch.untold[name] = error


async def _round(deps: Deps, watch: Watch, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """One round. A failure is told at the beginning of the next: that the database is away must not end the loop that
    says so.
    """
    if (error := watch.untold.pop(name, None)) is not None:
        await failing.note_failure(deps, watch, name, error)
    await work()
    await failing.note_success(deps, watch, name)


def _works(deps: Deps, watch: Watch) -> dict[str, Callable[[], Awaitable[None]]]:
    async def close() -> None:
        # At start this takes up a halt that was closing when the last process died.
        watch.close.clear()
        await stop.close_until_flat(deps, watch)
        await watch.close.wait()

    async def files() -> None:
        await reload.look_at_files(deps, watch)
        await asyncio.sleep(FILES_PAUSE_SECONDS)

    async def send() -> None:
        await outbox.send_waiting(deps)
        await asyncio.sleep(OUTBOX_PAUSE_SECONDS)

    async def flattened() -> None:
        await stop.halt_on_flatten(deps, watch)
        await asyncio.sleep(FILES_PAUSE_SECONDS)

    return {
        "flattened": flattened,
        "monitor": lambda: day.watch_one_slot(deps, watch),
        "fills": lambda: day.follow_fills(deps, watch),
        "files": files,
        "close": close,
        "outbox": send,
    }
