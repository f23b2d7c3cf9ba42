"""What the broker lists at one moment, and what is to be done about it."""

from dataclasses import dataclass

from scripts.flattening.rows import Held, Unreadable, Working


@dataclass(frozen=True)
class Picture:
    """What the broker lists at one moment: positions, and open orders with their legs beside them.

    `foreign` are options and coins that are left as they are; `unreadable` rows say neither what they are nor how to
    be rid of them.
    """

    positions: tuple[Held, ...]
    orders: tuple[Working, ...]
    foreign: tuple[Held, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def is_flat(self) -> bool:
        return not self.positions and not self.orders and not self.unreadable

    @property
    def only_odd(self) -> bool:
        """Nothing is left but what cannot be read."""
        odd = all(order.is_odd for order in self.orders)
        return not self.is_flat and odd and all(one.quantity is None for one in self.positions)

    def closing(self, position: Held) -> Working | None:
        """The order that will close all of it, whoever sent it."""
        return next((order for order in self.orders if closes(order, position)), None)

    @property
    def to_cancel(self) -> tuple[Working, ...]:
        return tuple(
            order
            for order in self.orders
            if order.status != "pending_cancel" and not any(closes(order, one) for one in self.positions)
        )

    @property
    def to_close(self) -> tuple[Held, ...]:
        """Positions whose shares are all free and of which no order is open."""
        busy = {order.symbol for order in self.orders}
        return tuple(one for one in self.positions if one.symbol not in busy and one.is_free)

    @property
    def all_closing(self) -> bool:
        """Nothing is left to ask for."""
        return not self.to_cancel and all(self.closing(one) for one in self.positions)


def closes(order: Working, position: Held) -> bool:
    """Whether the order sells (or buys back) at least all that is held, at market."""
    if order.quantity is None or position.quantity is None:
        return False
    exit_side = "sell" if position.quantity >= 0 else "buy"
    remaining = order.quantity - order.filled_quantity
    plain = (order.type, order.side, order.order_class) == ("market", exit_side, "simple")
    alive = order.status != "pending_cancel"
    return plain and alive and order.symbol == position.symbol and remaining >= abs(position.quantity)
