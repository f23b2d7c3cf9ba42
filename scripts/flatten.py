"""Close everything at the broker, now: `python -m scripts.flatten [--yes] [--dry-run]`, or `make flatten`.

Needs `.env` and the network and nothing else: no database, no cache, no service of ours. Exit codes: 0 verified flat,
5 not flat (and what is left), 2 nothing was done (not confirmed, or the settings cannot be used).
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError

from config.account import account_settings
from config.settings import Settings, complaints
from shared.adapters.alpaca import AlpacaBroker
from shared.domain.listing import Unreadable
from shared.domain.order import BrokerOrder
from shared.domain.position import BrokerPosition
from shared.domain.session import MARKET_ZONE
from shared.errors import BrokerRefused, CatalystError, Unavailable

FLAT, NOTHING_DONE, LEFT = 0, 2, 5
READ_SECONDS, CALL_SECONDS = 5.0, 12.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, VERIFY_SECONDS = 0.2, 2.0, 0.5
LOOKS_THAT_VERIFY, HIDDEN_AFTER_LOOKS, HOURS_EVERY_LOOKS, TRIES_OF_CANCEL_ALL = 2, 6, 10, 3
T = TypeVar("T")


@dataclass(frozen=True)
class Picture:
    """What the broker lists at one moment: positions, and open orders with their legs beside them."""

    positions: tuple[BrokerPosition, ...]
    orders: tuple[BrokerOrder, ...]
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def is_flat(self) -> bool:
        return not self.positions and not self.orders and not self.unreadable

    def closing(self, position: BrokerPosition) -> BrokerOrder | None:
        """The order that will close all of it, whoever sent it."""
        return next((order for order in self.orders if closes(order, position)), None)

    @property
    def to_cancel(self) -> tuple[BrokerOrder, ...]:
        return tuple(
            order
            for order in self.orders
            if order.status != "pending_cancel" and not any(closes(order, one) for one in self.positions)
        )

    @property
    def to_close(self) -> tuple[BrokerPosition, ...]:
        """Positions whose shares are all free and of which no order is open."""
        busy = {order.symbol for order in self.orders}
        return tuple(
            one for one in self.positions if one.symbol not in busy and abs(one.available) >= abs(one.quantity)
        )

    @property
    def all_closing(self) -> bool:
        """Nothing is left to ask for."""
        return not self.to_cancel and all(self.closing(one) for one in self.positions)


def closes(order: BrokerOrder, position: BrokerPosition) -> bool:
    """Whether the order sells (or buys back) at least all that is held, at market."""
    exit_side = "sell" if position.quantity >= 0 else "buy"
    remaining = order.quantity - order.filled_quantity
    plain = (order.type, order.side, order.order_class) == ("market", exit_side, "simple")
    alive = order.status != "pending_cancel"
    return plain and alive and order.symbol == position.symbol and remaining >= abs(position.quantity)


def working(orders: tuple[BrokerOrder, ...]) -> tuple[BrokerOrder, ...]:
    """Parents and legs that are not finished, each once."""
    listed = {one.id: one for order in orders for one in (order, *order.legs) if not one.is_final}
    return tuple(listed.values())


@dataclass
class Hand:
    """The broker, within a bounded time for each question; every step is said, with the seconds since the start."""

    broker: AlpacaBroker
    patience: float
    started: float = field(default_factory=time.perf_counter)
    is_open: bool | None = None
    next_open: datetime | None = None

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self.started

    def say(self, text: str) -> None:
        typer.echo(f"{self.elapsed:8.2f} s  {text}")

    async def ask(self, question: Awaitable[T]) -> T:
        """Raises Unavailable when no answer came in time, however slowly its bytes arrive."""
        try:
            return await asyncio.wait_for(question, CALL_SECONDS)
        except TimeoutError as error:
            raise Unavailable(f"the broker did not answer within {CALL_SECONDS:.0f} s") from error

    async def look(self) -> Picture:
        """Orders first: one that fills between the two questions is then seen as a position, not as nothing."""
        orders = await self.ask(self.broker.orders(open_only=True))
        held = await self.ask(self.broker.positions())
        return Picture(held.rows, working(orders.rows), (*orders.unreadable, *held.unreadable))

    async def read_hours(self) -> None:
        """An exchange that does not tell its hours is closed on all the same."""
        try:
            told = await self.ask(self.broker.hours())
            self.is_open, self.next_open = told.is_open, told.next_open
        except CatalystError as error:
            self.say(f"the market's hours could not be read ({error}); going on without")

    async def cancel_all(self) -> None:
        rows = await self.ask(self.broker.cancel_all())
        self.say(f"asked for cancellation of all orders: {len(rows)}")
        for row in rows:
            if row.get("status") != 200:
                self.say(f"  {row.get('id')}: not cancelled, {row.get('status')} {row.get('body')}")

    async def cancel(self, order: BrokerOrder) -> None:
        self.say(f"{order.symbol}: cancelling {order.side} {order.type} {order.quantity} ({order.status})")
        await self.step(order.symbol, self.broker.cancel(order.id))

    async def close(self, position: BrokerPosition) -> None:
        self.say(f"{position.symbol}: closing {position.quantity} at market")
        sent = await self.step(position.symbol, self.broker.close_position(position.symbol))
        if isinstance(sent, BrokerOrder):
            self.say(f"{position.symbol}: closing order {sent.id}, {sent.status}")

    async def step(self, symbol: str, question: Awaitable[T]) -> T | None:
        """What one symbol is refused must not hold up the others; the next look shows what became of it."""
        try:
            return await self.ask(question)
        except BrokerRefused as refused:
            self.say(f"{symbol}: refused, {refused.status} {refused.detail}")
        except Unavailable as error:
            self.say(f"{symbol}: {error.detail}; looking before asking again")
        return None


async def flatten(hand: Hand) -> Picture | None:
    """Cancel, wait for the shares, close, verify; again and again until flat, out of patience, or all is queued.

    Returns the last picture; None when there never was one. Flat counts when seen twice in a row.
    """
    picture: Picture | None = None
    pause, looks, flat_looks, tried = FIRST_PAUSE_SECONDS, 0, 0, 0
    while hand.elapsed < hand.patience:
        try:
            if tried < TRIES_OF_CANCEL_ALL:
                tried += 1
                await hand.cancel_all()
                tried = TRIES_OF_CANCEL_ALL
            fresh = await hand.look()
        except CatalystError as error:
            hand.say(f"{error.detail}; trying again in {pause:.1f} s")
            picture, flat_looks = None, 0
        else:
            pause = FIRST_PAUSE_SECONDS if fresh != picture else pause
            picture, looks = fresh, looks + 1
            flat_looks = flat_looks + 1 if picture.is_flat else 0
            if flat_looks == LOOKS_THAT_VERIFY:
                return picture
            if await _act(hand, picture, looks):
                return picture
        await asyncio.sleep(VERIFY_SECONDS if flat_looks else pause)
        pause = min(LONGEST_PAUSE_SECONDS, pause * 1.5)
    return picture


async def _act(hand: Hand, picture: Picture, looks: int) -> bool:
    """What this look asks for. True when there is nothing left to do before the market opens."""
    if picture.is_flat:
        hand.say("no position, no open order")
        return False
    if looks % HOURS_EVERY_LOOKS == 0:
        await hand.read_hours()
    for order in picture.to_cancel if looks > 1 else ():
        await hand.cancel(order)
    for position in picture.to_close:
        await hand.close(position)
    held = [one for one in picture.positions if one not in picture.to_close and picture.closing(one) is None]
    for one in held:
        hand.say(f"{one.symbol}: {one.quantity} held, {one.available} free; waiting for its orders to go")
    hidden = held and not picture.orders and looks % HIDDEN_AFTER_LOOKS == 0
    if hidden:
        await hand.step("all", hand.cancel_all())
    return hand.is_open is False and bool(picture.positions) and picture.all_closing


def outcome(hand: Hand, picture: Picture | None) -> int:
    """Say how it ended; the exit code."""
    if picture is None:
        hand.say("NOT VERIFIED: the broker does not answer. Look at the account in its own app.")
        return LEFT
    if picture.is_flat:
        hand.say("FLAT: the broker lists no position and no open order")
        return FLAT
    hand.say("NOT FLAT. What is left:")
    for one in picture.positions:
        order = picture.closing(one)
        what = f"closing order {order.id} is {order.status}" if order else "no closing order stands"
        hand.say(f"  {one.quantity} {one.symbol}, {what}")
    for order in picture.orders:
        hand.say(f"  order {order.id}: {order.side} {order.type} {order.quantity} {order.symbol}, {order.status}")
    if hand.is_open is False:
        hand.say(f"The market is closed: {_until_open(hand)}. Run this again then to see it flat.")
    return LEFT


def _until_open(hand: Hand) -> str:
    opens = f"{hand.next_open.astimezone(MARKET_ZONE):%A %H:%M} market time" if hand.next_open else "the next opening"
    return f"closing orders wait at the broker until {opens}, and until then what is held has no stop"


async def confirmed(hand: Hand, settings: Settings, yes: bool) -> bool:
    """A person's word. Live money is closed on nothing less than its account number."""
    if settings.broker != "live":
        return yes or typer.confirm("Close everything?", default=False)
    account = None
    while account is None and hand.elapsed < hand.patience:
        try:
            account = await hand.ask(hand.broker.account())
        except CatalystError as error:
            hand.say(f"{error.detail}; the account number is needed, trying again")
            await asyncio.sleep(LONGEST_PAUSE_SECONDS)
    typed = typer.prompt("LIVE money. Type the account number to close everything", default="", show_default=False)
    return account is not None and typed.strip() == account.account_number


async def _show(hand: Hand, settings: Settings) -> None:
    hand.say(f"{settings.broker} account at {settings.trading_url}")
    await hand.read_hours()
    if hand.is_open is False:
        hand.say(f"THE MARKET IS CLOSED: orders are cancelled now, {_until_open(hand)}")


async def _dry(hand: Hand) -> int:
    """What would be done. Flat is the only good end, here too."""
    try:
        picture = await hand.look()
    except CatalystError as error:
        hand.say(f"{error.detail}")
        return LEFT
    for order in picture.orders:
        hand.say(f"would cancel {order.side} {order.type} {order.quantity} {order.symbol} ({order.status})")
    for one in picture.positions:
        hand.say(f"would close {one.quantity} {one.symbol}, worth {one.market_value}")
    hand.say("nothing to do: already flat" if picture.is_flat else "dry run: nothing was sent")
    return FLAT if picture.is_flat else LEFT


async def run(settings: Settings, *, yes: bool = False, dry_run: bool = False, patience: float = 120.0) -> int:
    """The whole of it; returns the exit code."""
    hand = Hand(AlpacaBroker(settings, None, read_seconds=READ_SECONDS), patience)
    try:
        await _show(hand, settings)
        if dry_run:
            return await _dry(hand)
        if not await confirmed(hand, settings, yes):
            hand.say("not confirmed: nothing was done")
            return NOTHING_DONE
        hand.started = time.perf_counter()
        return outcome(hand, await flatten(hand))
    finally:
        hand.broker.close()


def main(
    yes: Annotated[bool, typer.Option("--yes", help="do not ask (live money asks all the same)")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be done")] = False,
    patience: Annotated[float, typer.Option(help="seconds until it gives up", min=5)] = 120.0,
) -> None:
    """Cancel every order, close every position, verify at the broker. Works while everything of ours is down."""
    try:
        settings, faults = account_settings()
    except ValidationError as error:
        for line in complaints(error):
            typer.echo(f"settings: {line}", err=True)
        raise typer.Exit(NOTHING_DONE) from error
    for line in faults:
        typer.echo(f"settings: {line} (not needed here)", err=True)
    raise typer.Exit(asyncio.run(run(settings, yes=yes, dry_run=dry_run, patience=patience)))


if __name__ == "__main__":
    typer.run(main)
