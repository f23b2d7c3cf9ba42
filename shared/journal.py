"""The two journals: events (what happened) and alerts (what a person must know), in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
Severity = Literal["info", "warning", "critical"]
CHANNEL = "catalyst_events"


@dataclass(frozen=True)
class Event:
    """One row of `events`."""

    event_id: int
    service: str
    kind: str
    cycle_id: str | None
    payload: dict[str, Any]
    occurred_at: datetime


async def append_event(
    connection: Connection,
    service: str,
    kind: str,
    at: datetime,
    payload: dict[str, Any] | None = None,
    cycle_id: str | None = None,
) -> int:
    """Append one event; listeners hear of it when the caller's transaction commits. Returns its id."""
    sql = (
        "WITH new AS (INSERT INTO events (service, kind, cycle_id, payload, occurred_at) VALUES ($1, $2, $3, $4, $5)"
        " RETURNING event_id) SELECT event_id, pg_notify($6, $2 || ':' || event_id) FROM new"
    )
    return int(await connection.fetchval(sql, service, kind, cycle_id, payload or {}, at, CHANNEL))


async def raise_alert(
    connection: Connection,
    service: str,
    severity: Severity,
    kind: str,
    message: str,
    at: datetime,
    cycle_id: str | None = None,
) -> int:
    """Put an alert into the outbox; the risk manager mails it. Returns its id."""
    sql = (
        "INSERT INTO alerts (service, severity, kind, message, cycle_id, occurred_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) RETURNING alert_id"
    )
    return int(await connection.fetchval(sql, service, severity, kind, message, cycle_id, at))


async def end_alert(connection: Connection, service: str, kind: str, at: datetime) -> int:
    """Say that the condition behind a service's alerts of a kind is over: what nobody has seen yet calls no more."""
    return await append_event(connection, service, "alert.over", at, {"kind": kind})


async def events_after(connection: Connection, event_id: int, kind: str) -> list[Event]:
    """Events of one kind with a higher id, oldest first: what a listener missed while it was away."""
    sql = (
        "SELECT event_id, service, kind, cycle_id, payload, occurred_at FROM events"
        " WHERE event_id > $1 AND kind = $2 ORDER BY event_id"
    )
    rows = await connection.fetch(sql, event_id, kind)
    return [Event(**dict(row)) for row in rows]
