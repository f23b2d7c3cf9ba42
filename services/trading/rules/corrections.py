"""What the books must be corrected by when the broker holds something else and no execution of ours says why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from services.trading.rules.positions import PositionRow, after_split, signed
from shared.domain.order import Execution, Side
from shared.domain.position import Origin
from shared.domain.session import trading_day

ReasonCode = Literal["adopted", "changed_at_broker", "sold_by_hand", "bought_by_hand", "split", "bust", "reset"]
AFTER_A_FILL = timedelta(seconds=30)
"""The broker's positions may be so far behind a fill: what differs until then is no difference."""
SPLITS = frozenset(
    Fraction(*pair)
    for after, before in (
        (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1), (10, 1), (15, 1), (20, 1), (25, 1), (30, 1), (40, 1),
        (50, 1), (100, 1), (3, 2), (4, 3), (5, 4), (6, 5), (5, 2), (5, 3),
    )
    for pair in ((after, before), (before, after))
)  # fmt: skip
PRICE_AGREES = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class Correction:
    """Shares that came (buy) or went (sell) past our executions. `is_estimated`: the price is not an execution's."""

    side: Side
    quantity: int
    price: Decimal
    reason_code: ReasonCode
    is_estimated: bool = False
    execution_id: str | None = None
    shares_before: int = 1
    shares_after: int = 1


def allocate(side: Side, quantity: int, ours: int, foreign: int) -> tuple[tuple[Origin, int], ...]:
    """Whose shares another hand's trade moved, of signed holdings: first its own, then ours, the rest opens its own."""
    toward = -1 if side == "sell" else 1
    given = min(quantity, max(0, -toward * foreign))
    taken = min(quantity - given, max(0, -toward * ours))
    parts: tuple[tuple[Origin, int], ...] = (("foreign", quantity - taken), ("system", taken))
    return tuple((origin, count) for origin, count in parts if count)


def explaining(fills: Iterable[Execution], difference: int) -> tuple[Execution, ...]:
    """The newest executions that come to exactly this difference, oldest first; empty where there are none."""
    chosen: list[Execution] = []
    left = difference
    for fill in sorted(fills, key=lambda one: (one.at, one.execution_id), reverse=True):
        chosen.insert(0, fill)
        left -= fill.quantity if fill.side == "buy" else -fill.quantity
        if left == 0:
            return tuple(chosen)
    return ()


def split_of(
    rows: Sequence[PositionRow], theirs: int, average: Decimal | None, now: datetime
) -> tuple[int, int] | None:
    """(shares before, shares after) of a split that explains the difference: over night, a simple ratio, and the
    broker's average price moved the other way. None where it does not.
    """
    ours = sum(signed(row) for row in rows)
    if not rows or not average or ours <= 0 or theirs <= 0 or average <= 0:
        return None
    if any(trading_day(row.entry_time) >= trading_day(now) for row in rows):
        return None
    before = sum((row.quantity * row.entry_price for row in rows), Decimal(0)) / ours
    for ratio in sorted(SPLITS, key=lambda one: abs(one - Fraction(theirs, ours))):
        as_told = average * ratio.numerator / ratio.denominator
        if after_split(ours, ratio.denominator, ratio.numerator) == theirs and (
            abs(as_told - before) <= before * PRICE_AGREES
        ):
            return ratio.denominator, ratio.numerator
    return None
