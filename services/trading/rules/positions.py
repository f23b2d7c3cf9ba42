"""A position is the fold of its executions and corrections; nothing else says what is held or earned."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from typing import Literal
from uuid import UUID

from config.trading import PositionsPart
from services.trading.rules.orders import OrderRow
from shared.domain.market import to_tick
from shared.domain.order import Execution, Side
from shared.domain.position import Origin, PositionView

ZERO = Decimal(0)
_PRICE, _MONEY = Decimal("0.00000001"), Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Fill:
    """One booked execution or correction. A split makes `shares_after` shares of every `shares_before`, at no price."""

    side: Side
    quantity: int
    price: Decimal
    at: datetime
    shares_before: int = 1
    shares_after: int = 1

    @property
    def is_split(self) -> bool:
        return self.shares_before != self.shares_after


@dataclass(frozen=True, slots=True)
class Fold:
    """What the executions of one position come to."""

    side: Literal["long", "short"]
    quantity: int
    entry_quantity: int
    entry_price: Decimal
    entry_time: datetime
    exit_price: Decimal | None
    exit_time: datetime | None
    realized_pnl: Decimal

    @property
    def status(self) -> Literal["open", "closed"]:
        return "open" if self.quantity else "closed"


@dataclass(frozen=True, slots=True)
class PositionRow:
    """One row of `positions`. `exit_reason` on an open one says why it is being closed."""

    position_id: UUID
    cycle_id: str | None
    symbol: str
    side: Literal["long", "short"]
    status: Literal["open", "closed"]
    quantity: int
    entry_quantity: int
    entry_price: Decimal
    entry_time: datetime
    exit_price: Decimal | None
    exit_time: datetime | None
    exit_reason: str | None
    realized_pnl: Decimal
    stop_price: Decimal | None
    take_profit_price: Decimal | None
    locked: bool
    lock_reason: str | None
    updated_at: datetime
    origin: Origin = "system"

    @property
    def is_foreign(self) -> bool:
        return self.origin == "foreign"


def _totals(fills: Iterable[Fill]) -> dict[Side, tuple[Decimal, Decimal]]:
    """Shares and money of either side. Shares from before a split count as what they became, at the same money; a
    fraction that a split leaves is paid out by the broker and is gone.
    """
    totals: dict[Side, tuple[Decimal, Decimal]] = {"buy": (ZERO, ZERO), "sell": (ZERO, ZERO)}
    for fill in fills:
        if not fill.is_split:
            shares, money = totals[fill.side]
            totals[fill.side] = shares + fill.quantity, money + fill.quantity * fill.price
            continue
        (bought, cost), (sold, proceeds) = totals["buy"], totals["sell"]
        net = after_split(int(bought - sold), fill.shares_before, fill.shares_after)
        sold = (sold * fill.shares_after / fill.shares_before).quantize(_PRICE)
        totals = {"buy": (sold + net, cost), "sell": (sold, proceeds)}
    return totals


def after_split(quantity: int, shares_before: int, shares_after: int) -> int:
    """Whole shares (signed) that a split makes of these, towards zero."""
    return int(Decimal(quantity) * shares_after / shares_before)


def fold(fills: Sequence[Fill]) -> Fold:
    """The position that these executions and corrections (in time order, at least one) make.

    Profit is sales less purchases of the shares that were both bought and sold, at average price on the side that
    has more of them; with nothing left it is exact. More sold than bought is a short, and shows as one.
    """
    totals = _totals(fills)
    (bought, cost), (sold, proceeds) = totals["buy"], totals["sell"]
    net, closed = int(bought - sold), min(bought, sold)
    long = net > 0 or (net == 0 and fills[0].side == "buy")
    realized = ZERO
    if closed:
        realized = (proceeds if sold == closed else proceeds * closed / sold) - (
            cost if bought == closed else cost * closed / bought
        )
    opened, opened_value = (bought, cost) if long else (sold, proceeds)
    left, left_value = (sold, proceeds) if long else (bought, cost)
    entry_side: Side = "buy" if long else "sell"
    return Fold(
        side="long" if long else "short",
        quantity=abs(net),
        entry_quantity=max(1, int(opened)),
        entry_price=(opened_value / opened).quantize(_PRICE),
        entry_time=next(fill.at for fill in fills if fill.side == entry_side and not fill.is_split),
        exit_price=(left_value / left).quantize(_PRICE) if left else None,
        exit_time=fills[-1].at if net == 0 else None,
        realized_pnl=realized.quantize(_MONEY),
    )


def not_booked(
    broker_order_id: str,
    listed: Sequence[Execution],
    heard: Sequence[Execution],
    booked: frozenset[str],
    booked_shares: int,
) -> tuple[Execution, ...]:
    """An order's executions that are still to be booked. What the broker lists counts; what its stream told only while
    nothing is listed.

    It is not promised that both name one execution alike. Where what we have booked is not listed under its name, the
    first listed are taken for those that we have; a list that is behind gives nothing until it has caught up.
    """
    mine = sorted((one for one in listed if one.broker_order_id == broker_order_id), key=_when)
    if not mine:
        told = {one.execution_id: one for one in heard if one.broker_order_id == broker_order_id}
        return tuple(one for one in told.values() if one.execution_id not in booked)
    if booked - {one.execution_id for one in mine}:
        ends = accumulate(one.quantity for one in mine)
        return tuple(one for one, end in zip(mine, ends, strict=True) if end - one.quantity >= booked_shares)
    return tuple(one for one in mine if one.execution_id not in booked)


def told_by_order(order: OrderRow, booked_value: Decimal) -> Execution | None:
    """What an order says was filled beyond what is booked, as one execution at the price that its average leaves.

    `booked_value` is shares times price of its booked executions, USD. None where the order has no average price.
    """
    shares, average = order.filled_quantity - order.booked_quantity, order.filled_average_price
    if shares < 1 or average is None or order.broker_order_id is None:
        return None
    price = (average * order.filled_quantity - booked_value) / shares
    if price <= 0:
        return None
    return Execution(
        execution_id=f"{order.broker_order_id}/{order.filled_quantity}",
        broker_order_id=order.broker_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=shares,
        price=price.quantize(_PRICE),
        at=order.updated_at,
    )


def _when(execution: Execution) -> tuple[datetime, str]:
    return execution.at, execution.execution_id


def guard_prices(entry_price: Decimal, how: PositionsPart) -> tuple[Decimal, Decimal]:
    """The default stop and target of a long position, on the tick; the stop always below the target."""
    stop, target = (Decimal(str(share)) / 100 for share in (how.default_stop_loss_pct, how.default_take_profit_pct))
    return to_tick(entry_price * (1 - stop), "down"), to_tick(entry_price * (1 + target), "up")


def exit_side(position: PositionRow) -> Side:
    return "sell" if position.side == "long" else "buy"


def signed(position: PositionRow) -> int:
    """Shares as the broker counts them: a short is negative."""
    return position.quantity if position.side == "long" else -position.quantity


def view(position: PositionRow, protected: int, charged: Decimal = ZERO, accrued: Decimal = ZERO) -> PositionView:
    return PositionView(
        position_id=position.position_id,
        cycle_id=position.cycle_id,
        symbol=position.symbol,
        side=position.side,
        status=position.status,
        quantity=position.quantity,
        entry_price=position.entry_price,
        entry_time=position.entry_time,
        exit_price=position.exit_price,
        exit_time=position.exit_time,
        exit_reason=position.exit_reason,
        realized_pnl=position.realized_pnl,
        fees_charged=charged,
        fees_accrued=accrued,
        net_pnl=position.realized_pnl - charged - accrued,
        stop_price=position.stop_price,
        take_profit_price=position.take_profit_price,
        protected_quantity=min(protected, position.quantity),
        locked=position.locked,
        origin=position.origin,
    )
