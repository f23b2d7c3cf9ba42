"""What the faults of the book do to orders. All of it follows from the journal, so a restart lives through it again."""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from services.exchange.rules.book import Book
from services.exchange.rules.fault_kinds import AnyFault, BookFault, PartialFill, StuckCancel, VanishedLeg
from services.exchange.rules.faults import Occasion
from services.exchange.rules.orders import WORKING, Order

K = TypeVar("K", bound=BookFault)


def occasion(book: Book, order: Order, at: float) -> Occasion:
    return Occasion(at, book.key, symbols=frozenset({order.symbol}))


def struck(
    book: Book, order: Order, at: float, kind: type[K], fitting: Callable[[K], bool] = lambda fault: True
) -> K | None:
    """The first fault of the kind that hits the order now."""
    for standing in book.mishaps.standing.values():
        fault: AnyFault = standing.fault
        if isinstance(fault, kind) and fitting(fault) and standing.strikes(occasion(book, order, at)):
            return fault
    return None


def forced_part(book: Book, order: Order, at: float, qty: Decimal) -> Decimal:
    """How much of the order trades now; `qty` unless a fault slices it. All-or-nothing orders are left alone."""
    if not order.filled_qty and order.time_in_force != "fok":
        fault = struck(book, order, at, PartialFill, lambda f: f.role in (None, order.role))
        if fault is not None:
            book.partial[order.id] = fault
    slicing = book.partial.get(order.id)
    if slicing is None:
        return qty
    if slicing.slice is not None:
        return min(order.leaves, Decimal(slicing.slice))
    assert slicing.fraction is not None
    return order.leaves if order.filled_qty else max(Decimal(1), Decimal(int(float(order.leaves) * slicing.fraction)))


def gap_to_next_part(book: Book, order: Order, usual: float) -> float | None:
    """Seconds from a partial fill to the next look at the market; None when there is to be none."""
    slicing = book.partial.get(order.id)
    if slicing is None:
        return usual
    return (slicing.gap_seconds or usual) if slicing.complete else None


def plan_vanishing(book: Book, leg: Order, at: float) -> None:
    """A leg was armed: a fault may make it vanish."""
    fault = struck(book, leg, at, VanishedLeg, lambda f: f.role in (None, leg.role))
    if fault is not None:
        _remind_to_vanish(book, leg, at, fault)


def vanish_armed(book: Book, fault: VanishedLeg, at: float) -> None:
    """The fault came: legs that are armed already vanish now, or when it begins."""
    begins = at if fault.since is None else max(at, fault.since.timestamp())
    standing = book.mishaps.standing[fault.id]
    for leg in list(book.live_orders(fault.symbol)):
        if fault.role in (None, leg.role) and is_armed(book, leg) and standing.strikes(occasion(book, leg, begins)):
            _remind_to_vanish(book, leg, begins, fault)


def _remind_to_vanish(book: Book, leg: Order, at: float, fault: VanishedLeg) -> None:
    book.remind(leg, at + fault.seconds, "vanish", "" if fault.event else "silent")


def is_armed(book: Book, order: Order) -> bool:
    """An exit that protects shares: it works, or it is the held stop beside a working target."""
    if order.role not in {"take_profit", "stop_loss"}:
        return False
    return order.status in WORKING or (order.status == "held" and book.parent_filled(order))


def lift(book: Book, fault: BookFault, at: float) -> None:
    """The fault is cleared: what it held up goes on."""
    if isinstance(fault, StuckCancel):
        for order_id in [order_id for order_id, by in book.stuck.items() if by == fault.id]:
            del book.stuck[order_id]
            book.remind(book.orders[order_id], at, "cancel", "released")
    if isinstance(fault, PartialFill):
        for order_id in [order_id for order_id, by in book.partial.items() if by.id == fault.id]:
            del book.partial[order_id]
            order = book.orders[order_id]
            if order.status in WORKING and not fault.complete:
                book.plan(order, at, "work")


def look_again(book: Book, symbol: str, at: float) -> None:
    """The tape is another one from here on: every order that works on the symbol looks at the market anew."""
    session = book.tape.session
    if at >= session.close:
        return
    for order in list(book.live_orders(symbol)):
        slicing = book.partial.get(order.id)
        waits = slicing is not None and not slicing.complete and order.filled_qty
        if (order.status in WORKING or _is_watched(book, order)) and not waits:
            begin = session.close - 1 if order.time_in_force == "cls" else session.open
            book.plan(order, max(at, begin), "work")


def _is_watched(book: Book, order: Order) -> bool:
    """The held stop beside a target: of an entry that has filled, or of an exit pair whose target works."""
    if order.status != "held" or order.role != "stop_loss" or order.parent is None:
        return False
    parent = book.orders[order.parent]
    return parent.status in (WORKING if parent.role == "take_profit" else {"filled"})
