"""An operator's bare request for a scan: left in the journal for workflow, whose word is waited for."""

import asyncio
from typing import Any

from services.scanner.flow.desk import Scanner, session_at
from shared.deps import Deps
from shared.errors import Unavailable
from shared.journal import append_event, events_after
from shared.runtime.journal_follower import follow_journal

WORKFLOW_SECONDS, LOOK_AGAIN_SECONDS = 90.0, 5.0
REQUESTED, COMPLETED = "scan.requested", "scan.completed"


async def ask_workflow(scanner: Scanner) -> dict[str, Any]:
    """An operator's scan: leave the request in the journal, wait for workflow's word, return its payload.

    Raises NotNow with the market closed, Unavailable when workflow does not take the request.
    """
    deps = scanner.deps
    now = await deps.clock.now()
    await session_at(scanner, now)
    heard: asyncio.Queue[int] = asyncio.Queue()
    scanner.ears.add(heard)
    try:
        async with deps.pool.acquire() as connection, connection.transaction():
            request_id = await append_event(connection, "scanner", REQUESTED, now)
        async with asyncio.timeout(WORKFLOW_SECONDS):
            return await _completed(deps, heard, request_id)
    except TimeoutError as error:
        raise Unavailable("workflow did not take the request; is catalyst-workflow up?") from error
    finally:
        scanner.ears.discard(heard)


async def _completed(deps: Deps, heard: "asyncio.Queue[int]", request_id: int) -> dict[str, Any]:
    """The payload that answers a request; looked up every few seconds too, should a notification be lost."""
    while True:
        async with deps.pool.acquire() as connection:
            events = await events_after(connection, request_id, COMPLETED)
        for event in events:
            if event.payload.get("request_id") == request_id:
                return event.payload
        try:
            await asyncio.wait_for(heard.get(), LOOK_AGAIN_SECONDS)
        except TimeoutError:
            continue


async def follow_answers(scanner: Scanner) -> None:
    """Pass workflow's word to each request that waits for one: one connection for all of them."""

    async def tell(events: tuple[int, ...]) -> None:
        for event_id in events:
            for ear in scanner.ears:
                ear.put_nowait(event_id)

    await follow_journal(scanner.deps.settings.dsn, COMPLETED, tell)
