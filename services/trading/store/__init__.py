"""SQL of trading: orders and positions; what is booked on them is in booked.py. One function, one statement."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from services.trading.rules.limits import AtWork
from services.trading.rules.orders import OrderRow
from services.trading.rules.positions import Fill, Fold, PositionRow
from services.trading.store.clock import last_clock_reading as last_clock_reading
from services.trading.store.clock import write_clock_reading as write_clock_reading
from shared.account_lock import FLATTENING
from shared.domain.order import BrokerOrder, RefusalCode
from shared.domain.position import Origin
from shared.journal import Connection

Source = asyncpg.Pool | Connection
ENTERING = 7_006_001
_FINAL = "('filled', 'canceled', 'expired', 'rejected', 'replaced', 'refused')"
_ORDER = (
    "order_id, client_order_id, broker_order_id, parent_order_id, cycle_id, symbol, side, purpose, type, order_class,"
    " status, quantity, filled_quantity, booked_quantity, filled_average_price, limit_price, stop_price, decision_id,"
    " decision_stop, decision_target, decision_expires_at, reason, cancel_reason, exit_reason, created_at,"
    " submitted_at, updated_at, origin, time_in_force, refusal"
)
_POSITION = (
    "position_id, cycle_id, symbol, side, status, quantity, entry_quantity, entry_price, entry_time, exit_price,"
    " exit_time, exit_reason, realized_pnl, stop_price, take_profit_price, locked, lock_reason, origin,"
    " updated_at"
)


def _order(row: Any) -> OrderRow | None:
    return OrderRow(**dict(row)) if row is not None else None


def _written(row: Any) -> OrderRow:
    return OrderRow(**dict(row))


def _orders(rows: list[Any]) -> tuple[OrderRow, ...]:
    return tuple(OrderRow(**dict(row)) for row in rows)


def _positions(rows: list[Any]) -> tuple[PositionRow, ...]:
    return tuple(PositionRow(**dict(row)) for row in rows)


async def insert_order(source: Source, order: OrderRow) -> None:
    """A new order. Raises asyncpg's ForeignKeyViolationError for an entry that is not approved as it stands, and
    UniqueViolationError (with the constraint's name) for an id, decision or symbol already in use.
    """
    names = [name.strip() for name in _ORDER.split(",")]
    numbers = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    await source.execute(f"INSERT INTO orders ({_ORDER}) VALUES ({numbers})", *(getattr(order, n) for n in names))


async def know_symbol(source: Source, symbol: str) -> None:
    await source.execute("SELECT get_or_create_security($1)", symbol)


async def order_by_id(source: Source, order_id: UUID) -> OrderRow | None:
    return _order(await source.fetchrow(f"SELECT {_ORDER} FROM orders WHERE order_id = $1", order_id))


async def order_by_client_id(source: Source, client_order_id: str) -> OrderRow | None:
    return _order(await source.fetchrow(f"SELECT {_ORDER} FROM orders WHERE client_order_id = $1", client_order_id))


async def order_by_broker_id(source: Source, broker_order_id: str) -> OrderRow | None:
    return _order(await source.fetchrow(f"SELECT {_ORDER} FROM orders WHERE broker_order_id = $1", broker_order_id))


async def lock_order(connection: Connection, order_id: UUID) -> OrderRow:
    """The order as it is, held until the transaction ends."""
    row = await connection.fetchrow(f"SELECT {_ORDER} FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
    return _written(row)


async def forbidden(source: Source, decision_id: UUID | None) -> str | None:
    """Why an approval may not be used any more: halted, now or since it was given, or everything was closed since."""
    reason = await source.fetchval(
        "WITH given AS (SELECT decided_at FROM risk_decisions WHERE decision_id = $1)"
        " SELECT words FROM (SELECT 'halted: ' || reason AS words, latched_at AS at FROM halts"
        " WHERE released_at IS NULL OR latched_at >= (SELECT decided_at FROM given)"
        " UNION ALL SELECT 'approved before everything was closed: decide again', occurred_at FROM events"
        f" WHERE kind IN ('everything.closing', '{FLATTENING}') AND occurred_at >= (SELECT decided_at FROM given))"
        " AS said ORDER BY at DESC, words LIMIT 1",
        decision_id,
    )
    return str(reason) if reason is not None else None


async def unsettled(source: Source) -> tuple[OrderRow, ...]:
    """Orders of which more may come: not final, or filled beyond what is booked. Parents first."""
    rows = await source.fetch(
        f"SELECT {_ORDER} FROM orders WHERE status NOT IN {_FINAL} OR booked_quantity < filled_quantity"
        " ORDER BY symbol, parent_order_id IS NOT NULL, created_at, client_order_id"
    )
    return _orders(rows)


async def working(source: Source, symbol: str) -> tuple[OrderRow, ...]:
    """A symbol's orders that are not settled, and the parents of those that are legs."""
    rows = await source.fetch(
        f"SELECT {_ORDER} FROM orders AS o WHERE symbol = $1 AND (status NOT IN {_FINAL}"
        " OR booked_quantity < filled_quantity OR EXISTS (SELECT 1 FROM orders AS leg"
        f" WHERE leg.parent_order_id = o.order_id AND leg.status NOT IN {_FINAL}))"
        " ORDER BY created_at, client_order_id",
        symbol,
    )
    return _orders(rows)


async def last_exits(
    source: Source, symbol: str, since: datetime, most: int, origin: Origin = "system"
) -> tuple[OrderRow, ...]:
    """The newest exits and protective orders sent since a moment, newest first."""
    rows = await source.fetch(
        f"SELECT {_ORDER} FROM orders WHERE symbol = $1 AND purpose IN ('exit', 'protect') AND created_at >= $2"
        " AND origin = $4 ORDER BY created_at DESC, length(client_order_id) DESC, client_order_id DESC LIMIT $3",
        *(symbol, since, most, origin),
    )
    return _orders(rows)


async def ids_like(source: Source, prefix: str) -> int:
    """How many client order ids begin so."""
    return int(await source.fetchval("SELECT count(*) FROM orders WHERE starts_with(client_order_id, $1)", prefix))


async def list_orders(
    source: Source, cycle_id: str | None, symbol: str | None, status: str | None, limit: int
) -> tuple[OrderRow, ...]:
    """Newest first."""
    rows = await source.fetch(
        f"SELECT {_ORDER} FROM orders WHERE ($1::text IS NULL OR cycle_id = $1) AND ($2::text IS NULL OR symbol = $2)"
        f" AND ($3::text IS NULL OR status = $3 OR ($3 = 'open' AND status NOT IN {_FINAL}))"
        " ORDER BY created_at DESC, client_order_id LIMIT $4",
        cycle_id,
        symbol,
        status,
        limit,
    )
    return _orders(rows)


async def record_told(source: Source, order: OrderRow, told: BrokerOrder, status: str) -> OrderRow:
    """What the broker says, onto the row. An entry's quantity is what was approved and never changes."""
    row = await source.fetchrow(
        "UPDATE orders SET broker_order_id = $2, status = $3, filled_quantity = greatest(filled_quantity, $4),"
        " filled_average_price = coalesce($5, filled_average_price), submitted_at = coalesce(submitted_at, $6),"
        " updated_at = CASE WHEN broker_order_id IS NULL THEN $7 ELSE greatest(updated_at, $7) END,"
        " quantity = CASE WHEN purpose = 'entry' OR $8 < 1 THEN quantity"
        f" ELSE greatest($8, filled_quantity, $4) END WHERE order_id = $1 RETURNING {_ORDER}",
        *(order.order_id, told.id, status, told.filled_quantity, told.filled_average_price),
        *(told.submitted_at, told.updated_at, told.quantity),
    )
    return _written(row)


async def mark_order(
    source: Source, order_id: UUID, status: str, reason: str, at: datetime, refusal: RefusalCode | None = None
) -> OrderRow:
    """A status of our own making: turned down, or given up before it reached the broker."""
    row = await source.fetchrow(
        "UPDATE orders SET status = $2, reason = $3, updated_at = $4, refusal = $5"
        f" WHERE order_id = $1 RETURNING {_ORDER}",
        *(order_id, status, reason, at, refusal),
    )
    return _written(row)


async def take_turn(connection: Connection) -> None:
    """Wait until no other entry is being stored: each must see the one before."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", ENTERING)


async def at_work(connection: Connection) -> AtWork:
    """Open positions of ours, and entries on their way for what they may still buy at their limit."""
    rows = await connection.fetch(
        "SELECT coalesce(array_agg(DISTINCT symbol), '{}') AS symbols, coalesce(sum(value), 0) AS exposure FROM ("
        " SELECT symbol, quantity * entry_price AS value FROM positions WHERE status = 'open' AND origin = 'system'"
        " UNION ALL"
        f" SELECT symbol, (CASE WHEN status NOT IN {_FINAL} THEN quantity ELSE filled_quantity END - booked_quantity)"
        f" * limit_price FROM orders WHERE purpose = 'entry' AND (status NOT IN {_FINAL}"
        " OR booked_quantity < filled_quantity)) AS work",
    )
    return AtWork(frozenset(rows[0]["symbols"]), rows[0]["exposure"])


async def mark_arrived(source: Source, order_id: UUID, at: datetime) -> None:
    """The broker has proved to have an order that he does not show yet."""
    sql = "UPDATE orders SET submitted_at = coalesce(submitted_at, $2) WHERE order_id = $1"
    await source.execute(sql, order_id, at)


async def want_closed(source: Source, order_id: UUID, reason: str) -> None:
    """What this entry buys shall be closed at once."""
    await source.execute(
        "UPDATE orders SET exit_reason = coalesce(exit_reason, $2) WHERE order_id = $1", order_id, reason
    )


async def want_cancel(source: Source, order_ids: list[UUID], reason: str) -> None:
    await source.execute(
        "UPDATE orders SET cancel_reason = coalesce(cancel_reason, $2) WHERE order_id = ANY($1)", order_ids, reason
    )


async def want_entries_cancelled(source: Source, symbol: str | None, reason: str) -> tuple[str, ...]:
    """Entries, and what another hand buys, that are not final shall go; returns their symbols."""
    rows = await source.fetch(
        "UPDATE orders SET cancel_reason = coalesce(cancel_reason, $2)"
        " WHERE (purpose = 'entry' OR (purpose = 'foreign' AND side = 'buy'))"
        f" AND status NOT IN {_FINAL} AND ($1::text IS NULL OR symbol = $1) RETURNING symbol",
        symbol,
        reason,
    )
    return tuple(sorted({str(row["symbol"]) for row in rows}))


async def want_bought_closed(source: Source, symbol: str | None, reason: str) -> None:
    """What entries still buy shall be closed, whatever their status: a fill can be told late, and an order that was
    given up can have arrived.
    """
    await source.execute(
        "UPDATE orders SET exit_reason = coalesce(exit_reason, $2) WHERE purpose = 'entry'"
        " AND booked_quantity < quantity AND ($1::text IS NULL OR symbol = $1)",
        symbol,
        reason,
    )


async def open_position(source: Source, symbol: str, origin: Origin = "system") -> PositionRow | None:
    rows = await source.fetch(
        f"SELECT {_POSITION} FROM positions WHERE symbol = $1 AND origin = $2 AND status = 'open' FOR UPDATE",
        *(symbol, origin),
    )
    return next(iter(_positions(rows)), None)


async def positions(
    source: Source, status: str | None, symbol: str | None = None, limit: int = 1000, origin: Origin | None = "system"
) -> tuple[PositionRow, ...]:
    """By symbol while open, the newest first otherwise. Foreign ones only where they are asked for."""
    rows = await source.fetch(
        f"SELECT {_POSITION} FROM positions WHERE ($1::text IS NULL OR status = $1)"
        " AND ($2::text IS NULL OR symbol = $2) AND ($4::text IS NULL OR origin = $4)"
        " ORDER BY status DESC, exit_time DESC NULLS FIRST, symbol LIMIT $3",
        *(status, symbol, limit, origin),
    )
    return _positions(rows)


async def position_at(source: Source, symbol: str, at: datetime) -> PositionRow | None:
    """Our position of that moment, closed since; the newest."""
    rows = await source.fetch(
        f"SELECT {_POSITION} FROM positions WHERE symbol = $1 AND origin = 'system' AND status = 'closed'"
        " AND entry_time <= $2 AND exit_time >= $2 ORDER BY exit_time DESC LIMIT 1 FOR UPDATE",
        *(symbol, at),
    )
    return next(iter(_positions(rows)), None)


async def insert_position(
    connection: Connection,
    position_id: UUID,
    symbol: str,
    first: Fill,
    origin: Origin,
    cycle_id: str | None = None,
    prices: tuple[Any, Any] = (None, None),
) -> PositionRow:
    """A position opened by its first execution or correction; `prices` are the stop and target its entry came with."""
    row = await connection.fetchrow(
        "INSERT INTO positions (position_id, cycle_id, symbol, side, status, quantity, entry_quantity, entry_price,"
        " entry_time, stop_price, take_profit_price, origin, updated_at)"
        f" VALUES ($1, $2, $3, $4, 'open', $5, $5, $6, $7, $8, $9, $10, $7) RETURNING {_POSITION}",
        *(position_id, cycle_id, symbol, "long" if first.side == "buy" else "short"),
        *(first.quantity, first.price, first.at, *prices, origin),
    )
    return _positions([row])[0]


async def write_fold(
    connection: Connection, position_id: UUID, fold: Fold, closed_by: str | None, at: datetime
) -> PositionRow:
    """What the executions come to. The exit reason of a closed position is what closed it."""
    row = await connection.fetchrow(
        "UPDATE positions SET side = $2, status = $3, quantity = $4, entry_quantity = $5, entry_price = $6,"
        " entry_time = $7, exit_price = $8, exit_time = $9, realized_pnl = $10,"
        " exit_reason = coalesce($11, exit_reason), updated_at = $12,"
        " locked = locked AND $4 > 0, lock_reason = CASE WHEN $4 > 0 THEN lock_reason END"
        f" WHERE position_id = $1 RETURNING {_POSITION}",
        *(position_id, fold.side, fold.status, fold.quantity, fold.entry_quantity, fold.entry_price),
        *(fold.entry_time, fold.exit_price, fold.exit_time, fold.realized_pnl, closed_by, at),
    )
    return _positions([row])[0]


async def want_exit(source: Source, position_id: UUID, reason: str) -> None:
    """The position shall be closed; the first reason stands."""
    await source.execute(
        "UPDATE positions SET exit_reason = coalesce(exit_reason, $2) WHERE position_id = $1 AND status = 'open'",
        position_id,
        reason,
    )


async def write_guard(source: Source, position_id: UUID, stop: Decimal, target: Decimal) -> None:
    """Where the position's stop and target belong, when it came without."""
    await source.execute(
        "UPDATE positions SET stop_price = $2, take_profit_price = $3 WHERE position_id = $1", position_id, stop, target
    )


async def write_locks(source: Source, reasons: Mapping[str, str]) -> None:
    """Open positions of these symbols are locked, all others are not."""
    await source.execute(
        "UPDATE positions AS p SET locked = said.reason IS NOT NULL, lock_reason = said.reason"
        " FROM positions AS q LEFT JOIN unnest($1::text[], $2::text[]) AS said (symbol, reason) USING (symbol)"
        " WHERE p.position_id = q.position_id AND p.status = 'open'"
        " AND (p.lock_reason IS DISTINCT FROM said.reason)",
        list(reasons),
        list(reasons.values()),
    )
