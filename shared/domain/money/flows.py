"""Money that the owner moved into or out of the account: no profit, no loss."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from shared.domain.base import Value
from shared.domain.session import trading_day

OWNERS = frozenset({"CSD", "CSW", "TRANS", "JNL", "JNLC", "JNLS", "ACATC", "ACATS", "FOPT", "OCT"})
"""Alpaca's activity types that are deposits and withdrawals, of cash or of securities."""
EARNED = frozenset(
    {
        *("FILL", "DIV", "DIVCGL", "DIVCGS", "DIVFEE", "DIVFT", "DIVNRA", "DIVROC", "DIVTW", "DIVTXEX", "CGD", "CIL"),
        *("FEE", "CFEE", "INT", "INTNRA", "INTTW", "PTC", "PTR"),
        *("MA", "NC", "REORG", "SPIN", "SPLIT", "OPASN", "OPCA", "OPCSH", "OPEXC", "OPXRC", "OPEXP", "OPTRD"),
    }
)
"""Those that are a part of the result: dividends, fees, interest, and what a corporate action pays."""


class CashFlow(Value):
    """One non-trade activity of the account. `amount` is USD into the account, negative out of it, None where the
    broker names none; `listed_at` is when the broker listed it, None where it does not say; `day` is its date.
    `sub_kind` says more where the broker does, such as which fee.
    """

    id: str
    kind: str
    amount: Decimal | None
    day: date
    listed_at: datetime | None = None
    sub_kind: str = ""


def net_flows(flows: Iterable[CashFlow], since: datetime) -> Decimal | None:
    """What the owner has moved into the account (out of it: negative) since the previous close, USD.

    What cannot be told counts so that the day's result, which is the change of equity less this, comes out worse: a
    kind that is not known counts as a deposit when it adds money and as a loss when it takes some, and so does what
    is dated on the day of that close without a time. None when the owner moved something whose worth is not known.
    """
    total = Decimal(0)
    for flow in flows:
        if flow.kind in EARNED or _is_before(flow, since):
            continue
        if flow.amount is None:
            return None
        certain = flow.kind in OWNERS and (flow.listed_at is not None or flow.day > trading_day(since))
        total += flow.amount if certain else max(Decimal(0), flow.amount)
    return total


def _is_before(flow: CashFlow, since: datetime) -> bool:
    """True for what the equity of the previous close held already."""
    return flow.listed_at <= since if flow.listed_at is not None else flow.day < trading_day(since)
