"""Reconciling: our books beside the broker's; what somebody else did is taken into ours, what stays apart is locked."""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from services.trading import store
from services.trading.flow.desk import LOCKED, SERVICE, Desk, alert_once, apart, stable_id
from services.trading.flow.reading import read_orders, read_positions
from services.trading.flow.send import record
from services.trading.flow.settle import book, settle
from services.trading.rules import reconcile as rule
from services.trading.rules.foreign import foreign_of, listed_foreign
from services.trading.rules.listing import NOTHING, Listing, can_be_a_row, listing_of
from services.trading.rules.orders import CLOCKS_APART, INTENDED, OrderRow, is_answer_to, leg_purpose
from services.trading.rules.sight import other_orders
from shared.domain.listing import Listed
from shared.domain.order import BrokerOrder
from shared.domain.position import Disagreement, OpenOrder, Reconciliation
from shared.errors import CatalystError, Unavailable
from shared.journal import append_event

LOOK_BACK = timedelta(hours=24)
log = structlog.get_logger()


async def reconcile(desk: Desk, now: datetime) -> None:
    """Settle, compare, take in foreign fills, compare again; lock what disagrees twice. Raises Unavailable.

    Reconciled is what was compared with both lists read; without the open orders the rest is done all the same. One
    comparison at a time: an older look must not have the last word.
    """
    async with desk.comparing:
        await _reconcile(desk, now)


async def _reconcile(desk: Desk, now: datetime) -> None:
    resting = await read_orders(desk, now)
    desk.sight = replace(desk.sight, orders_read=resting is not None)
    await settle(desk, now, await _listed(desk) if resting is not None else NOTHING)
    if resting is not None:
        await _take_in_resting(desk, resting, now)
    found = await _compare(desk, now)
    if any(symbol not in desk.disagreements for symbol in found):
        await _take_in_foreign(desk, set(found), now)
        found = await _compare(desk, now)
    await _tell_changes(desk, found, now)
    desk.disagreements = found
    LOCKED.set(sum(one.locked for one in found.values()))
    reasons = {one.symbol: _words(one) for one in found.values() if one.locked}
    await store.write_locks(desk.deps.pool, reasons)
    if resting is not None:
        desk.reconciled_at = now


async def _listed(desk: Desk) -> Listing:
    """Everything sent since the oldest order that is not settled, in one request.

    Without an answer nothing is listed, and each order is asked for by itself.
    """
    rows = await store.unsettled(desk.deps.pool)
    since = min((row.submitted_at or row.created_at for row in rows), default=None)
    try:
        return listing_of(await desk.broker.orders(after=since - CLOCKS_APART)) if since is not None else NOTHING
    except CatalystError as error:
        log.warning("listing_unavailable", error=error.detail)
        return NOTHING


async def _take_in_resting(desk: Desk, resting: Listed[BrokerOrder], now: datetime) -> None:
    """Open orders that are not in our books: placed by another hand, or given up by us and arrived after all.

    They hold shares or money, so what closes or stops everything must know of them. What cannot be a row (an option, a
    coin, a fraction, an amount of money) is remembered until the next look.
    """
    others = []
    for told in resting:
        if await store.order_by_broker_id(desk.deps.pool, told.id) is not None:
            continue
        if told.is_equity and any(row.status == INTENDED for row in await store.working(desk.deps.pool, told.symbol)):
            continue
        if not can_be_a_row(told):
            others.append(told)
        elif not desk.locks[told.symbol].locked():
            async with desk.locks[told.symbol]:
                await apart(desk, f"{told.symbol} (by hand)", _adopt(desk, told, now), now)
    desk.sight = replace(desk.sight, others=tuple(others), unreadable=resting.unreadable)


async def _compare(desk: Desk, now: datetime) -> dict[str, Disagreement]:
    listed = await read_positions(desk, now)
    theirs = rule.held_at_broker(listed)
    ours = rule.held_by_us(await store.positions(desk.deps.pool, "open"))
    for symbol in foreign_of(listed, await store.positions(desk.deps.pool, "open")):
        desk.foreign_since.setdefault(symbol, now)
    orders = tuple(row for row in desk.sight.unreadable if row.kind == "order")
    unreadable = (*orders, *listed.unreadable)
    desk.sight = replace(desk.sight, positions_read=True, unreadable=unreadable, holdings=listed.rows)
    desk.flat = not theirs and desk.sight.orders_read and not any(row.obscures for row in unreadable)
    return rule.disagreements(ours, theirs, desk.disagreements, now)


def _words(one: Disagreement) -> str:
    return f"we hold {one.ours}, the broker says {one.theirs}"


async def _tell_changes(desk: Desk, found: dict[str, Disagreement], now: datetime) -> None:
    for symbol, one in found.items():
        before = desk.disagreements.get(symbol)
        if one.locked and not (before and before.locked):
            await _journal(desk, "symbol.locked", one, now)
            key = f"lock-{symbol}-{one.ours}-{one.theirs}"
            await alert_once(desk, key, "critical", "symbol_locked", f"{symbol} is locked: {_words(one)}", now)
    for symbol, before in desk.disagreements.items():
        if before.locked and symbol not in found:
            await _journal(desk, "symbol.unlocked", before, now)


async def _journal(desk: Desk, kind: str, one: Disagreement, now: datetime) -> None:
    async with desk.deps.pool.acquire() as connection:
        payload = {"symbol": one.symbol, "ours": one.ours, "theirs": one.theirs}
        await append_event(connection, SERVICE, kind, now, payload)


async def _take_in_foreign(desk: Desk, symbols: set[str], now: datetime) -> None:
    """Orders that somebody placed past us, by hand at the broker, become rows, so their fills can be booked."""
    try:
        fills = await desk.broker.executions(now - LOOK_BACK)
        for fill in fills:
            if fill.symbol not in symbols:
                continue
            async with desk.locks[fill.symbol]:
                row = await store.order_by_broker_id(desk.deps.pool, fill.broker_order_id)
                if row is None:
                    told = await desk.broker.order(fill.broker_order_id)
                    adopting = _adopt(desk, told, now) if told is not None else None
                    row = await apart(desk, f"{fill.symbol} (by hand)", adopting, now) if adopting else None
                if row is not None and row.is_others:
                    await book(desk, row, fill)
    except Unavailable as error:
        log.warning("foreign_fills_unknown", error=error.detail)


async def _adopt(desk: Desk, told: BrokerOrder, now: datetime) -> OrderRow | None:
    ours = await store.order_by_client_id(desk.deps.pool, told.client_order_id)
    if ours is not None and is_answer_to(ours, told):
        # Given up as never arrived, and it arrived after all.
        return await record(desk, ours, told)
    if told.quantity < 1:
        return None
    await store.know_symbol(desk.deps.pool, told.symbol)
    row = OrderRow(
        order_id=stable_id("foreign", told.id),
        client_order_id=told.client_order_id if ours is None else told.id,
        broker_order_id=told.id,
        parent_order_id=None,
        cycle_id=None,
        symbol=told.symbol,
        side=told.side,
        purpose="foreign",
        type=told.type,
        order_class=told.order_class,
        status=told.status,
        quantity=told.quantity,
        filled_quantity=told.filled_quantity,
        booked_quantity=0,
        filled_average_price=told.filled_average_price,
        limit_price=told.limit_price,
        stop_price=told.stop_price,
        decision_id=None,
        decision_stop=None,
        decision_target=None,
        decision_expires_at=None,
        reason=f"not sent by this system ({leg_purpose(told)})" if told.order_class != "simple" else "not sent by us",
        cancel_reason=None,
        exit_reason=None,
        created_at=told.submitted_at,
        submitted_at=told.submitted_at,
        updated_at=told.updated_at,
    )
    await store.insert_order(desk.deps.pool, row)
    row = await record(desk, row, told)
    message = f"{told.side} {told.quantity} {told.symbol} was ordered at the broker, not by this system"
    await alert_once(desk, f"foreign-{told.id}", "warning", "foreign_order", message, now)
    return row


async def cancel_unlisted(desk: Desk) -> None:
    """Ask for cancellation of open orders that are no rows of ours and might buy: those of other hands that open
    something, and those that cannot be read. What cannot be cancelled stays in the list, and so keeps a stop from flat.
    """
    ours = await store.positions(desk.deps.pool, "open")
    others = other_orders((), desk.sight.others, foreign_of(desk.sight.holdings, ours))
    unreadable = [row.id for row in desk.sight.unreadable if row.kind == "order" and row.id]
    for order_id in (*(order.order_id for order in others if order.opens), *unreadable):
        try:
            await desk.broker.cancel(order_id)
        except CatalystError as error:
            log.warning("cancel_failed", broker_order_id=order_id, error=error.detail)


async def standing(desk: Desk) -> Reconciliation:
    """How things stand, without asking the broker."""
    held, sight = await store.positions(desk.deps.pool, "open"), desk.sight
    foreign = foreign_of(sight.holdings, held)
    rows = await store.unsettled(desk.deps.pool)
    ours = [row for row in rows if not row.is_others or row.is_final]
    read = {f"{what}_read": desk.blind.get(what, 0) == 0 for what in ("orders", "positions")}
    return Reconciliation(
        ready=desk.ready,
        reconciled_at=desk.reconciled_at,
        flat=desk.flat and not held and all(read.values()),
        **read,
        open_positions=len(held),
        unsettled_orders=len(ours),
        unsettled=tuple(
            OpenOrder(client_order_id=row.client_order_id, symbol=row.symbol, status=row.status) for row in ours
        ),
        disagreements=tuple(desk.disagreements.values()),
        unreadable=sight.unreadable,
        other_orders=other_orders((row for row in rows if row.is_others), sight.others, foreign),
        foreign=listed_foreign(sight.holdings, foreign, desk.foreign_since, await desk.deps.clock.now()),
    )
