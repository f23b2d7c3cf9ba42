"""What time does to orders: acceptance, fills, brackets, cancels and replacements that take effect, expiry.

A working order always has at most one planned market event (`Book.plans`): "work" look at the market, "fill" trade at
the quote, "limit" / "stop" the tape reaches the price. Since the venue knows the tape, that moment is computed once,
not polled. Everything else (acceptance, cancel, expiry) is a reminder that checks the order's status when it is due.

A bracket's life: legs held -> entry fills completely -> target new, stop still held but watched -> one exit trades,
the other is canceled. When the stop triggers: target canceled, stop new, stop filled, all at that moment.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal

from services.exchange.rules import endings, matching, mishaps
from services.exchange.rules.book import Book, Due
from services.exchange.rules.family import siblings, take_place
from services.exchange.rules.fees import charge_fill
from services.exchange.rules.ledger import Execution, book_fill
from services.exchange.rules.orders import ZERO, Order, venue_id

ROUTING_LEAD_SECONDS = 5.5 * 3600
"""Queued orders become `new` at 04:00 in New York, five and a half hours before the open."""
TELL_DELAY_SECONDS = 0.001
AT_ONCE_OR_NEVER = frozenset({"ioc", "fok", "opg", "cls"})
SHARE_STEP = Decimal("0.000000001")
REACHED = frozenset({"limit", "stop"})
PLANNED = REACHED | {"work", "fill"}


def seconds(milliseconds: float) -> float:
    return milliseconds / 1000


def happen(book: Book, due: Due) -> None:
    """Let the event happen, unless the order has moved on since it was planned."""
    order = book.orders[due.order_id]
    if due.kind not in PLANNED or (book.plans.get(order.id) == due.number and not _interrupted(book, order, due)):
        _HANDLERS[due.kind](book, order, due)


def _interrupted(book: Book, order: Order, due: Due) -> bool:
    """A halt or delisting that came after the plan was made. The order looks at the market again when trading is on."""
    if due.kind not in REACHED:
        return False
    if book.tape.delisted(order.symbol, due.at):
        book.plans.pop(order.id, None)
        return True
    resumes = matching.halt_end(book.tape, order.symbol, due.at)
    if resumes is not None:
        book.plan(order, resumes, "work")
    return resumes is not None


def _announce(book: Book, order: Order, due: Due) -> None:
    book.tell(due.note, due.at, order)


def _accept(book: Book, order: Order, due: Due) -> None:
    if order.status != "pending_new" or endings.rejected_at_once(book, order, due.at):
        return
    routed_at = book.tape.session.open - ROUTING_LEAD_SECONDS
    if routed_at <= due.at < book.tape.session.close:
        order = book.step(order, "new", due.at, "new")
        _start(book, order, due.at)
        endings.plan_reject(book, order, due.at)
        return
    waiting = book.step(order, "accepted", due.at, "accepted")
    if due.at < routed_at:
        book.remind(waiting, routed_at, "route")


def _route(book: Book, order: Order, due: Due) -> None:
    if order.status == "accepted":
        _start(book, book.step(order, "new", due.at, "new"), due.at)


def _start(book: Book, order: Order, at: float) -> None:
    session = book.tape.session
    begin = session.close - 1 if order.time_in_force == "cls" else max(at, session.open)
    book.plan(order, max(at, begin), "work")
    if order.role == "take_profit":
        for other in siblings(book, order):
            if other.status == "held":
                book.plan(other, max(at, begin), "work")


def _arm(book: Book, leg: Order, due: Due) -> None:
    if leg.status != "held":
        return
    mishaps.plan_vanishing(book, leg, due.at)
    if leg.role == "stop_loss" and any(other.is_live for other in siblings(book, leg)):
        book.plan(leg, due.at, "work")
        return
    book.plan(book.step(leg, "new", due.at, "new"), due.at, "work")


def _is_waiting_stop(order: Order) -> bool:
    return order.stop_price is not None and not order.elected


def _work(book: Book, order: Order, due: Due) -> None:
    """Look at the market: trade soon, or know when the price will be reached."""
    if _is_waiting_stop(order):
        assert order.stop_price is not None
        _plan_touch(
            book, order, "stop", matching.stop_touch(book.tape, order.symbol, order.side, order.stop_price, due.at)
        )
        return
    limit = matching.limit_of(order)
    sides = matching.quote(book.tape, order.symbol, due.at, book.settings)
    crossing = limit is None or (sides is not None and matching.crosses(order.side, limit, sides.far(order.side)))
    if crossing or order.time_in_force in AT_ONCE_OR_NEVER:
        book.plan(order, due.at + seconds(book.settings.fill_latency_ms), "fill")
    else:
        _rest(book, order, due.at)


def _plan_touch(book: Book, order: Order, kind: str, touch: matching.Touch | None) -> None:
    if touch is None:
        book.plans.pop(order.id, None)
    else:
        book.plan(order, touch.at, kind, str(touch.price))


def _rest(book: Book, order: Order, at: float) -> None:
    limit = matching.limit_of(order)
    assert limit is not None
    _plan_touch(book, order, "limit", matching.limit_touch(book.tape, order.symbol, order.side, limit, at))


def _fill_at_quote(book: Book, order: Order, due: Due) -> None:
    sides = matching.quote(book.tape, order.symbol, due.at, book.settings)
    limit = matching.limit_of(order)
    if sides is None:
        _wait_for_trading(book, order, due.at)
        return
    price = sides.far(order.side)
    if limit is None:
        _trade(book, order, matching.slipped(price, order.side, book.settings), due.at)
    elif matching.crosses(order.side, limit, price):
        _trade(book, order, price, due.at)
    elif order.time_in_force in AT_ONCE_OR_NEVER:
        book.step(order, "canceled", due.at, "canceled")
    else:
        _rest(book, order, due.at)


def _wait_for_trading(book: Book, order: Order, at: float) -> None:
    """Halted: until the halt ends. Not yet traded: until its next bar. Delisted: until the order expires."""
    resumes = matching.halt_end(book.tape, order.symbol, at) or book.tape.next_bar_start(order.symbol, at)
    if order.time_in_force in AT_ONCE_OR_NEVER:
        book.step(order, "canceled", at, "canceled")
    elif resumes is None or book.tape.delisted(order.symbol, resumes):
        book.plans.pop(order.id, None)
    else:
        book.plan(order, resumes, "work")


def _reach_limit(book: Book, order: Order, due: Due) -> None:
    _trade(book, order, Decimal(due.note), due.at)


def _trigger(book: Book, order: Order, due: Due) -> None:
    """The stop's price is reached: the target goes, the stop works and trades at once."""
    for other in siblings(book, order):
        if other.is_live:
            book.step(other, "canceled", due.at, "canceled")
    if order.status == "held":
        order = book.step(order, "new", due.at, "new", elected=True)
    else:
        order = book.put(replace(order, elected=True))
    price = matching.slipped(Decimal(due.note), order.side, book.settings)
    limit = matching.limit_of(order)
    if limit is not None and not matching.crosses(order.side, limit, price):
        _rest(book, order, due.at)
    else:
        _trade(book, order, price, due.at)


def _trade(book: Book, order: Order, price: Decimal, at: float) -> None:
    """Fill as much as the venue gives now; the rest is looked at again later."""
    if order.qty is None:
        assert order.notional is not None
        order = book.put(replace(order, qty=(order.notional / price).quantize(SHARE_STEP, ROUND_DOWN)))
    qty = order.leaves
    if not order.filled_qty and order.time_in_force != "fok":
        qty = matching.first_slice(order.leaves, book.key, order.seq, book.settings)
    qty = mishaps.forced_part(book, order, at, qty)
    room = matching.capacity(book.tape, order.symbol, at, book.settings)
    if room is not None and room < qty:
        qty = room
    if qty:
        order = _fill(book, order, qty, price, at)
    if order.leaves:
        _try_again(book, order, at, exhausted=room is not None and qty == room)


def _try_again(book: Book, order: Order, at: float, exhausted: bool) -> None:
    if order.time_in_force in AT_ONCE_OR_NEVER:
        book.step(order, "canceled", at, "canceled")
        return
    gap = mishaps.gap_to_next_part(book, order, seconds(book.settings.partial_fill_gap_ms))
    later = book.tape.next_bar_start(order.symbol, at) if exhausted else None if gap is None else at + gap
    if later is None:
        book.plans.pop(order.id, None)
    else:
        book.plan(order, later, "work")


def _fill(book: Book, order: Order, qty: Decimal, price: Decimal, at: float) -> Order:
    book.ledger = book_fill(book.ledger, order.symbol, order.side, qty, price)
    done = qty == order.leaves
    status = "filled" if done else order.status if order.status.startswith("pending_") else "partially_filled"
    after = book.step(
        order, status, at, filled_qty=order.filled_qty + qty, filled_value=order.filled_value + qty * price
    )
    execution = Execution(
        id=venue_id("execution", book.key, len(book.executions) + 1),
        order_id=order.id, symbol=order.symbol, side=order.side, qty=qty, price=price, at=at,
        kind="fill" if done else "partial_fill", cumulative=after.filled_qty, leaves=after.leaves,
        position_qty=book.ledger.qty(order.symbol), order_status=after.status,
    )  # fmt: skip
    book.executions.append(execution)
    charge_fill(book, at)
    book.tell(execution.kind, at, after, execution)
    _follow_up(book, after, at)
    return after


def _follow_up(book: Book, order: Order, at: float) -> None:
    """A complete entry arms its legs; an exit cancels its sibling, or by a part leaves it the rest."""
    if order.role == "entry":
        if order.status == "filled":
            _arm_legs(book, order, at)
        return
    for other in siblings(book, order):
        if not other.is_live:
            continue
        if order.status == "filled":
            book.step(other, "canceled", at, "canceled")
        else:
            book.put(replace(other, qty=other.filled_qty + order.leaves, updated_at=at))


def _arm_legs(book: Book, entry: Order, at: float) -> None:
    """The legs work soon; they are rejected when other exits already hold the shares that they would sell."""
    exits = [order for order in book.live_orders(entry.symbol) if order.parent != entry.id and book.allocates(order)]
    free = abs(book.ledger.qty(entry.symbol)) - sum((order.leaves for order in exits), ZERO)
    for leg in book.legs_of(entry):
        if leg.leaves > free:
            book.step(leg, "rejected", at, "rejected")
        else:
            book.remind(leg, at + seconds(book.settings.ack_latency_ms), "arm")


def _replace(book: Book, order: Order, due: Due) -> None:
    """The replacement reaches the market: it takes the old order's place, or is refused when that one is gone.

    The new quantity is what was asked less what the old order has filled; the new order starts with nothing filled.
    """
    assert order.replaces is not None
    old = book.orders[order.replaces]
    rest = (order.qty or ZERO) - old.filled_qty
    if order.status != "pending_new" or old.status != "pending_replace" or rest <= 0:
        if old.status == "pending_replace":
            old = book.step(old, "partially_filled" if old.filled_qty else "new", due.at)
        if order.status == "pending_new":
            book.tell("order_replace_rejected", due.at, old)
            book.step(order, "rejected", due.at, "rejected")
        return
    take_place(book, old, replace(order, qty=rest), due.at)
    book.tell("replaced", due.at, book.orders[old.id])
    _start(book, book.step(book.orders[order.id], "new", due.at, "new"), due.at)


_HANDLERS: dict[str, Callable[[Book, Order, Due], None]] = {
    "announce": _announce,
    "accept": _accept,
    "route": _route,
    "arm": _arm,
    "work": _work,
    "fill": _fill_at_quote,
    "limit": _reach_limit,
    "stop": _trigger,
    "cancel": endings.cancel,
    "expire": endings.expire,
    "reject": endings.reject,
    "release": endings.release,
    "vanish": endings.vanish,
    "replace": _replace,
}
