"""Orders that close: exits at market and protection, never for more shares than are provably ours and free."""

import contextlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import asyncpg
import structlog

from services.trading import store
from services.trading.flow.desk import Desk, stable_id
from services.trading.flow.send import ask, lasting
from services.trading.rules.orders import INTENDED, OrderRow
from services.trading.rules.positions import PositionRow, exit_side
from services.trading.rules.steps import Scene
from shared.domain.order import client_order_id
from shared.domain.position import BrokerPosition
from shared.domain.session import trading_day
from shared.errors import BrokerRefused, Unavailable

STORES_APART = timedelta(seconds=15)
"""The broker's positions can be so far behind his orders and executions."""
SHARED_FOR = timedelta(seconds=1)
SHORTFALL_AFTER = timedelta(seconds=10)
"""So long shares may take to be freed; after that an exit sells those that are."""
log = structlog.get_logger()
T = TypeVar("T")


async def close(desk: Desk, scene: Scene) -> bool:
    """Sell what is ours (buy a short back) at market; False when that has to wait.

    Protection has gone by now: where the broker does not say what is held, it is put back before the error is raised.
    """
    position = scene.position
    assert position is not None
    try:
        free = min(await _free_shares(desk, position), await _not_sold_by_others(desk, position, scene.now))
    except Unavailable:
        desk.shared_answers.clear()
        await _put_back(desk, scene)
        raise
    if free < position.quantity and not await _may_sell_part(desk, scene, free):
        return False
    desk.shortfalls.pop(position.position_id, None)
    reason = position.exit_reason or "manual"
    order = await intent(desk, position, "exit", free, scene.now, reason=reason, type="market")
    return order is not None and (await ask(desk, order)).status != "rejected"


async def protect(desk: Desk, scene: Scene, quantity: int) -> bool:
    """A stop, and the target beside it where there is one; False when the shares are not free yet."""
    position = scene.position
    assert position is not None
    if await _free_shares(desk, position) < quantity:
        await _let_go(desk, scene)
        return False
    return await _send_protection(desk, position, quantity, scene.now)


async def selling_works(desk: Desk, position: PositionRow, now: datetime) -> bool:
    """Whether an exit could be sent if protection went now: the broker says what is held, and we hold it.

    One answer serves all symbols of the same second. Raises Unavailable when he does not answer: then protection stays.
    """
    held = _on_our_side(await _shared(desk, "positions", now, desk.broker.positions), position)
    if held is None:
        log.warning("nothing_to_sell", symbol=position.symbol, quantity=position.quantity)
    return held is not None


async def _held(desk: Desk, position: PositionRow) -> tuple[int, int] | None:
    """Shares that the broker holds on the position's side, and how many of them are free; None where there are none:
    then an exit has filled meanwhile, which settling finds out.
    """
    return _on_our_side(await desk.broker.positions(), position)


def _on_our_side(listed: Iterable[BrokerPosition], position: PositionRow) -> tuple[int, int] | None:
    found = next((one for one in listed if one.symbol == position.symbol), None)
    if found is None or (found.quantity > 0) != (position.side == "long"):
        return None
    return abs(int(found.quantity)), abs(int(found.available))


async def _free_shares(desk: Desk, position: PositionRow) -> int:
    """Shares of ours that no order holds back."""
    held = await _held(desk, position)
    return min(position.quantity, held[1]) if held is not None else 0


async def _not_sold_by_others(desk: Desk, position: PositionRow, now: datetime) -> int:
    """Shares that nobody else has sold, or is selling, while the broker's positions may not show it yet.

    Where executions do not answer the broker's own refusal to sell more than is held has to do.
    """
    side, left = exit_side(position), position.quantity
    try:
        fills = await _shared(desk, "executions", now, lambda: desk.broker.executions(now - STORES_APART))
        resting = await _shared(desk, "open orders", now, lambda: desk.broker.orders(open_only=True))
    except Unavailable as error:
        log.warning("sales_unknown", symbol=position.symbol, error=error.detail)
        return left
    for fill in fills:
        if fill.symbol == position.symbol and fill.side == side:
            row = await store.order_by_broker_id(desk.deps.pool, fill.broker_order_id)
            left -= fill.quantity if row is None or row.is_others else 0
    for order in resting:
        if (order.symbol, order.side, order.type) == (position.symbol, side, "market"):
            row = await store.order_by_broker_id(desk.deps.pool, order.id)
            left -= order.quantity - order.filled_quantity if row is None or row.is_others else 0
    return max(0, left)


async def _shared(desk: Desk, what: str, now: datetime, ask: Callable[[], Awaitable[T]]) -> T:
    """The broker's answer, at most a second old: requests are rationed, and what is asked for here is the same for
    every symbol that is being closed.
    """
    known = desk.shared_answers.get(what)
    if known is None or not timedelta() <= now - known[0] < SHARED_FOR:
        desk.shared_answers.pop(what, None)
        known = desk.shared_answers[what] = (now, await ask())
    return cast("T", known[1])


async def _may_sell_part(desk: Desk, scene: Scene, free: int) -> bool:
    """Whether to sell fewer shares than are ours: when the rest has not become free for long enough."""
    assert scene.position is not None
    if await _let_go(desk, scene):
        return False
    since = desk.shortfalls.setdefault(scene.position.position_id, scene.now)
    return free > 0 and scene.now - since >= SHORTFALL_AFTER


async def _let_go(desk: Desk, scene: Scene) -> bool:
    """Ask for cancellation of another hand's resting exits: they hold shares of ours. A sale at market is
    left alone as long as it is waited for. False when there are none.
    """
    assert scene.position is not None
    side, asked = exit_side(scene.position), scene.asked
    waited = {one.order_id for one in scene.liquidations}
    resting = [one for one in scene.live if one.is_others and one.side == side and one.order_id not in waited]
    fresh = tuple(one for one in resting if one.order_id not in asked)
    if fresh:
        await store.want_cancel(desk.deps.pool, [one.order_id for one in fresh], "it holds shares that must be covered")
        await cancel(desk, fresh, scene.now)
    return bool(resting)


async def _put_back(desk: Desk, scene: Scene) -> None:
    """Protection again, for what our books say is held: the broker refuses where that is more than is free."""
    position = scene.position
    if position is None or position.stop_price is None or scene.ours:
        return
    log.warning("protection_put_back", symbol=position.symbol, quantity=position.quantity)
    with contextlib.suppress(Unavailable):
        await _send_protection(desk, position, position.quantity, scene.now)


async def _send_protection(desk: Desk, position: PositionRow, quantity: int, now: datetime) -> bool:
    paired = position.take_profit_price is not None
    order = await intent(
        desk,
        position,
        "protect",
        quantity,
        now,
        type="limit" if paired else "stop",
        order_class="oco" if paired else "simple",
        limit_price=position.take_profit_price,
        stop_price=None if paired else position.stop_price,
        decision_stop=position.stop_price,
        decision_target=position.take_profit_price,
        time_in_force=lasting(desk),
    )
    if order is None:
        return False
    await ask(desk, order)
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


async def intent(
    desk: Desk, position: PositionRow, purpose: Any, quantity: int, now: datetime, **fields: Any
) -> OrderRow | None:
    """A stored intent of our own; None when another process was faster."""
    day = f"{trading_day(now):%Y%m%d}"
    number = 1 + await store.ids_like(desk.deps.pool, client_order_id(day, position.symbol, purpose, 0)[:-1])
    client_id = client_order_id(day, position.symbol, purpose, number)
    unset = ("limit_price", "stop_price", "decision_stop", "decision_target", "reason", "exit_reason")
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
        **{"order_class": "simple", **dict.fromkeys(unset), **fields},
    )
    with contextlib.suppress(asyncpg.UniqueViolationError):
        await store.insert_order(desk.deps.pool, order)
        return order
    return None
