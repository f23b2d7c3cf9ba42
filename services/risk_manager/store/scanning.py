"""What the tables say about scanning: other services own them."""

from datetime import date, datetime

from services.risk_manager.rules.silence import Scanning
from services.risk_manager.store.outbox import Reader


async def scanning_on(db: Reader, day: date, since: datetime) -> Scanning:
    """The newest scan that started since a moment, and the day's newest cycle."""
    sql = """
        SELECT (SELECT max(started_at) FROM scans WHERE started_at >= $2) AS last_scan_at,
               c.cycle_id, c.status, c.driven_by, c.scan_frequency_seconds
        FROM (SELECT 1) AS one LEFT JOIN trading_cycles c ON c.cycle_id = (
            SELECT cycle_id FROM trading_cycles WHERE trading_day = $1 OR status IN ('running', 'stopping')
            ORDER BY status IN ('running', 'stopping') DESC, started_at DESC LIMIT 1)"""
    row = await db.fetchrow(sql, day, since)
    assert row is not None
    return Scanning(**dict(row))
