"""Settling: every order that is not final is looked up, and its fills are booked. Recovery is this path, run again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from services.trading import store
from services.trading.flow.correct import book_by_hand, refold, tell_closed
from services.trading.flow.desk import SERVICE, SETTLED_AT, SLIPPAGE, Desk, alert_once, apart, in_turn, stable_id
from services.trading.flow.fees import divide
from services.trading.flow.send import ask, found_as, give_up, overtaken, record, refuse
from services.trading.rules import orders as rule
from services.trading.rules import positions as fold_rule
from services.trading.rules.listing import NOTHING, Listing, listing_of
from services.trading.rules.orders import CLOCKS_APART, INTENDED, OrderRow
from services.trading.rules.positions import PositionRow
from services.trading.store import booked
from shared.domain.order import BrokerOrder, Execution
from shared.errors import BrokerRefused, CatalystError, Unavailable
from shared.journal import Connection, append_event

SLACK = timedelta(seconds=2)
FEW_SYMBOLS = 2
"""So many symbols are asked for one by one; more are listed in one request, which are rationed."""
MISSING_AFTER = timedelta(seconds=60)
ON_ITS_WAY = timedelta(seconds=30)
STILL_NEW = timedelta(seconds=0.5)
UNLISTED_AFTER = timedelta(seconds=5)
UNSHOWN_AFTER = timedelta(seconds=60)
log = structlog.get_logger()


async def settle(desk: Desk, now: datetime, known: Listing | None = NOTHING, *, but_new: bool = False) -> None:
    """Every symbol with something unsettled, in order of symbol. One that a request is busy with is left to it.

    A list saves asking for each order; what it does not show is asked for before anything is concluded. `known`: orders
    that the broker has just listed; None when he has just refused to list any. `but_new`: leave out symbols that were
    looked up a moment ago and that the stream has told nothing of since.
    """
    rows = await store.unsettled(desk.deps.pool)
    if but_new:
        rows = tuple(row for row in rows if not _is_new(desk, row.symbol, now))
    idle = [symbol for symbol in sorted({row.symbol for row in rows}) if not desk.locks[symbol].locked()]
    listing = known if known is not None else NOTHING
    if known is not None and len(known.silent_on(rows) & set(idle)) > FEW_SYMBOLS:
        listing = await _list(desk, rows)
    await in_turn(desk, [_settle_alone(desk, symbol, now, listing) for symbol in idle])
    SETTLED_AT.set(now.timestamp())


def _is_new(desk: Desk, symbol: str, now: datetime) -> bool:
    at = desk.settled_at.get(symbol)
    return at is not None and timedelta() <= now - at < STILL_NEW


async def _list(desk: Desk, rows: Sequence[OrderRow]) -> Listing:
    """Everything sent since the oldest of these orders, in one request.

    Without an answer nothing is listed, and each order is asked for by itself.
    """
    since = min((row.submitted_at or row.created_at for row in rows), default=None)
    try:
        return listing_of(await desk.broker.orders(after=since - CLOCKS_APART)) if since is not None else NOTHING
    except CatalystError as error:
        log.warning("listing_unavailable", error=error.detail)
        return NOTHING


async def _settle_alone(desk: Desk, symbol: str, now: datetime, listing: Listing) -> None:
    async with desk.locks[symbol]:
        await apart(desk, symbol, settle_symbol(desk, symbol, now, listing), now, "settle")


async def settle_symbol(desk: Desk, symbol: str, now: datetime, listing: Listing = NOTHING) -> None:
    """Look up what is not final, then book what was filled. The symbol's lock is held by the caller."""
    desk.settled_at[symbol] = now
    try:
        await _settle_symbol(desk, symbol, now, listing)
    except BaseException:
        desk.settled_at.pop(symbol, None)
        raise


async def _settle_symbol(desk: Desk, symbol: str, now: datetime, listing: Listing) -> None:
    rows = await store.working(desk.deps.pool, symbol)
    told: set[str] = set()
    for row in (row for row in rows if row.parent_order_id is None):
        live = [one for one in rows if row.order_id in (one.order_id, one.parent_order_id) and not one.is_final]
        if not live or (row.is_final and all(listing.find(leg) for leg in live)):
            continue
        found = listing.find(row) or await _look_up(desk, row, now)
        if found is not None:
            told |= {found.id, *(leg.id for leg in found.legs)}
            await _take_news(desk, row, found, now)
    for leg in rows:
        # A leg that was replaced is no longer shown under its parent.
        if leg.parent_order_id is not None and not leg.is_final and leg.broker_order_id not in told:
            alone = listing.find(leg) or await desk.broker.order(leg.broker_order_id or "")
            if alone is not None:
                await _take_news(desk, leg, alone, now)
    await book_fills(desk, symbol, now)


async def _take_news(desk: Desk, row: OrderRow, found: BrokerOrder, now: datetime) -> None:
    """Record; an order that somebody replaced at the broker is followed by its successor, which does its work.

    Another hand's order that it replaced itself is its own affair: the new one is met as the old one was.
    """
    successor = await desk.broker.order(found.replaced_by) if found.replaced_by and not row.is_others else None
    await record(desk, row, rule.day_over(found, now))
    if successor is not None and await store.order_by_broker_id(desk.deps.pool, successor.id) is None:
        await record(desk, row, found.model_copy(update={"legs": (successor,)}))


async def _look_up(desk: Desk, row: OrderRow, now: datetime) -> BrokerOrder | None:
    if row.broker_order_id is not None:
        found = await desk.broker.order(row.broker_order_id)
        if found is None and row.parent_order_id is None:
            found = await desk.broker.order_by_client_id(row.client_order_id)
        if found is None:
            message = f"{row.client_order_id}: the broker no longer knows order {row.broker_order_id} ({row.symbol})"
            await alert_once(desk, f"lost-{row.order_id}", "critical", "order_unknown_to_broker", message, now)
        return found
    try:
        found = await found_as(desk, row)
    except BrokerRefused as refused:
        await refuse(desk, row, refused)
        return None
    if found is None:
        await _absent(desk, row)
    return found


async def _absent(desk: Desk, row: OrderRow) -> None:
    """An intent that has not arrived: sent under the same id while it still holds, else given up.

    Given up only after a while: a request that got no answer may still be on its way. One that the broker has called
    taken is neither: it is asked for until he shows it.
    """
    may_send = desk.ready if row.is_entry else desk.has_reconciled
    if not may_send or row.status != INTENDED:
        return
    if row.submitted_at is not None:
        now = await desk.deps.clock.now()
        if now - row.submitted_at >= UNSHOWN_AFTER:
            message = f"{row.client_order_id} is at the broker, who does not show it: {row.symbol} is left alone"
            await alert_once(desk, f"unshown-{row.order_id}", "critical", "order_unknown_to_broker", message, now)
        return
    stale = await overtaken(desk, row)
    if stale is None:
        await ask(desk, row)
    elif await desk.deps.clock.now() - row.created_at >= ON_ITS_WAY:
        await give_up(desk, row, stale)


async def book_fills(desk: Desk, symbol: str, now: datetime) -> None:
    """Executions of this symbol's orders that are filled beyond what is booked, oldest first.

    Where neither list nor stream tells them for seconds, the order's own quantity and average price are booked: shares
    that are held must not stay without a stop for want of a list.
    """
    rows = await store.working(desk.deps.pool, symbol)
    due = {row.broker_order_id: row for row in rows if row.booked_quantity < row.filled_quantity}
    if not due:
        return
    since = min(row.submitted_at or row.created_at for row in due.values()) - SLACK
    listed = await _listed_executions(desk, since)
    heard = tuple(hint.execution for hint in desk.hints if hint.execution is not None)
    fills: list[Execution] = []
    for row in due.values():
        known_ids = await booked.booked_ids(desk.deps.pool, row.order_id)
        known = fold_rule.not_booked(row.broker_order_id or "", listed, heard, known_ids, row.booked_quantity)
        if not known and now - row.updated_at >= UNLISTED_AFTER:
            told = fold_rule.told_by_order(row, await booked.booked_value(desk.deps.pool, row.order_id))
            known = (told,) if told is not None else ()
        fills += known
    for fill in sorted(fills, key=lambda fill: (fill.at, fill.execution_id)):
        await book(desk, due[fill.broker_order_id], fill)
    for row in await store.working(desk.deps.pool, symbol):
        if row.booked_quantity < row.filled_quantity and now - row.updated_at > MISSING_AFTER:
            message = f"{row.client_order_id}: the broker says {row.filled_quantity} filled, and shows no executions"
            await alert_once(desk, f"fills-{row.order_id}", "critical", "executions_missing", message, now)


async def _listed_executions(desk: Desk, since: datetime) -> tuple[Execution, ...]:
    try:
        return await desk.broker.executions(since)
    except Unavailable as error:
        log.warning("executions_unavailable", error=error.detail)
        return ()


async def book(desk: Desk, row: OrderRow, fill: Execution) -> None:
    """One execution into executions, order and position; once, whoever tells it and however often."""
    async with desk.deps.pool.acquire() as connection, connection.transaction():
        order = await store.lock_order(connection, row.order_id)
        cumulative = order.booked_quantity + fill.quantity
        if cumulative > order.filled_quantity or await booked.is_booked(connection, fill.execution_id):
            return
        if order.origin == "foreign":
            by_hand = await book_by_hand(connection, order, fill, cumulative)
            await booked.add_booked(connection, order.order_id, fill.quantity)
            await divide(connection, fill.at)
            if by_hand is not None:
                await _journal(connection, order, fill, by_hand)
            return
        position = await store.open_position(connection, order.symbol)
        if position is None:
            position_id, prices = stable_id("position", fill.execution_id), (order.decision_stop, order.decision_target)
            opening = fold_rule.Fill(fill.side, fill.quantity, fill.price, fill.at)
            position = await store.insert_position(
                connection, position_id, order.symbol, opening, "system", order.cycle_id, prices
            )
        if not await booked.insert_execution(connection, order, position.position_id, fill, cumulative):
            return
        await booked.add_booked(connection, order.order_id, fill.quantity)
        await divide(connection, fill.at)
        after = await refold(connection, position, rule.exit_reason(order), fill.at)
        if order.exit_reason is not None and after.status == "open":
            await store.want_exit(connection, position.position_id, order.exit_reason)
        await _journal(connection, order, fill, after)
    slipped = rule.slippage_bps(order, fill.price, desk.decided_on.get(order.order_id))
    if slipped is not None:
        SLIPPAGE.labels(order.purpose).observe(slipped)


async def _journal(connection: Connection, order: OrderRow, fill: Execution, after: PositionRow) -> None:
    payload = {
        "execution_id": fill.execution_id,
        "order_id": str(order.order_id),
        "position_id": str(after.position_id),
        "symbol": fill.symbol,
        "side": fill.side,
        "purpose": order.purpose,
        "quantity": fill.quantity,
        "price": str(fill.price),
        "held": after.quantity,
    }
    await append_event(connection, SERVICE, "fill.booked", fill.at, payload, after.cycle_id)
    if after.status == "closed":
        await tell_closed(connection, after, fill.at)
