"""Following the journal: events as they are committed, across lost connections and restarts of the database.

`follow_journal` gives new events at once, as hints to look. `follow_in_order` gives every event from a position on, in
order, for who builds a sequence of its own from them.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import asyncpg
import orjson
import structlog
from prometheus_client import Counter

from shared.journal import CHANNEL, Event

CHECK_SECONDS, ANSWER_SECONDS = 3.0, 3.0
PAUSE_MIN_SECONDS, PAUSE_MAX_SECONDS = 0.1, 2.0
LOOK_BACK_IDS = 1000
"""Ids are given before their transactions commit: an event may appear after others with higher ids."""
PAGE_EVENTS = 500
GAP_SECONDS = 1.0
"""The least time that an id is waited for which was given, but is in no event yet."""
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
RECONNECTS = Counter("catalyst_journal_reconnects_total", "Connections to the journal that were lost", ["kind"])
log = structlog.get_logger()
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
OnIds = Callable[[tuple[int, ...]], Awaitable[None]]
OnEvents = Callable[[tuple[Event, ...]], Awaitable[None]]


async def follow_journal(dsn: str, kind: str, on_ids: OnIds, *, check_seconds: float = CHECK_SECONDS) -> None:
    """Call `on_ids` with the ids of new events of one kind, in rising order, each once, for ever.

    An event that commits late is given late, after others with higher ids. Called with none after each (re)connection
    that finds none, so that a state can be looked up. A connection can die without a sign: the journal is read every
    `check_seconds` as well, and a connection that does not answer within ANSWER_SECONDS is replaced. Only what `on_ids`
    raises ends the following.
    """
    await _follow(dsn, (kind,), _Newest(kind), on_ids, check_seconds)


async def follow_in_order(
    dsn: str, kinds: Sequence[str], after: int | None, on_events: OnEvents, *, check_seconds: float = CHECK_SECONDS
) -> None:
    """Call `on_events` with the events of some kinds after a position, in the order of their ids, each once, for ever.

    `after` is the id of the last event that was dealt with; None begins with what is written from now on. At most
    PAGE_EVENTS are given at a time, never none. The caller stores the last id of each page together with what it makes
    of the page, and begins from there after a restart or after an error of its own, which ends the following.

    An event waits for those with lower ids whose transactions are still open, so that none is left out.
    """
    await _follow(dsn, kinds, _InOrder(tuple(kinds), after), on_events, check_seconds)


@dataclass(frozen=True)
class _Batch(Generic[T_co]):
    """What one reading of the journal found, whether the caller is given it, and in how many seconds to read again."""

    items: tuple[T_co, ...]
    is_due: bool
    again_seconds: float


class _Reader(Protocol[T_co]):
    """Reads what is new."""

    async def read(self, connection: asyncpg.Connection, *, is_first: bool) -> _Batch[T_co]: ...


class _Newest:
    """Which events of a kind were there before, or have been given."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.last: int | None = None
        self.known: set[int] = set()

    async def read(self, connection: asyncpg.Connection, *, is_first: bool) -> _Batch[int]:
        """Ids that are new; the very first look only remembers what is there."""
        fresh: tuple[int, ...] = ()
        if self.last is None:
            last = int(await connection.fetchval("SELECT coalesce(max(event_id), 0) FROM events"))
            self.known = set(await self._after(connection, last - LOOK_BACK_IDS))
            self.last = last
        else:
            found = await self._after(connection, self.last - LOOK_BACK_IDS)
            fresh = tuple(one for one in found if one not in self.known)
            self.last = max(self.last, *fresh) if fresh else self.last
            self.known = {one for one in (*self.known, *fresh) if one > self.last - LOOK_BACK_IDS}
        return _Batch(fresh, is_due=bool(fresh) or is_first, again_seconds=CHECK_SECONDS)

    async def _after(self, connection: asyncpg.Connection, event_id: int) -> list[int]:
        sql = "SELECT event_id FROM events WHERE event_id > $1 AND kind = $2 ORDER BY event_id"
        return [row["event_id"] for row in await connection.fetch(sql, event_id, self.kind)]


@dataclass(frozen=True)
class _Mark:
    """The highest id that was seen at a moment, and the first transaction that had not begun by then."""

    top: int
    next_transaction: int
    at: float


class _InOrder:
    """How far the journal has been given, and how far it is settled: no id up to `settled` can appear any more.

    An id may be missing for good (its transaction was rolled back) or for now. It is missing for good once every
    transaction that had begun when a higher id was seen has ended. The id is drawn a moment before its transaction
    counts as begun: that moment is GAP_SECONDS.
    """

    def __init__(self, kinds: tuple[str, ...], after: int | None) -> None:
        self.kinds, self.given = kinds, after
        self.settled = after or 0
        self.marks: deque[_Mark] = deque()

    async def read(self, connection: asyncpg.Connection, *, is_first: bool) -> _Batch[Event]:
        """The next page, which counts as given."""
        top = await self._settle(connection)
        if self.given is None:
            self.given = self.settled = top
        limit, again = await self._complete_to(connection)
        sql = (
            "SELECT event_id, service, kind, cycle_id, payload::text, occurred_at FROM events"
            " WHERE event_id > $1 AND event_id <= $2 AND kind = ANY($3::text[]) ORDER BY event_id LIMIT $4"
        )
        rows = await connection.fetch(sql, self.given, limit, list(self.kinds), PAGE_EVENTS)
        page = tuple(Event(**{**dict(row), "payload": orjson.loads(row["payload"])}) for row in rows)
        is_full = len(page) == PAGE_EVENTS
        self.given = page[-1].event_id if is_full else limit
        return _Batch(page, is_due=bool(page), again_seconds=0.0 if is_full else again)

    async def _settle(self, connection: asyncpg.Connection) -> int:
        """Move `settled` on; returns the highest id that is seen."""
        row = await connection.fetchrow(
            "SELECT coalesce((SELECT max(event_id) FROM events), 0) AS top,"
            " pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest,"
            " pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next"
        )
        assert row is not None, "a SELECT of aggregates has one row"
        now, top = asyncio.get_running_loop().time(), int(row["top"])
        while self.marks and self.marks[0].next_transaction <= row["oldest"] and now - self.marks[0].at >= GAP_SECONDS:
            self.settled = max(self.settled, self.marks.popleft().top)
        last = self.marks[-1] if self.marks else None
        if top > (last.top if last else self.settled) and (last is None or now - last.at >= GAP_SECONDS):
            self.marks.append(_Mark(top, row["next"], now))
        return top

    async def _complete_to(self, connection: asyncpg.Connection) -> tuple[int, float]:
        """The highest id, of the next page, below which none is awaited; and in how many seconds to read again."""
        begin = max(self.given or 0, self.settled)
        sql = "SELECT event_id FROM events WHERE event_id > $1 ORDER BY event_id LIMIT $2"
        ids = [int(row["event_id"]) for row in await connection.fetch(sql, begin, PAGE_EVENTS)]
        complete = begin
        for event_id in ids:
            if event_id != complete + 1:
                return complete, GAP_SECONDS / 4
            complete = event_id
        return complete, 0.0 if len(ids) == PAGE_EVENTS else CHECK_SECONDS


async def _follow(
    dsn: str,
    kinds: Sequence[str],
    reader: _Reader[T],
    on_items: Callable[[tuple[T, ...]], Awaitable[None]],
    check_seconds: float,
) -> None:
    """Connect, listen, and connect again, for ever."""
    pause, name = PAUSE_MIN_SECONDS, ",".join(kinds)
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=ANSWER_SECONDS, command_timeout=ANSWER_SECONDS)
        except LOST as error:
            log.warning("journal_unreachable", kind=name, error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(pause)
            pause = min(PAUSE_MAX_SECONDS, pause * 2)
            continue
        try:
            loss = await _listen(connection, kinds, reader, on_items, check_seconds)
        finally:
            # Closing politely would wait for a server that may be the one that is mute.
            connection.terminate()
        RECONNECTS.labels(name).inc()
        log.warning("journal_connection_lost", kind=name, error=f"{type(loss).__name__}: {loss}")
        pause = PAUSE_MIN_SECONDS
        await asyncio.sleep(pause)


async def _listen(
    connection: asyncpg.Connection,
    kinds: Sequence[str],
    reader: _Reader[T],
    on_items: Callable[[tuple[T, ...]], Awaitable[None]],
    check_seconds: float,
) -> Exception:
    """Follow until the connection is lost; returns how."""
    stirred, wanted = asyncio.Event(), frozenset(kinds)

    def hear(_connection: object, _pid: int, _channel: str, message: object) -> None:
        if str(message).rpartition(":")[0] in wanted:
            stirred.set()

    def ended(_connection: object) -> None:
        stirred.set()

    connection.add_termination_listener(ended)
    is_first = True
    while True:
        stirred.clear()
        batch, loss = None, None
        try:
            if is_first:
                await connection.add_listener(CHANNEL, hear)
            batch = await reader.read(connection, is_first=is_first)
            # Asked last, so that pg_stat_activity shows what an idle connection is for; repeated, it changes nothing.
            await connection.execute(f"LISTEN {CHANNEL}")
        except LOST as error:
            loss = error
        if batch is not None and batch.is_due:
            await on_items(batch.items)  # what was read is given, whatever became of the connection since
        if batch is None or loss is not None:
            return loss or ConnectionError("nothing was read")
        is_first = False
        # Not wait_for: in CPython 3.11 it swallows a cancellation that comes at the moment of an event.
        with suppress(TimeoutError):
            async with asyncio.timeout(min(check_seconds, batch.again_seconds)):
                await stirred.wait()
