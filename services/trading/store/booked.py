"""SQL of what is booked on positions: executions and corrections."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

from services.trading.rules.corrections import Correction
from services.trading.rules.orders import OrderRow
from services.trading.rules.positions import Fill, PositionRow
from services.trading.store import Source
from shared.domain.order import Execution
from shared.journal import Connection


async def insert_execution(
    connection: Connection, order: OrderRow, position_id: UUID, execution: Execution, cumulative: int
) -> bool:
    """False when this execution is booked already."""
    row = await connection.fetchrow(
        "INSERT INTO executions (execution_id, order_id, position_id, symbol, side, quantity, cumulative_quantity,"
        " price, executed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT DO NOTHING RETURNING execution_id",
        *(execution.execution_id, order.order_id, position_id, order.symbol, order.side),
        *(execution.quantity, cumulative, execution.price, execution.at),
    )
    return row is not None


async def booked_ids(source: Source, order_id: UUID) -> frozenset[str]:
    rows = await source.fetch("SELECT execution_id FROM executions WHERE order_id = $1", order_id)
    return frozenset(str(row["execution_id"]) for row in rows)


async def booked_value(source: Source, order_id: UUID) -> Decimal:
    """Shares times price of an order's booked executions, USD."""
    sql = "SELECT coalesce(sum(quantity * price), 0) FROM executions WHERE order_id = $1"
    return Decimal(await source.fetchval(sql, order_id))


async def is_booked(source: Source, execution_id: str) -> bool:
    return bool(await source.fetchval("SELECT EXISTS (SELECT 1 FROM executions WHERE execution_id = $1)", execution_id))


async def add_booked(connection: Connection, order_id: UUID, quantity: int) -> None:
    await connection.execute(
        "UPDATE orders SET booked_quantity = booked_quantity + $2 WHERE order_id = $1", order_id, quantity
    )


async def fills_of(source: Source, position_id: UUID) -> tuple[Fill, ...]:
    """A position's executions and corrections in time order."""
    rows = await source.fetch(
        "SELECT side, quantity, price, at, shares_before, shares_after FROM ("
        "SELECT side, quantity, price, executed_at AS at, 1 AS shares_before, 1 AS shares_after, execution_id AS id"
        " FROM executions WHERE position_id = $1 UNION ALL"
        " SELECT side, quantity, price, booked_at, shares_before, shares_after, correction_id::text"
        " FROM corrections WHERE position_id = $1) AS booked ORDER BY at, id",
        position_id,
    )
    return tuple(Fill(**dict(row)) for row in rows)


async def insert_correction(connection: Connection, position: PositionRow, one: Correction, at: datetime) -> None:
    await connection.execute(
        "INSERT INTO corrections (correction_id, position_id, symbol, side, quantity, price, shares_before,"
        " shares_after, reason_code, is_estimated, execution_id, booked_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        *(uuid4(), position.position_id, position.symbol, one.side, one.quantity, one.price, one.shares_before),
        *(one.shares_after, one.reason_code, one.is_estimated, one.execution_id, at),
    )


async def corrected_at(source: Source, symbol: str) -> datetime | None:
    """When the books of a symbol were last set by what the broker holds: fills until then are in it."""
    at: datetime | None = await source.fetchval(
        "SELECT max(booked_at) FROM corrections WHERE symbol = $1 AND execution_id IS NULL", symbol
    )
    return at


async def last_fill_at(source: Source, symbol: str) -> datetime | None:
    at: datetime | None = await source.fetchval("SELECT max(executed_at) FROM executions WHERE symbol = $1", symbol)
    return at


async def first_order_of(source: Source, position_id: UUID) -> str | None:
    """The broker's id of the order that opened a position; None for one that no order of ours opened."""
    found: str | None = await source.fetchval(
        "SELECT o.broker_order_id FROM executions e JOIN orders o USING (order_id) WHERE e.position_id = $1"
        " ORDER BY e.executed_at, e.execution_id LIMIT 1",
        position_id,
    )
    return found
