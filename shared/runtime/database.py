"""The database connection pool in which every wait is bounded, waited for until the schema is there.

A database that hangs answers neither with data nor with an error: without bounds each caller waits as long as it does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import orjson
import structlog

from shared.errors import Unavailable

CONNECT_SECONDS, ACQUIRE_SECONDS = 5.0, 5.0
COMMAND_SECONDS = 6.0
"""For one statement. A hanging transaction takes twice that: the statement, then asyncpg's cancelling of it."""
MIN_CONNECTIONS, MAX_CONNECTIONS = 1, 4
MIGRATIONS = Path(__file__).parents[2] / "database" / "migrations"
log = structlog.get_logger()


class Prepare(Protocol):
    """Done to a connection when it was made, or when it is given back."""

    async def __call__(self, connection: asyncpg.Connection, /) -> None: ...


class BoundedPool(asyncpg.Pool):
    """A pool whose `acquire` raises TimeoutError after ACQUIRE_SECONDS unless told otherwise, as do all statements
    after COMMAND_SECONDS. asyncpg's own pool waits for a connection without end.
    """

    def acquire(self, *, timeout: float | None = None) -> Any:
        """A connection, as an awaitable or a context. The bound holds for giving it back, too."""
        return super().acquire(timeout=ACQUIRE_SECONDS if timeout is None else timeout)


def bounded_pool(dsn: str, *, init: Prepare, reset: Prepare) -> BoundedPool:
    """The pool, to be awaited. Connecting, acquiring and every statement raise TimeoutError in time."""
    return BoundedPool(
        dsn,
        min_size=MIN_CONNECTIONS,
        max_size=MAX_CONNECTIONS,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        init=init,
        reset=reset,
        loop=None,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        command_timeout=COMMAND_SECONDS,
        timeout=CONNECT_SECONDS,
    )


def migrations() -> frozenset[str]:
    """The names of this version's migration files."""
    return frozenset(path.name for path in MIGRATIONS.glob("*.sql"))


async def missing_migrations(pool: asyncpg.Pool, known: frozenset[str]) -> list[str]:
    """Those of `known` that the database has not seen, in their order.

    A database that has seen more is newer than this program: it is served all the same, for migrations only add.
    """
    if not await pool.fetchval("SELECT to_regclass('public.schema_migrations') IS NOT NULL"):
        return sorted(known)
    return sorted(known - {row["name"] for row in await pool.fetch("SELECT name FROM schema_migrations")})


async def _prepare(connection: asyncpg.Connection) -> None:
    """JSONB columns carry Python values both ways."""
    await connection.set_type_codec(
        "jsonb",
        encoder=lambda value: b"\x01" + orjson.dumps(value, default=str, option=orjson.OPT_SERIALIZE_NUMPY),
        decoder=lambda data: orjson.loads(data[1:]),
        schema="pg_catalog",
        format="binary",
    )


async def _no_reset(_connection: asyncpg.Connection) -> None:
    """Nobody leaves state in a session (locks are a transaction's, listeners have connections of their own), so the
    pool's own reset, a round trip to the server after every statement, would undo nothing."""


@asynccontextmanager
async def database_pool(dsn: str, wait_seconds: float) -> AsyncIterator[asyncpg.Pool]:
    """Connections to the database and its schema, waited for until a deadline. Raises Unavailable."""
    loop = asyncio.get_running_loop()
    give_up, pause, said, known = loop.time() + wait_seconds, 0.1, False, migrations()
    while True:
        try:
            pool = await bounded_pool(dsn, init=_prepare, reset=_no_reset)
            try:
                if not (missing := await missing_migrations(pool, known)):
                    break
                named = f"{missing[0]} and {len(missing) - 1} more" if len(missing) > 1 else missing[0]
                trouble = f"the schema is behind this version: {named} not applied (python -m database.migrate)"
            except BaseException:
                await pool.close()
                raise
            await pool.close()
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            trouble = f"{type(error).__name__}: {error}"
        if loop.time() > give_up:
            raise Unavailable(f"the database did not answer within {wait_seconds:.0f} s: {trouble}")
        if not said:
            log.warning("waiting_for_database", trouble=trouble)
            said = True
        await asyncio.sleep(pause)
        pause = min(1.0, pause * 1.5)
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), 3)
        except TimeoutError:
            pool.terminate()
