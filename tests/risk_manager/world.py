"""What lies around the risk manager, small and honest: a market, a clock that is set by hand, and a trading service."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
from fastapi import FastAPI, HTTPException

from services.risk_manager.flow.watch import Watch
from shared.deps import Deps
from shared.domain.market import Asset, Bars, BarTable, Quote, Snapshots, Timeframe, Trade
from shared.domain.position import Account, CloseRequest, PositionView, Reconciliation
from shared.domain.session import Session
from shared.errors import Unavailable
from tests.risk_manager import facts

CYCLE = "20260615-093500"
OPEN_POSITIONS = (
    "SELECT position_id, cycle_id, symbol, side, status, quantity, entry_price, entry_time, exit_price, exit_time,"
    " exit_reason, realized_pnl, stop_price, take_profit_price, quantity AS protected_quantity, locked"
    " FROM positions WHERE status = 'open'"
)


class Clock:
    """Time stands until a test moves it; then sleepers whose time has come wake."""

    def __init__(self) -> None:
        self.time = facts.NOW
        self.sleeping_until: datetime | None = None
        self._moved = asyncio.Condition()

    async def now(self) -> datetime:
        return self.time

    async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
        self.sleeping_until = when
        async with self._moved:
            await self._moved.wait_for(lambda: self.time >= when)
        self.sleeping_until = None
        return self.time

    async def move(self, to: datetime) -> None:
        async with self._moved:
            self.time = to
            self._moved.notify_all()


class Market:
    """Prices as a test sets them; a name nobody listed has none."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.prices: dict[str, float] = {}
        self.history: dict[str, Bars] = {}
        self.calendar: tuple[Session, ...] = (facts.SESSION, facts.TOMORROW)
        self.silent = False

    def list(self, symbol: str, price: float, seed: int = 0) -> None:
        self.prices[symbol] = price
        self.history[symbol] = facts.daily(symbol, facts.moves(seed or sum(map(ord, symbol))))

    async def assets(self) -> tuple[Asset, ...]:
        return tuple(
            Asset(symbol=symbol, name=symbol, exchange="NASDAQ", tradable=True, active=True) for symbol in self.prices
        )

    async def snapshots(self, symbols: Sequence[str]) -> Snapshots:
        raise Unavailable("this market has no snapshots")

    async def bars(self, symbols: Sequence[str], timeframe: Timeframe, start: datetime, end: datetime) -> BarTable:
        return {symbol: self.history[symbol] for symbol in symbols if symbol in self.history}

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        at = self.clock.time - timedelta(seconds=1)
        known = {symbol: self.prices[symbol] for symbol in symbols if symbol in self.prices}
        return {one: Quote(symbol=one, bid=price - 0.01, ask=price, at=at) for one, price in known.items()}

    async def trades(self, symbols: Sequence[str]) -> dict[str, Trade]:
        if self.silent:
            raise Unavailable("the market does not answer")
        at = self.clock.time - timedelta(seconds=1)
        return {one: Trade(symbol=one, price=self.prices[one], at=at) for one in symbols if one in self.prices}

    async def sectors(self) -> dict[str, str]:
        return {}

    async def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        return tuple(session for session in self.calendar if start <= session.day <= end)


@dataclass
class TradingDesk:
    """A trading service on a real port: its books are the database, its broker is this object.

    `stubborn` says how often close-all has to be asked before anything closes, `slow_broker` how many more looks it
    takes until the broker's own listing is empty. `seen`: what a comparison finds, whatever the books say.
    """

    pool: asyncpg.Pool
    clock: Clock
    equity: Decimal = Decimal(100_000)
    last_equity: Decimal = Decimal(100_000)
    cash_flows: Decimal | None = Decimal(0)
    stubborn: int = 0
    slow_broker: int = 0
    asked: int = 0
    broker_holds: bool = False
    unreadable: bool = False
    seen: Reconciliation | None = None
    looks: int = 0
    calls: list[str] = field(default_factory=list)

    def app(self) -> FastAPI:
        app = FastAPI()
        app.get("/api/v1/account")(self.account)
        app.get("/api/v1/positions")(self.positions)
        app.post("/api/v1/positions/close-all")(self.close_all)
        app.post("/api/v1/reconcile")(self.reconcile)
        return app

    async def account(self) -> Account:
        self.looks += 1
        return Account(
            account_number="SIM", status="ACTIVE", equity=self.equity, last_equity=self.last_equity,
            cash=self.equity, buying_power=self.equity * 2, trading_allowed=True, cash_flows=self.cash_flows,
        )  # fmt: skip

    async def positions(self, status: str) -> tuple[PositionView, ...]:
        self.calls.append(f"positions {status}")
        if self.unreadable:
            raise HTTPException(500, "the books cannot be read")
        return tuple(PositionView(**dict(row)) for row in await self.pool.fetch(OPEN_POSITIONS))

    async def close_all(self, request: CloseRequest) -> dict[str, Any]:
        self.asked += 1
        self.calls.append(f"close-all {request.reason}")
        if self.asked > self.stubborn:
            sql = "UPDATE positions SET status = 'closed', quantity = 0, exit_time = $1, exit_reason = $2"
            await self.pool.execute(sql + " WHERE status = 'open'", self.clock.time, request.reason)
        return {"closing": []}

    async def reconcile(self) -> Reconciliation:
        self.calls.append("reconcile")
        if self.seen is not None:
            return self.seen
        ours = await self.pool.fetchval("SELECT count(*) FROM positions WHERE status = 'open'")
        if not ours and self.broker_holds:
            self.slow_broker -= 1
            self.broker_holds = self.slow_broker > 0
        flat = not ours and not self.broker_holds
        return Reconciliation(
            ready=True, reconciled_at=self.clock.time, flat=flat, open_positions=ours, unsettled_orders=0
        )

    async def hold(self, symbol: str, quantity: int, price: float, *, stop: float, realized: float = 0) -> None:
        """A position in the books and at the broker."""
        self.broker_holds = True
        await self.pool.execute("SELECT get_or_create_security($1)", symbol)
        await self.pool.execute(
            "INSERT INTO positions (position_id, cycle_id, symbol, side, status, quantity, entry_quantity, entry_price,"
            " entry_time, stop_price, realized_pnl, updated_at)"
            " VALUES ($1, $2, $3, 'long', 'open', $4, $4, $5, $6, $7, $8, $6)",
            uuid4(), CYCLE, symbol, quantity, Decimal(str(price)), self.clock.time, Decimal(str(stop)),
            Decimal(str(realized)),
        )  # fmt: skip

    async def lost(self, symbol: str, at: datetime, pnl: float) -> None:
        """A position that was closed at a loss."""
        await self.pool.execute("SELECT get_or_create_security($1)", symbol)
        await self.pool.execute(
            "INSERT INTO positions (position_id, cycle_id, symbol, side, status, quantity, entry_quantity, entry_price,"
            " entry_time, exit_price, exit_time, realized_pnl, updated_at)"
            " VALUES ($1, $2, $3, 'long', 'closed', 0, 10, 50, $4, 45, $4, $5, $4)",
            uuid4(), CYCLE, symbol, at, Decimal(str(pnl)),
        )  # fmt: skip


@dataclass
class World:
    """Everything at once. `deps` is what the service is given."""

    deps: Deps
    clock: Clock
    market: Market
    desk: TradingDesk
    watch: Watch = field(default_factory=Watch)

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.deps.pool.fetch(sql, *values)]


async def open_cycle(pool: asyncpg.Pool) -> None:
    await pool.execute(
        "INSERT INTO trading_cycles (cycle_id, mode, session_mode, status, trading_day, driven_by, max_positions,"
        " max_daily_loss, scan_frequency_seconds, config_hash, started_at)"
        " VALUES ($1, 'normal', 'supervised', 'running', $2, 'hand', 5, 2000, 300, 'x', $3)",
        CYCLE, facts.SESSION.day, facts.SESSION.open,
    )  # fmt: skip
