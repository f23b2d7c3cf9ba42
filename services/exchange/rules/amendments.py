"""Replacing an order: what may change, and the new order that takes its place.

A working order is replaced at the market after the venue's latency and may lose the race against a fill; a held leg
rests with the broker and is exchanged at once.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from services.exchange.rules import permission, validation
from services.exchange.rules.book import Book
from services.exchange.rules.commands import expiry, find
from services.exchange.rules.family import take_place
from services.exchange.rules.lifecycle import TELL_DELAY_SECONDS, seconds
from services.exchange.rules.orders import Order, Refusal, venue_id
from services.exchange.rules.permission import plain


def amend(book: Book, at: float, order_id: str, body: Mapping[str, Any]) -> Order | Refusal:
    """Replace an order: a new order with a new id takes its place once the venue has accepted it."""
    order = find(book, order_id)
    if isinstance(order, Refusal):
        return order
    changes = _changes(order, body)
    if isinstance(changes, Refusal):
        return changes
    refusal = _refuse_amendment(book, at, order, changes, body.get("client_order_id"))
    return refusal if refusal is not None else _substitute(book, at, order, changes, body.get("client_order_id"))


def _changes(order: Order, body: Mapping[str, Any]) -> dict[str, Any] | Refusal:
    """What differs from the order, by field name."""
    changes: dict[str, Any] = {}
    for name in ("qty", "limit_price", "stop_price"):
        read = validation.number(body.get(name), name)
        if isinstance(read, Refusal):
            return read
        if read is not None and read != getattr(order, name):
            changes[name] = read
    tif = body.get("time_in_force")
    if tif is not None and tif != order.time_in_force:
        changes["time_in_force"] = str(tif)
    return changes


def _refuse_amendment(
    book: Book, at: float, order: Order, changes: Mapping[str, Any], client_id: str | None
) -> Refusal | None:
    rule = validation.against_rule
    if order.status == "replaced":
        return rule("order already replaced")
    if order.status in {"accepted", "pending_new", "pending_cancel", "pending_replace"}:
        return rule(f"cannot replace order in {order.status} status")
    if not order.is_live:
        return rule("unable to replace order, order is not open")
    if not changes:
        return rule("order parameters are not changed")
    if client_id is not None and client_id in book.by_client_id:
        return validation.malformed("client_order_id must be unique")
    if changes.get("time_in_force", "day") not in {"day", "gtc"}:
        return validation.malformed("invalid time_in_force")
    return _refuse_new_terms(book, at, order, changes)


def _refuse_new_terms(book: Book, at: float, order: Order, changes: Mapping[str, Any]) -> Refusal | None:
    qty, limit, stop = changes.get("qty"), changes.get("limit_price"), changes.get("stop_price")
    if qty is not None:
        if order.order_class or order.notional is not None:
            return validation.against_rule("qty of a complex or notional order cannot be replaced")
        if qty != qty.to_integral_value():
            return validation.malformed("qty must be integer")
        if qty <= order.filled_qty:
            return validation.against_rule("qty must be > filled_qty")
    if (limit is not None and order.limit_price is None) or (stop is not None and order.stop_price is None):
        return validation.malformed(f"{order.type} orders do not take that price")
    return (
        validation.sub_penny("limit_price", limit)
        or validation.sub_penny("stop_price", stop)
        or permission.stop_side(order.side, stop, book.price(order.symbol, at))
        or _refuse_more(book, at, order, changes)
    )


def _refuse_more(book: Book, at: float, order: Order, changes: Mapping[str, Any]) -> Refusal | None:
    """A dearer entry needs buying power, a larger exit needs shares."""
    wanted = replace(order, **{k: v for k, v in changes.items() if k != "time_in_force"})
    if order.is_opening:
        more = wanted.leaves * book.reservation_price(wanted, at) - order.leaves * book.reservation_price(order, at)
        free = book.valuation(at).buying_power
        if more > free:
            return permission.forbidden("insufficient buying power", buying_power=plain(free), cost_basis=plain(more))
        return None
    extra, free = wanted.leaves - order.leaves, book.available(order.symbol)
    if extra > free:
        return permission.forbidden(
            f"insufficient qty available for order (requested: {plain(extra)}, available: {plain(free)})",
            available=plain(free), existing_qty=plain(abs(book.ledger.qty(order.symbol))), symbol=order.symbol,
            held_for_orders=plain(book.held_for_orders(order.symbol)), related_orders=[order.id],
        )  # fmt: skip
    return None


def _substitute(book: Book, at: float, order: Order, changes: Mapping[str, Any], client_id: str | None) -> Order:
    seq = book.next_seq()
    new = replace(
        order, id=venue_id("order", book.key, seq), seq=seq,
        client_order_id=client_id or venue_id("client", book.key, seq), status="pending_new", created_at=at,
        updated_at=at, filled_qty=Decimal(0), filled_value=Decimal(0), replaces=order.id, parent=None, legs=(),
        revision=0, expires_at=expiry(book, at, changes.get("time_in_force", order.time_in_force)), **changes,
    )  # fmt: skip
    if order.status == "held":
        return _substitute_held(book, at, order, replace(new, status="held"))
    book.put(new)
    pending = book.step(order, "pending_replace", at)
    book.remind(pending, at + TELL_DELAY_SECONDS, "announce", "pending_replace")
    book.remind(new, at + seconds(book.settings.ack_latency_ms), "replace")
    if new.expires_at is not None:
        book.remind(new, new.expires_at, "expire")
    return new


def _substitute_held(book: Book, at: float, order: Order, new: Order) -> Order:
    """A held leg is exchanged at once: it rests with the broker, not at the market."""
    take_place(book, order, new, at)
    placed = book.orders[new.id]
    book.remind(book.orders[order.id], at + TELL_DELAY_SECONDS, "announce", "replaced")
    if placed.expires_at is not None:
        book.remind(placed, placed.expires_at, "expire")
    if book.parent_filled(placed) or book.orders[placed.parent or placed.id].role == "take_profit":
        book.remind(placed, at + seconds(book.settings.ack_latency_ms), "arm")
    return placed
