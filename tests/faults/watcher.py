"""What the exchange saw: second by second, the shares without a stop (`bare`), those that are not being sold either
(`idle`), and the sell orders without shares.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from services.exchange.api.desk import Desk
from tests.faults.day import KEY
from tests.faults.shares import on_sale

UNGUARDED = ("pending_cancel", "pending_replace")


def _leaves_at_market(order: Any) -> bool:
    return bool(order.side == "sell" and order.type == "market" and order.status != "pending_cancel")


@dataclass
class Spell:
    """A stretch of exchange time in which a symbol had bare shares, or orders that would sell what is not held."""

    symbol: str
    shares: int
    since: float
    until: float
    began: str

    @property
    def seconds(self) -> float:
        return self.until - self.since


@dataclass
class Watcher:
    """Looks at the account whenever something may have changed: before and after each event and each request."""

    desk: Desk
    bare: list[Spell] = field(default_factory=list)
    idle: list[Spell] = field(default_factory=list)
    orphans: list[Spell] = field(default_factory=list)
    oversold: list[Spell] = field(default_factory=list)
    shorts: list[Spell] = field(default_factory=list)
    _open: dict[tuple[str, str], Spell] = field(default_factory=dict)
    _booked: int = 0
    fills: list[tuple[str, float]] = field(default_factory=list)

    def next_event(self, after: float, until: float) -> float | None:
        return self.desk.venue.next_event(after, until)

    def process(self, at: float) -> bool:
        told = self.desk.venue.process(at)
        self.look(at)
        return told

    def look(self, at: float) -> None:
        """Take the account's state at `at` for what holds from now on."""
        book = self.desk.book(KEY)
        held: defaultdict[str, int] = defaultdict(int)
        for position in book.ledger.positions:
            held[position.symbol] = int(position.qty)
        fresh = {fill.symbol: fill for fill in book.executions[self._booked :]}
        self._booked = len(book.executions)
        self.fills += [(fill.symbol, at) for fill in fresh.values() if fill.side == "buy"]
        orders: defaultdict[str, list[Any]] = defaultdict(list)
        for order in book.live_orders():
            orders[order.symbol].append(order)
        for symbol in sorted({*held, *orders, *(key[1] for key in self._open)}):
            entering = any(order.role == "entry" for order in orders[symbol])
            covered = sum(int(order.leaves) for order in orders[symbol] if self._guards(order))
            bare = max(0, held[symbol] - covered)
            began = "fill" if symbol in fresh and fresh[symbol].side == "buy" else "exit"
            self._note("bare", symbol, bare, at, began, self.bare)
            leaving = sum(int(order.leaves) for order in orders[symbol] if _leaves_at_market(order))
            self._note("idle", symbol, max(0, bare - leaving), at, began, self.idle)
            self._note("short", symbol, max(0, -held[symbol]), at, "short", self.shorts)
            over = max(0, on_sale(book, symbol) - max(0, held[symbol])) if not entering else 0
            self._note("oversold", symbol, over, at, "oversold", self.oversold)
            selling = 0 if held[symbol] or entering else sum(order.side == "sell" for order in orders[symbol])
            self._note("orphan", symbol, selling, at, "orphan", self.orphans)

    def _guards(self, order: Any) -> bool:
        book = self.desk.book(KEY)
        if order.stop_price is None or order.side != "sell" or order.status in UNGUARDED:
            return False
        if order.status != "held" or order.parent is None:
            return True
        parent = book.orders[order.parent]
        return parent.status == "filled" if parent.role == "entry" else parent.is_live

    def _note(self, kind: str, symbol: str, count: int, at: float, began: str, spells: list[Spell]) -> None:
        spell = self._open.get((kind, symbol))
        if count and spell is None:
            self._open[kind, symbol] = spell = Spell(symbol, count, at, at, began)
            spells.append(spell)
        elif spell is not None:
            spell.until = at
            if not count:
                del self._open[kind, symbol]

    def time_to_cover(self) -> list[float]:
        """For each moment with an entry fill: seconds until every share was covered, or sold."""
        return [
            next(
                (spell.until - at for spell in self.bare if spell.symbol == symbol and spell.since <= at < spell.until),
                0.0,
            )
            for symbol, at in self.fills
        ]
