"""Orders that belong together: an entry with its legs, exits on the same shares, a replacement in another's place."""

from dataclasses import replace

from services.exchange.rules.book import Book
from services.exchange.rules.orders import Order


def siblings(book: Book, order: Order) -> list[Order]:
    """The other exit orders on the same shares."""
    if order.parent is None:
        return book.legs_of(order) if order.role == "take_profit" else []
    parent = book.orders[order.parent]
    family = [*book.legs_of(parent), *([parent] if parent.role == "take_profit" else [])]
    return [other for other in family if other.id != order.id]


def cancel_group(book: Book, order: Order) -> list[Order]:
    """What goes when the order is canceled: an entry with its legs, an exit with its siblings. Live ones only."""
    family = book.legs_of(order) if order.role == "entry" else siblings(book, order)
    return [member for member in (order, *family) if member.is_live]


def take_place(book: Book, old: Order, new: Order, at: float) -> None:
    """`old` is replaced by `new`, which inherits its family: the old order is left without legs."""
    legs = book.legs_of(old)
    book.step(old, "replaced", at, replaced_by=new.id, legs=())
    book.put(replace(new, parent=old.parent, legs=old.legs))
    for leg in legs:
        book.put(replace(leg, parent=new.id))
    if old.parent is not None:
        parent = book.orders[old.parent]
        book.put(replace(parent, legs=tuple(new.id if leg == old.id else leg for leg in parent.legs)))
