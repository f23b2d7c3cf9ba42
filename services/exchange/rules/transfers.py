"""Money that comes and goes without a trade: deposits, withdrawals, and what else moves cash."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.exchange.rules.book import Book
from services.exchange.rules.ledger import FEE, Transfer, moved
from services.exchange.rules.orders import Refusal, venue_id
from services.exchange.rules.validation import against_rule, malformed, number

DEPOSIT, WITHDRAWAL = "CSD", "CSW"
KIND, SUB_KIND = re.compile(r"[A-Z]{2,8}"), re.compile(r"[A-Z_]{2,12}")
LONGEST_DELAY_SECONDS = Decimal(86_400)


def transfer(book: Book, at: float, body: Mapping[str, Any]) -> Transfer | Refusal:
    """Move `amount` USD into the account (out of it when negative), now.

    The activity is of `kind` (CSD or CSW when left out; FEE may name its `sub_kind`) and listed `listed_after_seconds`
    of market time later.
    Refused for what is no amount, for more than the cash there is, and for names that are not known.
    """
    unknown = sorted(set(body) - {"amount", "kind", "sub_kind", "listed_after_seconds"})
    if unknown:
        return malformed(f"{unknown[0]}: there are amount, kind, sub_kind and listed_after_seconds")
    amount, delay = number(body.get("amount"), "amount"), number(body.get("listed_after_seconds", 0), "listed_after")
    for read in (amount, delay):
        if isinstance(read, Refusal):
            return read
    assert not isinstance(amount, Refusal)
    assert not isinstance(delay, Refusal)
    if not amount:
        return malformed("amount must be a number other than zero")
    if delay is None or not 0 <= delay <= LONGEST_DELAY_SECONDS:
        return malformed("listed_after_seconds must be between 0 and 86400")
    kind = str(body.get("kind") or (DEPOSIT if amount > 0 else WITHDRAWAL))
    if not KIND.fullmatch(kind):
        return malformed(f"kind: {kind} is no activity type; CSD, CSW, JNLC and DIV are some")
    sub_kind = str(body.get("sub_kind") or "")
    if sub_kind and (kind != FEE or not SUB_KIND.fullmatch(sub_kind)):
        return malformed(f"sub_kind: {sub_kind} is none; with kind FEE there are REG, TAF, CAT, ADR and others")
    if book.ledger.cash + amount < 0:
        return against_rule(f"there is no more cash than {book.ledger.cash}")
    row_id = venue_id("transfer", book.key, len(book.transfers) + 1)
    made = Transfer(row_id, kind, amount, at, at + float(delay), sub_kind)
    book.ledger = moved(book.ledger, made)
    book.transfers.append(made)
    return made
