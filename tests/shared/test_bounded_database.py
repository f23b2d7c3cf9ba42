"""A database that hangs (it takes connections and answers nothing) holds nobody up for longer than the bounds say."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest

from config.settings import Settings
from shared.adapters.redis_cache import RedisCache
from shared.deps import Alone
from shared.errors import Unavailable
from shared.journal import append_event
from shared.runtime.database import database_pool, migrations
from shared.runtime.health import time_of
from tests.absent import NoCache
from tests.relay import Relay, relay_to
from tests.risk_manager import facts
from tests.shared.test_web import Worn, app_for, client_of, settings

HEALTH_SECONDS, CHANGE_SECONDS = 4.0, 16.0


@asynccontextmanager
async def hanging(database_url: str) -> AsyncIterator[tuple[Relay, asyncpg.Pool]]:
    """A pool whose connections can be made to hang."""
    async with relay_to(database_url) as (relay, through), database_pool(through, wait_seconds=5) as pool:
        yield relay, pool
        relay.speak()


async def _asked(client: httpx.AsyncClient, method: str, path: str) -> tuple[httpx.Response, float]:
    begun = time.monotonic()
    answer = await client.request(method, path, timeout=60)
    return answer, time.monotonic() - begun


async def test_health_names_a_database_that_hangs_within_seconds(database_url: str) -> None:
    async with hanging(database_url) as (relay, pool):

        async def own() -> dict[str, Any]:
            return {"rows": await pool.fetchval("SELECT 1"), "seen": "yes"}

        async with client_of(app_for(Worn(settings(), pool, None), own)) as client:
            answer, _ = await _asked(client, "GET", "/health")
            assert answer.json()["rows"] == 1
            relay.fall_silent()
            told = await asyncio.gather(*(_asked(client, "GET", "/health") for _ in range(10)))
            assert {answer.status_code for answer, _ in told} == {503}
            assert all(answer.json()["problem"].startswith("database: ") for answer, _ in told)
            assert max(seconds for _, seconds in told) < HEALTH_SECONDS
            relay.speak()
            await asyncio.sleep(7)
            well, _ = await _asked(client, "GET", "/health")
            assert well.json()["status"] == "healthy", well.text


async def test_a_change_is_answered_and_its_outcome_said_to_be_unknown(database_url: str) -> None:
    async with hanging(database_url) as (relay, pool):
        app = app_for(Alone(settings()))

        @app.post("/change")
        async def change() -> int:
            async with pool.acquire() as connection, connection.transaction():
                return await append_event(connection, "trading", "everything.closing", facts.NOW)

        @app.get("/rows")
        async def rows() -> int:
            count: int = await pool.fetchval("SELECT 1")
            return count

        async with client_of(app) as client:
            assert (await client.post("/change")).status_code == 200
            relay.fall_silent()
            changes = await asyncio.gather(*(_asked(client, "POST", "/change") for _ in range(3)))
            reads = await asyncio.gather(*(_asked(client, "GET", "/rows") for _ in range(3)))
            assert {answer.status_code for answer, _ in changes} == {504}
            assert {answer.status_code for answer, _ in reads} == {503}
            assert max(seconds for _, seconds in (*changes, *reads)) < CHANGE_SECONDS


async def test_a_pool_that_is_used_up_is_waited_for_within_a_bound(database_url: str) -> None:
    async with database_pool(database_url, wait_seconds=5) as pool:
        held = [await pool.acquire() for _ in range(4)]
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            await pool.fetchval("SELECT 1")
        assert time.monotonic() - begun < 8
        for one in held:
            await pool.release(one)
        assert await pool.fetchval("SELECT 1") == 1


async def test_a_lock_that_is_not_given_up_ends_as_a_timeout(database_url: str) -> None:
    async with database_pool(database_url, wait_seconds=5) as pool:
        async with pool.acquire() as holder, holder.transaction():
            await holder.execute("SELECT pg_advisory_xact_lock(1)")
            with pytest.raises(TimeoutError):
                await pool.execute("SELECT pg_advisory_xact_lock(1)")
        assert await pool.fetchval("SELECT 1") == 1


class MuteCache(NoCache):
    """A cache that takes a question and never answers."""

    async def ping(self) -> bool:
        await asyncio.Event().wait()
        return True


async def test_a_mute_cache_and_facts_that_hang_are_bounded_too() -> None:
    async def hangs() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async with client_of(app_for(Worn(settings(), None, MuteCache()), hangs)) as client:  # type: ignore[arg-type]
        answer, seconds = await _asked(client, "GET", "/health")
    assert answer.json()["redis"] == "unreachable (not needed)"
    assert "health: TimeoutError" in answer.json()["problem"]
    assert seconds < HEALTH_SECONDS


async def test_facts_that_cannot_be_found_out_are_a_problem() -> None:
    async def refuses() -> dict[str, Any]:
        raise Unavailable("the calendar does not answer")

    async with client_of(app_for(Alone(Settings(_env_file=None)), refuses)) as client:
        answer = await client.get("/health")
    assert (answer.status_code, answer.json()["problem"]) == (503, "health: the calendar does not answer")


async def test_a_clock_that_does_not_answer_is_given_up() -> None:
    class Standing:
        async def now(self) -> datetime:
            await asyncio.Event().wait()
            raise AssertionError

        async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
            return when

    begun = time.monotonic()
    assert await time_of(Standing()) is None
    assert time.monotonic() - begun < 3


async def test_a_mute_redis_is_pinged_within_a_bound(redis_url: str) -> None:
    async with relay_to(redis_url) as (relay, through):
        cache = RedisCache(through)
        assert await cache.ping()
        relay.fall_silent()
        begun = time.monotonic()
        assert not await cache.ping()
        assert time.monotonic() - begun < 3
        relay.speak()
        await cache.close()


async def test_a_database_that_a_migration_has_not_reached_is_waited_for(
    database_url: str, admin_database_url: str
) -> None:
    owner = await asyncpg.connect(admin_database_url)
    newest = await owner.fetchval("DELETE FROM schema_migrations WHERE name = $1 RETURNING name", max(migrations()))
    with pytest.raises(Unavailable, match=f"behind this version: {newest} not applied"):
        async with database_pool(database_url, wait_seconds=0.3):
            pytest.fail("a schema of another version was taken for this one's")
    await owner.execute(
        "INSERT INTO schema_migrations (name, checksum) VALUES ($1, 'x'), ('9999_newer.sql', 'x')", newest
    )
    await owner.close()
    async with database_pool(database_url, wait_seconds=5) as pool:
        assert await pool.fetchval("SELECT 1") == 1
