"""Reconciling: our books beside the broker's; what somebody else did is taken into ours, what stays apart is locked."""

from dataclasses import replace
from datetime import datetime

import structlog

from services.trading import store
from services.trading.flow.desk import LOCKED, SERVICE, Desk, alert_once, apart
from services.trading.flow.explain import explain, take_in
from services.trading.flow.reading import read_orders, read_positions
from services.trading.flow.settle import settle
from services.trading.rules import reconcile as rule
from services.trading.rules.foreign import foreign_of, listed_foreign
from services.trading.rules.listing import can_be_a_row, listing_of
from services.trading.rules.orders import INTENDED
from services.trading.rules.sight import other_orders
from shared.domain.listing import Listed
from shared.domain.order import BrokerOrder
from shared.domain.position import BrokerPosition, Disagreement, OpenOrder, Reconciliation
from shared.errors import CatalystError
from shared.journal import append_event

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
    await settle(desk, now, listing_of(resting) if resting is not None else None)
    if resting is not None:
        await _take_in_resting(desk, resting, now)
    listed = await read_positions(desk, now)
    found = await _compare(desk, listed, now)
    if found and await explain(desk, found, listed, now):
        found = await _compare(desk, listed, now)
    await _tell_changes(desk, found, now)
    desk.disagreements = found
    LOCKED.set(sum(one.locked for one in found.values()))
    reasons = {one.symbol: _words(one) for one in found.values() if one.locked}
    await store.write_locks(desk.deps.pool, reasons)
    if resting is not None:
        desk.reconciled_at = now


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
                await apart(desk, f"{told.symbol} (by hand)", take_in(desk, told, now), now)
    ids = frozenset(one.id for told in resting for one in (told, *told.legs))
    desk.sight = replace(desk.sight, others=tuple(others), unreadable=resting.unreadable, open_ids=ids)


async def _compare(desk: Desk, listed: Listed[BrokerPosition], now: datetime) -> dict[str, Disagreement]:
    """Our books, foreign shares included, beside what the broker holds."""
    books = await store.positions(desk.deps.pool, "open", origin=None)
    found = rule.disagreements(rule.held_by_us(books), rule.held_at_broker(listed), desk.disagreements, now)
    ours = [row for row in books if not row.is_foreign]
    for symbol in foreign_of(listed, ours):
        desk.foreign_since.setdefault(symbol, now)
    orders = tuple(row for row in desk.sight.unreadable if row.kind == "order")
    unreadable = (*orders, *listed.unreadable)
    desk.sight = replace(desk.sight, positions_read=True, unreadable=unreadable, holdings=listed.rows)
    dark = not desk.sight.orders_read or any(row.obscures for row in unreadable)
    desk.flat = not ours and not found and not dark
    return found


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


async def cancel_unlisted(desk: Desk) -> None:
    """Ask for cancellation of open orders of other hands that open something (buy, or sell what is not theirs), and of
    those that cannot be read. What cannot be cancelled stays in the list, and so keeps a stop from flat.
    """
    ours = await store.positions(desk.deps.pool, "open")
    rows = [row for row in await store.unsettled(desk.deps.pool) if row.is_others]
    others = other_orders(rows, desk.sight.others, foreign_of(desk.sight.holdings, ours))
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
    ours = [row for row in rows if row.origin == "system" or row.status == INTENDED or row.is_final]
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
