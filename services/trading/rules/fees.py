"""Which execution bears how much of a day's fees, charged and expected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from shared.domain.money.fees import FEE_KINDS, FEE_TYPES, Trade, day_fee, exact_fee, most_day_fee, share_out
from shared.domain.money.flows import CashFlow
from shared.domain.order import Side

ZERO = Decimal(0)
LAPSES_AFTER = timedelta(days=7)
"""What the broker has not charged so long after the day, it does not charge."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One fee line of the broker. `amount` is USD taken from the account, negative when given back."""

    activity_id: str
    activity_type: str
    kind: str
    amount: Decimal
    day: date
    listed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Bearer:
    """One booked execution, as far as fees are concerned."""

    execution_id: str
    side: Side
    quantity: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Borne:
    """What one execution bears, USD: `charged` of what was taken, `accrued` of what is expected and not taken yet."""

    execution_id: str
    charged: Decimal
    accrued: Decimal


class Paid(NamedTuple):
    """What the broker has taken for a day of one kind, USD: less what it gave back (`net`), and without (`taken`)."""

    net: Decimal
    taken: Decimal


NOTHING = Paid(ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class FeeTotals:
    """All fees, USD: `charged` is what the broker has taken; of it `on_trades` is borne by executions."""

    charged: Decimal
    on_trades: Decimal
    accrued: Decimal


def charges_of(flows: Sequence[CashFlow]) -> tuple[Charge, ...]:
    """The fee lines among an account's activities; a line without a known amount is left out."""
    return tuple(
        Charge(flow.id, flow.kind, flow.sub_kind or flow.kind, -flow.amount, flow.day, flow.listed_at)
        for flow in flows
        if flow.kind in FEE_TYPES and flow.amount is not None
    )


def borne(day: date, bearers: Sequence[Bearer], charged: Mapping[str, Paid], today: date) -> tuple[Borne, ...]:
    """The fees of a day's executions, in their order; `charged` is what was paid for the day, by kind.

    Of a charge the executions bear what their own shares and prices explain, each rounded up by itself, pro rata; the
    rest (another hand's trades, an ADR's fee) stays with the account. Expected is what the rates of the day come to
    less what was taken, whether or not some of that was given back.
    """
    trades = [Trade(one.side, Decimal(one.quantity), one.price) for one in bearers]
    taken, due = [ZERO] * len(trades), [ZERO] * len(trades)
    for kind in FEE_KINDS:
        weights = [exact_fee(kind, day, trade) for trade in trades]
        paid = charged.get(kind, NOTHING)
        explained = min(max(paid.net, ZERO), most_day_fee(kind, day, trades))
        lapsed = today - day > LAPSES_AFTER
        still = ZERO if lapsed else max(ZERO, day_fee(kind, day, trades) - paid.taken)
        taken = [sum(pair, ZERO) for pair in zip(taken, share_out(explained, weights), strict=True)]
        due = [sum(pair, ZERO) for pair in zip(due, share_out(still, weights), strict=True)]
    return tuple(Borne(one.execution_id, fee, more) for one, fee, more in zip(bearers, taken, due, strict=True))
