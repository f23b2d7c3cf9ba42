"""When the venue charges the regulatory fees of a day: at once, in the evening, or the next morning."""

from datetime import timedelta
from decimal import Decimal

from services.exchange.rules.book import Book
from services.exchange.rules.ledger import FEE, Execution, Transfer, moved
from services.exchange.rules.orders import ZERO, venue_id
from services.exchange.rules.tape import Tape
from shared.domain.money.fees import FEE_KINDS, FeeKind, Trade, day_fee

FEES_DUE = "fees_due"
EVENING_SECONDS = timedelta(hours=4, minutes=17).total_seconds()
"""After the close: Alpaca's rows of September 2026 were made at 20:06 and 20:17 in New York."""
MORNING_SECONDS = timedelta(hours=22, minutes=30).total_seconds()
"""After the open: 08:00 of the next calendar day."""


def due_at(tape: Tape) -> dict[str, float]:
    """When fees of the day are charged, by the setting of that name."""
    return {
        "end_of_day": tape.session.close + EVENING_SECONDS,
        "next_morning": tape.session.open + MORNING_SECONDS,
    }


def charge_due(book: Book, charging: str, at: float) -> None:
    """Charge what has not been charged yet, one line of each kind, if the account is charged at this time."""
    if book.settings.fee_charging == charging:
        _charge(book, book.executions[book.charged :], at)


def charge_fill(book: Book, at: float) -> None:
    """Charge the newest execution, if the account is charged at once; each fee rounded up by itself."""
    if book.settings.fee_charging == "at_fill":
        _charge(book, book.executions[book.charged :], at)


def pending(book: Book) -> dict[FeeKind, Decimal]:
    """What will be charged for the executions so far and has not been, USD."""
    if book.settings.fee_charging == "none":
        return {}
    return _due(book, book.executions[book.charged :])


def _due(book: Book, fills: list[Execution]) -> dict[FeeKind, Decimal]:
    trades = [Trade("buy" if fill.side == "buy" else "sell", fill.qty, fill.price) for fill in fills]
    return {kind: day_fee(kind, book.tape.session.day, trades) for kind in FEE_KINDS}


def _charge(book: Book, fills: list[Execution], at: float) -> None:
    book.charged = len(book.executions)
    for kind, amount in _due(book, fills).items():
        if amount == ZERO:
            continue
        row_id = venue_id("transfer", book.key, len(book.transfers) + 1)
        row = Transfer(row_id, FEE, -amount, at, at, kind, book.tape.session.day)
        book.ledger = moved(book.ledger, row)
        book.transfers.append(row)
