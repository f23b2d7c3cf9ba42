"""Trading on a bench: the real service, a real database, and the real exchange on a port of its own, in lockstep.

The bench takes part in the exchange's clock: time stands still while a test does something, and `until` lets it pass.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.settings import Settings
from services.exchange.api import bare_app
from services.exchange.api.desk import Desk as Exchange
from services.exchange.api.desk import open_desk
from services.exchange.flow import Conductor, World
from services.exchange.rules.clock import ClockState, Mode
from services.exchange.rules.knobs import VenueSettings
from services.exchange.rules.tape import Tape
from services.trading.api import create_app
from services.wiring import build_deps
from shared.adapters.simulated_clock import SimulatedClock
from shared.domain.order import ApprovedOrder, client_order_id
from shared.ports import Clock
from tests.exchange.venues import DAY, EXACT, OHLCV, OPEN, flat_bars, tape_of
from tests.serving import served

KEY = "BENCH"
CYCLE = "20260615-093000"
NAMESPACE = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
ANSWER_504 = {"code": 50410000, "message": "request timed out"}


@dataclass
class Fault:
    """What goes wrong with requests that match: the answer, or the request itself, is lost; another body is told, at
    which `body` is called where it can be; ("adds") rows of the body are told behind those of a list; the request
    hangs until `release` is set; or it arrives `altered`."""

    method: str
    path: str
    kind: str
    times: int = 1
    status: int = 200
    body: bytes | Callable[[], bytes] = b""
    altered: Callable[[bytes], bytes] | None = None
    release: asyncio.Event = field(default_factory=asyncio.Event)
    hits: int = 0

    def is_about(self, path: str) -> bool:
        """A path that ends in $ is the whole of it."""
        return path == self.path[:-1] if self.path.endswith("$") else path.startswith(self.path)


class Wire:
    """Between service and exchange: passes everything on, except where a fault says otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.faults: list[Fault] = []
        self.seen: list[tuple[str, str]] = []

    def _fault(self, scope: Scope) -> Fault | None:
        for fault in self.faults:
            if fault.hits < fault.times and fault.method == scope["method"] and fault.is_about(scope["path"]):
                fault.hits += 1
                return fault
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.seen.append((scope["method"], scope["path"]))
        fault = self._fault(scope)
        if fault is None or fault.kind == "passes":
            await self.app(scope, receive, send)
            return
        if fault.kind == "hangs":
            await fault.release.wait()
            await self.app(scope, receive, send)
            return
        if fault.altered is not None:
            await self.app(scope, _altered(await receive(), fault.altered), send)
            return
        if fault.kind == "adds":
            await self._with_more(fault, scope, receive, send)
            return
        if fault.kind == "answer lost":

            async def swallow(_message: Message) -> None:
                return None

            await self.app(scope, receive, swallow)
        status, body = 504, httpx.Response(504, json=ANSWER_504).content
        if fault.kind == "says":
            status, body = fault.status, fault.body() if callable(fault.body) else fault.body
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": body})

    async def _with_more(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """The list that the exchange tells, and behind it the rows of the fault's body."""
        parts: list[bytes] = []

        async def keep(message: Message) -> None:
            parts.append(message.get("body", b""))

        await self.app(scope, receive, keep)
        more = fault.body() if callable(fault.body) else fault.body
        answer = httpx.Response(200, json=[*json.loads(b"".join(parts)), *json.loads(more)])
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer.content})


def _altered(message: Message, change: Callable[[bytes], bytes]) -> Receive:
    """One request body, changed on its way; its length with it."""

    async def receive() -> Message:
        return {**message, "body": change(message.get("body", b""))}

    return receive


class DeafClock:
    """The exchange's time as live time is: nobody is woken by a trade update, the stream must do it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def now(self) -> datetime:
        return await self._clock.now()

    async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
        return await self._clock.sleep_until(when)


class OffClock:
    """The exchange's time, wrong by so much: a machine whose clock is slow (positive) or fast."""

    def __init__(self, clock: Clock, behind: Callable[[], timedelta]) -> None:
        self._clock, self._behind = clock, behind

    async def now(self) -> datetime:
        return await self._clock.now() - self._behind()

    async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
        woken = await self._clock.sleep_until(when + self._behind(), or_trade_update=or_trade_update)
        return woken - self._behind()


@dataclass
class Bench:
    """A running exchange, a database, and the service when it is started."""

    exchange: Exchange
    wire: Wire
    settings: Settings
    pool: asyncpg.Pool
    clock: SimulatedClock
    api: httpx.AsyncClient | None = None
    scans: int = 0
    deaf: bool = False
    behind: timedelta = timedelta()
    _stop: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.exchange.now, UTC)

    async def start(self, *, ready: bool = True) -> None:
        """Start the service and wait until it has reconciled."""
        stack = AsyncExitStack()
        deps = await stack.enter_async_context(build_deps(self.settings, "trading"))
        clock: Clock = DeafClock(deps.clock) if self.deaf else deps.clock
        app = create_app(replace(deps, clock=OffClock(clock, lambda: self.behind)))
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.api = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5006")
        )
        self._stop.append(stack.aclose)
        for _ in range(200 if ready else 0):
            if (await self.get("/reconciliation"))["ready"]:
                return
            await asyncio.sleep(0.02)
        assert not ready, "the service never got ready"

    async def stop(self) -> None:
        """Stop the service; the exchange stays."""
        while self._stop:
            await self._stop.pop()()
        self.api = None

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def until(self, moment: datetime | float) -> None:
        """Let time pass; the service wakes for everything on the way."""
        when = moment if isinstance(moment, datetime) else self.now + timedelta(seconds=moment)
        await asyncio.wait_for(self.clock.sleep_until(when), 60)

    async def get(self, path: str) -> Any:
        assert self.api is not None
        answer = await self.api.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        assert self.api is not None
        return await self.api.post(f"/api/v1{path}", json=body)

    async def approve(self, symbol: str = "AAA", quantity: int = 10) -> ApprovedOrder:
        """A decision in the database, and the order it allows."""
        self.scans += 1
        client_id = client_order_id(f"{DAY:%Y%m%d}", symbol, "entry", self.scans)
        decision = uuid5(NAMESPACE, client_id)
        expires = self.now + timedelta(seconds=60)
        prices = (
            (Decimal("100"), Decimal("98"), Decimal("106"), Decimal("100.30"))
            if symbol == "AAA"
            else (Decimal(50), Decimal(49), Decimal(53), Decimal("50.15"))
        )
        await self.pool.execute("SELECT get_or_create_security($1)", symbol)
        await self.pool.execute(
            "INSERT INTO trading_cycles (cycle_id, mode, session_mode, status, trading_day, driven_by, max_positions,"
            " max_daily_loss, scan_frequency_seconds, config_hash, started_at) VALUES ($1, 'normal', 'supervised',"
            " 'running', $2, 'hand', 5, 2000, 1800, 'x', $3) ON CONFLICT DO NOTHING",
            CYCLE, DAY, self.now,
        )  # fmt: skip
        await self.pool.execute(
            "INSERT INTO risk_decisions (decision_id, cycle_id, scan, kind, verdict, symbol, side, client_order_id,"
            " quantity, reference_price, stop_price, take_profit_price, expires_at, reason, risk_score, risk_amount,"
            " checks, decided_at, limit_price) VALUES ($1, $2, $3, 'order', 'approved', $4, 'long', $5, $6, $7, $8, $9,"
            " $10, 'fits', 0.1, 20, '[]', $11, $12)",
            decision, CYCLE, self.scans, symbol, client_id, quantity, *prices[:3], expires, self.now, prices[3],
        )  # fmt: skip
        return ApprovedOrder(
            decision_id=decision, cycle_id=CYCLE, scan=self.scans, client_order_id=client_id, symbol=symbol,
            side="long", quantity=quantity, reference_price=prices[0], stop_price=prices[1],
            take_profit_price=prices[2], limit_price=prices[3], expires_at=expires,
        )  # fmt: skip

    async def spoil(self, *faults: dict[str, Any]) -> None:
        """Faults of the exchange itself, in place of those before; none: it is well again."""
        async with httpx.AsyncClient(base_url=self.settings.alpaca_base_url) as http:
            (await http.delete("/_sim/faults")).raise_for_status()
            if faults:
                (await http.post("/_sim/faults", json=list(faults))).raise_for_status()

    async def send(self, order: ApprovedOrder) -> httpx.Response:
        return await self.post("/orders", order.model_dump(mode="json"))

    async def bought(self, symbol: str = "AAA", quantity: int = 10) -> ApprovedOrder:
        """An entry, sent and filled."""
        order = await self.approve(symbol, quantity)
        answer = await self.send(order)
        assert answer.status_code == 200, answer.text
        await self.until(5.0)
        return order

    async def position(self, symbol: str = "AAA") -> dict[str, Any]:
        found: dict[str, Any] = await self.get(f"/positions/{symbol}")
        return found

    async def orders(self, symbol: str = "AAA") -> dict[str, dict[str, Any]]:
        """The symbol's newest order of each purpose."""
        rows = await self.get(f"/orders?symbol={symbol}")
        return {row["purpose"]: row for row in reversed(rows)}

    @property
    def book(self) -> Any:
        """The account as the exchange keeps it."""
        return self.exchange.book(KEY)

    def holds(self, symbol: str, quantity: str, price: str) -> None:
        """The account holds exactly this from now on, without an order: as if from before the system."""
        self.exchange.ask(KEY, "hold", {"symbol": symbol, "qty": quantity, "price": price})

    def by_hand(self, symbol: str, side: str, quantity: int, **terms: str) -> str:
        """Somebody orders past the system, at the broker; the order's id there."""
        body = {"symbol": symbol, "side": side, "qty": str(quantity), "type": "market", "time_in_force": "day"}
        made = self.exchange.ask(KEY, "submit", body | terms)
        assert getattr(made, "status", "") == "pending_new", made
        return str(made.id)  # type: ignore[union-attr]

    async def alerts(self) -> list[tuple[str, str]]:
        """(severity, kind) of every alert so far."""
        rows = await self.pool.fetch("SELECT severity, kind FROM alerts ORDER BY alert_id")
        return [(row["severity"], row["kind"]) for row in rows]

    async def profit(self) -> tuple[Decimal, Decimal]:
        """What our positions earned, and what the exchange's books say."""
        ours = await self.pool.fetchval("SELECT coalesce(sum(realized_pnl), 0) FROM positions")
        return ours, self.book.ledger.cash - self.book.ledger.start


def moving(*prices: float, start: float = 100.0) -> dict[int, OHLCV]:
    """A day that stays at `start` for two bars, then moves to each price in turn, a bar each, and stays at the last."""
    bars, last = flat_bars(start), start
    for number in range(78):
        price = prices[min(number - 2, len(prices) - 1)] if number >= 2 else start
        bars[number] = (last, max(last, price), min(last, price), price, 1_000_000)
        last = price
    return bars


@asynccontextmanager
async def bench(
    database_url: str,
    bars: Mapping[int, OHLCV] | None = None,
    settings: VenueSettings = EXACT,
    tape: Tape | None = None,
    now: float = OPEN + 300,
    config: Path = Path("config"),
    *,
    live: bool = False,
) -> AsyncIterator[Bench]:
    """An exchange in lockstep with the service and the test; the service is started.

    `live`: time runs by itself as it does outside, and only the stream tells of trade updates.
    """
    tape = tape or tape_of({"AAA": dict(bars or flat_bars()), "BBB": flat_bars(50.0)})
    mode: Mode = "run" if live else "lockstep"
    state = ClockState(now=now, mode=mode, speed=1.0 if live else 0.0, participants=("trading", "bench"))
    exchange = open_desk(World(tape, Conductor(state)), None, settings)
    wire = Wire(bare_app(exchange.world, exchange))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(served(wire))
        clock = SimulatedClock(url, "bench")
        stack.push_async_callback(clock.close)
        pool = await stack.enter_async_context(asyncpg.create_pool(database_url, min_size=1, max_size=2))
        chosen = Settings(
            database_url=database_url, alpaca_base_url=url, alpaca_api_key=KEY, alpaca_secret_key="secret",
            redis_port=1, database_wait_seconds=5, config_folder=config,
        )  # fmt: skip
        made = Bench(exchange, wire, chosen, pool, clock, deaf=live)
        stack.push_async_callback(made.stop)
        await made.start()
        yield made


def market_time(hour: int, minute: int, day: date = DAY) -> datetime:
    """New York wall time on a summer day."""
    return datetime(day.year, day.month, day.day, hour + 4, minute, tzinfo=UTC)
