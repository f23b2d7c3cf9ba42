"""The journal is followed across every way in which a connection dies, and no event is lost or told twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from shared.journal import append_event
from shared.runtime.journal_follower import follow_journal
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
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


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
