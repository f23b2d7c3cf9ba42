"""Regulatory fees of US equities: what executions of a day are charged, by the rates of that day."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Literal, NamedTuple

from shared.domain.base import Value

FeeKind = Literal["REG", "TAF", "CAT"]
"""Alpaca's activity sub-types: REG is the SEC's Section 31 fee, TAF is FINRA's trading activity fee, CAT is for the
consolidated audit trail.
"""
FEE_KINDS: tuple[FeeKind, ...] = ("REG", "TAF", "CAT")
FEE_TYPES = frozenset({"FEE", "CFEE", "PTC", "PTR"})
"""Activity types that are fees: FEE (the above, ADR fees and others), CFEE (coins), PTC (passed on), PTR (refunded)."""
CENT, ZERO = Decimal("0.01"), Decimal(0)


class FeeRate(Value):
    """`per_unit` USD from `since` (a trading day) on: per USD of sale proceeds for REG, per share for TAF (sold) and
    CAT (bought or sold); never more than `most_per_trade` for one execution.
    """

    kind: FeeKind
    since: date
    per_unit: Decimal
    most_per_trade: Decimal | None = None
    source: str


class FeeBooks(Value):
    """All fees in the books, USD: what the broker has `charged`, of it what executions bear (`on_trades`) and what
    none of ours explains (`on_account`), and what is expected and not charged yet (`accrued`).
    """

    charged: Decimal
    on_trades: Decimal
    on_account: Decimal
    accrued: Decimal


def _rate(kind: FeeKind, since: str, per_unit: str, most: str | None, source: str) -> FeeRate:
    cap = Decimal(most) if most is not None else None
    return FeeRate(
        kind=kind, since=date.fromisoformat(since), per_unit=Decimal(per_unit), most_per_trade=cap, source=source
    )


RATES: tuple[FeeRate, ...] = (
    _rate("REG", "2024-05-22", "0.0000278", None, "SEC fee rate advisory 2024-2: 27.80 USD per million"),
    _rate("REG", "2025-05-14", "0", None, "SEC fee rate advisory 2025-2: 0.00 USD per million"),
    _rate("REG", "2026-04-04", "0.0000206", None, "SEC fee rate advisory 2026-2: 20.60 USD per million"),
    _rate("TAF", "2024-01-01", "0.000166", "8.30", "FINRA By-Laws, Schedule A, section 1"),
    # Alpaca charged 0.31 for 1,572 shares on 2026-09-08. A waiver for October to December 2026 (SR-FINRA-2026-021) is
    # left out on purpose: whether Alpaca passes it on is not known, and a fee expected in vain is the safe error.
    _rate("TAF", "2026-01-01", "0.000195", "9.79", "FINRA fee adjustment schedule, SR-FINRA-2024-019"),
    _rate("TAF", "2027-01-01", "0.000232", "11.61", "FINRA fee adjustment schedule, SR-FINRA-2024-019"),
    _rate("TAF", "2028-01-01", "0.000240", "12.05", "FINRA fee adjustment schedule, SR-FINRA-2024-019"),
    _rate("CAT", "2024-09-01", "0.000053", None, "Alpaca support, regulatory fees: the highest that it published"),
    _rate("CAT", "2025-07-01", "0.0000265", None, "Alpaca support, regulatory fees: CAT fee 2025-2 and historical"),
    _rate("CAT", "2026-05-01", "0.000003", None, "SR-FINRA-2026-010 (CAT fee 2026-1) and historical assessment 1A"),
)
"""By kind and date. A day before the first row of its kind counts by that row."""


class Trade(NamedTuple):
    """One execution, as far as fees are concerned."""

    side: Literal["buy", "sell"]
    quantity: Decimal
    price: Decimal


def rate_on(kind: FeeKind, day: date) -> FeeRate:
    """The rate of a trading day."""
    rows = [rate for rate in RATES if rate.kind == kind]
    return next((rate for rate in reversed(rows) if rate.since <= day), rows[0])


def exact_fee(kind: FeeKind, day: date, trade: Trade) -> Decimal:
    """What one execution bears of a fee, USD, not rounded; 0 for a purchase but of CAT."""
    if kind != "CAT" and trade.side == "buy":
        return ZERO
    rate = rate_on(kind, day)
    fee = rate.per_unit * trade.quantity * (trade.price if kind == "REG" else 1)
    return min(fee, rate.most_per_trade) if rate.most_per_trade is not None else fee


def cents_up(amount: Decimal) -> Decimal:
    """An amount of USD, rounded up to the cent."""
    return amount.quantize(CENT, ROUND_CEILING)


def day_fee(kind: FeeKind, day: date, trades: Iterable[Trade]) -> Decimal:
    """A day's total of one kind, USD, rounded up to the cent once: as Alpaca charges at the end of the day."""
    return cents_up(sum((exact_fee(kind, day, trade) for trade in trades), ZERO))


def most_day_fee(kind: FeeKind, day: date, trades: Iterable[Trade]) -> Decimal:
    """The same with every execution rounded up by itself, USD: the most that these executions explain."""
    return sum((cents_up(exact_fee(kind, day, trade)) for trade in trades), ZERO)


def share_out(total: Decimal, weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """`total` (USD, not negative) pro rata to the weights, each part rounded down to the cent, and the cents that are
    left (a rest below one cent with the first) to the largest remainders, the earlier of equal ones first.

    The parts come to the total exactly. Raises ValueError for a total that nothing bears.
    """
    whole = sum(weights, ZERO)
    if total <= 0:
        return tuple(ZERO for _ in weights)
    if whole <= 0:
        raise ValueError(f"nothing bears {total} USD")
    exact = [total * weight / whole for weight in weights]
    parts = [(part // CENT) * CENT for part in exact]
    left = total - sum(parts, ZERO)
    for place in sorted(range(len(parts)), key=lambda one: (parts[one] - exact[one], one)):
        step = min(CENT, left)
        parts[place] += step
        left -= step
        if left <= 0:
            break
    return tuple(parts)
