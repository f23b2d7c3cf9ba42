"""Whose hands are on the account: `flatten` takes it, and while it holds it trading sends nothing and renews nothing.

The lock is PostgreSQL's own and belongs to a connection: it goes with the process that holds it, however that ends.
"""

import asyncpg

KEY = 7_006_100
FLATTENING = "account.flattening"
"""The journal entry of a flatten: approvals before it are void, and the risk manager halts because of it."""
_MOST_IDLE = "90s"
"""A holder that says nothing for so long has stopped: the server ends its connection, and trading may guard again."""


async def is_taken(source: asyncpg.Pool | asyncpg.Connection) -> bool:
    """True while somebody holds the account. The check itself holds nothing that another one would wait for."""
    return not await source.fetchval("SELECT pg_try_advisory_xact_lock_shared($1)", KEY)


async def take(connection: asyncpg.Connection, seconds: float) -> bool:
    """Take the account for as long as the connection lives; False when another one has held it for `seconds`."""
    await connection.execute("SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5")
    await connection.execute(f"SET tcp_keepalives_count = 3; SET idle_session_timeout = '{_MOST_IDLE}'")
    await connection.execute(f"SET lock_timeout = {int(seconds * 1000)}")
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", KEY)
    except asyncpg.LockNotAvailableError:
        return False
    return True
