"""A venue on a hand-made tape: a few five-minute bars, a book to drive without a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from services.exchange.rules.journal import Command
from services.exchange.rules.knobs import VenueSettings
from services.exchange.rules.orders import Order, Refusal
from services.exchange.rules.tape import Asset, Columns, Session, Tape
from services.exchange.rules.venue import Outcome, Venue

DAY = date(2026, 6, 15)
OPEN = 1_781_530_200.0
CLOSE = OPEN + 6.5 * 3600
STEP = 300
OHLCV = tuple[float, float, float, float, int]
KEY = "PKTEST"
EXACT = VenueSettings(spread_bps=0, partial_fill_fraction=0)
"""No chance, and the narrowest quote: one tick around the last price."""


def columns(rows: Sequence[tuple[int, float, OHLCV]], count: int) -> Columns:
    """Rows (symbol number, time, bar) in the packed form of a tape."""
    numbers = [number for number, _, _ in rows]
    offsets = np.concatenate(([0], np.cumsum(np.bincount(numbers, minlength=count)))).astype(np.int64)
    times = np.array([int(time) for _, time, _ in rows], dtype=np.int64)
    table = np.array([bar for _, _, bar in rows], dtype=np.float64).reshape(len(rows), 5)
    o, h, low, c, volume = (table[:, k] for k in range(5))
    return Columns(offsets, times, o, h, low, c, volume.astype(np.int64))


def tape_of(
    bars: Mapping[str, Mapping[int, OHLCV]],
    previous: float | None = 100.0,
    halts: dict[str, tuple[tuple[float, float], ...]] | None = None,
    delistings: dict[str, float] | None = None,
) -> Tape:
    """A tape of one day. Bars are keyed by number from the open; the day before closed at `previous`, if at all."""
    symbols = sorted(bars)
    rows = [
        (i, OPEN + number * STEP, bar)
        for i, symbol in enumerate(symbols)
        for number, bar in sorted(bars[symbol].items())
    ]
    flat: OHLCV = (previous or 0.0, previous or 0.0, previous or 0.0, previous or 0.0, 1_000_000)
    daily = [(i, OPEN - 86_400 - 9.5 * 3600, flat) for i in range(len(symbols)) if previous is not None]
    return Tape(
        name="hand-made",
        session=Session(OPEN, CLOSE, DAY),
        bar_seconds=STEP,
        assets=tuple(Asset(symbol, f"{symbol} Inc", "NASDAQ", "Technology", "Chips", 1e9) for symbol in symbols),
        bars=columns(rows, len(symbols)),
        daily=columns(daily, len(symbols)),
        daily_close_at=np.full(len(daily), int(CLOSE - 86_400), dtype=np.int64),
        halts=halts or {},
        delistings=delistings or {},
        days=(DAY,),
    )


def flat_bars(price: float = 100.0, count: int = 78, volume: int = 100_000) -> dict[int, OHLCV]:
    """A day on which nothing moves."""
    return dict.fromkeys(range(count), (price, price, price, price, volume))


@dataclass
class Floor:
    """A venue and a clock that only goes forward."""

    venue: Venue
    now: float = OPEN + 60
    history: list[Command] = field(default_factory=list)

    def advance(self, seconds: float) -> None:
        self.go_to(self.now + seconds)

    def go_to(self, at: float) -> None:
        while (when := self.venue.next_event(self.now, at)) is not None:
            self.now = when
            self.venue.process(when)
        self.now = at

    def do(self, verb: str, account: str = KEY, /, **args: Any) -> Outcome:
        command = Command(self.now, account, verb, args)
        outcome = self.venue.execute(command)
        if not isinstance(outcome, Refusal):
            self.history.append(command)
        return outcome

    def submit(self, **body: Any) -> Order:
        """A new order by its body; refusals fail the test."""
        made = self.do("submit", **{"symbol": "AAA", "qty": 10, "side": "buy", "type": "market",
                                    "time_in_force": "day", **body})  # fmt: skip
        assert isinstance(made, Order), made
        return made

    def bracket(self, **body: Any) -> Order:
        exits = {"take_profit": {"limit_price": 106}, "stop_loss": {"stop_price": 98}}
        return self.submit(**{"order_class": "bracket", **exits, **body})

    def order(self, order: Order) -> Order:
        return self.venue.book(KEY).orders[order.id]

    def leg(self, parent: Order, role: str) -> Order:
        book = self.venue.book(KEY)
        return next(leg for leg in book.legs_of(book.orders[parent.id]) if leg.role == role)

    @property
    def events(self) -> list[tuple[str, str]]:
        """(event, role or type) of every trade update so far."""
        return [
            (u.event, u.order.role if u.order.role != "simple" else u.order.type) for u in self.venue.book(KEY).updates
        ]


def floor(
    bars: Mapping[int, OHLCV] | None = None, settings: VenueSettings = EXACT, now: float = OPEN + 60, **tape: Any
) -> Floor:
    """A floor with one symbol, AAA."""
    place = Floor(Venue(tape_of({"AAA": flat_bars() if bars is None else bars}, **tape), settings))
    place.go_to(now)
    return place
