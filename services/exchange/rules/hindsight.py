"""An account as it stood a while ago, as far as it had been told: what a store that lags behind shows."""

from dataclasses import replace

from services.exchange.rules.book import Book
from services.exchange.rules.ledger import books_at
from services.exchange.rules.orders import Order


def as_of(book: Book, at: float) -> Book:
    """A copy to read from. Orders nobody had been told of by `at` are not in it."""
    orders = _orders_at(book, at)
    live = {order_id: None for order_id, order in orders.items() if order.is_live}
    known = {client_id: order_id for client_id, order_id in book.by_client_id.items() if order_id in orders}
    told = [fill for fill in book.executions if fill.at <= at]
    ledger = books_at(book.ledger, book.executions, at, book.transfers)
    return replace(book, orders=orders, live=live, by_client_id=known, executions=told, ledger=ledger)


def _orders_at(book: Book, at: float) -> dict[str, Order]:
    orders: dict[str, Order] = {}
    for update in book.updates:
        if update.at > at:
            break
        orders[update.order.id] = update.order
        orders |= {leg.id: leg for leg in update.legs}
    return orders
