"""Attending: for each symbol the next step, until there is none: cancel, protect, close."""

import contextlib
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import asyncpg
import structlog

from services.trading import store
from services.trading.flow.desk import FILL_TO_PROTECTED, UNPROTECTED, Desk, alert_once, apart, stable_id
from services.trading.flow.send import ask
from services.trading.flow.settle import settle_symbol
from services.trading.rules import exits as timing
from services.trading.rules.orders import INTENDED, OrderRow
from services.trading.rules.positions import PositionRow, exit_side, guard_prices
from services.trading.rules.steps import POLL, SLOW_POLL, Cancel, Close, GiveUp, Protect, Rest, Scene, Step, next_step
from shared.domain.order import client_order_id
from shared.domain.position import BrokerPosition
from shared.domain.session import trading_day
from shared.errors import BrokerRefused, Unavailable

MOST_STEPS, MOST_REFUSALS = 8, 10
log = structlog.get_logger()


async def attend_all(desk: Desk, now: datetime) -> tuple[list[datetime], bool]:
    """Every symbol with a position or a working order; when each wants to be looked at again, and if there is any."""
    held = await store.positions(desk.deps.pool, "open")
    working = await store.unsettled(desk.deps.pool)
    wakes = []
    for symbol in sorted({row.symbol for row in held} | {row.symbol for row in working} | desk.naked.keys()):
        if desk.locks[symbol].locked():
            wakes.append(now + POLL)
            continue
        async with desk.locks[symbol]:
            until = await apart(desk, symbol, attend(desk, symbol, now), now)
        if until is not None:
            wakes.append(until)
    if desk.failing:
        wakes.append(now + SLOW_POLL)
    entries_work = any(order.is_entry for order in working)
    wakes += timing.deadlines(held, entries_work, desk.session(now), desk.how, now)
    return wakes, bool(held or working)


async def attend(desk: Desk, symbol: str, now: datetime) -> datetime | None:
    """Take steps until the symbol may rest. The symbol's lock is held by the caller."""
    await _mark_due(desk, symbol, now)
    for _ in range(MOST_STEPS):
        scene = await look(desk, symbol, now)
        step = next_step(scene)
        if isinstance(step, Rest):
            await _measure(desk, symbol, scene)
            return step.until
        log.info("step", symbol=symbol, step=type(step).__name__, held=scene.quantity, protected=scene.protected)
        if not await _act(desk, scene, step):
            await _measure(desk, symbol, scene)
            return scene.now + POLL
        await settle_symbol(desk, symbol, now)
    return now + POLL


async def look(desk: Desk, symbol: str, now: datetime) -> Scene:
    """The symbol as it stands in our books."""
    position = await store.open_position(desk.deps.pool, symbol)
    session = desk.session(now)
    exits = await store.last_exits(desk.deps.pool, symbol, position.entry_time, MOST_REFUSALS) if position else ()
    return Scene(
        position=position,
        orders=await store.working(desk.deps.pool, symbol),
        refused=tuple(takewhile(lambda order: order.status == "rejected", exits)),
        now=now,
        market_open=session is not None and session.is_open(now),
        entries_over=session is not None and timing.entries_end(session, desk.how, now),
        asked=desk.recently_asked(now),
    )


async def _mark_due(desk: Desk, symbol: str, now: datetime) -> None:
    position = await store.open_position(desk.deps.pool, symbol)
    if position is None:
        return
    await _care_for(desk, position)
    session = desk.session(now)
    if position.exit_reason is None:
        reason = timing.exit_due(position, session, desk.how, now)
        if reason is not None:
            await store.want_exit(desk.deps.pool, position.position_id, reason)
    else:
        await _escalate(desk, position, now)


async def _care_for(desk: Desk, position: PositionRow) -> None:
    """Shares that came without a stop get the default one and its target, are sold, or left, as the setting says."""
    choice = desk.how.foreign_positions
    if position.stop_price is not None or position.side == "short":
        return
    if choice == "close":
        await store.want_exit(desk.deps.pool, position.position_id, "foreign")
    elif choice == "protect":
        stop, target = guard_prices(position.entry_price, desk.how)
        await store.write_guard(desk.deps.pool, position.position_id, stop, target)


async def _escalate(desk: Desk, position: PositionRow, now: datetime) -> None:
    """A position that will not close is a person's business, more so near the close."""
    session, key = desk.session(now), str(position.position_id)
    since = desk.closing_since.setdefault(position.position_id, now)
    what = f"{position.quantity} {position.symbol} ({position.side}, closing for {position.exit_reason})"
    if session is not None and now >= session.close:
        await alert_once(desk, f"night-{key}", "critical", "held_after_close", f"{what}: held after the close", now)
    elif session is not None and now >= session.close - timing.PAGE_BEFORE_CLOSE:
        await alert_once(desk, f"page-{key}", "critical", "not_flat", f"{what}: not flat before the close", now)
    elif now - since >= timing.LATE_AFTER:
        await alert_once(desk, f"late-{key}", "warning", "close_late", f"{what}: not closed within a minute", now)


async def _act(desk: Desk, scene: Scene, step: Step) -> bool:
    """Carry out a step; False when it has to wait."""
    match step:
        case Cancel(orders, reason):
            await store.want_cancel(desk.deps.pool, [order.order_id for order in orders], reason)
            return await cancel(desk, orders, scene.now)
        case Close():
            return await _close(desk, scene)
        case Protect(quantity):
            return await _protect(desk, scene, quantity)
        case GiveUp(reason) if scene.position is not None:
            await store.want_exit(desk.deps.pool, scene.position.position_id, reason)
            message = f"{scene.quantity} {scene.position.symbol}: protection was refused, closing"
            await alert_once(desk, f"bare-{scene.position.position_id}", "warning", "unprotected", message, scene.now)
    return True


async def cancel(desk: Desk, orders: tuple[OrderRow, ...], now: datetime) -> bool:
    """Ask for cancellation of each. Whether it happened is seen by settling, whatever the answer was."""
    for order in orders:
        desk.asked[order.order_id] = now
        if order.broker_order_id is None:
            continue
        try:
            await desk.broker.cancel(order.broker_order_id)
        except BrokerRefused as refused:
            # Asked again when it is no longer "asked for a moment ago": a no is not turned by repeating the question.
            log.warning("cancel_refused", client_order_id=order.client_order_id, error=refused.detail)
        except Unavailable as error:
            log.warning("cancel_failed", client_order_id=order.client_order_id, error=error.detail)
            desk.asked.pop(order.order_id, None)
            return False
    return True


async def _free_shares(desk: Desk, position: PositionRow) -> BrokerPosition | None:
    """What the broker holds of it, once no order holds it back; None while that is not so.

    Gone at the broker means that an exit filled meanwhile: settling will tell.
    """
    held = next((one for one in await desk.broker.positions() if one.symbol == position.symbol), None)
    if held is None or (held.quantity > 0) != (position.side == "long"):
        return None
    return held if abs(held.available) >= abs(held.quantity) else None


async def _close(desk: Desk, scene: Scene) -> bool:
    assert scene.position is not None
    held = await _free_shares(desk, scene.position)
    if held is None:
        return False
    reason = scene.position.exit_reason or "manual"
    order = await _intent(desk, scene.position, "exit", abs(held.quantity), scene.now, reason=reason, type="market")
    return order is not None and (await ask(desk, order)).status != "rejected"


async def _protect(desk: Desk, scene: Scene, quantity: int) -> bool:
    """A stop, and the target beside it where there is one."""
    position = scene.position
    assert position is not None
    held = await _free_shares(desk, position)
    if held is None or abs(held.quantity) < quantity:
        return False
    paired = position.take_profit_price is not None
    order = await _intent(
        desk,
        position,
        "protect",
        quantity,
        scene.now,
        type="limit" if paired else "stop",
        order_class="oco" if paired else "simple",
        limit_price=position.take_profit_price,
        stop_price=None if paired else position.stop_price,
        decision_stop=position.stop_price,
        decision_target=position.take_profit_price,
    )
    if order is None:
        return False
    await ask(desk, order)
    return True


async def _intent(
    desk: Desk, position: PositionRow, purpose: Any, quantity: int, now: datetime, **fields: Any
) -> OrderRow | None:
    """A stored intent of our own; None when another process was faster."""
    day = f"{trading_day(now):%Y%m%d}"
    number = 1 + await store.ids_like(desk.deps.pool, client_order_id(day, position.symbol, purpose, 0)[:-1])
    client_id = client_order_id(day, position.symbol, purpose, number)
    empty = dict.fromkeys(("limit_price", "stop_price", "decision_stop", "decision_target", "reason"))
    order = OrderRow(
        order_id=stable_id("order", client_id),
        client_order_id=client_id,
        broker_order_id=None,
        parent_order_id=None,
        cycle_id=position.cycle_id,
        symbol=position.symbol,
        side=exit_side(position),
        purpose=purpose,
        status=INTENDED,
        quantity=quantity,
        filled_quantity=0,
        booked_quantity=0,
        filled_average_price=None,
        decision_id=None,
        decision_expires_at=None,
        cancel_reason=None,
        created_at=now,
        submitted_at=None,
        updated_at=now,
        **{"order_class": "simple", **empty, **fields},
    )
    with contextlib.suppress(asyncpg.UniqueViolationError):
        await store.insert_order(desk.deps.pool, order)
        return order
    return None


async def _measure(desk: Desk, symbol: str, scene: Scene) -> None:
    """Shares without a stop, counted over the time since the last look; and how long the first cover took."""
    position = scene.position
    bare, since = desk.naked.pop(symbol, (0, scene.now))
    UNPROTECTED.inc(bare * max(timedelta(), scene.now - since).total_seconds())
    if scene.quantity > scene.protected:
        desk.naked[symbol] = (scene.quantity - scene.protected, scene.now)
    if position is None or scene.protected < position.quantity or position.position_id in desk.covered:
        return
    desk.covered.add(position.position_id)
    FILL_TO_PROTECTED.observe(max(0.0, (scene.now - position.entry_time).total_seconds()))
