"""SQL for pattern_analysis."""

from datetime import datetime
from typing import Any

import asyncpg

from shared.domain.evidence import PatternEvidence

COLUMNS = (
    "cycle_id",
    "scan",
    "symbol",
    "as_of",
    "score",
    "name",
    "direction",
    "status",
    "confidence",
    "detections",
    "support",
    "resistance",
    "rests_on",
    "refused",
)


def _row(evidence: PatternEvidence, as_of: datetime, cycle_id: str | None, scan: int | None) -> tuple[Any, ...]:
    best = evidence.best
    return (
        cycle_id,
        scan,
        evidence.symbol,
        as_of,
        evidence.score,
        best.name if best else None,
        best.direction if best else None,
        best.status if best else None,
        best.confidence if best else None,
        [one.model_dump(mode="json") for one in evidence.detections],
        list(evidence.support),
        list(evidence.resistance),
        evidence.rests_on,
        evidence.refused,
    )


async def save(
    pool: asyncpg.Pool, rows: tuple[PatternEvidence, ...], as_of: datetime, cycle_id: str | None, scan: int | None
) -> None:
    """Store one assessment in one COPY; an assessment of the same scan that is there already stays."""
    async with pool.acquire() as connection, connection.transaction():
        if cycle_id is not None:
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"pattern:{cycle_id}:{scan}")
            if await connection.fetchval(
                "SELECT EXISTS (SELECT FROM pattern_analysis WHERE cycle_id = $1 AND scan = $2)", cycle_id, scan
            ):
                return
        await connection.execute(
            "SELECT get_or_create_security(s) FROM unnest($1::text[]) AS s", [r.symbol for r in rows]
        )
        records = [_row(row, as_of, cycle_id, scan) for row in rows]
        await connection.copy_records_to_table("pattern_analysis", records=records, columns=COLUMNS)


async def latest(pool: asyncpg.Pool, symbol: str) -> asyncpg.Record | None:
    """The newest stored analysis of a symbol."""
    return await pool.fetchrow(
        "SELECT cycle_id, scan, as_of, score, detections, support, resistance, rests_on, refused FROM pattern_analysis"
        " WHERE symbol = $1 ORDER BY as_of DESC, id DESC LIMIT 1",
        symbol,
    )
