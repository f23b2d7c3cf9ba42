"""How orders end other than by trading: canceled, expired, rejected afterwards, vanished, and their shares let go."""

from services.exchange.rules import mishaps
from services.exchange.rules.book import Book, Due
from services.exchange.rules.family import cancel_group
from services.exchange.rules.fault_kinds import AsyncReject, LateRelease, StuckCancel
from services.exchange.rules.orders import Order

RELEASED, SILENT = "released", "silent"


def cancel(book: Book, order: Order, due: Due) -> None:
    """The cancel reaches the market; when it loses the race against a fill, that is told."""
    if order.status == "filled":
        book.tell("order_cancel_rejected", due.at, order)
    if not order.is_live or (due.note != RELEASED and _sticks(book, order, due.at)):
        return
    group = cancel_group(book, order)
    held = {member.id: member.leaves for member in group if book.allocates(member)}
    for member in group:
        book.step(member, "canceled", due.at, "canceled")
    late = mishaps.struck(book, order, due.at, LateRelease) if held else None
    if late is not None:
        book.lingering |= held
        for order_id in held:
            book.remind(book.orders[order_id], due.at + late.seconds, "release")


def _sticks(book: Book, order: Order, at: float) -> bool:
    stuck = mishaps.struck(book, order, at, StuckCancel)
    if stuck is None:
        return False
    if stuck.seconds is None:
        book.stuck[order.id] = stuck.id
    else:
        book.remind(order, at + stuck.seconds, "cancel", RELEASED)
    return True


def release(book: Book, order: Order, due: Due) -> None:
    """The shares of a canceled order are free at last."""
    book.lingering.pop(order.id, None)


def expire(book: Book, order: Order, due: Due) -> None:
    """Time in force ends: a working order expires, a held leg is canceled."""
    if order.is_live:
        gone = "canceled" if order.status in {"held", "pending_cancel"} else "expired"
        book.step(order, gone, due.at, gone)


def rejected_at_once(book: Book, order: Order, at: float) -> bool:
    """True when a fault has rejected the order in place of accepting it."""
    fault = mishaps.struck(book, order, at, AsyncReject, lambda f: f.stage == "pending_new")
    if fault is not None:
        _reject(book, order, at)
    return fault is not None


def plan_reject(book: Book, order: Order, at: float) -> None:
    """A fault may reject the order after it was accepted."""
    fault = mishaps.struck(book, order, at, AsyncReject, lambda f: f.stage == "new")
    if fault is not None:
        book.remind(order, at + fault.seconds, "reject")


def reject(book: Book, order: Order, due: Due) -> None:
    """Rejected after it was accepted, unless something has happened to it since."""
    if order.status == "new":
        _reject(book, order, due.at)


def _reject(book: Book, order: Order, at: float) -> None:
    for member in cancel_group(book, order):
        status = "rejected" if member.id == order.id else "canceled"
        book.step(member, status, at, status)


def vanish(book: Book, order: Order, due: Due) -> None:
    """The order is gone, as if canceled; its family is not told, and the client only when it was asked."""
    if order.is_live:
        book.step(order, "canceled", due.at, "" if due.note == SILENT else "canceled")
