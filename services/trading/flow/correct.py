"""Booking corrections, and other hands' executions on the shares that they moved."""

from datetime import datetime

from services.trading import store
from services.trading.flow.desk import SERVICE, stable_id
from services.trading.rules.corrections import Correction, ReasonCode, allocate
from services.trading.rules.orders import OrderRow
from services.trading.rules.positions import Fill, PositionRow, fold, signed
from services.trading.store import booked
from shared.domain.order import Execution
from shared.domain.position import Origin
from shared.journal import Connection, append_event

CLOSED_BY = {"sold_by_hand": "foreign", "bought_by_hand": "foreign"}


async def correct(connection: Connection, position: PositionRow, one: Correction, at: datetime) -> PositionRow:
    """The position once the correction is booked; journaled with its reason."""
    await booked.insert_correction(connection, position, one, at)
    after = await refold(connection, position, CLOSED_BY.get(one.reason_code, one.reason_code), at)
    payload = {
        "position_id": str(position.position_id),
        "symbol": position.symbol,
        "origin": position.origin,
        "side": one.side,
        "quantity": one.quantity,
        "price": str(one.price),
        "reason_code": one.reason_code,
        "is_estimated": one.is_estimated,
        "held": after.quantity,
    }
    await append_event(connection, SERVICE, "position.corrected", at, payload, position.cycle_id)
    if after.status == "closed":
        await tell_closed(connection, after, at)
    return after


async def refold(connection: Connection, position: PositionRow, closed_by: str, at: datetime) -> PositionRow:
    """What executions and corrections come to, written down; `closed_by` is the exit reason where nothing is left."""
    folded = fold(await booked.fills_of(connection, position.position_id))
    reason = closed_by if folded.status == "closed" else None
    return await store.write_fold(connection, position.position_id, folded, reason, at)


async def begin(connection: Connection, symbol: str, origin: Origin, one: Correction, at: datetime) -> PositionRow:
    """A position that begins with a correction: shares that nobody's execution in our books bought."""
    first = Fill(one.side, one.quantity, one.price, at)
    position_id = stable_id("position", symbol, origin, at.isoformat())
    position = await store.insert_position(connection, position_id, symbol, first, origin)
    return await correct(connection, position, one, at)


async def book_by_hand(connection: Connection, order: OrderRow, fill: Execution, cumulative: int) -> PositionRow | None:
    """Another hand's execution, on the shares that it moved: his own first, then ours. None when the books hold it.

    What moved both stands as one execution on the foreign position, and is corrected over to ours at its price.
    """
    known_at = await booked.corrected_at(connection, order.symbol)
    if known_at is not None and fill.at <= known_at:
        return None
    ours = await store.open_position(connection, order.symbol)
    theirs = await store.open_position(connection, order.symbol, "foreign")
    if ours is None and theirs is None and fill.side == "sell":
        # Sold while our own exit, sent a moment later, sold the same shares: it is ours that are short now.
        ours = await store.position_at(connection, order.symbol, fill.at)
        parts: tuple[tuple[Origin, int], ...] = (("system" if ours else "foreign", fill.quantity),)
    else:
        parts = allocate(fill.side, fill.quantity, signed(ours) if ours else 0, signed(theirs) if theirs else 0)
    first = ours if parts[0][0] == "system" else theirs
    if first is None:
        opening = Fill(fill.side, fill.quantity, fill.price, fill.at)
        position_id = stable_id("position", fill.execution_id)
        first = await store.insert_position(connection, position_id, order.symbol, opening, parts[0][0])
    if not await booked.insert_execution(connection, order, first.position_id, fill, cumulative):
        return None
    for _, moved in parts[1:]:
        assert ours is not None
        reason: ReasonCode = "sold_by_hand" if fill.side == "sell" else "bought_by_hand"
        back = Correction("buy" if fill.side == "sell" else "sell", moved, fill.price, reason, False, fill.execution_id)
        await booked.insert_correction(connection, first, back, fill.at)
        over = Correction(fill.side, moved, fill.price, reason, False, fill.execution_id)
        await correct(connection, ours, over, fill.at)
    return await refold(connection, first, "foreign", fill.at)


async def tell_closed(connection: Connection, after: PositionRow, at: datetime) -> None:
    """Journal the end of a position."""
    result = {
        "position_id": str(after.position_id),
        "symbol": after.symbol,
        "exit_reason": after.exit_reason,
        "realized_pnl": str(after.realized_pnl),
    }
    await append_event(connection, SERVICE, "position.closed", at, result, after.cycle_id)
