"""Which of the exchange's orders can sell, and which guard, in one account now."""

from collections import defaultdict

from services.exchange.rules.book import Book
from services.exchange.rules.orders import Order


def armed(book: Book, order: Order) -> bool:
    """Whether a live order can trade: a held leg only once its entry has filled, or beside its working target."""
    if order.status != "held" or order.parent is None:
        return True
    parent = book.orders[order.parent]
    return parent.status == "filled" if parent.role == "entry" else parent.is_live


def on_sale(book: Book, symbol: str) -> int:
    """Shares that live orders to sell could sell together; of orders that cancel each other the largest counts."""
    families: dict[str, int] = defaultdict(int)
    for order in book.live_orders(symbol):
        if order.side == "sell" and armed(book, order):
            root = order.parent or order.id
            families[root] = max(families[root], int(order.leaves))
    return sum(families.values())


def under_stop(book: Book, symbol: str, family: str) -> int:
    """Shares that the live stops of one family guard."""
    stops = (
        order
        for order in book.live_orders(symbol)
        if family in (order.id, order.parent) and order.side == "sell" and order.stop_price is not None
    )
    return sum(int(order.leaves) for order in stops if armed(book, order) and not order.status.startswith("pending_"))
