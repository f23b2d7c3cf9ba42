"""Explaining a difference: by executions of other hands, by a split, or, seen twice, by what the broker holds."""

from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from services.trading import store
from services.trading.flow.correct import begin, correct
from services.trading.flow.desk import Desk, apart, stable_id, tell
from services.trading.flow.send import record
from services.trading.flow.settle import book
from services.trading.rules.corrections import AFTER_A_FILL, Correction, ReasonCode, allocate, explaining, split_of
from services.trading.rules.listing import can_be_a_row
from services.trading.rules.orders import OrderRow, is_answer_to, leg_purpose, row_of
from services.trading.rules.positions import PositionRow, signed
from services.trading.store import booked
from shared.domain.listing import Listed
from shared.domain.market import to_tick
from shared.domain.order import BrokerOrder, Execution, Side
from shared.domain.position import BrokerPosition, Disagreement
from shared.errors import CatalystError
from shared.journal import Connection

LOOK_BACK = timedelta(hours=24)
FARTHEST_BACK = timedelta(days=30)
log = structlog.get_logger()


async def explain(desk: Desk, found: dict[str, Disagreement], listed: Listed[BrokerPosition], now: datetime) -> bool:
    """Settle what can be settled of these differences; True when the books have changed.

    Executions explain at once. What nothing explains is settled by the broker's own quantity once it was seen twice,
    and only where his orders, positions and executions could all be read.
    """
    fresh = [symbol for symbol, one in found.items() if one.locked or symbol not in desk.disagreements]
    if not fresh:
        return False
    since = await _since(desk, fresh, now)
    try:
        fills: tuple[Execution, ...] | None = await desk.broker.executions(since)
    except CatalystError as error:
        log.warning("foreign_fills_unknown", error=error.detail)
        fills = None
    changed = False
    for symbol in fresh:
        if fills is None or desk.locks[symbol].locked():
            continue
        async with desk.locks[symbol]:
            mine = [fill for fill in fills if fill.symbol == symbol]
            held = next((one for one in listed if one.symbol == symbol), None)
            work = _explain(desk, found[symbol], held, mine, now)
            changed = bool(await apart(desk, f"{symbol} (books)", work, now)) or changed
    return changed


async def _since(desk: Desk, symbols: list[str], now: datetime) -> datetime:
    """From when executions may matter: since the oldest of these positions was bought, a day at least."""
    books = await store.positions(desk.deps.pool, "open", origin=None)
    oldest = min((row.entry_time for row in books if row.symbol in symbols), default=now)
    return max(now - FARTHEST_BACK, min(oldest, now - LOOK_BACK))


async def _explain(
    desk: Desk, one: Disagreement, held: BrokerPosition | None, fills: list[Execution], now: datetime
) -> bool:
    """The symbol's lock is held by the caller."""
    known_at = await booked.corrected_at(desk.deps.pool, one.symbol)
    others = [fill for fill in fills if await _is_others(desk, known_at, fill)]
    if explained := explaining(others, one.theirs - one.ours):
        for fill in explained:
            row = await store.order_by_broker_id(desk.deps.pool, fill.broker_order_id)
            if row is None:
                told = await desk.broker.order(fill.broker_order_id)
                row = await take_in(desk, told, now) if told is not None else None
            if row is not None:
                await book(desk, row, fill)
        return True
    if not one.locked or not await _may_correct(desk, one, now):
        return False
    await _correct(desk, one, held, fills, now)
    return True


async def _is_others(desk: Desk, known_at: datetime | None, fill: Execution) -> bool:
    """Whether an execution is another hand's and not in our books yet; `known_at`: the symbol's last correction."""
    if (known_at is not None and fill.at <= known_at) or await booked.is_booked(desk.deps.pool, fill.execution_id):
        return False
    row = await store.order_by_broker_id(desk.deps.pool, fill.broker_order_id)
    return row is None or row.origin == "foreign"


async def _may_correct(desk: Desk, one: Disagreement, now: datetime) -> bool:
    """Whether the broker's quantity may be taken for the truth: everything was read, no order of ours is unclear, rests
    for shares that his positions deny or may have filled unseen, and no fill is so recent that they may be behind it.
    """
    hidden = any(row.kind == "position" and row.symbol in (None, one.symbol) for row in desk.sight.unreadable)
    if not desk.sight.orders_read or hidden:
        return False
    side = "buy" if one.theirs > one.ours else "sell"
    for row in await store.working(desk.deps.pool, one.symbol):
        unclear = row.broker_order_id is None or row.booked_quantity < row.filled_quantity
        rests = row.origin == "system" and row.side == side and row.broker_order_id in desk.sight.open_ids
        if unclear or (rests and not row.is_final):
            return False
    last = await booked.last_fill_at(desk.deps.pool, one.symbol)
    return last is None or now - last >= AFTER_A_FILL


async def _correct(
    desk: Desk, one: Disagreement, held: BrokerPosition | None, fills: list[Execution], now: datetime
) -> None:
    books = await store.positions(desk.deps.pool, "open", one.symbol, origin=None)
    ours = next((row for row in books if not row.is_foreign), None)
    foreign = next((row for row in books if row.is_foreign), None)
    average = held.average_entry_price if held is not None else None
    if (split := split_of(books, one.theirs, average, now)) is not None:
        await _split(desk, books, one, split, now)
        return
    difference = one.theirs - one.ours
    side: Side = "buy" if difference > 0 else "sell"
    parts = allocate(side, abs(difference), signed(ours) if ours else 0, signed(foreign) if foreign else 0)
    await store.know_symbol(desk.deps.pool, one.symbol)
    for origin, quantity in parts:
        position = ours if origin == "system" else foreign
        reason, price, estimated = await _reason_and_price(desk, position, held, fills, side)
        if price is None:
            log.error("no_price_for_correction", symbol=one.symbol)
            return
        correction = Correction(side, quantity, price, reason, estimated)
        async with desk.deps.pool.acquire() as connection, connection.transaction():
            if position is None:
                await begin(connection, one.symbol, origin, correction, now)
            else:
                await correct(connection, position, correction, now)
            await _tell(connection, one.symbol, origin, correction, now)
    if ours is not None:
        await _bury(desk, one.symbol, now)


async def _reason_and_price(
    desk: Desk,
    position: PositionRow | None,
    held: BrokerPosition | None,
    fills: list[Execution],
    side: Side,
) -> tuple[ReasonCode, Decimal | None, bool]:
    """Why, at which price, and whether that is estimated."""
    told = held.average_entry_price if held is not None else None
    last = await _last_price(desk, position, held)
    if position is None:
        return "adopted", told or last, told is None
    if position.is_foreign or side == "buy":
        return "changed_at_broker", last or told or position.entry_price, True
    first = await booked.first_order_of(desk.deps.pool, position.position_id)
    if first is not None and await desk.broker.order(first) is None:
        # The account that bought it is gone, and with it what was earned.
        return "reset", position.entry_price, True
    if first is not None and not any(fill.broker_order_id == first for fill in fills):
        # The purchase is not listed any more: it was annulled, and nothing was earned by it.
        return "bust", position.entry_price, False
    return "changed_at_broker", last or position.entry_price, True


async def _last_price(desk: Desk, position: PositionRow | None, held: BrokerPosition | None) -> Decimal | None:
    if held is not None and held.current_price > 0:
        return held.current_price
    symbol = position.symbol if position is not None else held.symbol if held is not None else ""
    try:
        trade = (await desk.deps.market.trades([symbol])).get(symbol)
    except CatalystError as error:
        log.warning("last_price_unknown", symbol=symbol, error=error.detail)
        return None
    return Decimal(str(trade.price)) if trade is not None and trade.price > 0 else None


async def _split(
    desk: Desk, books: tuple[PositionRow, ...], one: Disagreement, split: tuple[int, int], now: datetime
) -> None:
    """Every position of the symbol becomes what the split makes of it, its stop and target with it."""
    before, after = split
    for row in books:
        fresh = row.quantity * after // before
        side: Side = "buy" if (fresh > row.quantity) == (row.side == "long") else "sell"
        correction = Correction(
            side, max(1, abs(fresh - row.quantity)), Decimal(0), "split", False, None, before, after
        )
        async with desk.deps.pool.acquire() as connection, connection.transaction():
            await correct(connection, row, correction, now)
            if row.stop_price is not None and row.take_profit_price is not None:
                guard = [to_tick(price * before / after) for price in (row.stop_price, row.take_profit_price)]
                await store.write_guard(connection, row.position_id, guard[0], guard[1])
            await _tell(connection, one.symbol, row.origin, correction, now)


async def _bury(desk: Desk, symbol: str, now: datetime) -> None:
    """Orders of ours that the broker no longer knows are over; without this they would be looked for for ever."""
    for row in await store.working(desk.deps.pool, symbol):
        known = row.is_final or row.broker_order_id is None or await desk.broker.order(row.broker_order_id) is not None
        if not known:
            await store.mark_order(desk.deps.pool, row.order_id, "canceled", "the broker no longer knows it", now)


async def _tell(connection: Connection, symbol: str, origin: str, one: Correction, now: datetime) -> None:
    what = f"{one.side} {one.quantity} {symbol} at {one.price}{' (estimated)' if one.is_estimated else ''}"
    if origin == "system":
        message = f"our position in {symbol} was corrected to what the broker holds: {what}, {one.reason_code}"
        await tell(connection, "critical", "books_corrected", message, now)
    else:
        message = f"the broker holds {symbol} that this system did not buy: {what}, {one.reason_code}"
        await tell(connection, "warning", "foreign_shares", message, now)


async def take_in(desk: Desk, told: BrokerOrder, now: datetime) -> OrderRow | None:
    """An order that another hand placed becomes a row, so that its fills can be booked; None for one that cannot."""
    ours = await store.order_by_client_id(desk.deps.pool, told.client_order_id)
    if ours is not None and is_answer_to(ours, told):
        # Given up as never arrived, and it arrived after all.
        return await record(desk, ours, told)
    if not can_be_a_row(told):
        return None
    await store.know_symbol(desk.deps.pool, told.symbol)
    row = row_of(
        told,
        order_id=stable_id("foreign", told.id),
        client_order_id=told.client_order_id if ours is None else told.id,
        symbol=told.symbol,
        purpose="foreign",
        reason=f"not sent by this system ({leg_purpose(told)})" if told.order_class != "simple" else "not sent by us",
        origin="foreign",
        time_in_force=told.time_in_force,
    )
    message = f"{told.side} {told.quantity} {told.symbol} was ordered at the broker, not by this system"
    async with desk.deps.pool.acquire() as connection, connection.transaction():
        await store.insert_order(connection, row)
        await tell(connection, "warning", "foreign_order", message, now)
    return await record(desk, row, told)
