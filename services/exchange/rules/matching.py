"""When and at what price an order trades against the tape. Pure, and pessimistic on purpose.

Within a bar [start, start + step) the price is taken to go against the client first: for a sell order open, low, high,
close at start, start + step/3, start + 2 step/3, end - 1 s; for a buy order open, high, low, close. So a stop is hit
before a target when both lie in one bar, and a bar that opens beyond a level gives the open (gap through for a stop,
price improvement for a limit). An order that began to work inside a bar can be stopped by the whole bar's range, also
by a part that lies before it, but reaches a limit price only from the next bar on, unless the quote crosses it at once.
Market orders trade at the quote around the last known price plus slippage. Nothing trades in a halt or after delisting.
"""

from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple, Protocol

import numpy as np

from services.exchange.rules.knobs import VenueSettings
from services.exchange.rules.orders import Order
from services.exchange.rules.tape import Tape
from shared.domain.market import to_tick

BASIS_POINTS = 10_000
BUY_STOP_CAP_LOW, BUY_STOP_CAP_HIGH, BUY_STOP_CAP_SPLIT = Decimal("1.04"), Decimal("1.025"), Decimal(50)


class Touch(NamedTuple):
    """The moment the tape reaches an order's price, and the price there, before slippage."""

    at: float
    price: Decimal


class Sides(NamedTuple):
    """Bid and ask on the tick grid."""

    bid: Decimal
    ask: Decimal

    def far(self, side: str) -> Decimal:
        """What an order on `side` pays or gets at once."""
        return self.ask if side == "buy" else self.bid


def quote(tape: Tape, symbol: str, at: float, settings: VenueSettings) -> Sides | None:
    """The two sides at `at`; None when the symbol does not trade."""
    sides = tape.quote(symbol, at, settings.spread_bps)
    return None if sides is None else Sides(to_tick(sides.bid), to_tick(sides.ask))


def last_price(tape: Tape, symbol: str, at: float) -> Decimal | None:
    """The last trade known at `at`."""
    last = tape.last_price(symbol, at)
    return None if last is None else to_tick(last[0])


def slipped(price: Decimal, side: str, settings: VenueSettings) -> Decimal:
    """`price` made worse by the slippage knob, on the tick grid and never below one tick."""
    if not settings.slippage_bps:
        return price
    worse = price * Decimal(str(settings.slippage_bps)) / BASIS_POINTS
    return to_tick(price + worse, "up") if side == "buy" else to_tick(max(price - worse, Decimal("0.0001")), "down")


def buy_stop_cap(stop: Decimal) -> Decimal:
    """Alpaca turns a buy stop into a stop limit: 4 % above the stop below $50, else 2.5 %."""
    return to_tick(stop * (BUY_STOP_CAP_LOW if stop < BUY_STOP_CAP_SPLIT else BUY_STOP_CAP_HIGH), "up")


def limit_of(order: Order) -> Decimal | None:
    """The price the order may not trade beyond: its limit, or the cap that a triggered buy stop gets."""
    if order.limit_price is not None or order.side == "sell" or order.stop_price is None:
        return order.limit_price
    return buy_stop_cap(order.stop_price)


def crosses(side: str, limit: Decimal, price: Decimal) -> bool:
    """True when an order limited to `limit` may trade at `price`."""
    return price <= limit if side == "buy" else price >= limit


def limit_touch(tape: Tape, symbol: str, side: str, limit: Decimal, since: float) -> Touch | None:
    """First moment at or after `since` when a resting limit trades; whole bars only."""
    return _outside_halts(tape, symbol, since, lambda after: _limit_touch(tape, symbol, side, limit, after))


def stop_touch(tape: Tape, symbol: str, side: str, stop: Decimal, since: float) -> Touch | None:
    """First moment at or after `since` when a stop triggers, the bar it began in included."""
    return _outside_halts(tape, symbol, since, lambda after: _stop_touch(tape, symbol, side, stop, after))


class _Finder(Protocol):
    def __call__(self, after: float, /) -> Touch | None: ...


def _outside_halts(tape: Tape, symbol: str, since: float, find: _Finder) -> Touch | None:
    while (found := find(since)) is not None:
        if tape.delisted(symbol, found.at):
            return None
        ends = [end for start, end in tape.halts.get(symbol, ()) if start <= found.at < end]
        if not ends:
            return found
        since = max(ends)
    return None


class _Rows(NamedTuple):
    start: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    open: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    high: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    low: "np.ndarray[tuple[int], np.dtype[np.float64]]"


def _rows_ending_after(tape: Tape, symbol: str, since: float) -> _Rows | None:
    i = tape.index.get(symbol)
    if i is None:
        return None
    low, high = tape.bars.rows(i)
    first = low + int(np.searchsorted(tape.bars.time[low:high], since - tape.bar_seconds, side="right"))
    b = tape.bars
    return _Rows(b.time[first:high].astype(np.float64), b.open[first:high], b.high[first:high], b.low[first:high])


def _limit_touch(tape: Tape, symbol: str, side: str, limit: Decimal, since: float) -> Touch | None:
    rows = _rows_ending_after(tape, symbol, since)
    if rows is None:
        return None
    level = float(limit)
    reached = rows.high >= level if side == "sell" else rows.low <= level
    hits = np.flatnonzero(reached & (rows.start >= since))
    if not len(hits):
        return None
    k = int(hits[0])
    opening = to_tick(float(rows.open[k]))
    if crosses(side, limit, opening):
        return Touch(float(rows.start[k]), opening)
    return Touch(float(rows.start[k]) + tape.bar_seconds * 2 / 3, limit)


def _stop_touch(tape: Tape, symbol: str, side: str, stop: Decimal, since: float) -> Touch | None:
    rows = _rows_ending_after(tape, symbol, since)
    if rows is None:
        return None
    level = float(stop)
    hits = np.flatnonzero(rows.low <= level if side == "sell" else rows.high >= level)
    if not len(hits):
        return None
    k = int(hits[0])
    start = float(rows.start[k])
    opening = to_tick(float(rows.open[k]))
    beyond = opening <= stop if side == "sell" else opening >= stop
    if start >= since:
        return Touch(start, opening) if beyond else Touch(start + tape.bar_seconds / 3, stop)
    extreme = to_tick(float(rows.high[k] if side == "sell" else rows.low[k]))
    price = min(stop, extreme) if side == "sell" else max(stop, extreme)
    return Touch(max(since, start + tape.bar_seconds / 3), price)


def first_slice(leaves: Decimal, account: str, seq: int, settings: VenueSettings) -> Decimal:
    """How much of `leaves` the first fill takes: all of it, or for `partial_fill_fraction` of orders 10 to 90 %.

    Drawn from (seed, account, order sequence), so the same order always gets the same.
    """
    if leaves < 2 or not settings.partial_fill_fraction:
        return leaves
    digest = blake2b(f"{settings.seed}/{account}/{seq}".encode(), digest_size=16).digest()
    draw, part = (int.from_bytes(half, "big") / 2**64 for half in (digest[:8], digest[8:]))
    if draw >= settings.partial_fill_fraction:
        return leaves
    return max(Decimal(1), Decimal(int(float(leaves) * (0.1 + 0.8 * part))))


def capacity(tape: Tape, symbol: str, at: float, settings: VenueSettings) -> Decimal | None:
    """Most shares one order may take of the running bar; None for no limit."""
    if not settings.participation:
        return None
    bar = tape.bar_at(symbol, at)
    return Decimal(int(bar.volume * settings.participation)) if bar else Decimal(0)


def halt_end(tape: Tape, symbol: str, at: float) -> float | None:
    """When the halt that holds at `at` ends, or None when trading is on."""
    return max((end for start, end in tape.halts.get(symbol, ()) if start <= at < end), default=None)
