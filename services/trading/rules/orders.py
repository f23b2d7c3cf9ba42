"""An order's life: what is sent, which news of it counts, and what it does for the position."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from shared.domain.market import to_tick
from shared.domain.order import (
    BOUGHT_BY,
    FINAL_STATUSES,
    ApprovedOrder,
    BrokerOrder,
    OrderRequest,
    OrderView,
    PositionIntent,
    Purpose,
    RefusalCode,
    Side,
    TimeInForce,
)
from shared.domain.position import Origin
from shared.domain.session import trading_day

INTENDED = "intended"
"""Stored and not (or not provably) at the broker."""
_RANK = {
    INTENDED: 0,
    "pending_new": 1,
    "accepted": 2,
    "held": 3,
    "new": 4,
    "partially_filled": 5,
    "pending_replace": 6,
    "pending_cancel": 6,
    **dict.fromkeys(FINAL_STATUSES, 9),
}
CLOSED_BY: dict[Side, PositionIntent] = {"sell": "sell_to_close", "buy": "buy_to_close"}
LEAVING = frozenset({"pending_cancel", "pending_replace"})
CLOCKS_APART = timedelta(minutes=10)
"""More than two clocks that are kept in step ever differ by."""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One row of `orders`."""

    order_id: UUID
    client_order_id: str
    broker_order_id: str | None
    parent_order_id: UUID | None
    cycle_id: str | None
    symbol: str
    side: Side
    purpose: Purpose
    type: str
    order_class: str
    status: str
    quantity: int
    filled_quantity: int
    booked_quantity: int
    filled_average_price: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    decision_id: UUID | None
    decision_stop: Decimal | None
    decision_target: Decimal | None
    decision_expires_at: datetime | None
    reason: str | None
    cancel_reason: str | None
    exit_reason: str | None
    created_at: datetime
    submitted_at: datetime | None
    updated_at: datetime
    origin: Origin = "system"
    time_in_force: TimeInForce = "day"
    refusal: RefusalCode | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    @property
    def rest(self) -> int:
        """Shares it may still trade."""
        return 0 if self.is_final else self.quantity - self.filled_quantity

    @property
    def is_entry(self) -> bool:
        return self.purpose == "entry"

    @property
    def is_others(self) -> bool:
        """Ordered past this system; its legs are like our own."""
        return self.purpose == "foreign"


def row_of(
    told: BrokerOrder,
    *,
    order_id: UUID,
    client_order_id: str,
    symbol: str,
    purpose: Purpose,
    parent_order_id: UUID | None = None,
    cycle_id: str | None = None,
    reason: str | None = None,
    origin: Origin = "system",
    time_in_force: TimeInForce = "day",
) -> OrderRow:
    """A row for an order first met at the broker: a leg, or another hand's. Nothing of it is booked."""
    return OrderRow(
        order_id=order_id,
        client_order_id=client_order_id,
        broker_order_id=told.id,
        parent_order_id=parent_order_id,
        cycle_id=cycle_id,
        symbol=symbol,
        side=told.side,
        purpose=purpose,
        type=told.type,
        order_class=told.order_class,
        status=told.status,
        quantity=max(1, told.quantity),
        filled_quantity=told.filled_quantity,
        booked_quantity=0,
        filled_average_price=told.filled_average_price,
        limit_price=told.limit_price,
        stop_price=told.stop_price,
        decision_id=None,
        decision_stop=None,
        decision_target=None,
        decision_expires_at=None,
        reason=reason,
        cancel_reason=None,
        exit_reason=None,
        created_at=told.submitted_at,
        submitted_at=told.submitted_at,
        updated_at=told.updated_at,
        origin=origin,
        time_in_force=time_in_force,
    )


def request_of(order: OrderRow) -> OrderRequest:
    """What goes to the broker for an intent: a bracket limited in price, a market exit, or a stop with its target.

    An order that closes says so: the broker then refuses to sell more than is held. Prices pass to_tick here and
    nowhere else. Raises ValueError for an intent without the prices it needs.
    """
    kind: Literal["market", "limit", "stop"] = "market"
    limit = stop = target = guard = None
    if order.order_class in ("bracket", "oco"):
        if order.decision_stop is None or order.decision_target is None:
            raise ValueError(f"{order.client_order_id}: no stop or no target")
        target, guard = to_tick(order.decision_target), to_tick(order.decision_stop)
        kind = "limit"
        if order.order_class == "oco":
            limit = target
        elif order.limit_price is None:
            raise ValueError(f"{order.client_order_id}: an entry without a limit")
        else:
            limit = to_tick(order.limit_price)
    elif order.purpose == "protect":
        if order.decision_stop is None:
            raise ValueError(f"{order.client_order_id}: no stop")
        kind, stop = "stop", to_tick(order.decision_stop)
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        type=kind,
        order_class="bracket" if order.order_class == "bracket" else "oco" if order.order_class == "oco" else "simple",
        position_intent="buy_to_open" if order.is_entry else CLOSED_BY[order.side],
        time_in_force=order.time_in_force,
        limit_price=limit,
        stop_price=stop,
        take_profit_price=target,
        stop_loss_price=guard,
    )


def same_order(order: OrderRow, approved: ApprovedOrder) -> bool:
    """True when the stored entry is exactly this approval."""
    return (
        order.decision_id == approved.decision_id
        and order.symbol == approved.symbol
        and order.side == BOUGHT_BY[approved.side]
        and order.quantity == approved.quantity
        and order.limit_price == approved.limit_price
        and order.decision_stop == approved.stop_price
        and order.decision_target == approved.take_profit_price
    )


def is_answer_to(order: OrderRow, told: BrokerOrder) -> bool:
    """Whether an order found under our id is the one meant. Ids are for ever: after a loss of our database one may be
    given out again, and the broker then shows what was sent under it before.

    An entry is known by its day and its limit, to the cent: no clock that is minutes off makes a stranger of an order
    that is live. An exit that is minutes older is taken for another one; the next is sent under the next number.
    """
    if (told.symbol, told.side, told.quantity) != (order.symbol, order.side, order.quantity):
        return False
    if order.is_entry:
        same_day = trading_day(told.submitted_at) == trading_day(order.created_at)
        return same_day and told.limit_price == order.limit_price
    return told.submitted_at >= order.created_at - CLOCKS_APART


def day_over(told: BrokerOrder, now: datetime) -> BrokerOrder:
    """`done_for_day` is no end while its day lasts; after it a day order has expired, whether or not that was said."""
    over = told.status == "done_for_day" and trading_day(now) > trading_day(told.submitted_at)
    return told.model_copy(update={"status": "expired"}) if over else told


def is_news(order: OrderRow, told: BrokerOrder) -> bool:
    """Whether what the broker says moves the order on. Answers overtake each other; an old one changes nothing.

    An order we gave up without ever having its id is open to everything.
    """
    if order.broker_order_id is None:
        return True
    if told.filled_quantity != order.filled_quantity:
        return told.filled_quantity > order.filled_quantity
    if order.is_final:
        return False
    if told.updated_at < order.updated_at:
        return False
    return (told.status, told.quantity) != (order.status, order.quantity) or told.updated_at > order.updated_at


def next_status(order: OrderRow, told: BrokerOrder) -> str:
    """The status after news: never back from a final one, unless that was our own guess about an order we had not met;
    a word we do not know is kept as it stands.
    """
    if order.broker_order_id is None:
        return told.status
    if order.is_final:
        return order.status
    if _RANK.get(told.status, 5) < _RANK.get(order.status, 0) and told.updated_at <= order.updated_at:
        return order.status
    return told.status


def leg_purpose(leg: BrokerOrder) -> Purpose:
    """Legs come in no promised order: the one with a stop price guards, the other takes the profit."""
    return "stop_loss" if leg.stop_price is not None else "take_profit"


def has_both_legs(told: BrokerOrder) -> bool:
    return {leg_purpose(leg) for leg in told.legs} == {"stop_loss", "take_profit"}


def has_legs_as_decided(order: OrderRow, told: BrokerOrder) -> bool:
    """Whether the broker made the bracket that was approved: stop and target at the decided prices, each for all
    shares. Only what has just been sent can be held against it; legs may be moved by hand later.
    """
    legs = {leg_purpose(leg): leg for leg in told.legs}
    if set(legs) != {"stop_loss", "take_profit"} or order.decision_stop is None or order.decision_target is None:
        return False
    stop, target = legs["stop_loss"], legs["take_profit"]
    return stop.stop_price == to_tick(order.decision_stop) and target.limit_price == to_tick(order.decision_target)


def protecting(order: OrderRow, family: dict[UUID, OrderRow]) -> int:
    """Shares that this order's stop covers now.

    A held leg is watched once its entry (whoever sent it) has filled, or beside a working target (one-cancels-other).
    """
    if order.stop_price is None or order.is_final or order.status == INTENDED or order.status in LEAVING:
        return 0
    parent = family.get(order.parent_order_id) if order.parent_order_id else None
    if order.status == "held" and (parent is None or (parent.order_class != "oco" and parent.status != "filled")):
        return 0
    return order.rest


def slippage_bps(order: OrderRow, price: Decimal, decided_on: Decimal | None) -> float | None:
    """How much worse than meant a fill was: an entry's against its decision, a stop's against its price."""
    meant = decided_on if order.is_entry else order.stop_price
    if meant is None or not meant:
        return None
    worse = price - meant if order.side == "buy" else meant - price
    return float(worse / meant * 10_000)


def exit_reason(order: OrderRow) -> str:
    """What closed a position, given the order that did."""
    if order.purpose == "exit":
        return order.reason or "manual"
    if order.purpose == "protect":
        return "take_profit" if order.type == "limit" else "stop_loss"
    return order.purpose


def view(order: OrderRow) -> OrderView:
    return OrderView(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        broker_order_id=order.broker_order_id,
        parent_order_id=order.parent_order_id,
        decision_id=order.decision_id,
        cycle_id=order.cycle_id,
        symbol=order.symbol,
        side=order.side,
        purpose=order.purpose,
        type=order.type,
        status=order.status,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        filled_average_price=order.filled_average_price,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        reason=order.cancel_reason or order.reason,
        refusal=order.refusal,
        created_at=order.created_at,
        submitted_at=order.submitted_at,
        updated_at=order.updated_at,
    )
