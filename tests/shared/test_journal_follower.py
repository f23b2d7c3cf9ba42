"""The journal is followed across every way in which a connection dies, and no event is lost or told twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from shared.journal import Event, append_event
from shared.runtime.journal_follower import GAP_SECONDS, PAGE_EVENTS, follow_in_order, follow_journal
from shared.runtime.loops import Loop, end_tasks, running
from tests.relay import relay_to
from tests.risk_manager import facts

KIND, SECONDS = "scan.requested", 15.0


class Follower:
    """What one follower was told: each batch, in order."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []

    @property
    def ids(self) -> list[int]:
        return [one for batch in self.batches for one in batch]

    async def take(self, ids: tuple[int, ...]) -> None:
        self.batches.append(ids)


@asynccontextmanager
async def following(dsn: str) -> AsyncIterator[Follower]:
    follower = Follower()
    task = asyncio.create_task(follow_journal(dsn, KIND, follower.take))
    try:
        await until(lambda: bool(follower.batches))
        yield follower
    finally:
        await end_tasks(task)


async def until(true: Callable[[], bool], seconds: float = SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


async def write(pool: asyncpg.Pool, kind: str = KIND) -> int:
    async with pool.acquire() as connection:
        return await append_event(connection, "scanner", kind, facts.NOW)


async def kill_listeners(admin_url: str) -> int:
    """End the backends that listen, as a restart of the server or an administrator does."""
    admin = await asyncpg.connect(admin_url)
    sql = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'"
    )
    try:
        return int(await admin.fetchval(sql))
    finally:
        await admin.close()


async def test_new_events_come_once_and_in_order(pool: asyncpg.Pool, database_url: str) -> None:
    before = await write(pool)
    async with following(database_url) as follower:
        wanted = [await write(pool) for _ in range(20)]
        await write(pool, "order.changed")
        await until(lambda: len(follower.ids) >= 20)
        assert follower.ids == wanted
        assert before not in follower.ids


async def test_an_event_that_commits_late_is_told_although_later_ones_were(
    pool: asyncpg.Pool, database_url: str
) -> None:
    async with following(database_url) as follower:
        async with pool.acquire() as connection, connection.transaction():
            late = await append_event(connection, "scanner", KIND, facts.NOW)
            early = await write(pool)
            await until(lambda: follower.ids == [early])
        await until(lambda: len(follower.ids) == 2)
        assert follower.ids == [early, late]


async def test_a_backend_that_is_ended_is_noticed_and_made_up_for(
    pool: asyncpg.Pool, database_url: str, admin_database_url: str
) -> None:
    async with following(database_url) as follower:
        for number in range(3):
            assert await kill_listeners(admin_database_url) >= 1
            event = await write(pool)
            await until(lambda seen=number: len(follower.ids) == seen + 1, 10.0)  # type: ignore[misc]
            assert follower.ids[-1] == event


async def test_a_connection_that_goes_silent_is_replaced(pool: asyncpg.Pool, database_url: str) -> None:
    async with relay_to(database_url) as (relay, through), following(through) as follower:
        made = relay.made
        relay.forget()
        event = await write(pool)
        await until(lambda: follower.ids == [event])
        assert relay.made > made


@pytest.mark.parametrize("events", [0, 5])
async def test_a_server_that_restarts_is_waited_for(pool: asyncpg.Pool, database_url: str, events: int) -> None:
    async with relay_to(database_url) as (relay, through), following(through) as follower:
        relay.drop()
        wanted = [await write(pool) for _ in range(events)]
        await asyncio.sleep(0.5)
        batches = len(follower.batches)
        relay.welcome()
        await until(lambda: len(follower.batches) > batches)
        assert follower.ids == wanted


async def test_what_the_listener_raises_is_raised(pool: asyncpg.Pool, database_url: str) -> None:
    async def break_down(_ids: tuple[int, ...]) -> None:
        raise OSError("the listener's own")

    with pytest.raises(OSError, match="the listener's own"):
        await follow_journal(database_url, KIND, break_down)


class Ledger:
    """Who builds a sequence from the journal: keeps what came, and the last id as its position."""

    def __init__(self, position: int | None = None) -> None:
        self.position = position
        self.ids, self.pages = list[int](), list[int]()
        self.fails_at: int | None = None

    async def take(self, events: tuple[Event, ...]) -> None:
        if self.fails_at is not None and len(self.pages) == self.fails_at:
            self.fails_at = None
            raise OSError("the caller's own trouble")
        self.pages.append(len(events))
        self.ids += [one.event_id for one in events]
        self.position = self.ids[-1]


@asynccontextmanager
async def in_order(dsn: str, ledger: Ledger, *kinds: str) -> AsyncIterator[None]:
    """Followed as a service does: in a loop that begins again at the stored position."""

    async def follow() -> None:
        await follow_in_order(dsn, kinds or (KIND,), ledger.position, ledger.take)

    async with running(Loop("test", "in-order", follow, 0.02, 0.1)):
        yield


async def test_all_events_from_a_position_come_in_order_and_in_pages(pool: asyncpg.Pool, database_url: str) -> None:
    sql = "INSERT INTO events (service, kind, occurred_at) SELECT 'x', k, now() FROM generate_series(1, 700), "
    await pool.execute(sql + "unnest(ARRAY['scan.requested', 'order.changed', 'other']) AS k")
    rows = await pool.fetch("SELECT event_id FROM events WHERE kind <> 'other' ORDER BY event_id")
    wanted = [row["event_id"] for row in rows]
    ledger = Ledger(wanted[9])
    async with in_order(database_url, ledger, KIND, "order.changed"):
        await until(lambda: len(ledger.ids) == len(wanted) - 10)
        more = await write(pool)
        await until(lambda: ledger.ids[-1] == more)
    assert ledger.ids == [*wanted[10:], more]
    assert max(ledger.pages) == PAGE_EVENTS


async def test_without_a_position_it_begins_with_what_is_written_from_then_on(
    pool: asyncpg.Pool, database_url: str
) -> None:
    before, ledger = await write(pool), Ledger()
    async with in_order(database_url, ledger):
        await until_listening(pool)
        after = [await write(pool) for _ in range(3)]
        await until(lambda: len(ledger.ids) == 3)
    assert ledger.ids == after
    assert before not in ledger.ids


async def test_an_event_waits_for_lower_ids_that_are_not_committed_yet(pool: asyncpg.Pool, database_url: str) -> None:
    ledger = Ledger(await write(pool))
    async with in_order(database_url, ledger):
        async with pool.acquire() as connection, connection.transaction():
            late = await append_event(connection, "scanner", KIND, facts.NOW)
            early = await write(pool)
            await asyncio.sleep(2.5 * GAP_SECONDS)
            assert ledger.ids == [], "it would never be given once its successor was"
        await until(lambda: len(ledger.ids) == 2)
    assert ledger.ids == [late, early]


async def test_an_id_that_was_rolled_back_holds_nothing_for_long(pool: asyncpg.Pool, database_url: str) -> None:
    ledger = Ledger(await write(pool))
    async with in_order(database_url, ledger):
        for _ in range(2):
            await write_and_roll_back(pool)
            event = await write(pool)
            await until(lambda seen=event: seen in ledger.ids)  # type: ignore[misc]
    assert len(ledger.ids) == 2


async def test_neither_a_lost_connection_nor_an_error_of_the_callers_repeats_or_loses_one(
    pool: asyncpg.Pool, database_url: str, admin_database_url: str
) -> None:
    ledger, wanted = Ledger(await write(pool)), list[int]()
    async with in_order(database_url, ledger):
        for number in range(4):
            await until_listening(pool)
            if number % 2:
                assert await kill_listeners(admin_database_url) >= 1
            else:
                ledger.fails_at = len(ledger.pages)
            wanted.extend([await write(pool) for _ in range(5)])
            await until(lambda: len(ledger.ids) == len(wanted))
    assert ledger.ids == wanted


async def test_a_restart_goes_on_at_the_stored_position(pool: asyncpg.Pool, database_url: str) -> None:
    ledger = Ledger(await write(pool))
    async with in_order(database_url, ledger):
        first = await write(pool)
        await until(lambda: ledger.ids == [first])
    meanwhile = [await write(pool) for _ in range(3)]
    async with in_order(database_url, ledger):
        await until(lambda: len(ledger.ids) == 4)
    assert ledger.ids == [first, *meanwhile]


async def until_listening(pool: asyncpg.Pool) -> None:
    sql = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        " AND state = 'idle' AND pid <> pg_backend_pid()"
    )
    async with asyncio.timeout(SECONDS):
        while not await pool.fetchval(sql):  # noqa: ASYNC110 - the other side is the server's own list
            await asyncio.sleep(0.02)


async def write_and_roll_back(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append_event(connection, "scanner", KIND, facts.NOW)
        await transaction.rollback()
