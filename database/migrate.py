"""Apply the numbered SQL files, forward only, under an advisory lock: eight at once, and exactly one runs each file.

As a program (`python -m database.migrate`) it migrates DATABASE_ADMIN_URL and gives the application's role its login.
"""

import asyncio
import hashlib
import sys
from pathlib import Path

import asyncpg
import structlog
from pydantic import ValidationError

from config.settings import complaints, read_settings

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x0CA7A1157


class MigrationError(RuntimeError):
    """The database and the files disagree; the message says which file."""


async def migrate(dsn: str, app_password: str | None = None, readonly_password: str | None = None) -> list[str]:
    """Bring the database at `dsn` up to date; returns the names of the files applied now.

    A file runs in one transaction with its own record. Raises MigrationError when a file that was applied has
    changed since, or is gone. With passwords, the roles may log in.
    """
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        applied = await _apply_missing(connection)
        await _let_in(connection, "catalyst_app", app_password)
        await _let_in(connection, "catalyst_readonly", readonly_password)
        return applied
    finally:
        await connection.close()


async def _apply_missing(connection: asyncpg.Connection) -> list[str]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    rows = await connection.fetch("SELECT name, checksum FROM schema_migrations")
    known: dict[str, str] = {row["name"]: row["checksum"] for row in rows}
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(MIGRATIONS.glob("*.sql"))}
    if gone := sorted(set(known) - set(files)):
        raise MigrationError(f"the database was migrated by files that are not here: {', '.join(gone)}")
    applied = []
    for name, sql in files.items():
        checksum = hashlib.sha256(sql.encode()).hexdigest()
        if name in known:
            if known[name] != checksum:
                raise MigrationError(f"{name} has changed since it was applied: write a new file instead")
            continue
        async with connection.transaction():
            await connection.execute(sql)
            await connection.execute("INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", name, checksum)
        applied.append(name)
    return applied


async def _let_in(connection: asyncpg.Connection, role: str, password: str | None) -> None:
    if password is None:
        return
    quoted: str = await connection.fetchval("SELECT quote_literal($1)", password)
    await connection.execute(f"ALTER ROLE {role} LOGIN PASSWORD {quoted}")
    await connection.execute(
        f"DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO {role}', current_database()); END $$"
    )


def main() -> int:
    """Migrate the database that the environment names. Returns the exit code; wrong settings are said on stderr."""
    try:
        settings = read_settings()
    except ValidationError as error:
        sys.stderr.writelines(f"configuration: {line}\n" for line in complaints(error))
        return 2
    applied = asyncio.run(
        migrate(settings.admin_dsn, settings.database_password or None, settings.database_readonly_password or None)
    )
    structlog.get_logger().info("migrated", applied=applied or "nothing to do")
    return 0


if __name__ == "__main__":
    sys.exit(main())
