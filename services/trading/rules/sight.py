"""What the broker's two lists showed at the last look, and what of it keeps the account from being called flat."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.trading.rules.orders import OrderRow
from shared.domain.listing import Unreadable
from shared.domain.order import BrokerOrder
from shared.domain.position import BrokerPosition, OtherOrder


@dataclass(frozen=True, slots=True)
class Sight:
    """`others` are open orders of other hands that are no rows of ours: options, coins, fractions, amounts of money.
    `open_ids`: every order he listed as open, legs included.
    """

    orders_read: bool = False
    positions_read: bool = False
    unreadable: tuple[Unreadable, ...] = ()
    others: tuple[BrokerOrder, ...] = ()
    holdings: tuple[BrokerPosition, ...] = ()
    open_ids: frozenset[str] = frozenset()


def other_orders(
    rows: Iterable[OrderRow], unlisted: Iterable[BrokerOrder], foreign: Mapping[str, Decimal]
) -> tuple[OtherOrder, ...]:
    """Open orders of other hands, those in our books and those that cannot be. `foreign` are holdings not ours, signed.

    One that only gives up what is not ours (sells a long, buys back a short, up to what there is) opens nothing.
    """
    known = [(o.broker_order_id or "", o.symbol, o.side, Decimal(o.rest)) for o in rows if not o.is_final]
    told = [(o.id, o.symbol, o.side, Decimal(o.quantity - o.filled_quantity)) for o in unlisted if not o.is_final]
    left, found = dict(foreign), []
    for order_id, symbol, side, quantity in sorted({*known, *told}):
        held = left.get(symbol, Decimal(0))
        reduces = held > 0 if side == "sell" else held < 0
        opens = not reduces or quantity > abs(held)
        if not opens:
            left[symbol] = held - quantity if side == "sell" else held + quantity
        found.append(OtherOrder(order_id=order_id, symbol=symbol, side=side, quantity=quantity, opens=opens))
    return tuple(found)
