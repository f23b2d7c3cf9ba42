"""What GET /health says, each part asked within a bound: one that does not answer is named, and delays no other."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import asyncpg

from shared.errors import CatalystError
from shared.ports import Cache, Clock
from shared.runtime.bounds import within

PART_SECONDS, CLOCK_SECONDS = 2.0, 1.5
CLOCK_SILENT = "clock: it does not answer"
Facts = dict[str, Any]
Health = Callable[[], Awaitable[Facts]]
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def read_health(pool: asyncpg.Pool | None, cache: Cache | None, health: Health | None) -> Facts:
    """The facts of all parts, within a little more than PART_SECONDS. `problem` names every part that fails."""
    database, redis, own = await asyncio.gather(_database(pool), _redis(cache), _own(health))
    problems = [part["problem"] for part in (database, own) if part.get("problem")]
    body = database | redis | own
    # A database that is away takes the service's own facts with it: that is one trouble, not two.
    named = dict.fromkeys(problems[:1] if "problem" in database and own.get("lost") else problems)
    body.pop("problem", None)
    body.pop("lost", None)
    return body | ({"problem": "; ".join(named)} if named else {})


async def time_of(clock: Clock) -> datetime | None:
    """The time, or None when the clock does not answer (the simulated one waits for its exchange without end)."""
    try:
        return await within(CLOCK_SECONDS, clock.now())
    except (OSError, CatalystError):
        return None


def age_seconds(seen: datetime | None, now: datetime | None) -> float | None:
    """Seconds of the market's clock since something was seen; None when it never was, or without a clock."""
    return round((now - seen).total_seconds(), 1) if seen is not None and now is not None else None


async def _database(pool: asyncpg.Pool | None) -> Facts:
    if pool is None:
        return {}
    try:
        await within(PART_SECONDS, _ask(pool))
    except LOST as error:
        return {"database": "unreachable", "problem": f"database: {type(error).__name__}"}
    return {"database": "connected"}


async def _ask(pool: asyncpg.Pool) -> None:
    async with pool.acquire(timeout=PART_SECONDS) as connection:
        await connection.fetchval("SELECT 1", timeout=PART_SECONDS)


async def _redis(cache: Cache | None) -> Facts:
    if cache is None:
        return {}
    try:
        answers = await within(PART_SECONDS, cache.ping())
    except TimeoutError:
        answers = False
    return {"redis": "connected" if answers else "unreachable (not needed)"}


async def _own(health: Health | None) -> Facts:
    """What the service itself adds; that it could not be found out is a problem as well."""
    if health is None:
        return {}
    try:
        return await within(PART_SECONDS, health())
    except LOST as error:
        return {"problem": f"health: {type(error).__name__} after at most {PART_SECONDS:g} s", "lost": True}
    except CatalystError as error:
        return {"problem": f"health: {error.detail}", "lost": True}
