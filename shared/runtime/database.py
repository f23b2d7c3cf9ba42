"""The database connection pool in which every wait is bounded.

A database that hangs answers neither with data nor with an error: without bounds each caller waits as long as it does.
"""

from pathlib import Path
from typing import Any, Protocol

import asyncpg

CONNECT_SECONDS, ACQUIRE_SECONDS = 5.0, 5.0
COMMAND_SECONDS = 6.0
"""For one statement. A hanging transaction takes twice that: the statement, then asyncpg's cancelling of it."""
MIN_CONNECTIONS, MAX_CONNECTIONS = 1, 4
MIGRATIONS = Path(__file__).parents[2] / "database" / "migrations"


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
