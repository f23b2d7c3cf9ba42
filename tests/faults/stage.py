"""One run: the exchange in lockstep here, trading in a process of its own, and whoever starts it again when it dies."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from config.settings import Settings
from scripts.child import free_ports
from services.exchange.api import bare_app
from services.exchange.api.desk import Desk, open_desk
from services.exchange.flow import Conductor, World
from services.exchange.rules.clock import ClockState
from services.exchange.rules.fees import EVENING_SECONDS
from services.exchange.rules.knobs import VenueSettings
from shared.adapters.simulated_clock import SimulatedClock
from shared.domain.order import ApprovedOrder
from tests.faults import day
from tests.faults.day import Act
from tests.faults.traffic import Traffic
from tests.faults.victim import READ_SECONDS, Kill
from tests.faults.watcher import Watcher
from tests.serving import served

STANDS_STILL_SECONDS = 2.0
PATIENCE_SECONDS = 120.0
OUTAGE_STEP_SECONDS, OUTAGE_STEP_WALL_SECONDS = 5.0, 0.25
ROOT = Path(__file__).parents[2]


@dataclass
class Plan:
    """What goes wrong in a run. `dead_seconds`: exchange time that passes while the killed process is down;
    `read_seconds`: wall time for which trading waits for an answer; `clock_seconds`: how far its clock is ahead.
    """

    kills: tuple[Kill, ...] = ()
    dead_seconds: float = 0.0
    faults: tuple[dict[str, Any], ...] = ()
    settings: VenueSettings = day.IN_PARTS
    acts: tuple[Act, ...] = day.NORMAL
    redis_port: int = 1
    redis_password: str = ""
    jump: tuple[float, float] | None = None
    foreign: str = "protect"
    read_seconds: float = READ_SECONDS
    clock_seconds: float = 0.0
    into_evening: bool = False
    """Whether it ends after the fees were charged, and one of them was given back in part."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of its faults."""
        return frozenset(str(fault["kind"]) for fault in self.faults)

    @property
    def jump_seconds(self) -> float:
        return self.jump[1] if self.jump else 0.0


@dataclass
class Mother:
    """A process with everything loaded, of which each life of trading is forked: starting anew takes no time."""

    process: "subprocess.Popen[str] | None" = None

    def bear(self, settings: Settings, port: int, plan: Plan, kill: Kill | None, notes: Path | None) -> int:
        """The id of a new process."""
        if self.process is None or self.process.poll() is not None:
            command = [sys.executable, "-m", "tests.faults.victim"]
            self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        told = {
            "settings": settings.model_dump(mode="json", exclude={"news_api_key"}),
            "port": port,
            "kill": [kill.step, kill.occurrence] if kill else None,
            "notes": str(notes) if notes else None,
            "read_seconds": plan.read_seconds,
            "clock_seconds": plan.clock_seconds,
        }
        self.process.stdin.write(f"{json.dumps(told)}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self) -> None:
        if self.process is not None and self.process.stdin is not None and self.process.stdout is not None:
            self.process.stdin.close()
            self.process.wait(10)
            self.process.stdout.close()


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@dataclass
class Wish:
    """Somebody asked for the end of a position, or of all when no symbol is named."""

    at: float
    symbol: str
    reason: str


@dataclass
class Stage:
    """Everything of one run that is alive."""

    plan: Plan
    desk: Desk
    watcher: Watcher
    traffic: Traffic
    url: str
    pool: asyncpg.Pool
    settings: Settings
    clock: SimulatedClock
    port: int
    http: httpx.AsyncClient
    mother: Mother
    notes: Path | None
    deaths: int = 0
    sent: dict[str, ApprovedOrder] = field(default_factory=dict)
    answers: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    kept: dict[str, ApprovedOrder] = field(default_factory=dict)
    by_hand: Counter[str] = field(default_factory=Counter)
    answered_at: dict[str, float] = field(default_factory=dict)
    wishes: list[Wish] = field(default_factory=list)
    hand_orders: dict[str, float] = field(default_factory=dict)
    weather: list[asyncio.Task[None]] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    halted_at: float | None = None
    closing: bool = False
    process: int = 0

    @property
    def book(self) -> Any:
        return self.desk.book(day.KEY)

    def launch(self) -> None:
        """A new process of trading; the next kill of the plan is its fate."""
        kill = self.plan.kills[self.deaths] if self.deaths < len(self.plan.kills) else None
        self.process = self.mother.bear(self.settings, self.port, self.plan, kill, self.notes)

    async def tend(self) -> None:
        """Start trading again whenever it has died."""
        while not self.closing:
            if not alive(self.process):
                self.deaths += 1
                if self.plan.dead_seconds:
                    await self.desk.world.clock.advance_to(self.desk.now + self.plan.dead_seconds)
                self.launch()
            await asyncio.sleep(0.02)

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """A client's request, made again until trading answers it. Where it keeps saying that it cannot yet, time goes
        on meanwhile, as it does for a client outside.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            try:
                answer = await self.http.request(method, f"http://127.0.0.1:{self.port}/api/v1{path}", json=body)
                if answer.status_code not in (500, 503):
                    return answer.status_code, answer.json()
                trouble = answer.text
            except httpx.HTTPError as error:
                trouble = repr(error)
            if loop.time() - begun > PATIENCE_SECONDS:
                raise TimeoutError(f"{method} {path}: {trouble}")
            if loop.time() - begun > STANDS_STILL_SECONDS:
                await self.until(self.desk.now + 1.0)
            await asyncio.sleep(0.05)

    async def until(self, at: float) -> None:
        if at > self.desk.now:
            await asyncio.wait_for(self.clock.sleep_until(day.moment(at)), PATIENCE_SECONDS)

    async def act(self, number: int, act: Act) -> None:
        """One thing that a client, the operator at his broker, or the weather does."""
        now = day.moment(self.desk.now)
        match act.verb:
            case "decide":
                self.kept[act.symbol] = await day.decide(self.pool, number, act.symbol, act.quantity, now)
            case "buy":
                await self._send(await day.decide(self.pool, number, act.symbol, act.quantity, now))
            case "late":
                await self._send(self.kept[act.symbol])
            case "close":
                self.wishes.append(Wish(self.desk.now, act.symbol, "manual"))
                await self.ask("POST", f"/positions/{act.symbol}/close", {"reason": "manual"})
            case "by_hand" | "rest_by_hand" | "short_by_hand":
                self._by_hand(act)
            case "liquidate":
                await self._liquidate(act.symbol)
            case "outage":
                self.weather.append(asyncio.create_task(self._outage(act.quantity)))
            case "halt":
                self.halted_at = self.desk.now
                self.wishes.append(Wish(self.desk.now, "", "emergency"))
                await day.halt(self.pool, now)
                await self.ask("POST", "/positions/close-all", {"reason": "emergency"})

    def _by_hand(self, act: Act) -> None:
        """An order at the exchange that trading hears of only there."""
        rests, side = act.verb == "rest_by_hand", "sell" if act.verb == "short_by_hand" else "buy"
        terms = {"type": "limit", "limit_price": "90"} if rests else {"type": "market"}
        body = {"symbol": act.symbol, "qty": str(act.quantity), "side": side, "time_in_force": "day", **terms}
        made = self.desk.ask(day.KEY, "submit", body)
        assert getattr(made, "status", "") == "pending_new", made
        self.hand_orders[str(getattr(made, "id", ""))] = self.desk.now
        self.by_hand[act.symbol] += act.quantity

    async def _liquidate(self, symbol: str) -> None:
        """In the broker's own app: its orders are cancelled, and once the shares are free they are sold at market."""
        working = [order.id for order in self.book.live_orders(symbol)]
        for order_id in working:
            self.desk.ask(day.KEY, "cancel", {"order_id": order_id})
        await self.desk.world.clock.advance_to(self.desk.now + self.plan.settings.cancel_latency_ms / 1000)
        made = self.desk.ask(day.KEY, "close", {"symbol": symbol, "qty": None, "percentage": None})
        if (order_id := str(getattr(made, "id", ""))) and getattr(made, "side", "") == "sell":
            self.hand_orders[order_id] = self.desk.now
            self.wishes.append(Wish(self.desk.now, symbol, "by hand"))

    async def _outage(self, seconds: int) -> None:
        """Positions are not told for so long. Time passes though trading may ask again and again without waiting."""
        fault = {"id": "outage", "kind": "500", "match": "positions"}
        began = self.desk.now
        (await self.http.post(f"{self.url}/_sim/faults", json=fault)).raise_for_status()
        while self.desk.now < began + seconds:
            stood = self.desk.now
            await asyncio.sleep(OUTAGE_STEP_WALL_SECONDS)
            if self.desk.now == stood:
                await self.desk.world.clock.advance_to(min(began + seconds, stood + OUTAGE_STEP_SECONDS))
        (await self.http.delete(f"{self.url}/_sim/faults/outage")).raise_for_status()
        self.outages.append((began, self.desk.now))

    async def _send(self, order: ApprovedOrder) -> None:
        self.sent[order.client_order_id] = order
        answer = await self.ask("POST", "/orders", order.model_dump(mode="json"))
        self.answered_at[order.client_order_id] = self.desk.now
        self.answers[order.client_order_id] = answer

    async def play(self, done: int = 0) -> None:
        """The day, but for the acts already `done`, and a minute for what is told after the close."""
        jumped = False
        for number, act in enumerate(self.plan.acts[done:], start=done + 1):
            await self.until(day.BEGIN + act.after)
            if self.plan.jump and not jumped and self.plan.jump[0] <= act.after:
                jumped = True
                await self.desk.world.clock.advance_to(self.desk.now + self.plan.jump[1])
            await self.act(number, act)
        await self.until(day.END + 60)
        await asyncio.gather(*self.weather)
        if self.plan.into_evening:
            await self.until(day.END + EVENING_SECONDS + 60)
            self.desk.ask(day.KEY, "transfer", {"amount": "0.01", "kind": "FEE", "sub_kind": "REG"})
        await self.ask("POST", "/reconcile")


@asynccontextmanager
async def stage(
    database_url: str, folder: Path, plan: Plan, mother: Mother, notes: Path | None = None
) -> AsyncIterator[Stage]:
    """Set up, with trading started; everything is gone afterwards."""
    state = ClockState(now=day.START, mode="lockstep", speed=0.0, participants=("trading", "clients"))
    conductor = Conductor(state)
    world = World(day.tape(), conductor, spread_bps=plan.settings.spread_bps)
    desk = open_desk(world, None, plan.settings)
    watcher = Watcher(desk)
    traffic = Traffic(bare_app(world, desk), watcher)
    conductor.agenda = watcher
    port = free_ports(1)[0]
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(served(traffic))
        clock = SimulatedClock(url, "clients")
        stack.push_async_callback(clock.close)
        pool = await stack.enter_async_context(asyncpg.create_pool(database_url, min_size=1, max_size=2))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=20, trust_env=False))
        settings = Settings(
            database_url=database_url,
            database_wait_seconds=30,
            alpaca_base_url=url,
            alpaca_api_key=day.KEY,
            alpaca_secret_key="secret",
            redis_port=plan.redis_port,
            redis_password=plan.redis_password,
            config_folder=day.write_config(folder / "config", plan.foreign),
            log_folder=folder,
        )
        made = Stage(plan, desk, watcher, traffic, url, pool, settings, clock, port, http, mother, notes)
        if plan.faults:
            (await http.post(f"{url}/_sim/faults", json=list(plan.faults))).raise_for_status()
        made.launch()
        tending = asyncio.create_task(made.tend())
        try:
            yield made
        finally:
            made.closing = True
            tending.cancel()
            await asyncio.gather(tending, return_exceptions=True)
            with contextlib.suppress(ProcessLookupError):
                os.kill(made.process, signal.SIGKILL)


def dumped(stage: Stage) -> str:
    """The client's view, for a failing run."""
    return json.dumps(
        {key: [code, body.get("status") or body.get("detail")] for key, (code, body) in stage.answers.items()}
    )
