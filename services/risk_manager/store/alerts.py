"""Alerts as people handle them: listed, acknowledged."""

from datetime import datetime

from services.risk_manager.rules.paging import AlertView
from services.risk_manager.store.outbox import IS_UNSEEN, Reader

VIEW = f"""
    SELECT a.alert_id, a.service, a.severity, a.kind, a.message, a.cycle_id, a.occurred_at,
           coalesce((SELECT max(d.pages) FROM alert_deliveries d WHERE d.alert_id = a.alert_id), 0) AS pages,
           k.acknowledged_at, k.acknowledged_by, k.note, {IS_UNSEEN} AS open
    FROM alerts a LEFT JOIN alert_acknowledgements k USING (alert_id)"""


async def list_alerts(db: Reader, only_open: bool, limit: int) -> tuple[AlertView, ...]:
    """Newest first; `only_open`: critical ones that nobody has acknowledged and whose condition is not over."""
    where = f"WHERE {IS_UNSEEN}" if only_open else ""
    rows = await db.fetch(f"{VIEW} {where} ORDER BY a.alert_id DESC LIMIT $1", limit)
    return tuple(AlertView(**dict(row)) for row in rows)


async def alert(db: Reader, alert_id: int) -> AlertView | None:
    row = await db.fetchrow(f"{VIEW} WHERE a.alert_id = $1", alert_id)
    return AlertView(**dict(row)) if row else None


async def count_unseen(db: Reader) -> int:
    """Critical alerts that nobody has acknowledged and whose condition is not over."""
    return int(await db.fetchval(f"SELECT count(*) FROM alerts a WHERE {IS_UNSEEN}"))


async def is_unseen(db: Reader, service: str, kind: str) -> bool:
    """Whether an open alert of a kind is there."""
    sql = f"SELECT EXISTS (SELECT FROM alerts a WHERE a.service = $1 AND a.kind = $2 AND {IS_UNSEEN})"
    return bool(await db.fetchval(sql, service, kind))


async def acknowledge(db: Reader, alert_id: int, by: str, note: str, at: datetime) -> list[int]:
    """Acknowledge an alert, and with it earlier ones that say the same; returns the ids that were not before."""
    sql = """
        INSERT INTO alert_acknowledgements (alert_id, acknowledged_by, note, acknowledged_at)
        SELECT same.alert_id, $2, $3, $4 FROM alerts a JOIN alerts same
          ON same.service = a.service AND same.kind = a.kind AND same.message = a.message
         AND same.severity = a.severity AND same.alert_id <= a.alert_id
        WHERE a.alert_id = $1 ON CONFLICT (alert_id) DO NOTHING RETURNING alert_id"""
    return sorted(row["alert_id"] for row in await db.fetch(sql, alert_id, by, note, at))


async def stop_paging(db: Reader, ids: list[int]) -> None:
    """What waits to be sent once more is not; what was never sent still goes."""
    sql = "UPDATE alert_deliveries SET state = 'sent' WHERE alert_id = ANY($1::bigint[]) AND pages > 0"
    await db.execute(sql + " AND state = 'waiting'", ids)
