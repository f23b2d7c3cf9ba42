"""The desk: the ports, and what the process remembers between two looks. Nothing here outlives a restart."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from time import monotonic
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from prometheus_client import Counter, Gauge, Histogram

from config.trading import PositionsPart
from services.trading.rules.orders import OrderRow
from services.trading.rules.sight import Sight
from shared.deps import Deps
from shared.domain.clock import ClockReading
from shared.domain.order import TradeUpdate
from shared.domain.position import Disagreement
from shared.domain.session import SATURDAY, Session, next_session, trading_day
from shared.errors import CatalystError, ConfigError
from shared.journal import Connection, Severity, append_event, raise_alert
from shared.ports import Broker, BrokerStream
from shared.runtime.calendar import Calendar, sessions_around
from shared.runtime.corrected_clock import CorrectedClock
from shared.runtime.loops import detail_of, outcome_of, unnamed

SERVICE = "trading"
ASKED_FOR = timedelta(seconds=10)
HANGS_AFTER_SECONDS, AFTER_A_HANG = 3.0, 0.3
"""Wall time after which work on one symbol no longer holds the next; less once one hangs."""
SET_ASIDE_AFTER = 5
"""Passes that one symbol may fail before the others go on without it."""
CALENDAR_SILENT_AFTER = timedelta(minutes=1)
BLIND_AFTER = 3
"""Looks in a row at which a list of the broker's may fail before it is called unreadable."""
log = structlog.get_logger()
T = TypeVar("T")

ORDERS = Counter("catalyst_orders_total", "Orders that reached a status", ["purpose", "status"])
UNPROTECTED = Counter("catalyst_unprotected_share_seconds", "Shares held without a live stop, times seconds")
FILL_TO_PROTECTED = Histogram(
    "catalyst_fill_to_protected_seconds",
    "From the first fill to a stop over every share",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
SETTLED_AT = Gauge("catalyst_settled_timestamp_seconds", "When every order was last looked up")
LOCKED = Gauge("catalyst_locked_symbols", "Symbols whose quantity disagrees with the broker's")
REJECTS = Counter("catalyst_order_rejects", "Orders that the broker turned down", ["purpose", "code"])
SLIPPAGE = Histogram(
    "catalyst_slippage_bps",
    "Fills against the price decided on (entries) or the stop (stops), in basis points; positive is worse for us",
    ["purpose"],
    buckets=(-50, -20, -10, -5, -2, 0, 2, 5, 10, 20, 50, 100, 500),
)
FAILURES = Counter("catalyst_symbol_failures_total", "Work on one symbol that failed", ["kind"])


@dataclass
class StreamSight:
    """Wall times, in seconds of the monotonic clock: when the stream was last steady, when a reconnect last asked for a
    look; the severity of the alert that stands.
    """

    steady_at: float
    looked_at: float | None = None
    alerted: Severity | None = None

    def unsteady_seconds(self) -> float:
        return monotonic() - self.steady_at


@dataclass
class Desk:
    """The running service. Locks are taken per symbol; whoever holds one may send orders of it."""

    deps: Deps
    broker: Broker
    stream: BrokerStream
    clock: CorrectedClock
    clock_reading: ClockReading | None = None
    clock_asked_at: datetime | None = None
    clock_seen_at: datetime | None = None
    fees_due: datetime | None = None
    """When the broker's fee lines are read next; None before the first time."""
    locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    hints: deque[TradeUpdate] = field(default_factory=lambda: deque(maxlen=500))
    unread: deque[TradeUpdate] = field(default_factory=deque)
    poked: bool = False
    look_again: bool = False
    settled_at: dict[str, datetime] = field(default_factory=dict)
    """When a symbol's orders were last looked up, for as long as the stream has told nothing of it since."""
    next_slot: datetime | None = None
    reconciled_at: datetime | None = None
    trouble: str | None = None
    failed_passes: int = 0
    flat: bool = False
    disagreements: dict[str, Disagreement] = field(default_factory=dict)
    calendar: Calendar = field(default_factory=Calendar)
    calendar_silent_since: datetime | None = None
    assumed: tuple[datetime, Session | None] | None = None
    """What the broker's clock says while the calendar is silent, and until when that is not asked again."""
    asked: dict[UUID, datetime] = field(default_factory=dict)
    naked: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    covered: set[UUID] = field(default_factory=set)
    closing_since: dict[UUID, datetime] = field(default_factory=dict)
    alerted: set[str] = field(default_factory=set)
    decided_on: dict[UUID, Decimal] = field(default_factory=dict)
    sight: Sight = field(default_factory=Sight)
    blind: dict[str, int] = field(default_factory=dict)
    comparing: asyncio.Lock = field(default_factory=asyncio.Lock)
    foreign_since: dict[str, datetime] = field(default_factory=dict)
    failing: dict[tuple[str, str], int] = field(default_factory=dict)
    failed_now: dict[str, Exception] = field(default_factory=dict)
    bare_since: dict[str, datetime] = field(default_factory=dict)
    shortfalls: dict[UUID, datetime] = field(default_factory=dict)
    shared_answers: dict[str, tuple[datetime, Any]] = field(default_factory=dict)
    streaming: StreamSight = field(default_factory=lambda: StreamSight(monotonic()))
    passed_at: float | None = None
    left_behind: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def ready(self) -> bool:
        """True once orders and positions were both read and compared, and as long as they go on being read."""
        return self.reconciled_at is not None and all(failed < BLIND_AFTER for failed in self.blind.values())

    @property
    def has_reconciled(self) -> bool:
        """True once orders and positions were both read and compared: from then on what is ours may be looked after,
        also while a list does not answer.
        """
        return self.reconciled_at is not None

    @property
    def how(self) -> PositionsPart:
        return self.deps.config.current().trading.positions

    def session(self, now: datetime) -> Session | None:
        """Today's session, open or not; None on a day without one, or when the calendar is not known."""
        today = trading_day(now)
        return next((session for session in self.calendar.sessions if session.day == today), None)

    def upcoming(self, now: datetime) -> Session | None:
        return next_session(self.calendar.sessions, now)

    def poke(self) -> None:
        """The watch shall look now."""
        self.poked = True
        self.stirred.set()

    def recently_asked(self, now: datetime) -> frozenset[UUID]:
        self.asked = {order: at for order, at in self.asked.items() if now - at < ASKED_FOR}
        return frozenset(self.asked)


def open_desk(deps: Deps) -> Desk:
    """Raises ConfigError without a broker."""
    if deps.broker is None or deps.stream is None:
        raise ConfigError("trading needs a broker and its stream")
    clock = CorrectedClock(deps.clock)
    return Desk(replace(deps, clock=clock), deps.broker, deps.stream, clock)


def stable_id(*parts: str) -> UUID:
    """The same thing has the same id in every run."""
    return uuid5(NAMESPACE_URL, "/".join(("catalyst", *parts)))


async def know_sessions(desk: Desk, now: datetime) -> None:
    """Read the calendar once a day, days gone by too. Without it nothing is entered and settling goes on.

    One that has no session on a weekday on which the broker's clock has one is as good as none: a person is told.
    """
    today = trading_day(now)
    if desk.calendar.is_of(now):
        return
    try:
        desk.calendar.sessions = await sessions_around(desk.deps.market, now)
        if desk.session(now) is not None or not await _clock_has_session(desk, today):
            desk.calendar.day, desk.calendar_silent_since = today, None
            return
        trouble = f"it has no session on {today}, and the broker's clock has one"
    except CatalystError as error:
        trouble = error.detail
    log.warning("calendar_unavailable", error=trouble)
    since = desk.calendar_silent_since = desk.calendar_silent_since or now
    if today.weekday() < SATURDAY and now - since >= CALENDAR_SILENT_AFTER:
        message = f"the calendar cannot be used: {trouble[:200]}. Nothing is entered; exits go by the broker's clock."
        await alert_once(desk, f"calendar-{today}", "critical", "calendar_unusable", message, now)


async def _clock_has_session(desk: Desk, today: date) -> bool:
    """Whether the broker's clock has a session on a weekday that the calendar leaves out. Raises what asking raises."""
    if today.weekday() >= SATURDAY:
        return False
    hours = await desk.broker.hours()
    return hours.is_open or trading_day(hours.next_open) == today


async def apart(desk: Desk, symbol: str, work: Awaitable[T], now: datetime, part: str = "") -> T | None:
    """The result of work on one symbol; None when it failed. Its trouble never holds the others: the pass goes on, and
    counts as failed at its end, to be tried again. A symbol that fails pass after pass no longer fails them; a person
    is told.
    """
    done = await outcome_of(work)
    if isinstance(done, Exception):
        error = done
        failed = desk.failing[symbol, part] = desk.failing.get((symbol, part), 0) + 1
        detail = detail_of(error)
        FAILURES.labels(type(error).__name__).inc()
        log.warning("symbol_failed", symbol=symbol, times=failed, error=detail, exc_info=unnamed(error))
        if failed < SET_ASIDE_AFTER:
            desk.failed_now[symbol] = error
            return None
        message = f"{symbol} cannot be looked after, it is tried again and again: {detail}"
        await alert_once(desk, f"stuck-{symbol}", "critical", "symbol_stuck", message, now)
        return None
    desk.failing.pop((symbol, part), None)
    return done


async def in_turn(
    desk: Desk, works: Sequence[Coroutine[Any, Any, T]], first: float = HANGS_AFTER_SECONDS
) -> list[T | None]:
    """The results of works on different symbols, one after the other; None for one that hangs.

    The next begins when the one before is done, or has taken so long that it must not hold the others: it goes on by
    itself then, under its symbol's lock. `first`: seconds of wall time before one counts as hanging.
    """
    tasks = []
    for number, work in enumerate(works):
        task = asyncio.create_task(work)
        tasks.append(task)
        patience = first if not any(one for one in tasks[:number] if not one.done()) else AFTER_A_HANG
        await asyncio.wait({task}, timeout=patience)
    if tasks:
        await asyncio.wait(tasks, timeout=AFTER_A_HANG)
    for task in tasks:
        if not task.done():
            desk.left_behind.add(task)
            task.add_done_callback(desk.left_behind.discard)
    return [task.result() if task.done() else None for task in tasks]


async def note_order(connection: Connection, order: OrderRow, at: datetime) -> None:
    """Journal and count an order's new status."""
    ORDERS.labels(order.purpose, order.status).inc()
    payload = {
        "order_id": str(order.order_id),
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "purpose": order.purpose,
        "side": order.side,
        "status": order.status,
        "quantity": order.quantity,
        "filled_quantity": order.filled_quantity,
        "reason": order.cancel_reason or order.reason,
    }
    await append_event(connection, SERVICE, "order.changed", at, payload, order.cycle_id)


async def alert_once(desk: Desk, key: str, severity: Severity, kind: str, message: str, at: datetime) -> None:
    """Tell a person, once for the same matter in the life of this process. What happens only once, as a row that comes
    to be, is told in its own transaction instead: a process that dies between the two would never tell.
    """
    if key in desk.alerted:
        return
    desk.alerted.add(key)
    async with desk.deps.pool.acquire() as connection:
        await tell(connection, severity, kind, message, at)


async def tell(connection: Connection, severity: Severity, kind: str, message: str, at: datetime) -> None:
    """An alert in the transaction of what it tells about."""
    log.warning(kind, message=message)
    await raise_alert(connection, SERVICE, severity, kind, message, at)
