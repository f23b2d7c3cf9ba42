"""Rows of technical_indicators: one for each symbol and scan; an assessment outside a scan adds rows of its own."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import orjson

from shared.domain.evidence import TechnicalEvidence


async def save(
    pool: asyncpg.Pool,
    evidence: Sequence[TechnicalEvidence],
    as_of: datetime,
    cycle_id: str | None,
    scan: int | None,
) -> int:
    """Store them all at once, naming new securities; what a scan already has stays as it is. Returns how many were new.

    COPY cannot step over rows that exist, hence one INSERT of one JSON array. Its order is the order in which new
    securities are locked: callers sort by symbol, so that no two of them block each other.
    """
    rows = orjson.dumps([one.model_dump() for one in evidence]).decode()
    status: str = await pool.execute(
        "INSERT INTO technical_indicators"
        " (cycle_id, scan, symbol, as_of, score, atr, support, resistance, parts, weights, indicators, rests_on,"
        " refused)"
        " SELECT $1, $2, symbol, $3, score, atr, support, resistance, parts, weights, indicators, rests_on, refused"
        " FROM jsonb_to_recordset($4::text::jsonb) AS r(symbol text, score float8, atr float8, support float8,"
        " resistance float8, parts jsonb, weights jsonb, indicators jsonb, rests_on text, refused text),"
        " get_or_create_security(r.symbol)"
        " ON CONFLICT (cycle_id, scan, symbol) DO NOTHING",
        cycle_id,
        scan,
        as_of,
        rows,
    )
    return int(status.rpartition(" ")[2])


async def stored(
    pool: asyncpg.Pool, cycle_id: str | None, scan: int | None, symbols: Sequence[str]
) -> dict[str, TechnicalEvidence]:
    """What this scan already knows about these symbols; nothing outside a scan."""
    rows = await pool.fetch(
        "SELECT symbol, score, atr, support, resistance, parts::text, weights::text, indicators::text, rests_on,"
        " refused"
        " FROM technical_indicators WHERE cycle_id = $1 AND scan = $2 AND symbol = ANY($3::text[])",
        cycle_id,
        scan,
        list(symbols),
    )
    return {
        row["symbol"]: TechnicalEvidence.model_validate(
            dict(row) | {name: orjson.loads(row[name]) for name in ("parts", "weights", "indicators")}
        )
        for row in rows
    }
