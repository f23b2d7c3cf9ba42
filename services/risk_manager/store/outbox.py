"""The outbox in SQL: alerts on their way to people, and those that are sent again until somebody has seen them."""

from collections.abc import Sequence

import asyncpg

from services.risk_manager.rules.mail import GAP_SECONDS, TEST_KIND, WINDOW_SECONDS, WaitingAlert
from shared.journal import Connection

Reader = asyncpg.Pool | Connection
IS_UNSEEN = """a.severity = 'critical' AND a.kind <> 'test'
    AND NOT EXISTS (SELECT FROM alert_acknowledgements k WHERE k.alert_id = a.alert_id)
    AND NOT EXISTS (SELECT FROM events e WHERE e.kind = 'alert.over' AND e.service = a.service
                    AND e.payload ->> 'kind' = a.kind AND e.occurred_at >= a.occurred_at)"""
"""Of an alert `a`: nobody has acknowledged it, and its service has not said that its condition is over."""


async def enrol_alerts(db: Reader, ways: Sequence[str]) -> None:
    """Give every new alert its places in the outbox, one for each way to people (the wall's time).

    It is due after its severity's window, and not sooner than its gap after the last message of that severity.
    """
    sql = """
        INSERT INTO alert_deliveries (alert_id, channel, state, next_attempt_at)
        SELECT a.alert_id, way, 'waiting', greatest(
            now() + make_interval(secs => ($2::jsonb ->> a.severity)::float),
            CASE WHEN a.kind <> $4 THEN make_interval(secs => ($3::jsonb ->> a.severity)::float) + (
                SELECT max(s.delivered_at) FROM alert_deliveries s JOIN alerts t USING (alert_id)
                WHERE s.channel = way AND s.state = 'sent' AND t.severity = a.severity AND t.kind <> $4) END)
        FROM alerts a CROSS JOIN unnest($1::text[]) AS way
        WHERE NOT EXISTS (SELECT FROM alert_deliveries d WHERE d.alert_id = a.alert_id)
        ON CONFLICT (alert_id, channel) DO NOTHING"""
    await db.execute(sql, list(ways), WINDOW_SECONDS, GAP_SECONDS, TEST_KIND)


async def claim_alerts(db: Reader, way: str, lease_seconds: float, most: int) -> list[WaitingAlert]:
    """Alerts to send now: those due, and with them the new ones of the same severity. Tests go by themselves.

    They are ours for the lease; whoever dies with them in hand gives them back by doing nothing.
    """
    sql = """
        WITH due AS (
            SELECT DISTINCT a.severity, a.kind = $4 AS test FROM alert_deliveries d JOIN alerts a USING (alert_id)
            WHERE d.channel = $3 AND d.state = 'waiting' AND d.next_attempt_at <= now()
        ), picked AS (
            SELECT d.alert_id FROM alert_deliveries d JOIN alerts a USING (alert_id)
            JOIN due ON due.severity = a.severity AND due.test = (a.kind = $4)
            WHERE d.channel = $3 AND d.state = 'waiting' AND (d.next_attempt_at <= now() OR d.attempts = 0)
            ORDER BY d.alert_id LIMIT $2 FOR UPDATE OF d SKIP LOCKED
        ), claimed AS (
            UPDATE alert_deliveries d SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $1)
            FROM picked WHERE d.alert_id = picked.alert_id AND d.channel = $3
            RETURNING d.alert_id, d.attempts, d.pages
        )
        SELECT a.alert_id, a.service, a.severity, a.kind, a.message, a.cycle_id, a.occurred_at, claimed.attempts,
               claimed.pages
        FROM claimed JOIN alerts a USING (alert_id) ORDER BY a.alert_id"""
    return [WaitingAlert(**dict(row)) for row in await db.fetch(sql, lease_seconds, most, way, TEST_KIND)]


async def settle_alerts(
    db: Reader, way: str, ids: Sequence[int], state: str, error: str | None, retry_seconds: float
) -> None:
    """How an attempt ended."""
    sql = (
        "UPDATE alert_deliveries SET state = $2, last_error = $3,"
        " next_attempt_at = CASE WHEN $2 = 'waiting' THEN now() + make_interval(secs => $4) END,"
        " delivered_at = CASE WHEN $2 = 'sent' THEN now() END,"
        " first_sent_at = CASE WHEN $2 = 'sent' THEN coalesce(first_sent_at, now()) ELSE first_sent_at END,"
        " pages = pages + CASE WHEN $2 = 'sent' THEN 1 ELSE 0 END WHERE alert_id = ANY($1::bigint[]) AND channel = $5"
    )
    await db.execute(sql, list(ids), state, error, retry_seconds, way)


async def alerts_waiting(db: Reader) -> int:
    """Alerts that some way to people has not taken yet."""
    sql = (
        "SELECT count(*) FROM alerts a WHERE EXISTS (SELECT FROM alert_deliveries d"
        " WHERE d.alert_id = a.alert_id AND d.state = 'waiting')"
        " OR NOT EXISTS (SELECT FROM alert_deliveries d WHERE d.alert_id = a.alert_id)"
    )
    return int(await db.fetchval(sql))


async def page_again(db: Reader, way: str, after_seconds: float, most_a_day: int) -> list[int]:
    """Put unseen critical alerts back into the outbox; returns their ids.

    None before one of them was sent so long ago; then all that were sent at least half as long ago go together.
    """
    sql = f"""
        WITH unseen AS (
            SELECT d.alert_id, d.delivered_at FROM alert_deliveries d JOIN alerts a USING (alert_id)
            WHERE d.channel = $1 AND d.state = 'sent' AND {IS_UNSEEN}
              AND d.delivered_at <= now() - make_interval(secs => $2 / 2)
              AND d.pages < $3 * (1 + floor(extract(epoch FROM now() - d.first_sent_at) / 86400)))
        UPDATE alert_deliveries d SET state = 'waiting', attempts = 0, next_attempt_at = now()
        FROM unseen WHERE d.alert_id = unseen.alert_id AND d.channel = $1
          AND (SELECT min(delivered_at) FROM unseen) <= now() - make_interval(secs => $2)
        RETURNING d.alert_id"""
    return [row["alert_id"] for row in await db.fetch(sql, way, after_seconds, most_a_day)]
