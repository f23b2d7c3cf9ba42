"""The schema: run eight times at once, right about the calendar, and stricter than the code above it."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pandas_market_calendars
import pytest

from database import migrate as migration
from scripts.embedded import Server, address


async def empty_database(postgres: Server, name: str) -> str:
    admin = await asyncpg.connect(postgres.url)
    await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    return address(postgres.url, database=name)


async def test_eight_at_once_apply_each_file_once(postgres: Server) -> None:
    url = await empty_database(postgres, "eight_at_once")
    applied = await asyncio.gather(*(migration.migrate(url) for _ in range(8)))
    assert sorted(len(names) for names in applied)[:7] == [0] * 7
    assert max(applied, key=len) == sorted(path.name for path in migration.MIGRATIONS.glob("*.sql"))


async def test_a_file_that_changed_after_it_was_applied_is_refused(postgres: Server) -> None:
    url = await empty_database(postgres, "changed_file")
    await migration.migrate(url)
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE schema_migrations SET checksum = 'x' WHERE name LIKE '0001%'")
    with pytest.raises(migration.MigrationError, match="0001"):
        await migration.migrate(url)
    await connection.execute("INSERT INTO schema_migrations (name, checksum) VALUES ('9999_gone.sql', 'x')")
    with pytest.raises(migration.MigrationError, match="9999_gone"):
        await migration.migrate(url)
    await connection.close()


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
async def test_trading_days_and_hours_are_those_of_the_exchange(pool: asyncpg.Pool) -> None:
    first, last = date(2016, 1, 1), date(2030, 12, 31)
    schedule = pandas_market_calendars.get_calendar("NYSE").schedule(str(first), str(last))
    theirs = {day.date(): (row.market_open, row.market_close) for day, row in schedule.iterrows()}
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    rows = await pool.fetch("SELECT d::date AS day FROM unnest($1::date[]) AS d WHERE is_trading_day(d)", days)
    assert [row["day"] for row in rows] == sorted(theirs)
    edges = [(at - timedelta(seconds=1), at) for pair in theirs.values() for at in pair]
    moments = [edge for pair in edges for edge in pair]
    inside = await pool.fetchval(
        "SELECT array_agg(is_market_hours(m) ORDER BY n) FROM unnest($1::timestamptz[]) WITH ORDINALITY AS x(m, n)",
        moments,
    )
    assert inside == [False, True, True, False] * len(theirs)


async def test_securities_and_times_are_made_once(pool: asyncpg.Pool) -> None:
    first = await pool.fetchval("SELECT get_or_create_security('nvda')")
    assert await pool.fetchval("SELECT get_or_create_security('NVDA')") == first
    winter = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
    number = await pool.fetchval("SELECT get_or_create_time($1)", winter)
    assert await pool.fetchval("SELECT get_or_create_time($1)", winter) == number
    row = await pool.fetchrow("SELECT hour, minute, is_market_hours FROM time_dimension WHERE time_id = $1", number)
    assert row is not None
    assert dict(row) == {"hour": 9, "minute": 31, "is_market_hours": True}
    summer = await pool.fetchval("SELECT get_or_create_time($1)", datetime(2026, 7, 15, 13, 29, tzinfo=UTC))
    assert not await pool.fetchval("SELECT is_market_hours FROM time_dimension WHERE time_id = $1", summer)


NOW = datetime(2026, 6, 15, 14, 0, tzinfo=UTC)


async def decision(pool: asyncpg.Pool, verdict: str = "approved", quantity: int = 10) -> tuple[object, ...]:
    """Store a decision; returns what an entry order has to repeat."""
    await pool.execute(
        "INSERT INTO trading_cycles (cycle_id, mode, session_mode, status, trading_day, driven_by, max_positions,"
        " max_daily_loss, scan_frequency_seconds, config_hash, started_at)"
        " VALUES ('c', 'normal', 'autonomous', 'running', '2026-06-15', 'hand', 5, 2000, 300, 'x', $1)"
        " ON CONFLICT DO NOTHING",
        NOW,
    )
    await pool.execute("SELECT get_or_create_security('ABC')")
    key = uuid4()
    await pool.execute(
        "INSERT INTO risk_decisions (decision_id, cycle_id, scan, kind, verdict, symbol, side, client_order_id,"
        " quantity, reference_price, stop_price, take_profit_price, expires_at, reason, risk_score, risk_amount,"
        " checks, decided_at, limit_price) VALUES ($1, 'c', 1, 'order', $2, 'ABC', 'long', $3, $4, 100, 98, 106, $5,"
        " 'x', 0.1, 20, '[]', $6, 101)",
        key,
        verdict,
        f"cat-{key}",
        quantity,
        NOW + timedelta(seconds=60),
        NOW,
    )
    return key, f"cat-{key}", "ABC", quantity, 98, 106, NOW + timedelta(seconds=60), 101


async def place(pool: asyncpg.Pool, *values: object) -> None:
    await pool.execute(
        "INSERT INTO orders (order_id, decision_id, client_order_id, symbol, quantity, decision_stop, decision_target,"
        " decision_expires_at, limit_price, cycle_id, side, purpose, type, status, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'c', 'buy', 'entry', 'limit', 'intended', $10, $10)",
        uuid4(),
        *values,
        NOW,
    )


async def test_an_entry_must_be_the_decision_field_by_field(pool: asyncpg.Pool) -> None:
    approved = await decision(pool)
    for position, wrong in ((1, "cat-other"), (3, 11), (4, 97), (5, 107), (6, NOW), (7, 102), (7, 100)):
        changed = [*approved]
        changed[position] = wrong
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await place(pool, *changed)
    await place(pool, *approved)
    with pytest.raises(asyncpg.UniqueViolationError):
        await place(pool, *approved)


async def test_a_refused_decision_buys_nothing_and_one_entry_per_symbol_is_on_its_way(pool: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await place(pool, *await decision(pool, verdict="refused"))
    await place(pool, *await decision(pool))
    with pytest.raises(asyncpg.UniqueViolationError, match="one_open_entry_per_symbol"):
        await place(pool, *await decision(pool))


async def test_the_services_role_can_neither_delete_nor_rewrite_the_journals(pool: asyncpg.Pool) -> None:
    await pool.execute("INSERT INTO events (service, kind, occurred_at) VALUES ('x', 'y', now())")
    for statement in (
        "DELETE FROM events",
        "UPDATE events SET kind = 'z'",
        "UPDATE executions SET price = 1",
        "DELETE FROM orders",
        "DROP TABLE orders",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)


def test_every_table_names_its_owner() -> None:
    for path in sorted(Path(migration.MIGRATIONS).glob("*.sql")):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if line.startswith("CREATE TABLE"):
                assert lines[number - 1].startswith("-- owner: "), f"{path.name}:{number + 1}"
