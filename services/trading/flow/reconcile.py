"""Reconciling: our books beside the broker's; what somebody else did is taken into ours, what stays apart is locked."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from services.trading import store
from services.trading.flow.desk import LOCKED, SERVICE, Desk, alert_once, apart, stable_id
from services.trading.flow.send import record
from services.trading.flow.settle import book, settle
from services.trading.rules import reconcile as rule
from services.trading.rules.listing import NOTHING, Listing, listing_of, placed_by_others
from services.trading.rules.orders import CLOCKS_APART, INTENDED, OrderRow, is_answer_to, leg_purpose
from shared.domain.order import BrokerOrder
from shared.domain.position import Disagreement, Reconciliation
from shared.errors import Unavailable
from shared.journal import append_event

LOOK_BACK = timedelta(hours=24)
log = structlog.get_logger()


async def reconcile(desk: Desk, now: datetime) -> None:
    """Settle, compare, take in foreign fills, compare again; lock what disagrees twice. Raises Unavailable."""
    listed, resting = await _listed(desk)
    await settle(desk, now, listed)
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
    desk.reconciled_at = now


async def _listed(desk: Desk) -> tuple[Listing, tuple[BrokerOrder, ...]]:
    """Everything sent since the oldest order that is not settled, and all that is open, in two requests.

    Without an answer nothing is listed, and each order is asked for by itself.
    """
    rows = await store.unsettled(desk.deps.pool)
    try:
        resting = await desk.broker.orders(open_only=True)
        since = min((row.submitted_at or row.created_at for row in rows), default=None)
        recent = await desk.broker.orders(after=since - CLOCKS_APART) if since is not None else ()
    except Unavailable as error:
        log.warning("listing_unavailable", error=error.detail)
        return NOTHING, ()
    return listing_of(recent), resting


async def _take_in_resting(desk: Desk, resting: Sequence[BrokerOrder], now: datetime) -> None:
    """Open orders that are not in our books: placed by another hand, or given up by us and arrived after all.

    They hold shares or money, so whoever closes or stops everything must know of them.
    """
    for told in placed_by_others(resting):
        if desk.locks[told.symbol].locked() or await store.order_by_broker_id(desk.deps.pool, told.id) is not None:
            continue
        async with desk.locks[told.symbol]:
            working = await store.working(desk.deps.pool, told.symbol)
            if not any(row.status == INTENDED for row in working):
                await apart(desk, f"{told.symbol} (by hand)", _adopt(desk, told, now), now)


async def _compare(desk: Desk, now: datetime) -> dict[str, Disagreement]:
    theirs = rule.held_at_broker(await desk.broker.positions())
    ours = rule.held_by_us(await store.positions(desk.deps.pool, "open"))
    desk.flat = not theirs
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
        created_at=told.submitted_at,
        submitted_at=told.submitted_at,
        updated_at=told.updated_at,
    )
    await store.insert_order(desk.deps.pool, row)
    row = await record(desk, row, told)
    message = f"{told.side} {told.quantity} {told.symbol} was ordered at the broker, not by this system"
    await alert_once(desk, f"foreign-{told.id}", "warning", "foreign_order", message, now)
    return row


async def standing(desk: Desk) -> Reconciliation:
    """How things stand, without asking the broker."""
    held = await store.positions(desk.deps.pool, "open")
    return Reconciliation(
        ready=desk.ready,
        reconciled_at=desk.reconciled_at,
        flat=desk.flat and not held,
        open_positions=len(held),
        unsettled_orders=len(await store.unsettled(desk.deps.pool)),
        disagreements=tuple(desk.disagreements.values()),
    )
