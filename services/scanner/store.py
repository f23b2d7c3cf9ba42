"""SQL for securities, sectors, scan_results and scan_coverage."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from services.scanner.rules.answer import COLUMNS, Coverage, Row
from shared.domain.evidence import ScoreUpdates
from shared.domain.market import Asset
from shared.errors import NotFound
from shared.journal import Connection

STORED = ("cycle_id", "scan", "scanned_at", *COLUMNS)
Scan = tuple[str, int]


async def stage_assets(connection: Connection, assets: Sequence[Asset], sectors: Mapping[str, str]) -> None:
    """Put the universe into a temporary table of the running transaction."""
    await connection.execute(
        "CREATE TEMP TABLE incoming_assets (symbol text, name text, exchange text, sector text) ON COMMIT DROP"
    )
    records = [(asset.symbol, asset.name, asset.exchange, sectors.get(asset.symbol)) for asset in assets]
    await connection.copy_records_to_table("incoming_assets", records=records)


async def upsert_sectors(connection: Connection) -> None:
    """Sectors of the staged assets."""
    await connection.execute(
        "INSERT INTO sectors (name) SELECT DISTINCT sector FROM incoming_assets WHERE sector IS NOT NULL"
        " ORDER BY sector ON CONFLICT (name) DO NOTHING"
    )


async def upsert_securities(connection: Connection, refreshed_at: datetime) -> None:
    """The staged assets as securities; a sector once known is kept when the source no longer says it."""
    await connection.execute(
        "INSERT INTO securities (symbol, name, exchange, sector_id, is_active, refreshed_at)"
        " SELECT i.symbol, i.name, i.exchange, s.sector_id, true, $1"
        " FROM incoming_assets i LEFT JOIN sectors s ON s.name = i.sector ORDER BY i.symbol"
        " ON CONFLICT (symbol) DO UPDATE SET name = EXCLUDED.name, exchange = EXCLUDED.exchange, is_active = true,"
        " sector_id = COALESCE(EXCLUDED.sector_id, securities.sector_id), refreshed_at = EXCLUDED.refreshed_at",
        refreshed_at,
    )


async def retire_securities(connection: Connection, refreshed_at: datetime) -> None:
    """Mark what the last refresh did not bring; securities that only other services named stay as they are."""
    await connection.execute(
        "UPDATE securities SET is_active = false WHERE is_active AND refreshed_at <> $1", refreshed_at
    )


async def set_sector(pool: asyncpg.Pool, symbol: str, sector: str) -> None:
    """The sector of a security that had none; one that has a sector keeps it."""
    await pool.execute(
        "WITH found AS (INSERT INTO sectors (name) VALUES ($2) ON CONFLICT (name) DO UPDATE SET name = EXCLUDED.name"
        " RETURNING sector_id)"
        " UPDATE securities SET sector_id = found.sector_id FROM found WHERE symbol = $1"
        " AND securities.sector_id IS NULL",
        symbol,
        sector,
    )


async def read_sectors(pool: asyncpg.Pool) -> dict[str, str]:
    """Sector by symbol."""
    rows = await pool.fetch("SELECT symbol, sectors.name FROM securities JOIN sectors USING (sector_id)")
    return dict(map(tuple, rows))


async def add_coverage(connection: Connection, key: Scan, coverage: Coverage, scanned_at: datetime) -> bool:
    """Claim a scan: false when it is stored already. Raises NotFound when workflow has no such scan."""
    try:
        found = await connection.fetchval(
            "INSERT INTO scan_coverage (cycle_id, scan, universe, scanned, dropped, ranked, basis, scanned_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (cycle_id, scan) DO NOTHING RETURNING true",
            *key,
            coverage.universe,
            coverage.scanned,
            coverage.dropped,
            coverage.ranked,
            coverage.basis and coverage.basis.model_dump(mode="json"),
            scanned_at,
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise NotFound(f"there is no scan {key[1]} in cycle {key[0]}", field="scan") from error
    return bool(found)


async def name_securities(connection: Connection, symbols: Sequence[str]) -> None:
    """Make sure that every symbol has its row."""
    await connection.execute(
        "SELECT get_or_create_security(symbol) FROM unnest($1::text[]) AS asked (symbol)"
        " WHERE NOT EXISTS (SELECT 1 FROM securities WHERE securities.symbol = asked.symbol)",
        sorted(symbols),
    )


async def add_results(connection: Connection, key: Scan, rows: Sequence[Row], scanned_at: datetime) -> None:
    """All rows of a scan in one COPY."""
    records = [(*key, scanned_at, *(row[name] for name in COLUMNS)) for row in rows]
    await connection.copy_records_to_table("scan_results", records=records, columns=STORED)


async def read_coverage(pool: asyncpg.Pool, key: Scan) -> tuple[Coverage, datetime] | None:
    """What became of the universe in a scan, and when."""
    row = await pool.fetchrow(
        "SELECT universe, scanned, dropped, ranked, basis, scanned_at FROM scan_coverage"
        " WHERE cycle_id = $1 AND scan = $2",
        *key,
    )
    if row is None:
        return None
    fields = dict(row)
    scanned_at = fields.pop("scanned_at")
    return Coverage(**fields), scanned_at


async def read_results(pool: asyncpg.Pool, key: Scan, limit: int, symbol: str | None = None) -> list[Row]:
    """Stored rows with their sectors, in order of rank; of one symbol where it is named."""
    rows = await pool.fetch(
        "SELECT r.*, sectors.name AS sector FROM scan_results r JOIN securities USING (symbol)"
        " LEFT JOIN sectors USING (sector_id)"
        " WHERE r.cycle_id = $1 AND r.scan = $2 AND ($4::text IS NULL OR r.symbol = $4) ORDER BY r.rank LIMIT $3",
        *key,
        limit,
        symbol,
    )
    return [dict(row) for row in rows]


async def count_results(pool: asyncpg.Pool, key: Scan) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM scan_results WHERE cycle_id = $1 AND scan = $2", *key)
    return count


async def latest_scan(pool: asyncpg.Pool, cycle_id: str | None, scan: int | None) -> Scan | None:
    """The newest stored scan, of one cycle or of one number where they are named."""
    row = await pool.fetchrow(
        "SELECT cycle_id, scan FROM scan_coverage WHERE ($1::text IS NULL OR cycle_id = $1)"
        " AND ($2::integer IS NULL OR scan = $2) ORDER BY scanned_at DESC, cycle_id DESC, scan DESC LIMIT 1",
        cycle_id,
        scan,
    )
    return (row["cycle_id"], row["scan"]) if row else None


async def last_scanned_at(pool: asyncpg.Pool) -> datetime | None:
    at: datetime | None = await pool.fetchval("SELECT max(scanned_at) FROM scan_coverage")
    return at


async def update_scores(pool: asyncpg.Pool, updates: ScoreUpdates) -> int:
    """Write what the funnel said beside a scan's rows, in one statement; a score that is not named stays. Returns how
    many rows were found.
    """
    names = ("symbol", "stage", "composite_score", "news_score", "pattern_score", "technical_score", "outcome")
    columns = [[getattr(score, name) for score in updates.scores] for name in names]
    status = await pool.execute(
        "UPDATE scan_results r SET stage = u.stage, outcome = u.outcome,"
        " composite_score = COALESCE(u.composite, r.composite_score), news_score = COALESCE(u.news, r.news_score),"
        " pattern_score = COALESCE(u.pattern, r.pattern_score),"
        " technical_score = COALESCE(u.technical, r.technical_score)"
        " FROM unnest($3::text[], $4::text[], $5::float8[], $6::float8[], $7::float8[], $8::float8[], $9::text[])"
        " AS u (symbol, stage, composite, news, pattern, technical, outcome)"
        " WHERE r.cycle_id = $1 AND r.scan = $2 AND r.symbol = u.symbol",
        updates.cycle_id,
        updates.scan,
        *columns,
    )
    return int(status.rpartition(" ")[2])
