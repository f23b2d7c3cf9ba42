"""Cash, positions and profit of one account, in Decimal and exact.

Invariant: cash + sum(position cost) - realized + fees == starting cash + transferred + cost given, to the last digit.
Transferred is cash that came without a trade; given is what was held without an execution: holdings of before the day,
transfers, splits. A position's cost is kept as a total and split on reduction at 1e-8, so nothing is lost to division.
Cost of a short position is negative.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)
_SPLIT = Decimal("0.00000001")
FEE = "FEE"
"""The activity type of cash that goes as a fee (negative), or comes back of one."""
MAINTENANCE = Decimal("0.30")
MARGIN_FLOOR = Decimal(2000)


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill. `cumulative` and `leaves` are the order's after it, `position_qty` is the account's and signed."""

    id: str
    order_id: str
    symbol: str
    side: str
    qty: Decimal
    price: Decimal
    at: float
    kind: str
    cumulative: Decimal
    leaves: Decimal
    position_qty: Decimal
    order_status: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Cash that came (positive) or went without a trade, at `at`; its activity is listed from `listed_at` on.

    `sub_kind` says which fee it is; `day` is the trading day that it is for, that of `at` where None.
    """

    id: str
    kind: str
    amount: Decimal
    at: float
    listed_at: float
    sub_kind: str = ""
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """A holding: signed quantity, and its cost (quantity times average entry, signed alike)."""

    symbol: str
    qty: Decimal
    cost: Decimal
    realized: Decimal = ZERO

    @property
    def average(self) -> Decimal:
        return self.cost / self.qty


@dataclass(frozen=True, slots=True)
class Ledger:
    """The account's books. Frozen: every fill gives a new one."""

    cash: Decimal
    start: Decimal
    last_equity: Decimal
    positions: tuple[Position, ...] = ()
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    given: tuple[Position, ...] = ()
    transferred: Decimal = ZERO

    def position(self, symbol: str) -> Position | None:
        return next((held for held in self.positions if held.symbol == symbol), None)

    def qty(self, symbol: str) -> Decimal:
        held = self.position(symbol)
        return held.qty if held else ZERO

    def imbalance(self) -> Decimal:
        """Zero, always: what the books fail to account for."""
        held, given = (sum((p.cost for p in many), ZERO) for many in (self.positions, self.given))
        return self.cash + held - given - self.realized + self.fees - self.transferred - self.start


def opened(cash: Decimal, given: tuple[Position, ...] = ()) -> Ledger:
    """The books of an account before its first execution."""
    return Ledger(cash=cash, start=cash, last_equity=cash, positions=given, given=given)


def give(ledger: Ledger, symbol: str, qty: Decimal, price: Decimal) -> Ledger:
    """The books when the account holds exactly `qty` at an average of `price`, whatever it held, without an execution:
    shares of before the day, a transfer, a split, a reset (`qty` zero).
    """
    before = ledger.position(symbol) or Position(symbol, ZERO, ZERO)
    known = next((one for one in ledger.given if one.symbol == symbol), Position(symbol, ZERO, ZERO))
    gift = replace(known, qty=known.qty + qty - before.qty, cost=known.cost + qty * price - before.cost)
    held = (*(p for p in ledger.positions if p.symbol != symbol), replace(before, qty=qty, cost=qty * price))
    given = (*(p for p in ledger.given if p.symbol != symbol), gift)
    positions = tuple(sorted((p for p in held if p.qty), key=lambda p: p.symbol))
    return replace(ledger, positions=positions, given=given)


def book_fill(ledger: Ledger, symbol: str, side: str, qty: Decimal, price: Decimal) -> Ledger:
    """The books after buying or selling `qty` at `price`.

    Reducing a position realizes (price - average) x quantity; a fill never flips one (Alpaca refuses such orders),
    but if it must, the rest opens the other way at `price`.
    """
    signed = qty if side == "buy" else -qty
    held = ledger.position(symbol) or Position(symbol, ZERO, ZERO)
    cash = ledger.cash - signed * price
    closing = min(abs(signed), abs(held.qty)) if held.qty * signed < 0 else ZERO
    gain, after = ZERO, held
    if closing:
        released = _share_of_cost(held, closing)
        direction = 1 if held.qty > 0 else -1
        gain = direction * closing * price - released
        after = replace(held, qty=held.qty - direction * closing, cost=held.cost - released)
    rest = signed + closing if signed < 0 else signed - closing
    after = replace(after, qty=after.qty + rest, cost=after.cost + rest * price, realized=held.realized + gain)
    others = tuple(p for p in ledger.positions if p.symbol != symbol)
    positions = tuple(sorted((*others, after), key=lambda p: p.symbol)) if after.qty else others
    return replace(ledger, cash=cash, positions=positions, realized=ledger.realized + gain)


def _share_of_cost(held: Position, closing: Decimal) -> Decimal:
    if closing == abs(held.qty):
        return held.cost
    return (held.cost * closing / abs(held.qty)).quantize(_SPLIT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Valuation:
    """The account at one moment, in USD."""

    long_value: Decimal
    short_value: Decimal
    equity: Decimal
    maintenance: Decimal
    multiplier: int
    buying_power: Decimal
    non_marginable: Decimal


def value(
    ledger: Ledger, price_of: Callable[[str], Decimal], reserved: Decimal, margin_multiplier: int = 4
) -> Valuation:
    """What the account is worth.

    Buying power after the 2026 intraday-margin rules: multiplier x (equity - maintenance) - reserved by open opening
    orders, maintenance 30 % of gross value; below 2,000 of equity the multiplier is 1 and cash is the measure.
    """
    worth = [held.qty * price_of(held.symbol) for held in ledger.positions]
    long_value = sum((w for w in worth if w > 0), ZERO)
    short_value = sum((w for w in worth if w < 0), ZERO)
    equity = ledger.cash + long_value + short_value
    maintenance = MAINTENANCE * (long_value - short_value)
    multiplier = margin_multiplier if equity >= MARGIN_FLOOR else 1
    room = multiplier * (equity - maintenance) if multiplier > 1 else ledger.cash
    return Valuation(
        long_value, short_value, equity, maintenance, multiplier,
        max(ZERO, room - reserved), max(ZERO, ledger.cash - reserved),
    )  # fmt: skip


def after_close(ledger: Ledger, price_of: Callable[[str], Decimal]) -> Ledger:
    """The books past a session's close: equity there becomes `last_equity`, the base of the day's P&L."""
    return replace(ledger, last_equity=value(ledger, price_of, ZERO).equity)


def moved(ledger: Ledger, row: Transfer) -> Ledger:
    """The books after cash came in or went out, as a fee or as a transfer."""
    cash = ledger.cash + row.amount
    if row.kind == FEE:
        return replace(ledger, cash=cash, fees=ledger.fees - row.amount)
    return replace(ledger, cash=cash, transferred=ledger.transferred + row.amount)


def books_at(now: Ledger, executions: Iterable[Execution], until: float, transfers: Iterable[Transfer] = ()) -> Ledger:
    """The books as they stood at `until`, rebuilt from the executions and the transfers of cash; what was given counts
    from the beginning.
    """
    ledger = opened(now.start, now.given)
    for row in transfers:
        if row.at <= until:
            ledger = moved(ledger, row)
    for fill in executions:
        if fill.at > until:
            break
        ledger = book_fill(ledger, fill.symbol, fill.side, fill.qty, fill.price)
    return ledger
