"""What is not ours: what the broker holds, less what our books say. It is never sold unless the setting says so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from config.trading import PositionsPart
from services.trading.rules.orders import INTENDED, LEAVING, OrderRow, protecting
from services.trading.rules.positions import PositionRow, guard_prices, signed
from services.trading.rules.steps import LONGEST_RETRY, POLL, SLOW_POLL, Cancel, Close, Protect, Rest
from shared.domain.position import BrokerPosition, ForeignHolding


def foreign_of(holdings: Iterable[BrokerPosition], ours: Iterable[PositionRow]) -> dict[str, Decimal]:
    """Foreign quantity by symbol, signed, fractions included; symbols without any are left out."""
    mine = {position.symbol: signed(position) for position in ours}
    left = {one.symbol: one.exact - (mine.get(one.symbol, 0) if one.is_equity else 0) for one in holdings}
    return {symbol: quantity for symbol, quantity in left.items() if quantity}


def listed_foreign(
    holdings: Iterable[BrokerPosition], foreign: Mapping[str, Decimal], since: Mapping[str, datetime], now: datetime
) -> tuple[ForeignHolding, ...]:
    """For people: what of the broker's holdings is not ours, with the broker's own average price."""
    return tuple(
        ForeignHolding(
            symbol=one.symbol,
            asset_class=one.asset_class,
            quantity=foreign[one.symbol],
            average_price=one.average_entry_price,
            since=since.get(one.symbol, now),
        )
        for one in holdings
        if one.symbol in foreign
    )


def encroaching(orders: Sequence[OrderRow], foreign: int) -> tuple[OrderRow, ...]:
    """Orders that a symbol of ours must deal with: our own, what another hand buys, and his exits for more shares than
    are his. Those that only give up foreign shares (our own protection of them too) are none of it.
    """
    family = {order.order_id: order for order in orders}
    left, kept = foreign, []
    for order in orders:
        if order.origin == "system" or (order.is_others and order.side == "buy"):
            kept.append(order)
        elif (parent := family.get(order.parent_order_id) if order.parent_order_id else None) is not None:
            if parent in kept:
                kept.append(order)
        elif order.is_final or not order.is_others:
            continue
        elif order.rest <= left:
            left -= order.rest
        else:
            kept.append(order)
    return tuple(kept)


def covered(orders: Iterable[OrderRow]) -> int:
    """Foreign shares under a live stop, ours or another hand's. A leg stays with the entry that was replaced by one
    which then filled.
    """
    family = {order.order_id: order for order in orders if order.origin == "foreign"}
    found = 0
    for order in family.values():
        if order.side == "sell" and not order.is_final:
            parent = family.get(order.parent_order_id) if order.parent_order_id else None
            moved = parent is not None and parent.status == "replaced" and order.stop_price is not None
            found += order.rest if moved else protecting(order, family)
    return found


def foreign_guard(average: Decimal, current: Decimal, how: PositionsPart) -> tuple[Decimal, Decimal]:
    """Stop and target of foreign shares: from their average price, or from the current one where the market is beyond
    either already. A stop above the market, or a target below it, would sell at once.
    """
    stop, target = guard_prices(average, how)
    return (stop, target) if not current or stop < current < target else guard_prices(current, how)


@dataclass(frozen=True, slots=True)
class ForeignScene:
    """Foreign shares of one symbol now. `orders` are those of origin foreign that are not settled, and their parents;
    `refused`: the newest protective order or exit, when it was turned down; `free`: shares no order holds back.
    """

    position: PositionRow
    orders: tuple[OrderRow, ...]
    refused: OrderRow | None
    free: int
    now: datetime
    market_open: bool
    choice: str
    asked: frozenset[UUID] = frozenset()

    @property
    def live(self) -> tuple[OrderRow, ...]:
        return tuple(order for order in self.orders if not order.is_final)

    @property
    def covered(self) -> int:
        return covered(self.orders)

    @property
    def own(self) -> tuple[OrderRow, ...]:
        """Our own orders on these shares, without their legs."""
        return tuple(order for order in self.live if order.purpose in ("protect", "exit"))


def next_for_foreign(scene: ForeignScene) -> Rest | Cancel | Close | Protect:
    """What the setting asks for now. Orders of the other hand are his own affair: they are counted, never cancelled."""
    unclear = any(one.status == INTENDED or one.booked_quantity < one.filled_quantity for one in scene.orders)
    if unclear:
        return Rest(scene.now + POLL)
    quantity = scene.position.quantity if scene.position.side == "long" else 0
    guards = tuple(order for order in scene.own if order.purpose == "protect")
    too_many = sum(order.rest for order in guards) > quantity
    if too_many or (guards and scene.choice == "close" and scene.market_open):
        return _leave(scene, guards)
    if scene.choice == "leave" or not quantity or len(scene.own) > len(guards):
        return Rest()
    by_hand = sum(order.rest for order in scene.live if order.is_others and order.side == "sell")
    wanted = quantity - max(by_hand, scene.covered if scene.choice == "protect" else 0)
    if wanted <= 0 or (scene.choice == "close" and not scene.market_open):
        return Rest()
    if guards:
        return _leave(scene, guards)
    if scene.choice == "close" and any(o.is_others and o.side == "buy" and o.type == "market" for o in scene.live):
        # His own purchase still fills: a sale at market beside it would be refused as a wash trade.
        return Rest(scene.now + POLL)
    if scene.refused is not None and scene.now < scene.refused.updated_at + LONGEST_RETRY:
        return Rest(scene.refused.updated_at + LONGEST_RETRY)
    if scene.free < wanted:
        return Rest(scene.now + SLOW_POLL)
    return Close() if scene.choice == "close" else Protect(wanted)


def _leave(scene: ForeignScene, orders: tuple[OrderRow, ...]) -> Rest | Cancel:
    staying = tuple(one for one in orders if one.status not in LEAVING and one.order_id not in scene.asked)
    return Cancel(staying, "the foreign shares that it covers have changed") if staying else Rest(scene.now + POLL)
