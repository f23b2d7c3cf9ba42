"""Intend, commit, ask, record: how every order reaches the broker, once."""

from typing import Literal

import asyncpg
import structlog

from services.trading import store
from services.trading.flow.clock import compare_clocks
from services.trading.flow.desk import REJECTS, Desk, alert_once, note_order, stable_id
from services.trading.rules import limits
from services.trading.rules import orders as rule
from services.trading.rules.exits import entries_end
from services.trading.rules.orders import INTENDED, OrderRow
from shared import account_lock
from shared.domain.order import BOUGHT_BY, ApprovedOrder, BrokerOrder
from shared.errors import BadInput, BrokerRefused, NotNow, OutcomeUnknown, Unavailable
from shared.journal import Connection

ATTEMPTS = 3
UNIQUE_REASONS = {
    "one_open_entry_per_symbol": "already an open entry for {symbol}",
    "orders_decision_id_key": "decision used: an order was sent for it under another id",
    "orders_client_order_id_key": "client_order_id used by another order",
    "orders_pkey": "client_order_id used by another order",
}
log = structlog.get_logger()


async def place_entry(desk: Desk, approved: ApprovedOrder) -> OrderRow:
    """Send an approved entry; the same body twice gives the same order.

    Raises NotNow (with the reason) at the wrong moment and BadInput for what is not approved as it stands.
    """
    async with desk.locks[approved.symbol]:
        known = await store.order_by_client_id(desk.deps.pool, approved.client_order_id)
        if known is not None:
            return _the_same(known, approved)
        await _may_enter(desk, approved)
        order = await _intend_entry(desk, approved)
        if (late := await store.forbidden(desk.deps.pool, approved.decision_id)) is not None:
            # Halted, or everything closed, in between: whoever did that may not have seen this order.
            await give_up(desk, order, late)
            raise NotNow(late)
        desk.decided_on[order.order_id] = approved.reference_price
        return await ask(desk, order)


def _the_same(known: OrderRow, approved: ApprovedOrder) -> OrderRow:
    if rule.same_order(known, approved):
        return known
    raise NotNow(f"client_order_id {approved.client_order_id} was used for another order", field="client_order_id")


async def _may_enter(desk: Desk, approved: ApprovedOrder) -> None:
    symbol = approved.symbol
    if not desk.ready:
        # Not a refusal: the caller asks again with the same body until the first reconciliation is through.
        raise Unavailable("not yet reconciled with the broker: nothing is sent before that")
    await compare_clocks(desk)
    clocks_allow(desk)
    now = await desk.deps.clock.now()
    if now >= approved.expires_at:
        raise NotNow(f"the approval expired at {approved.expires_at.isoformat()}", field="expires_at")
    if desk.session(now) is None and not desk.calendar.is_of(now):
        # Not a refusal either: whether the market is open is not known.
        raise Unavailable("the market calendar has not been read yet: nothing is entered before that")
    if entries_end(desk.session(now), desk.how, now):
        upcoming = desk.upcoming(now)
        when = upcoming.open if upcoming else None
        raise NotNow("no entries now: market closed, or closing for the day", possible_at=when)
    if await account_lock.is_taken(desk.deps.pool):
        raise NotNow("the account is being flattened: nothing is sent")
    forbidden = await store.forbidden(desk.deps.pool, approved.decision_id)
    if forbidden is not None:
        raise NotNow(forbidden)
    if symbol in desk.disagreements:
        raise NotNow(f"{symbol} is locked: our books and the broker disagree on what is held")
    if await store.open_position(desk.deps.pool, symbol) is not None:
        raise NotNow(f"{symbol} is held already")
    if any(one.symbol == symbol and one.exact for one in desk.sight.holdings):
        raise NotNow(f"{symbol} is held already, and not by this system: shares that are not ours stay apart")


def clocks_allow(desk: Desk) -> None:
    """Raises NotNow while our clock is far from the broker's: neither prices nor hours can be judged by it then.

    Raises Unavailable as long as nobody knows: the caller asks again.
    """
    reading = desk.clock_reading
    if reading is None:
        raise Unavailable("the broker's clock has not been read yet: nothing is entered before that")
    if not reading.in_step:
        facts: dict[str, object] = {"kind": "clock_offset", **reading.model_dump(mode="json")}
        raise NotNow(f"{reading.words}: nothing is entered", field="clock_offset", left=(facts,))


def lasting(desk: Desk) -> Literal["day", "gtc"]:
    """How long stops and targets of ours rest: what may be held over night must be protected then."""
    return "day" if desk.how.close_all_at_market_close else "gtc"


async def _intend_entry(desk: Desk, approved: ApprovedOrder) -> OrderRow:
    now = await desk.deps.clock.now()
    order = OrderRow(
        order_id=stable_id("order", approved.client_order_id),
        client_order_id=approved.client_order_id,
        broker_order_id=None,
        parent_order_id=None,
        cycle_id=approved.cycle_id,
        symbol=approved.symbol,
        side=BOUGHT_BY[approved.side],
        purpose="entry",
        type="limit",
        order_class="bracket",
        status=INTENDED,
        quantity=approved.quantity,
        filled_quantity=0,
        booked_quantity=0,
        filled_average_price=None,
        limit_price=approved.limit_price,
        stop_price=None,
        decision_id=approved.decision_id,
        decision_stop=approved.stop_price,
        decision_target=approved.take_profit_price,
        decision_expires_at=approved.expires_at,
        reason=None,
        cancel_reason=None,
        exit_reason=None,
        created_at=now,
        submitted_at=None,
        updated_at=now,
        time_in_force=lasting(desk),
    )
    try:
        async with desk.deps.pool.acquire() as connection, connection.transaction():
            # One at a time: two entries of different symbols must each see the other.
            await store.take_turn(connection)
            at_work = await store.at_work(connection)
            if (broken := limits.exceeded(approved, at_work, desk.deps.config.current())) is not None:
                raise NotNow(f"a hard limit would be broken at the worst fill: {broken}", field="quantity")
            await store.insert_order(connection, order)
    except asyncpg.ForeignKeyViolationError as error:
        raise BadInput(
            "not approved: no decision allows exactly this order (id, symbol, quantity, limit, stop, target, expiry); "
            "it is larger than approved, altered, or was never decided",
            field="decision_id",
        ) from error
    except asyncpg.UniqueViolationError as error:
        text = UNIQUE_REASONS.get(error.constraint_name or "", "in use: {symbol}")
        raise NotNow(text.format(symbol=order.symbol)) from error
    return order


async def ask(desk: Desk, order: OrderRow) -> OrderRow:
    """Send a stored intent and record the answer. Without one it stays intended, and settling finds out."""
    try:
        told = await _submit(desk, order)
    except BrokerRefused as refused:
        return await refuse(desk, order, refused)
    except Unavailable as error:
        log.warning("order_outcome_unknown", client_order_id=order.client_order_id, error=error.detail)
        return order
    return await record(desk, order, told)


async def _submit(desk: Desk, order: OrderRow) -> BrokerOrder:
    """A lost answer is looked up before the same id is sent again, so there is never a second order.

    Only an answer to the order itself can reject it: a look-up that fails, or that does not know yet what the broker
    has just called taken, leaves the outcome unknown. Tries that time out take their time: what was right to send
    before need not be so any more.
    """
    request = rule.request_of(order)
    for attempt in range(ATTEMPTS):
        if await account_lock.is_taken(desk.deps.pool):
            raise OutcomeUnknown(f"{order.client_order_id} is not sent: the account is being flattened")
        if attempt and (why := await overtaken(desk, order)) is not None:
            raise OutcomeUnknown(f"{order.client_order_id} is not sent again: {why}")
        try:
            return await desk.broker.submit(request)
        except OutcomeUnknown:
            found = await found_as(desk, order)
        except BrokerRefused as refused:
            if refused.refusal != "client_order_id_taken":
                raise
            await store.mark_arrived(desk.deps.pool, order.order_id, await desk.deps.clock.now())
            found = await found_as(desk, order)
            if found is None:
                raise OutcomeUnknown(f"{order.client_order_id} is at the broker, who does not show it yet") from None
        if found is not None:
            return found
    raise OutcomeUnknown(f"{order.client_order_id}: no answer to {ATTEMPTS} tries, and the broker does not know it")


async def found_as(desk: Desk, order: OrderRow) -> BrokerOrder | None:
    """What the broker has under our id. Raises BrokerRefused when that is another order than the one meant."""
    found = await desk.broker.order_by_client_id(order.client_order_id)
    if found is not None and not rule.is_answer_to(order, found):
        raise BrokerRefused(
            "the broker knows another order under this client_order_id",
            status=422,
            code=None,
            refusal="client_order_id_taken",
        )
    return found


async def overtaken(desk: Desk, order: OrderRow) -> str | None:
    """Why an intent must not be sent (any more)."""
    fresh, now = await store.order_by_id(desk.deps.pool, order.order_id), await desk.deps.clock.now()
    if fresh is not None and fresh.cancel_reason is not None:
        return fresh.cancel_reason
    if order.is_entry:
        if desk.clock_reading is not None and not desk.clock_reading.in_step:
            return desk.clock_reading.words
        if order.decision_expires_at is not None and now >= order.decision_expires_at:
            return "its approval expired"
        if entries_end(desk.session(now), desk.how, now):
            return "closing for the day"
        return await store.forbidden(desk.deps.pool, order.decision_id)
    position = await store.open_position(desk.deps.pool, order.symbol, order.origin)
    return None if position is not None and position.quantity >= order.quantity else "the position has changed"


async def give_up(desk: Desk, order: OrderRow, why: str) -> OrderRow:
    """An intent that is not at the broker, and is not sent."""
    now = await desk.deps.clock.now()
    async with desk.deps.pool.acquire() as connection, connection.transaction():
        gone = await store.mark_order(connection, order.order_id, "canceled", f"never reached the broker: {why}", now)
        await note_order(connection, gone, now)
    return gone


async def refuse(desk: Desk, order: OrderRow, refused: BrokerRefused) -> OrderRow:
    """The broker's no, with what it says."""
    now = await desk.deps.clock.now()
    extra = ", ".join(f"{key}={value}" for key, value in sorted(refused.extra.items()))
    reason = f"{refused.status} {refused.code or ''} {refused.detail}".replace("  ", " ") + (extra and f" ({extra})")
    REJECTS.labels(order.purpose, str(refused.code or refused.status)).inc()
    log.warning("order_rejected", client_order_id=order.client_order_id, reason=reason)
    async with desk.deps.pool.acquire() as connection, connection.transaction():
        row = await store.mark_order(connection, order.order_id, "rejected", reason, now, refused.refusal)
        await note_order(connection, row, now)
    if order.purpose in ("exit", "protect") and refused.refusal != "shares_not_available":
        # Otherwise it is a matter of seconds: shares that a cancelled order has not let go of yet.
        kind = "exit_refused" if order.purpose == "exit" else "protection_refused"
        message = f"{order.quantity} {order.symbol}: the broker refuses to take the {order.purpose} order: {reason}"
        await alert_once(desk, f"{kind}-{order.symbol}-{refused.code}", "critical", kind, message, now)
    return row


async def record(desk: Desk, order: OrderRow, told: BrokerOrder) -> OrderRow:
    """What the broker says of an order and its legs, onto their rows; legs seen for the first time become rows."""
    async with desk.deps.pool.acquire() as connection, connection.transaction():
        row = await store.lock_order(connection, order.order_id)
        is_first = row.broker_order_id is None
        if rule.is_news(row, told):
            before, row = row.status, await store.record_told(connection, row, told, rule.next_status(row, told))
            if row.status != before:
                await note_order(connection, row, told.updated_at)
        for leg in told.legs:
            known = await store.order_by_broker_id(connection, leg.id)
            if known is None:
                await _add_leg(connection, row, leg)
            elif rule.is_news(known, leg):
                moved = await store.record_told(connection, known, leg, rule.next_status(known, leg))
                if moved.status != known.status:
                    await note_order(connection, moved, leg.updated_at)
    if row.is_entry:
        await _check_bracket(desk, row, told, is_first=is_first)
    return row


async def _check_bracket(desk: Desk, row: OrderRow, told: BrokerOrder, *, is_first: bool) -> None:
    """An entry whose legs are missing, or are not those decided on, goes; what it bought is closed."""
    if is_first and told.legs and not rule.has_legs_as_decided(row, told):
        kind, why = "bracket_altered", "was sent as a bracket and came back with other exits than were decided"
        await store.want_closed(desk.deps.pool, row.order_id, "unprotected")
    elif not row.is_final and not rule.has_both_legs(told):
        kind, why = "bracket_without_legs", "was sent as a bracket and came back without both legs"
    else:
        return
    await store.want_cancel(desk.deps.pool, [row.order_id], why)
    message = f"{row.client_order_id}: {row.symbol} {why}"
    await alert_once(desk, f"legs-{row.order_id}", "critical", kind, message, told.updated_at)


async def _add_leg(connection: Connection, parent: OrderRow, leg: BrokerOrder) -> None:
    row = rule.row_of(
        leg,
        order_id=stable_id("leg", leg.id),
        client_order_id=leg.client_order_id,
        parent_order_id=parent.order_id,
        cycle_id=parent.cycle_id,
        symbol=parent.symbol,
        purpose=rule.leg_purpose(leg),
        origin=parent.origin,
        time_in_force=parent.time_in_force,
    )
    await store.insert_order(connection, row)
    await note_order(connection, row, leg.submitted_at)
