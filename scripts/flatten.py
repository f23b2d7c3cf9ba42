"""Close everything at the broker, now: `python -m scripts.flatten [--yes] [--dry-run] [--everything] [--force]`.

Needs `.env` and the network and nothing else: no database, no cache, no service of ours. Where our database answers it
takes the account first, so that trading keeps its hands off, and leaves a halt behind. Exit codes: 0 verified flat, 5
not flat (and what is left), 2 nothing was done (not confirmed, trading in the way, or the settings cannot be used).
"""

import asyncio
import json
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError

from config.account import account_settings
from config.settings import Settings, complaints
from scripts.flattening.broker import RawBroker as RawBroker
from scripts.flattening.hands_off import HOW_TO_STOP, AccountLock, Trading, trading_now
from scripts.flattening.picture import Picture
from scripts.flattening.rows import Held, Working, orders_of, positions_of
from shared.domain.session import MARKET_ZONE
from shared.errors import BrokerRefused, CatalystError, Unavailable

FLAT, NOTHING_DONE, LEFT = 0, 2, 5
READ_SECONDS, CALL_SECONDS = 5.0, 12.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, VERIFY_SECONDS = 0.2, 2.0, 0.5
LOOKS_THAT_VERIFY, HIDDEN_AFTER_LOOKS, HOURS_EVERY_LOOKS, TRIES_OF_CANCEL_ALL = 2, 6, 10, 3
ODD_LOOKS = 5
"""Looks at which nothing was left but rows that cannot be read: then a person has to look."""
ORDERS_QUERY = {"status": "open", "limit": "500", "direction": "asc", "nested": "true"}
ADDRESSES = Path(".local") / "addresses.json"
T = TypeVar("T")


@dataclass
class Hand:
    """The broker, within a bounded time for each question; every step is said, with the seconds since the start."""

    broker: RawBroker
    patience: float
    everything: bool = False
    lock: AccountLock | None = None
    started: float = field(default_factory=time.perf_counter)
    is_open: bool | None = None
    market_time: datetime | None = None
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
        orders, lost = orders_of(await self.ask(self.broker.rows("/orders", ORDERS_QUERY)))
        held, odd = positions_of(await self.ask(self.broker.rows("/positions")))
        foreign = tuple(one for one in held if one.is_foreign and not self.everything)
        return Picture(tuple(one for one in held if one not in foreign), orders, foreign, (*lost, *odd))

    async def keep_account(self) -> None:
        """Hold on to the account's lock, and say when it comes or goes."""
        if self.lock is not None:
            before = self.lock.is_ours
            if await self.lock.keep(self.market_time) is not before:
                gone = "the database is lost: trading cannot send without it either, or runs on another one"
                self.say(gone if before else "the database answers: the account is taken, trading keeps its hands off")

    async def read_hours(self) -> None:
        """An exchange that does not tell its hours is closed on all the same."""
        try:
            told = await self.ask(self.broker.hours())
            self.market_time, self.is_open, self.next_open = told.now, told.is_open, told.next_open
        except CatalystError as error:
            self.say(f"the market's hours could not be read ({error}); going on without")

    async def cancel_all(self) -> None:
        rows = await self.ask(self.broker.cancel_all())
        self.say(f"asked for cancellation of all orders: {len(rows)}")
        for row in rows:
            if row.get("status") != 200:
                self.say(f"  {row.get('id')}: not cancelled, {row.get('status')} {row.get('body')}")

    async def cancel(self, order: Working) -> None:
        self.say(f"{order.symbol}: cancelling {order} ({order.status}, {order.id})")
        await self.step(order.symbol, self.broker.cancel(order.id))

    async def close(self, position: Held) -> None:
        self.say(f"{position.symbol}: closing {shares(position.quantity)} at market")
        await self.step(position.symbol, self.broker.close_out(position.key))

    async def step(self, symbol: str, question: Awaitable[T]) -> T | None:
        """What one symbol is refused must not hold up the others; the next look shows what became of it."""
        try:
            return await self.ask(question)
        except BrokerRefused as refused:
            self.say(f"{symbol}: refused, {refused.status} {refused.detail}")
        except Unavailable as error:
            self.say(f"{symbol}: {error.detail}; looking before asking again")
        return None


def shares(number: Decimal | None) -> str:
    """A quantity as people write it."""
    return "an unknown quantity" if number is None else f"{number.normalize():f}"


async def flatten(hand: Hand) -> Picture | None:
    """Cancel, wait for the shares, close, verify; again and again until flat, out of patience, or all is queued.

    Returns the last picture; None when there never was one. Flat counts when seen twice in a row.
    """
    picture: Picture | None = None
    pause, looks, flat_looks, tried, odd_looks = FIRST_PAUSE_SECONDS, 0, 0, 0, 0
    while hand.elapsed < hand.patience:
        try:
            if tried < TRIES_OF_CANCEL_ALL:
                tried += 1
                await hand.cancel_all()
                tried = TRIES_OF_CANCEL_ALL
            await hand.keep_account()
            fresh = await hand.look()
        except CatalystError as error:
            hand.say(f"{error.detail}; trying again in {pause:.1f} s")
            picture, flat_looks = None, 0
        else:
            pause = FIRST_PAUSE_SECONDS if fresh != picture else pause
            picture, looks = fresh, looks + 1
            flat_looks = flat_looks + 1 if picture.is_flat else 0
            odd_looks = odd_looks + 1 if picture.only_odd else 0
            if flat_looks == LOOKS_THAT_VERIFY or odd_looks == ODD_LOOKS:
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
        held_free = f"{shares(one.quantity)} held, {shares(one.available)} free"
        hand.say(f"{one.symbol}: {held_free}; waiting for its orders to go")
    hidden = held and not picture.orders and looks % HIDDEN_AFTER_LOOKS == 0
    if hidden:
        await hand.step("all", hand.cancel_all())
    return hand.is_open is False and bool(picture.positions) and picture.all_closing


def outcome(hand: Hand, picture: Picture | None) -> int:
    """Say how it ended; the exit code."""
    if picture is None:
        hand.say("NOT VERIFIED: the broker does not answer. Look at the account in its own app.")
        return LEFT
    for one in picture.foreign:
        hand.say(f"left as it is: {shares(one.quantity)} {one.symbol} ({one.asset_class}); --everything closes it too")
    if picture.is_flat:
        besides = " besides" if picture.foreign else ""
        hand.say(f"FLAT: the broker lists no position and no open order{besides}")
        return FLAT
    hand.say("NOT FLAT. What is left:")
    for one in picture.positions:
        order = picture.closing(one)
        what = f"closing order {order.id} is {order.status}" if order else "no closing order stands"
        hand.say(f"  {shares(one.quantity)} {one.symbol}, {what}")
    for order in picture.orders:
        odd = ", could not be read: look yourself" if order.is_odd else ""
        hand.say(f"  order {order.id}: {order}, {order.status or 'no status'}{odd}")
    for row in picture.unreadable:
        hand.say(f"  {row.what} that could not be read: look yourself: {row.row}")
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
        hand.say(f"would cancel {order} ({order.status})")
    for one in picture.positions:
        hand.say(f"would close {shares(one.quantity)} {one.symbol}, worth {one.value or 'an unknown amount'}")
    for one in picture.foreign:
        hand.say(f"would leave {shares(one.quantity)} {one.symbol} ({one.asset_class}); --everything closes it too")
    for row in picture.unreadable:
        hand.say(f"could not read a row of {row.what}s: {row.row}")
    hand.say("nothing to do: already flat" if picture.is_flat else "dry run: nothing was sent")
    return FLAT if picture.is_flat else LEFT


async def _tell_not_ours(hand: Hand, lock: AccountLock) -> None:
    """Before anybody confirms: what goes that our books do not know. Silent where broker or database do not answer."""
    ours = await lock.our_shares()
    try:
        picture = await hand.look() if ours is not None else None
    except CatalystError:
        return
    for one in picture.positions if picture and ours is not None else ():
        known = ours.get(one.symbol, 0) if ours else 0
        if one.quantity is not None and one.quantity != known:
            hand.say(f"{one.symbol}: {shares(one.quantity)} are held, {known} of them are in our books; ALL are closed")


async def _take(hand: Hand, lock: AccountLock, settings: Settings, force: bool) -> bool:
    """Take the account from trading, or see that trading is out of the way. False: it is not, and nothing is done."""
    if await lock.take(hand.market_time):
        hand.say("the account is taken: trading sends nothing while this works, and the risk manager halts")
        return True
    if lock.is_anothers:
        hand.say("another flatten holds the account; going on beside it")
        return True
    trading = await trading_now(settings)
    hand.say(f"our database does not answer from here; trading {trading.value}")
    if trading is not Trading.AT_WORK or force:
        return True
    hand.say(HOW_TO_STOP)
    return False


async def run(
    settings: Settings,
    *,
    yes: bool = False,
    dry_run: bool = False,
    patience: float = 120.0,
    everything: bool = False,
    force: bool = False,
) -> int:
    """The whole of it; returns the exit code."""
    lock = AccountLock(settings)
    hand = Hand(RawBroker(settings, None, read_seconds=READ_SECONDS), patience, everything, lock)
    try:
        await _show(hand, settings)
        if dry_run:
            return await _dry(hand)
        if await lock.open():
            await _tell_not_ours(hand, lock)
        if not await confirmed(hand, settings, yes):
            hand.say("not confirmed: nothing was done")
            return NOTHING_DONE
        if not await _take(hand, lock, settings, force):
            return NOTHING_DONE
        hand.started = time.perf_counter()
        code = outcome(hand, await flatten(hand))
        if lock.is_ours and not await lock.wait_for_halt():
            hand.say("the risk manager has not halted yet; it does when it runs again")
        return code
    finally:
        await lock.close()
        hand.broker.close()


def of_this_run(settings: Settings) -> Settings:
    """The settings, with the addresses of the embedded system where one runs in this folder."""
    try:
        known = json.loads(ADDRESSES.read_text())
        found = {"database_url": str(known["database_url"]), "service_urls": dict(known["services"])}
    except (OSError, ValueError, KeyError, TypeError):
        return settings
    return settings.model_copy(update=found)


def main(
    yes: Annotated[bool, typer.Option("--yes", help="do not ask (live money asks all the same)")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be done")] = False,
    everything: Annotated[bool, typer.Option("--everything", help="options and coins too")] = False,
    force: Annotated[bool, typer.Option("--force", help="go on although trading is at work")] = False,
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
    ways = {"yes": yes, "dry_run": dry_run, "everything": everything, "force": force}
    raise typer.Exit(asyncio.run(run(of_this_run(settings), patience=patience, **ways)))


if __name__ == "__main__":
    typer.run(main)
