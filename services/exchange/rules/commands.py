"""What a client asks of an account: submit, cancel, replace, close. Each answers with a Refusal or what it made.

A command changes nothing at the market by itself: it schedules what will happen (see lifecycle). So its trade updates
come later than its answer, at the venue's latencies.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple

from services.exchange.rules import permission, validation
from services.exchange.rules.book import Book
from services.exchange.rules.family import cancel_group
from services.exchange.rules.ledger import Position, give
from services.exchange.rules.lifecycle import (
    SHARE_STEP,
    TELL_DELAY_SECONDS,
    seconds,
)
from services.exchange.rules.orders import Order, Refusal, Role, Ticket, venue_id
from services.exchange.rules.permission import Scene

GTC_SECONDS = 90 * 86_400.0
NOT_FOUND = 40410000


class Part(NamedTuple):
    """One line of a bulk answer: what it is about, and how it went."""

    subject: str
    http: int
    order: Order | None
    refusal: Refusal | None


def submit(book: Book, at: float, body: Mapping[str, Any]) -> Order | Refusal:
    """A new order, with its legs when it is complex."""
    ticket = validation.parse(body)
    if isinstance(ticket, Refusal):
        return ticket
    return place(book, at, ticket)


def place(book: Book, at: float, ticket: Ticket) -> Order | Refusal:
    """Validate and enter a ticket."""
    scene = Scene(ticket, book, at)
    refusal = validation.refuse_form(ticket) or permission.refuse(scene)
    return refusal if refusal is not None else _enter(book, at, ticket, scene.intent)


def _enter(book: Book, at: float, ticket: Ticket, intent: str) -> Order:
    head_role: Role = "simple" if not ticket.order_class else "entry"
    price = ticket.limit_price
    if ticket.order_class == "oco":
        head_role, price = "take_profit", ticket.take_profit
    head = _new(
        book, at, ticket, role=head_role, side=ticket.side, kind=ticket.type, intent=intent, limit=price,
        stop=ticket.stop_price, client_id=ticket.client_order_id,
    )  # fmt: skip
    legs = tuple(_leg(book, at, ticket, head, role) for role in _leg_roles(ticket))
    head = book.put(replace(head, legs=tuple(leg.id for leg in legs)))
    book.remind(head, at + TELL_DELAY_SECONDS, "announce", "pending_new")
    book.remind(head, at + seconds(book.settings.ack_latency_ms), "accept")
    for order in (head, *legs):
        if order.expires_at is not None:
            book.remind(order, order.expires_at, "expire")
    return head


def _leg_roles(ticket: Ticket) -> list[Role]:
    if ticket.order_class == "oco":
        return ["stop_loss"]
    roles: list[Role] = ["take_profit"] if ticket.take_profit is not None else []
    return [*roles, "stop_loss"] if ticket.stop_loss is not None else roles


def _leg(book: Book, at: float, ticket: Ticket, head: Order, role: Role) -> Order:
    side = head.side if head.role == "take_profit" else "sell" if head.side == "buy" else "buy"
    target = role == "take_profit"
    limit = ticket.take_profit if target else ticket.stop_loss_limit
    kind = "limit" if target else "stop" if limit is None else "stop_limit"
    return _new(
        book, at, ticket, role=role, side=side, kind=kind, intent=f"{side}_to_close", limit=limit,
        stop=None if target else ticket.stop_loss, client_id=None, parent=head.id, status="held",
    )  # fmt: skip


def _new(
    book: Book, at: float, ticket: Ticket, *, role: Role, side: str, kind: str, intent: str, limit: Decimal | None,
    stop: Decimal | None, client_id: str | None, parent: str | None = None, status: str = "pending_new",
) -> Order:  # fmt: skip
    seq = book.next_seq()
    order_id = venue_id("order", book.key, seq)
    return book.put(
        Order(
            id=order_id,
            seq=seq,
            client_order_id=client_id or venue_id("client", book.key, seq),
            symbol=ticket.symbol,
            side=side,
            type=kind,
            time_in_force=ticket.time_in_force,
            order_class=ticket.order_class,
            role=role,
            status=status,
            created_at=at,
            updated_at=at,
            position_intent=intent,
            qty=ticket.qty,
            notional=ticket.notional,
            limit_price=limit,
            stop_price=stop,
            extended_hours=ticket.extended_hours,
            expires_at=expiry(book, at, ticket.time_in_force),
            parent=parent,
        )
    )


def expiry(book: Book, at: float, time_in_force: str) -> float | None:
    """The close for a day order (none when it is past: the order waits for another session), 90 days for gtc."""
    if time_in_force == "gtc":
        return at + GTC_SECONDS
    return book.tape.session.close if at < book.tape.session.close else None


def find(book: Book, order_id: str) -> Order | Refusal:
    order = book.orders.get(order_id)
    return order if order is not None else Refusal(404, NOT_FOUND, f"order not found for {order_id}")


def cancel(book: Book, at: float, order_id: str) -> Order | Refusal:
    """Ask for the cancel of an order and what belongs to it. A filled entry hands the request to its live legs."""
    order = find(book, order_id)
    if isinstance(order, Refusal):
        return order
    if order.status == "filled" and order.role == "entry":
        leg = next((leg for leg in book.legs_of(order) if leg.is_live), None)
        order = leg or order
    if order.status == "canceled":
        return order
    if not order.is_live:
        return validation.against_rule(f'order is already in "{order.status}" state')
    return _request_cancel(book, at, order)


def _request_cancel(book: Book, at: float, order: Order) -> Order:
    if order.status == "pending_cancel":
        return order
    for member in cancel_group(book, order):
        if member.is_open and member.status != "pending_cancel":
            moved = book.step(member, "pending_cancel", at)
            book.remind(moved, at + TELL_DELAY_SECONDS, "announce", "pending_cancel")
    book.remind(order, at + seconds(book.settings.cancel_latency_ms), "cancel")
    return book.orders[order.id]


def cancel_all(book: Book, at: float) -> list[Part]:
    """Cancel every open order; each is answered for itself."""
    parts = []
    for order in book.open_orders():
        answer = cancel(book, at, order.id)
        if isinstance(answer, Refusal):
            parts.append(Part(order.id, 500, None, answer))
        else:
            parts.append(Part(order.id, 200, answer, None))
    return parts


def hold(book: Book, symbol: str, qty: Decimal, price: Decimal) -> Position | Refusal:
    """From now on the account holds exactly this of the symbol, without an order: see ledger.give. Any symbol will do:
    options, coins and stocks that the tape does not know are held at their average price.
    """
    if not symbol or symbol != symbol.upper() or price <= 0:
        return validation.malformed("hold needs a symbol in capitals and a price above zero")
    book.ledger = give(book.ledger, symbol, qty, price)
    return book.ledger.position(symbol) or Position(symbol, qty, qty * price)


def close(
    book: Book, at: float, symbol: str, qty: Decimal | None = None, percentage: Decimal | None = None
) -> Order | Refusal:
    """Close a position, wholly or in part, by a market day order. Resting exits are not touched."""
    held = book.ledger.qty(symbol)
    if not held:
        return Refusal(404, NOT_FOUND, "position does not exist")
    if qty is not None and percentage is not None:
        return validation.malformed("only one of qty or percentage is accepted")
    if percentage is not None and not 0 < percentage <= 100:
        return validation.malformed("percentage must be between 0 and 100")
    part = abs(held) if percentage is None else (abs(held) * percentage / 100).quantize(SHARE_STEP, ROUND_DOWN)
    ticket = Ticket(
        symbol=symbol, side="sell" if held > 0 else "buy", type="market", time_in_force="day",
        qty=part if qty is None else qty,
    )  # fmt: skip
    return place(book, at, ticket)


def close_all(book: Book, at: float, cancel_orders: bool) -> list[Part]:
    """Close every position. Cancels asked here have not freed their shares yet, so those symbols answer 403."""
    if cancel_orders:
        cancel_all(book, at)
    parts = []
    for held in book.ledger.positions:
        answer = close(book, at, held.symbol)
        if isinstance(answer, Refusal):
            parts.append(Part(held.symbol, answer.http, None, answer))
        else:
            parts.append(Part(held.symbol, 200, answer, None))
    return parts
