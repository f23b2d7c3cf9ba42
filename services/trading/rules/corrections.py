"""What the books must be corrected by when the broker holds something else and no execution of ours says why."""

from collections.abc import Iterable, Iterator, Sequence
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
SIMPLEST, LEAST_CHANGE = 200, Decimal("0.01")
"""The largest number in a split's ratio; a change in price by less is none that can be told from a trade by hand."""
PRICE_AGREES, PRICE_IS_EXACT = Decimal("0.005"), Decimal("0.0005")


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
    """(shares before, shares after) of a split, reverse split or stock dividend that explains the difference: over
    night, the broker's average price moved by some ratio, and the shares by the same the other way. None where not.

    Any ratio will do: what a person buys or sells by hand moves one of the two alone.
    """
    ours = sum(signed(row) for row in rows)
    if not rows or not average or ours <= 0 or theirs <= 0 or average <= 0:
        return None
    if any(trading_day(row.entry_time) >= trading_day(now) for row in rows):
        return None
    told = sum((row.quantity * row.entry_price for row in rows), Decimal(0)) / ours / average
    if abs(told - 1) < LEAST_CHANGE:
        return None
    exact = Fraction(theirs, ours)
    as_held = [exact] if abs(exact - Fraction(told)) <= exact * Fraction(PRICE_IS_EXACT) else []
    for ratio in (*as_held, *_ratios_near(Fraction(told))):
        if after_split(ours, ratio.denominator, ratio.numerator) == theirs:
            return ratio.denominator, ratio.numerator
    return None


def _ratios_near(told: Fraction) -> Iterator[Fraction]:
    """Ratios that agree with one that was read off prices, the simplest first."""
    for largest in range(1, SIMPLEST + 1):
        near = told.limit_denominator(largest) if told >= 1 else 1 / (1 / told).limit_denominator(largest)
        if near != 1 and abs(near - told) <= told * Fraction(PRICE_AGREES):
            yield near
