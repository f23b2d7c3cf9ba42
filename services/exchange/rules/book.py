"""One account: its orders, books and executions, and the queries every rule asks of them.

The account is the exchange's unit of state. It is changed only by services.exchange.rules.commands (what a client asks)
and services.exchange.rules.lifecycle (what time brings), both deterministic.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappop, heappush
from typing import Any, NamedTuple

from services.exchange.rules.fault_kinds import PartialFill
from services.exchange.rules.faults import Roster
from services.exchange.rules.knobs import AccountConfig, VenueSettings
from services.exchange.rules.ledger import Execution, Ledger, Transfer, Valuation, opened, value
from services.exchange.rules.matching import last_price, quote
from services.exchange.rules.orders import ZERO, Order, move, venue_id
from services.exchange.rules.tape import Tape

SHORT_SALE_MARKUP = Decimal("1.03")


class Due(NamedTuple):
    """Something that will happen. `number` orders what falls on the same moment and names a plan."""

    at: float
    number: int
    account: str
    kind: str
    order_id: str
    note: str = ""


class Schedule:
    """What is due, in time order; the same moment in the order of scheduling."""

    def __init__(self) -> None:
        self._heap: list[Due] = []
        self._count = 0

    def add(self, at: float, account: str, kind: str, order_id: str, note: str = "") -> int:
        self._count += 1
        heappush(self._heap, Due(at, self._count, account, kind, order_id, note))
        return self._count

    def first(self) -> Due | None:
        return self._heap[0] if self._heap else None

    def take(self) -> Due:
        return heappop(self._heap)


class Update(NamedTuple):
    """One trade update: the order as it stood, its legs as they stood, and the fill if it is one."""

    number: int
    event: str
    at: float
    order: Order
    legs: tuple[Order, ...]
    execution: Execution | None


@dataclass(eq=False)
class Book:
    """Everything about one account. `plans` names, per order, the one scheduled market event that still counts.

    `mishaps` are the venue's; by them, per order: `partial` the fault that slices its fills, `stuck` the one that keeps
    its cancel pending, `lingering` shares held back though it is canceled. `charged`: executions whose fees were taken.
    """

    key: str
    tape: Tape
    settings: VenueSettings
    schedule: Schedule
    ledger: Ledger
    config: AccountConfig = field(default_factory=AccountConfig)
    orders: dict[str, Order] = field(default_factory=dict)
    by_client_id: dict[str, str] = field(default_factory=dict)
    live: dict[str, None] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    charged: int = 0
    plans: dict[str, int] = field(default_factory=dict)
    seq: int = 0
    mishaps: Roster = field(default_factory=Roster)
    partial: dict[str, PartialFill] = field(default_factory=dict)
    stuck: dict[str, str] = field(default_factory=dict)
    lingering: dict[str, Decimal] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return venue_id("account", self.key)

    @property
    def multiplier(self) -> int:
        return min(self.settings.margin_multiplier, int(self.config.max_margin_multiplier))

    @property
    def trading_blocked(self) -> bool:
        return self.key in self.settings.trading_blocked

    @property
    def account_blocked(self) -> bool:
        return self.key in self.settings.account_blocked

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def put(self, order: Order) -> Order:
        """Store the order's newest form; a final one leaves the live set and loses its plan."""
        self.orders[order.id] = order
        self.by_client_id[order.client_order_id] = order.id
        if order.is_live:
            self.live[order.id] = None
        else:
            self.live.pop(order.id, None)
            self.plans.pop(order.id, None)
        return order

    def step(self, order: Order, status: str, at: float, event: str = "", **changes: Any) -> Order:
        """Move, store and, when `event` is named, tell."""
        after = self.put(move(order, status, at, **changes))
        if event:
            self.tell(event, at, after)
        return after

    def tell(self, event: str, at: float, order: Order, execution: Execution | None = None) -> None:
        legs = tuple(self.orders[leg] for leg in order.legs)
        self.updates.append(Update(len(self.updates) + 1, event, at, order, legs, execution))

    def plan(self, order: Order, at: float, kind: str, note: str = "") -> None:
        """The order's next market event; whatever was planned before no longer counts."""
        self.plans[order.id] = self.schedule.add(at, self.key, kind, order.id, note)

    def remind(self, order: Order, at: float, kind: str, note: str = "") -> None:
        """Something that will happen to the order besides its plan."""
        self.schedule.add(at, self.key, kind, order.id, note)

    def live_orders(self, symbol: str | None = None) -> Iterator[Order]:
        for order_id in self.live:
            order = self.orders[order_id]
            if symbol is None or order.symbol == symbol:
                yield order

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """What `status=open` means: held legs are not in it."""
        return [order for order in self.live_orders(symbol) if order.is_open]

    def legs_of(self, order: Order) -> list[Order]:
        return [self.orders[leg] for leg in order.legs]

    def parent_filled(self, order: Order) -> bool:
        """True once a leg's entry has filled: the leg protects shares."""
        return order.parent is not None and self.orders[order.parent].status == "filled"

    def is_waiting_replacement(self, order: Order) -> bool:
        """True until the order has taken the other's place: it does not count beside the order it replaces."""
        return order.replaces is not None and self.orders[order.replaces].status != "replaced"

    def allocates(self, order: Order) -> bool:
        """True when the order holds shares back. Of two exits on the same shares, the target does."""
        if order.is_opening or self.is_waiting_replacement(order):
            return False
        return order.is_open or (order.status == "held" and self.parent_filled(order) and self._leads(order))

    def _leads(self, leg: Order) -> bool:
        """The leg that will work first: the target, or the only one there is."""
        assert leg.parent is not None
        return leg.role == "take_profit" or len(self.orders[leg.parent].legs) == 1

    def held_for_orders(self, symbol: str) -> Decimal:
        working = sum((order.leaves for order in self.live_orders(symbol) if self.allocates(order)), ZERO)
        if not self.lingering:
            return working
        return working + sum((qty for gone, qty in self.lingering.items() if self.orders[gone].symbol == symbol), ZERO)

    def available(self, symbol: str) -> Decimal:
        return max(ZERO, abs(self.ledger.qty(symbol)) - self.held_for_orders(symbol))

    def price(self, symbol: str, at: float) -> Decimal:
        """Last known price; the average entry for a name that never traded."""
        known = last_price(self.tape, symbol, at)
        held = self.ledger.position(symbol)
        return known if known is not None else held.average if held else ZERO

    def reservation_price(self, order: Order, at: float) -> Decimal:
        """Limit price; a market order the far side of the quote in regular hours, else the last trade; a short sale
        at least 103 % of the ask."""
        sides = quote(self.tape, order.symbol, at, self.settings)
        last = self.price(order.symbol, at)
        named = order.limit_price or order.stop_price
        if order.side == "sell":
            asked = (sides.ask if sides else last) * SHORT_SALE_MARKUP
            return max(named, asked) if named else asked
        if named:
            return named
        in_hours = self.tape.session.open <= at < self.tape.session.close
        return sides.ask if sides and in_hours else last

    def reserved(self, at: float) -> Decimal:
        """Buying power taken by open orders that open or add to positions."""
        total = ZERO
        for order in self.live_orders():
            if order.is_opening and order.is_open and not self.is_waiting_replacement(order):
                total += order.notional or order.leaves * self.reservation_price(order, at)
        return total

    def valuation(self, at: float) -> Valuation:
        return value(self.ledger, lambda symbol: self.price(symbol, at), self.reserved(at), self.multiplier)


def open_book(key: str, tape: Tape, settings: VenueSettings, schedule: Schedule, mishaps: Roster | None = None) -> Book:
    """A new account with the starting cash."""
    ledger = opened(settings.starting_cash)
    return Book(key, tape, settings, schedule, ledger, mishaps=mishaps if mishaps is not None else Roster())
