"""Looking after foreign shares as `positions.foreign_positions` says: leave, protect or close. No other part does."""

from datetime import datetime

import structlog

from services.trading import store
from services.trading.flow.desk import Desk, alert_once, apart
from services.trading.flow.exits import cancel, intent
from services.trading.flow.send import ask
from services.trading.flow.settle import settle_symbol
from services.trading.rules.foreign import ForeignScene, covered, foreign_guard, next_for_foreign
from services.trading.rules.orders import OrderRow
from services.trading.rules.positions import PositionRow
from services.trading.rules.steps import POLL, Cancel, Close, Protect, Rest
from shared import account_lock
from shared.domain.position import BrokerPosition

MOST_STEPS = 4
log = structlog.get_logger()


async def attend_foreign(desk: Desk, now: datetime) -> list[datetime]:
    """Every symbol with foreign shares; when each wants to be looked at again."""
    wakes: list[datetime] = []
    if await account_lock.is_taken(desk.deps.pool):
        return wakes
    for row in await store.positions(desk.deps.pool, "open", origin="foreign"):
        if desk.locks[row.symbol].locked():
            wakes.append(now + POLL)
            continue
        async with desk.locks[row.symbol]:
            until = await apart(desk, f"{row.symbol} (foreign)", _attend(desk, row.symbol, now), now)
        wakes += [until] if until is not None else []
    return wakes


async def _attend(desk: Desk, symbol: str, now: datetime) -> datetime | None:
    for _ in range(MOST_STEPS):
        position = await store.open_position(desk.deps.pool, symbol, "foreign")
        if position is None or symbol in desk.disagreements:
            return None
        held = await _held(desk, position)
        if held is None:
            return None
        scene = await _scene(desk, position, held, now)
        await _tell(desk, scene)
        match next_for_foreign(scene):
            case Rest(until):
                return until
            case Cancel(orders, reason):
                await store.want_cancel(desk.deps.pool, [order.order_id for order in orders], reason)
                await cancel(desk, orders, now)
            case Close():
                free = min(position.quantity, held.available)
                await _send(desk, position, "exit", free, now, reason="foreign", type="market")
            case Protect(quantity):
                stop, target = foreign_guard(position.entry_price, held.current_price, desk.how)
                await store.write_guard(desk.deps.pool, position.position_id, stop, target)
                prices = {"limit_price": target, "decision_stop": stop, "decision_target": target}
                await _send(desk, position, "protect", quantity, now, type="limit", order_class="oco", **prices)
        await settle_symbol(desk, symbol, now)
    return now + POLL


async def _held(desk: Desk, position: PositionRow) -> BrokerPosition | None:
    """What the broker holds: as of the last comparison, or read anew where something may have to be sent."""
    bare = covered(await store.working(desk.deps.pool, position.symbol)) < position.quantity
    fresh = bare and position.side == "long" and desk.how.foreign_positions != "leave"
    listed = await desk.broker.positions() if fresh else desk.sight.holdings
    return next((one for one in listed if one.symbol == position.symbol), None)


async def _scene(desk: Desk, position: PositionRow, held: BrokerPosition, now: datetime) -> ForeignScene:
    rows = await store.working(desk.deps.pool, position.symbol)
    sent = await store.last_exits(desk.deps.pool, position.symbol, position.entry_time, 1, "foreign")
    session = desk.session(now)
    return ForeignScene(
        position=position,
        orders=tuple(row for row in rows if row.origin == "foreign"),
        refused=next((row for row in sent if row.status == "rejected"), None),
        free=held.available,
        now=now,
        market_open=session is not None and session.is_open(now),
        choice=desk.how.foreign_positions,
        asked=desk.recently_asked(now),
    )


async def _send(
    desk: Desk, position: PositionRow, purpose: str, quantity: int, now: datetime, **fields: object
) -> None:
    """Foreign shares stay over night: their protection is good until it is cancelled."""
    lasting = "gtc" if purpose == "protect" else "day"
    order: OrderRow | None = await intent(
        desk, position, purpose, quantity, now, origin="foreign", time_in_force=lasting, **fields
    )
    if order is not None:
        log.info("foreign_shares", symbol=position.symbol, purpose=purpose, quantity=quantity)
        await ask(desk, order)


async def _tell(desk: Desk, scene: ForeignScene) -> None:
    position, key = scene.position, scene.position.position_id
    if position.side == "short":
        message = f"{position.quantity} {position.symbol} are short at the broker, not by this system: left as they are"
        await alert_once(desk, f"short-{key}", "critical", "foreign_short", message, scene.now)
    elif scene.choice == "protect" and scene.refused is not None and scene.covered < position.quantity:
        what = f"{position.quantity - scene.covered} of {position.quantity} {position.symbol} that are not ours"
        message = f"the broker refuses a stop for {what}: {scene.refused.reason}"
        await alert_once(desk, f"foreign-bare-{key}", "critical", "foreign_unprotected", message, scene.now)
