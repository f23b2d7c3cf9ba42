"""Rows of pattern_analysis: one for each symbol and scan; an assessment outside a scan adds rows of its own."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import orjson

from services.pattern.rules.read import best_of
from shared.domain.evidence import PatternEvidence


async def save(
    pool: asyncpg.Pool, evidence: Sequence[PatternEvidence], as_of: datetime, cycle_id: str | None, scan: int | None
) -> None:
    """Store them all at once, naming new securities; what a scan already has stays as it is.

    Callers sort by symbol: new securities are locked in that order.
    """
    rows = orjson.dumps([_flat(one) for one in evidence]).decode()
    await pool.execute(
        "INSERT INTO pattern_analysis (cycle_id, scan, symbol, as_of, score, name, direction, status, confidence,"
        " detections, support, resistance, rests_on, refused)"
        " SELECT $1, $2, symbol, $3, score, name, direction, status, confidence, detections, support, resistance,"
        " rests_on, refused FROM jsonb_to_recordset($4::text::jsonb) AS r(symbol text, score float8, name text,"
        " direction text, status text, confidence float8, detections jsonb, support float8[], resistance float8[],"
        " rests_on text, refused text), get_or_create_security(r.symbol)"
        " ON CONFLICT (cycle_id, scan, symbol) DO NOTHING",
        cycle_id,
        scan,
        as_of,
        rows,
    )


def _flat(one: PatternEvidence) -> dict[str, object]:
    """The evidence with its best figure's name, direction, status and confidence as columns of their own."""
    best = one.best.model_dump(include={"name", "direction", "status", "confidence"}) if one.best else {}
    return one.model_dump(mode="json", exclude={"best"}) | best


async def stored(
    pool: asyncpg.Pool, cycle_id: str | None, scan: int | None, symbols: Sequence[str]
) -> dict[str, PatternEvidence]:
    """What this scan already knows about these symbols; nothing outside a scan."""
    rows = await pool.fetch(
        "SELECT symbol, score, detections::text, support, resistance, rests_on, refused FROM pattern_analysis"
        " WHERE cycle_id = $1 AND scan = $2 AND symbol = ANY($3::text[])",
        cycle_id,
        scan,
        list(symbols),
    )
    known = [
        PatternEvidence.model_validate(dict(row) | {"detections": orjson.loads(row["detections"])}) for row in rows
    ]
    return {one.symbol: one.model_copy(update={"best": best_of(one.detections)}) for one in known}
