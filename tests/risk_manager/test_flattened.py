"""Somebody flattens the account past us: the risk manager halts on it once, waits with closing, and sees it flat."""

import asyncpg

from services.risk_manager import store
from shared import account_lock
from shared.journal import append_event
from tests.risk_manager.conftest import running
from tests.risk_manager.test_stop import is_flat, until
from tests.risk_manager.world import World


async def flattened(world: World) -> None:
    async with world.deps.pool.acquire() as connection:
        await append_event(connection, "flatten", account_lock.FLATTENING, world.clock.time, {})


async def halted(world: World) -> bool:
    return await store.active_halt(world.deps.pool) is not None


async def test_a_flatten_is_a_halt_once_and_nothing_is_asked_while_it_works(world: World, database_url: str) -> None:
    await world.desk.hold("HELD", 100, 50, stop=49)
    holder = await asyncpg.connect(database_url)
    assert await account_lock.take(holder, 1)
    await flattened(world)
    async with running(world):
        await until(lambda: halted(world))
        assert world.desk.calls == []
        holder.terminate()
        await until(lambda: is_flat(world))
    (halt,) = await world.rows("SELECT reason FROM halts")
    assert halt["reason"] == "flattened by hand"
    await world.deps.pool.execute("UPDATE halts SET released_at = latched_at, released_reason = 'over'")
    async with running(world) as service:
        await service.get("/health")
        assert await store.flatten_to_halt_on(world.deps.pool) is None
        assert not await halted(world)
        await flattened(world)
        await until(lambda: halted(world))


async def test_the_account_is_one_mans_at_a_time_and_free_when_he_is_gone(
    pool: asyncpg.Pool, database_url: str
) -> None:
    first, second = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    assert not await account_lock.is_taken(pool)
    assert await account_lock.take(first, 1)
    assert await account_lock.is_taken(pool)
    assert not await account_lock.take(second, 0.2)
    first.terminate()
    assert await account_lock.take(second, 5)
    second.terminate()
