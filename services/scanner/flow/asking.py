"""An operator's bare request for a scan: left in the journal for workflow, whose word is waited for."""

import asyncio
from typing import Any

import structlog

from services.scanner.flow.desk import FAILURES, FIRST_BACK_OFF_SECONDS, Scanner, session_at
from shared.deps import Deps
from shared.errors import Unavailable
from shared.journal import append_event, events_after, listening

WORKFLOW_SECONDS, LOOK_AGAIN_SECONDS, RENEW_SECONDS = 90.0, 5.0, 300.0
REQUESTED, COMPLETED = "scan.requested", "scan.completed"
log = structlog.get_logger()


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


async def keep_listening(scanner: Scanner) -> None:
    """Pass workflow's word to whoever waits for a scan: one connection for all of them, renewed now and then."""
    while True:
        try:
            async with listening(scanner.deps.settings.dsn, COMPLETED) as heard:
                while True:
                    event_id = await asyncio.wait_for(heard.get(), RENEW_SECONDS)
                    for ear in scanner.ears:
                        ear.put_nowait(event_id)
        except TimeoutError:
            continue
        except Exception as error:  # noqa: BLE001 - those who wait look for themselves every few seconds meanwhile
            FAILURES.inc()
            log.warning("not_listening", reason=f"{type(error).__name__}: {error}")
            await asyncio.sleep(FIRST_BACK_OFF_SECONDS)
