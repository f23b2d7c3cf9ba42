"""Following the journal: events as they are committed, across lost connections and restarts of the database."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import structlog
from prometheus_client import Counter

from shared.journal import CHANNEL

CHECK_SECONDS, ANSWER_SECONDS = 3.0, 3.0
PAUSE_MIN_SECONDS, PAUSE_MAX_SECONDS = 0.1, 2.0
LOOK_BACK_IDS = 1000
"""Ids are given before their transactions commit: an event may appear after others with higher ids."""
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
RECONNECTS = Counter("catalyst_journal_reconnects_total", "Connections to the journal that were lost", ["kind"])
log = structlog.get_logger()
OnEvents = Callable[[tuple[int, ...]], Awaitable[None]]


async def follow_journal(dsn: str, kind: str, on_events: OnEvents, *, check_seconds: float = CHECK_SECONDS) -> None:
    """Call `on_events` with the ids of new events of one kind, in rising order, each once, for ever.

    Called with none after each (re)connection that finds none, so that a state can be looked up. A connection can die
    without a sign: the journal is read every `check_seconds` as well, and a connection that does not answer within
    ANSWER_SECONDS is replaced. Only what `on_events` raises ends the following.
    """
    journal, pause = _Reader(kind), PAUSE_MIN_SECONDS
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=ANSWER_SECONDS, command_timeout=ANSWER_SECONDS)
        except LOST as error:
            log.warning("journal_unreachable", kind=kind, error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(pause)
            pause = min(PAUSE_MAX_SECONDS, pause * 2)
            continue
        try:
            loss = await _listen(connection, journal, on_events, check_seconds)
        finally:
            # Closing politely would wait for a server that may be the one that is mute.
            connection.terminate()
        RECONNECTS.labels(kind).inc()
        log.warning("journal_connection_lost", kind=kind, error=f"{type(loss).__name__}: {loss}")
        pause = PAUSE_MIN_SECONDS
        await asyncio.sleep(pause)


class _Reader:
    """Which events of a kind were there before, or have been told."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.last: int | None = None
        self.known: set[int] = set()

    async def read(self, connection: asyncpg.Connection) -> tuple[int, ...]:
        """Ids that are new; the first look only remembers what is there."""
        if self.last is None:
            last = int(await connection.fetchval("SELECT coalesce(max(event_id), 0) FROM events"))
            self.known = set(await self._after(connection, last - LOOK_BACK_IDS))
            self.last = last
            return ()
        fresh = tuple(one for one in await self._after(connection, self.last - LOOK_BACK_IDS) if one not in self.known)
        self.last = max(self.last, *fresh) if fresh else self.last
        self.known = {one for one in (*self.known, *fresh) if one > self.last - LOOK_BACK_IDS}
        return fresh

    async def _after(self, connection: asyncpg.Connection, event_id: int) -> list[int]:
        sql = "SELECT event_id FROM events WHERE event_id > $1 AND kind = $2 ORDER BY event_id"
        return [row["event_id"] for row in await connection.fetch(sql, event_id, self.kind)]


async def _listen(
    connection: asyncpg.Connection, journal: _Reader, on_events: OnEvents, check_seconds: float
) -> Exception:
    """Follow until the connection is lost; returns how."""
    stirred, kind = asyncio.Event(), journal.kind

    def hear(_connection: object, _pid: int, _channel: str, message: object) -> None:
        if str(message).rpartition(":")[0] == kind:
            stirred.set()

    def ended(_connection: object) -> None:
        stirred.set()

    connection.add_termination_listener(ended)
    is_first = True
    while True:
        stirred.clear()
        try:
            if is_first:
                await connection.add_listener(CHANNEL, hear)
            fresh = await journal.read(connection)
            # Asked last, so that pg_stat_activity shows what an idle connection is for; repeated, it changes nothing.
            await connection.execute(f"LISTEN {CHANNEL}")
        except LOST as error:
            return error
        if fresh or is_first:
            await on_events(fresh)
        is_first = False
        with suppress(TimeoutError):
            await asyncio.wait_for(stirred.wait(), check_seconds)
