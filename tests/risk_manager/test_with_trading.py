"""With the real trading service and exchange: what risk approves is bought, and a stop ends flat at the venue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from scripts.child import free_ports
from services.risk_manager.api import create_app as create_risk
from services.trading.api import create_app as create_trading
from services.wiring import build_deps
from shared.domain.cycle import DecideRequest
from shared.domain.order import Verdict
from tests.exchange.venues import OHLCV
from tests.risk_manager import facts
from tests.risk_manager.conftest import serving
from tests.trading.bench import CYCLE, KEY, Bench, bench, moving

JSON = {"Content-Type": "application/json"}
OPEN_A_CYCLE = (
    "INSERT INTO trading_cycles (cycle_id, mode, session_mode, status, trading_day, driven_by, max_positions,"
    " max_daily_loss, scan_frequency_seconds, config_hash, started_at)"
    " VALUES ($1, 'normal', 'supervised', 'running', '2026-06-15', 'hand', 5, $3, 300, 'x', $2)"
)


@dataclass
class Pair:
    """Risk and trading side by side, in lockstep with the test."""

    bench: Bench
    risk: httpx.AsyncClient
    trading: httpx.AsyncClient

    async def decide(self, scan: int) -> list[Verdict]:
        prices = {"AAA": 100.0, "BBB": 50.0}
        request = DecideRequest(
            cycle_id=CYCLE, scan=scan, as_of=self.bench.now, size_factor=Decimal(1), approve_max=5,
            candidates=tuple(facts.scored(one, rank, price) for rank, (one, price) in enumerate(prices.items(), 1)),
        )  # fmt: skip
        answer = await self.risk.post("/api/v1/risk/decide", content=request.model_dump_json(), headers=JSON)
        assert answer.status_code == 200, answer.text
        return [Verdict(**one) for one in answer.json()]

    async def buy(self, verdicts: list[Verdict]) -> None:
        for one in verdicts:
            assert one.order is not None
            sent = await self.trading.post("/api/v1/orders", content=one.order.model_dump_json(), headers=JSON)
            assert sent.status_code == 200, sent.text
        await self.bench.until(5)

    async def flat(self, step: float) -> dict[str, Any]:
        """Let time pass until a halt stands and everything was seen closed. Looking again runs on the wall's time."""
        async with asyncio.timeout(30):
            while True:
                await self.bench.until(step)
                halt: dict[str, Any] | None = (await self.risk.get("/api/v1/risk/status")).json()["halt"]
                if halt is not None and halt["flat_at"]:
                    return halt
                if halt is not None:
                    await asyncio.sleep(0.05)

    async def listed(self) -> list[Any]:
        """What the venue itself says is held."""
        keys = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": "secret"}
        async with httpx.AsyncClient(base_url=self.bench.settings.alpaca_base_url, headers=keys) as venue:
            found: list[Any] = (await venue.get("/v2/positions")).json()
        return found


@asynccontextmanager
async def pair(database_url: str, bars: dict[int, OHLCV] | None = None, daily_loss: int = 2000) -> AsyncIterator[Pair]:
    """Both services over an exchange whose AAA moves as `bars` say; the cycle may lose `daily_loss` USD."""
    async with bench(database_url, bars) as b:
        await b.stop()
        await b.pool.execute(OPEN_A_CYCLE, CYCLE, b.now, daily_loss)
        where = b.settings.alpaca_base_url
        async with httpx.AsyncClient(base_url=where) as control:
            body = {"mode": "lockstep", "speed": 0, "participants": ["trading", "risk-manager", "bench"]}
            (await control.post("/_sim/clock", json=body)).raise_for_status()
        first, second = free_ports(2)
        url, risk_url = f"http://127.0.0.1:{first}", f"http://127.0.0.1:{second}"
        settings = b.settings.model_copy(update={"service_urls": {"trading": url}})
        async with AsyncExitStack() as stack:
            for name, create, port in (("trading", create_trading, first), ("risk-manager", create_risk, second)):
                deps = await stack.enter_async_context(build_deps(settings, name))
                await stack.enter_async_context(serving(create(deps), port, lifespan="on"))
            trading = await stack.enter_async_context(httpx.AsyncClient(base_url=url))
            risk = await stack.enter_async_context(httpx.AsyncClient(base_url=risk_url))
            yield Pair(b, risk, trading)


async def test_what_is_approved_is_bought_and_a_stop_ends_flat(database_url: str) -> None:
    async with pair(database_url) as both:
        verdicts = await both.decide(1)
        assert [one.reason for one in verdicts] == ["Risk within limits"] * 2
        await both.buy(verdicts)
        assert len(await both.listed()) == 2
        assert {one.reason.partition(":")[0] for one in await both.decide(2)} == {"duplicate_or_held"}
        exposure = (await both.risk.get("/api/v1/risk/exposure")).json()
        assert {one["kind"] for one in exposure["holdings"]} == {"position"}

        stopped = await both.risk.post("/api/v1/risk/emergency-stop", json={"reason": "by hand"})
        assert stopped.status_code == 202
        await both.flat(step=0.5)
        assert await both.listed() == []
        refused = await both.decide(3)
        assert all("trading is halted: by hand" in one.reason for one in refused)


async def test_a_deposit_does_not_hide_the_days_loss(database_url: str) -> None:
    async with pair(database_url, moving(98.6), daily_loss=50) as both:
        async with httpx.AsyncClient(base_url=both.bench.settings.alpaca_base_url) as control:
            body = {"amount": 5000, "listed_after_seconds": 3600}
            (await control.post(f"/_sim/accounts/{KEY}/cash", json=body)).raise_for_status()
        await both.buy(await both.decide(1))
        sold = await both.trading.post("/api/v1/positions/BBB/close")
        assert sold.status_code == 200
        await both.bench.until(600.0)
        await both.trading.post("/api/v1/positions/AAA/close")
        halt = await both.flat(step=10)
        assert "reached the limit of 50.00 USD" in halt["reason"]
        day = (await both.risk.get("/api/v1/risk/status")).json()["day"]
        assert (Decimal(day["pnl"]) > 4000, day["counts"], day["level"]) == (True, "realized", "emergency")
        assert Decimal(day["entry_loss"]) > 50


async def test_the_days_loss_closes_everything_by_itself(database_url: str) -> None:
    async with pair(database_url, moving(98.6), daily_loss=50) as both:
        await both.buy(await both.decide(1))
        halt = await both.flat(step=10)
        assert await both.listed() == []
        assert "reached the limit of 50.00 USD" in halt["reason"]
        closed = (await both.trading.get("/api/v1/positions?status=closed")).json()
        assert {one["exit_reason"] for one in closed} == {"emergency_stop"}
        kinds = [one["event_type"] for one in (await both.risk.get("/api/v1/risk/events")).json()]
        assert kinds == ["verified_flat", "emergency_stop", "daily_loss_warning"]
