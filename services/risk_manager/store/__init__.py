"""SQL of the risk manager: its own tables, and what it reads of others' to judge by."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from services.risk_manager.rules.book import Holding
from services.risk_manager.rules.day import HeldOver, OpenPosition, Realized
from services.risk_manager.rules.judge import Decision
from services.risk_manager.rules.stop import Halt, Notice
from services.risk_manager.store.outbox import alerts_waiting as alerts_waiting
from services.risk_manager.store.outbox import claim_alerts as claim_alerts
from services.risk_manager.store.outbox import enrol_alerts as enrol_alerts
from services.risk_manager.store.outbox import page_again as page_again
from services.risk_manager.store.outbox import settle_alerts as settle_alerts
from shared.account_lock import FLATTENING
from shared.journal import Connection

Reader = asyncpg.Pool | Connection
Row = dict[str, Any]
DECIDING = 7_005_001
IS_OPEN = "status NOT IN ('filled', 'canceled', 'expired', 'rejected', 'replaced', 'refused')"


async def take_turn(connection: Connection) -> None:
    """Wait until no other transaction decides: each must see the approvals of the one before."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", DECIDING)


async def cycle_exists(db: Reader, cycle_id: str) -> bool:
    return bool(await db.fetchval("SELECT EXISTS (SELECT FROM trading_cycles WHERE cycle_id = $1)", cycle_id))


async def running_cycle(db: Reader) -> tuple[str | None, Decimal | None]:
    """Id and daily loss limit of the cycle that runs; nothing twice when none does."""
    sql = "SELECT cycle_id, max_daily_loss FROM trading_cycles WHERE status IN ('running', 'stopping')"
    row = await db.fetchrow(sql)
    return (row["cycle_id"], row["max_daily_loss"]) if row else (None, None)


async def is_known(db: Reader, symbol: str) -> bool:
    return bool(await db.fetchval("SELECT EXISTS (SELECT FROM securities WHERE symbol = $1)", symbol))


async def register(db: Reader, symbols: Sequence[str]) -> None:
    """Rows in securities for symbols that have none; decisions refer to them.

    In one order, whatever was asked: two requests that each wait for the other's new name would wait for ever.
    """
    await db.execute("SELECT get_or_create_security(s) FROM unnest($1::text[]) AS s", sorted(symbols))


async def sectors(db: Reader, symbols: Sequence[str]) -> dict[str, str]:
    sql = "SELECT s.symbol, c.name FROM securities s JOIN sectors c USING (sector_id) WHERE s.symbol = ANY($1::text[])"
    return {row["symbol"]: row["name"] for row in await db.fetch(sql, list(symbols))}


async def decisions_by_id(db: Reader, ids: Sequence[UUID]) -> dict[UUID, Row]:
    rows = await db.fetch("SELECT * FROM risk_decisions WHERE decision_id = ANY($1::uuid[])", list(ids))
    return {row["decision_id"]: dict(row) for row in rows}


async def holdings(db: Reader, now: datetime, replaced: Sequence[UUID]) -> tuple[Holding, ...]:
    """Open positions, entries on their way (what no position holds yet) and live approvals no order has used.

    `replaced` are approvals that the present question takes the place of.
    """
    sql = f"""
        SELECT p.symbol, 'position' AS kind, c.name AS sector, p.quantity * p.entry_price AS value,
               p.quantity * greatest(p.entry_price - coalesce(p.stop_price, 0), 0) AS risk
        FROM positions p JOIN securities s USING (symbol) LEFT JOIN sectors c USING (sector_id)
        WHERE p.status = 'open' AND p.origin = 'system'
        UNION ALL
        SELECT o.symbol, 'entry', c.name, o.shares * coalesce(d.limit_price, d.reference_price),
               o.shares * (coalesce(d.limit_price, d.reference_price) - d.stop_price)
        FROM (SELECT symbol, decision_id,
                     CASE WHEN {IS_OPEN} THEN quantity ELSE filled_quantity END - booked_quantity AS shares
              FROM orders WHERE purpose = 'entry') o
        JOIN risk_decisions d USING (decision_id)
        JOIN securities s ON s.symbol = o.symbol LEFT JOIN sectors c USING (sector_id)
        WHERE o.shares > 0
        UNION ALL
        SELECT d.symbol, 'approval', c.name, d.quantity * coalesce(d.limit_price, d.reference_price),
               d.quantity * (coalesce(d.limit_price, d.reference_price) - d.stop_price)
        FROM risk_decisions d JOIN securities s USING (symbol) LEFT JOIN sectors c USING (sector_id)
        WHERE d.kind = 'order' AND d.verdict = 'approved' AND d.expires_at > $1
          AND NOT d.decision_id = ANY($2::uuid[])
          AND NOT EXISTS (SELECT FROM orders o WHERE o.decision_id = d.decision_id)
        ORDER BY 2, 1"""
    return tuple(Holding(**dict(row)) for row in await db.fetch(sql, now, list(replaced)))


async def last_losses(db: Reader, symbols: Sequence[str]) -> dict[str, datetime]:
    """When each symbol was last closed at a loss."""
    sql = (
        "SELECT symbol, max(exit_time) AS at FROM positions WHERE status = 'closed' AND realized_pnl < 0"
        " AND symbol = ANY($1::text[]) GROUP BY symbol"
    )
    return {row["symbol"]: row["at"] for row in await db.fetch(sql, list(symbols))}


async def approvals_of_day(db: Reader, symbols: Sequence[str], prefix: str) -> dict[str, int]:
    """How many entries of each symbol were approved before under this day's ids, used or not.

    One that expired unused keeps its number: an id is never given to two different orders.
    """
    sql = (
        "SELECT symbol, count(*) AS n FROM risk_decisions WHERE kind = 'order' AND verdict = 'approved'"
        " AND symbol = ANY($1::text[]) AND starts_with(client_order_id, $2) GROUP BY symbol"
    )
    return {row["symbol"]: row["n"] for row in await db.fetch(sql, list(symbols), prefix)}


async def entries_of_day(db: Reader, now: datetime, prefix: str, replaced: Sequence[UUID]) -> int:
    """Entries under this day's ids that were sent and not refused, and approvals that may still be."""
    sql = (
        "SELECT count(*) FROM risk_decisions d LEFT JOIN orders o ON o.decision_id = d.decision_id"
        " AND o.purpose = 'entry' WHERE d.kind = 'order' AND d.verdict = 'approved'"
        " AND starts_with(d.client_order_id, $2) AND CASE WHEN o.order_id IS NULL THEN d.expires_at > $1"
        " AND NOT d.decision_id = ANY($3::uuid[])"
        " ELSE o.filled_quantity > 0 OR o.status NOT IN ('refused', 'rejected') END"
    )
    return int(await db.fetchval(sql, now, prefix, list(replaced)))


async def insert_decisions(connection: Reader, decisions: Sequence[Decision]) -> None:
    """Store verdicts with all their checks; one that stands already is left as it is."""
    rows = []
    for one in decisions:
        verdict, order = one.verdict, one.verdict.order
        rows.append((
            verdict.decision_id, one.cycle_id, one.scan, one.kind, "approved" if verdict.approved else "refused",
            verdict.symbol, "long", order.client_order_id if order else None, one.quantity, one.reference_price,
            one.stop_price, one.take_profit_price, order.expires_at if order else None, verdict.reason,
            verdict.risk_score, verdict.risk_amount, [check.model_dump() for check in verdict.checks], one.decided_at,
            order.limit_price if order else None, one.inputs,
        ))  # fmt: skip
    sql = (
        "INSERT INTO risk_decisions (decision_id, cycle_id, scan, kind, verdict, symbol, side, client_order_id,"
        " quantity, reference_price, stop_price, take_profit_price, expires_at, reason, risk_score, risk_amount,"
        " checks, decided_at, limit_price, inputs)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)"
        " ON CONFLICT (decision_id) DO NOTHING"
    )
    await connection.executemany(sql, rows)


async def decisions_of_scan(db: Reader, cycle_id: str, scan: int) -> list[Row]:
    """Every verdict on a scan's candidates, of all attempts; answers to mere questions left out."""
    sql = "SELECT * FROM risk_decisions WHERE cycle_id = $1 AND scan = $2 AND kind = 'order'"
    return [dict(row) for row in await db.fetch(sql, cycle_id, scan)]


async def list_decisions(db: Reader, cycle_id: str, scan: int | None, limit: int) -> list[Row]:
    """A cycle's decisions, newest first."""
    sql = (
        "SELECT * FROM risk_decisions WHERE cycle_id = $1 AND ($2::integer IS NULL OR scan = $2)"
        " ORDER BY decided_at DESC, symbol LIMIT $3"
    )
    return [dict(row) for row in await db.fetch(sql, cycle_id, scan, limit)]


async def open_positions(db: Reader) -> tuple[OpenPosition, ...]:
    sql = (
        "SELECT symbol, side, quantity, entry_price, net AS realized, stop_price, entry_time"
        " FROM positions JOIN position_results USING (position_id)"
        " WHERE status = 'open' AND origin = 'system' ORDER BY symbol"
    )
    return tuple(OpenPosition(**dict(row)) for row in await db.fetch(sql))


async def realized_since(db: Reader, since: datetime) -> Realized:
    """What positions of ours entered since then have earned by their exits, net of fees charged and expected, USD."""
    sql = """
        SELECT coalesce(sum(net) FILTER (WHERE status = 'closed'), 0) AS closed,
               coalesce(sum(net) FILTER (WHERE NOT by_hand), 0) AS own
        FROM (SELECT p.status, r.net, EXISTS (
                  SELECT FROM executions e JOIN orders o USING (order_id) WHERE e.position_id = p.position_id
                  AND o.purpose = 'foreign' AND (e.side = 'buy') = (p.side = 'long')) AS by_hand
              FROM positions p JOIN position_results r USING (position_id)
              WHERE p.origin = 'system' AND p.entry_time >= $1) entered"""
    rows = await db.fetch(sql, since)
    return Realized(**dict(rows[0]))


async def held_over(db: Reader, since: datetime) -> tuple[HeldOver, ...]:
    """Positions of ours entered before that are open or were closed since, with what was exited of them since."""
    sql = """
        SELECT p.symbol, p.side, coalesce(sum(e.quantity), 0)::integer AS exited_quantity,
               coalesce(sum(e.quantity * e.price), 0) AS exited_value,
               coalesce(sum(e.fee + e.fee_accrued), 0) AS fees
        FROM positions p LEFT JOIN executions e ON e.position_id = p.position_id AND e.executed_at >= $1
             AND (e.side = 'sell') = (p.side = 'long')
        WHERE p.origin = 'system' AND p.entry_time < $1 AND (p.status = 'open' OR p.exit_time >= $1)
        GROUP BY p.position_id, p.symbol, p.side ORDER BY p.symbol"""
    return tuple(HeldOver(**dict(row)) for row in await db.fetch(sql, since))


async def active_halt(db: Reader) -> Halt | None:
    sql = "SELECT halt_id, reason, latched_at, flat_at, resume_after FROM halts WHERE released_at IS NULL"
    row = await db.fetchrow(sql)
    return Halt(**dict(row)) if row else None


async def latch(connection: Connection, reason: str, closes: bool, at: datetime, resume_after: datetime) -> bool:
    """Halt; False when a halt stands already. A stop that closes makes a standing halt close again, too.

    One that closes nothing has nothing to see flat: it counts as flat from the start.
    """
    sql = (
        "INSERT INTO halts AS h (reason, latched_at, flat_at, resume_after)"
        " VALUES ($1, $2, CASE WHEN $3 THEN NULL ELSE $2::timestamptz END, $4)"
        " ON CONFLICT ((true)) WHERE released_at IS NULL"
        " DO UPDATE SET flat_at = CASE WHEN $3 THEN NULL ELSE h.flat_at END RETURNING xmax = 0"
    )
    return bool(await connection.fetchval(sql, reason, at, closes, resume_after))


async def flatten_to_halt_on(db: Reader) -> int | None:
    """The newest journal entry of a flatten that no halt has followed."""
    sql = (
        "SELECT max(event_id) FROM events WHERE kind = $1 AND event_id > coalesce("
        "(SELECT max((payload->>'flatten')::bigint) FROM events WHERE kind = 'flatten.halted'), 0)"
    )
    return await db.fetchval(sql, FLATTENING)  # type: ignore[no-any-return]


async def mark_flat(connection: Reader, halt_id: int, at: datetime) -> bool:
    """True when it was not marked before."""
    sql = "UPDATE halts SET flat_at = $2 WHERE halt_id = $1 AND flat_at IS NULL RETURNING halt_id"
    return await connection.fetchval(sql, halt_id, at) is not None


async def release(connection: Reader, halt_id: int, reason: str, at: datetime) -> bool:
    sql = (
        "UPDATE halts SET released_at = $2, released_reason = $3 WHERE halt_id = $1 AND released_at IS NULL"
        " RETURNING halt_id"
    )
    return await connection.fetchval(sql, halt_id, at, reason) is not None


async def add_risk_event(connection: Connection, notice: Notice, at: datetime, cycle_id: str | None) -> None:
    sql = (
        "INSERT INTO risk_events (event_type, severity, message, cycle_id, payload, occurred_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)"
    )
    await connection.execute(sql, notice.kind, notice.severity, notice.message, cycle_id, notice.payload, at)


async def happened_since(db: Reader, kind: str, since: datetime) -> bool:
    sql = "SELECT EXISTS (SELECT FROM risk_events WHERE event_type = $1 AND occurred_at >= $2)"
    return bool(await db.fetchval(sql, kind, since))


async def clock_apart(db: Reader) -> float | None:
    """Seconds by which our clock is surely off the broker's, as trading compared them last."""
    sql = "SELECT greatest(0, abs(offset_seconds) - uncertainty_seconds) FROM clock_offset"
    found = await db.fetchval(sql)
    return None if found is None else float(found)


async def last_event(db: Reader, kinds: Sequence[str]) -> Row | None:
    """Kind and payload of the newest event of these kinds."""
    sql = "SELECT kind, payload, occurred_at FROM events WHERE kind = ANY($1::text[]) ORDER BY event_id DESC LIMIT 1"
    row = await db.fetchrow(sql, list(kinds))
    return dict(row) if row else None


async def list_risk_events(db: Reader, limit: int) -> list[Row]:
    sql = "SELECT * FROM risk_events ORDER BY risk_event_id DESC LIMIT $1"
    return [dict(row) for row in await db.fetch(sql, limit)]
