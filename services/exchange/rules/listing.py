"""What a client may ask about an account's past and present: order lists, fills, the equity curve."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from services.exchange.rules.book import Book
from services.exchange.rules.ledger import Execution, Transfer, book_fill, moved, opened, value
from services.exchange.rules.matching import last_price
from services.exchange.rules.orders import FINAL, ZERO, Order
from services.exchange.rules.render import FILL, activity_id, activity_time


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """`after` and `until` bound the submission time, both exclusive. Nested: legs show under their parent alone."""

    status: str = "open"
    limit: int = 50
    after: float | None = None
    until: float | None = None
    ascending: bool = False
    nested: bool = False
    side: str | None = None
    symbols: frozenset[str] = frozenset()


def list_orders(book: Book, query: OrderQuery) -> list[Order]:
    """Matching orders by submission time. A flat list of open orders leaves out held legs, as Alpaca's does.

    Nested, a parent counts as open while any leg is live; in the manner of 2020 (`legacy_nested`) only by itself.
    """
    chosen = [order for order in book.orders.values() if _matches(book, order, query)]
    chosen.sort(key=lambda order: (order.created_at, order.seq), reverse=not query.ascending)
    return chosen[: query.limit]


def _matches(book: Book, order: Order, query: OrderQuery) -> bool:
    if query.nested and order.parent is not None:
        return False
    if query.side is not None and order.side != query.side:
        return False
    if query.symbols and order.symbol not in query.symbols:
        return False
    if query.after is not None and order.created_at <= query.after:
        return False
    if query.until is not None and order.created_at >= query.until:
        return False
    return _has_status(book, order, query)


def _has_status(book: Book, order: Order, query: OrderQuery) -> bool:
    if query.status == "all":
        return True
    is_open = order.is_open
    if query.nested and not book.settings.legacy_nested:
        is_open = is_open or any(leg.is_live for leg in book.legs_of(order))
    if query.status == "open":
        return is_open
    return order.status in FINAL and not is_open


TRANSFERS = frozenset({"TRANS"})
"""Names that stand for several kinds."""
TRANSFER_KINDS = frozenset({"CSD", "CSW"})


@dataclass(frozen=True, slots=True)
class ActivityQuery:
    """`after` is strict, and so is `until`, by the time of listing; `page_token` is the id of the last row seen.
    `kinds`: activity types, all when empty; `trades` narrows them to fills, or to what is none.
    """

    kinds: frozenset[str] = frozenset()
    trades: bool | None = None
    after: float | None = None
    until: float | None = None
    ascending: bool = False
    page_size: int = 100
    page_token: str = ""


def list_activities(book: Book, query: ActivityQuery, now: float) -> list[Execution | Transfer]:
    """One page of what is listed by now; newest first unless ascending."""
    every: list[Execution | Transfer] = [*book.executions, *book.transfers]
    rows = [
        row
        for row in every
        if _is_wanted(row, query)
        and activity_time(row) <= now
        and (query.after is None or activity_time(row) > query.after)
        and (query.until is None or activity_time(row) < query.until)
    ]
    rows.sort(key=activity_time)
    if not query.ascending:
        rows.reverse()
    if query.page_token:
        ids = [activity_id(row) for row in rows]
        start = ids.index(query.page_token) + 1 if query.page_token in ids else len(ids)
        rows = rows[start:]
    return rows[: query.page_size]


def _is_wanted(row: Execution | Transfer, query: ActivityQuery) -> bool:
    kind = row.kind if isinstance(row, Transfer) else FILL
    if query.trades is not None and query.trades != (kind == FILL):
        return False
    asked = query.kinds | (TRANSFER_KINDS if query.kinds & TRANSFERS else frozenset())
    return not asked or kind in asked


class EquityPoint(NamedTuple):
    """Equity at the end of a window that begins at `at`."""

    at: float
    equity: Decimal


def equity_curve(book: Book, step: float, now: float) -> Iterator[EquityPoint]:
    """Equity over the session so far, rebuilt from the executions and the prices known at each moment."""
    session = book.tape.session
    ledger, fills, done = opened(book.ledger.start, book.ledger.given), book.executions, 0
    booked = 0
    start = session.open
    while start < min(now, session.close):
        end = min(start + step, now, session.close)
        while done < len(fills) and fills[done].at <= end:
            fill = fills[done]
            ledger = book_fill(ledger, fill.symbol, fill.side, fill.qty, fill.price)
            done += 1
        while booked < len(book.transfers) and book.transfers[booked].at <= end:
            ledger = moved(ledger, book.transfers[booked])
            booked += 1
        worth = value(ledger, lambda symbol, end=end: last_price(book.tape, symbol, end) or ZERO, ZERO)  # type: ignore[misc]
        yield EquityPoint(start, worth.equity)
        start += step
