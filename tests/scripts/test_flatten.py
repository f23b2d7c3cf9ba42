"""Everything is closed at a real exchange that cancels late, refuses, loses answers or hangs; nothing of ours runs."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typer.testing import CliRunner

from config.settings import Settings
from scripts import flatten
from scripts.child import free_ports, inherited
from scripts.flattening.picture import Picture
from scripts.flattening.rows import Held, Working
from services.exchange.api import bare_app
from services.exchange.api.desk import Desk, open_desk
from services.exchange.flow import Conductor, World
from services.exchange.rules.clock import ClockState
from services.exchange.rules.knobs import VenueSettings
from tests.exchange.venues import CLOSE, EXACT, KEY, OPEN, flat_bars, tape_of

ROOT = Path(__file__).parents[2]
SYMBOLS = ("AAA", "BBB", "CCC")


@dataclass
class Hostile:
    """In front of the exchange: the first `times` requests of `method` and `path` meet with `what`."""

    app: ASGIApp
    plan: list[list[Any]] = field(default_factory=list)

    def spoil(self, method: str, path: str, what: str, times: int = 1) -> None:
        self.plan.append([method, path, what, times])

    def _meets(self, scope: Scope) -> str:
        for entry in self.plan:
            if entry[3] > 0 and scope["method"] == entry[0] and scope["path"].startswith(entry[1]):
                entry[3] -= 1
                return str(entry[2])
        return ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        what = self._meets(scope) if scope["type"] == "http" else ""
        if what == "hang":
            await asyncio.sleep(600)
        if what == "lose the answer":
            await self.app(scope, receive, _swallow)
        if what in ("", "pass"):
            await self.app(scope, receive, send)
            return
        held = b'{"code":40310000,"message":"insufficient qty available for order","held_for_orders":"10"}'
        part = b'[{"id":"some-order","status":500,"body":{"code":50010000,"message":"internal"}}]'
        status, body = {"403": (403, held), "207": (207, part)}.get(what, (504, b"<html>504 Gateway Time-out</html>"))
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})


async def _swallow(_message: Message) -> None:
    return None


@dataclass
class Market:
    """A running exchange and the way to it."""

    desk: Desk
    wire: Hostile
    url: str

    @property
    def settings(self) -> Settings:
        """Nothing of ours runs: no database, and nobody at trading's address."""
        return Settings(
            _env_file=None, alpaca_base_url=self.url, alpaca_api_key=KEY, alpaca_secret_key="secret",
            database_url="postgresql://nobody@127.0.0.1:1/none", service_urls={"trading": "http://127.0.0.1:1"},
        )  # fmt: skip

    @property
    def held(self) -> dict[str, Any]:
        return {one.symbol: int(one.qty) for one in self.desk.book(KEY).ledger.positions}

    @property
    def open_orders(self) -> int:
        return len(list(self.desk.book(KEY).live_orders()))


def bracket(symbol: str) -> dict[str, Any]:
    return {
        "symbol": symbol, "qty": "10", "side": "buy", "type": "market", "time_in_force": "day",
        "order_class": "bracket",
        "take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "90"},
    }  # fmt: skip


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """On a port of its own, in a thread; requests that hang do not hold up its end."""
    port = free_ports(1)[0]
    config = uvicorn.Config(app, port=port, log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def market(settings: VenueSettings = EXACT, now: float = OPEN + 300, later: float = 0.0) -> Iterator[Market]:
    """Three positions with resting legs and an entry that waits; `later` seconds on, time begins to run."""
    tape = tape_of({symbol: flat_bars() for symbol in SYMBOLS})
    world = World(tape, Conductor(ClockState(now=now)))
    desk = open_desk(world, None, settings)
    wire = Hostile(bare_app(world, desk))
    with serving(wire) as url:
        made = Market(desk, wire, url)
        keys = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": "secret"}
        with httpx.Client(base_url=url, headers=keys, trust_env=False) as http:
            for symbol in SYMBOLS:
                http.post("/v2/orders", json=bracket(symbol)).raise_for_status()
            http.post("/_sim/clock/advance", json={"seconds": 10}).raise_for_status()
            waiting = {"symbol": "AAA", "qty": "5", "side": "buy", "type": "limit", "limit_price": "95"}
            http.post("/v2/orders", json=waiting | {"time_in_force": "day"})
            http.post("/_sim/clock/advance", json={"seconds": later}).raise_for_status()
            http.post("/_sim/clock", json={"mode": "run", "speed": 10}).raise_for_status()
        assert made.held == dict.fromkeys(SYMBOLS, 10)
        yield made


async def closed(made: Market, patience: float = 30.0) -> int:
    return await flatten.run(made.settings, yes=True, patience=patience)


async def test_everything_is_closed_and_each_step_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with market() as made:
        assert await closed(made) == flatten.FLAT
        assert (made.held, made.open_orders) == ({}, 0)
    said = capsys.readouterr().out
    for what in ("simulated account at http://127.0.0.1", "asked for cancellation of all orders", "AAA: closing 10",
                 "FLAT: the broker lists no position and no open order"):  # fmt: skip
        assert what in said
    assert all(line[:8].strip().replace(".", "").isdigit() for line in said.splitlines())


async def test_a_dry_run_sends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with market() as made:
        assert await flatten.run(made.settings, dry_run=True) == flatten.LEFT
        assert made.held == dict.fromkeys(SYMBOLS, 10)
        assert made.open_orders == 7
    said = capsys.readouterr().out
    assert "would close 10 AAA" in said
    assert "nothing was sent" in said


@pytest.mark.parametrize(
    ("method", "path", "what", "times"),
    [
        ("DELETE", "/v2/orders", "207", 1),
        ("DELETE", "/v2/orders", "lose the answer", 2),
        ("DELETE", "/v2/orders", "504", 3),
        ("DELETE", "/v2/positions/BBB", "403", 3),
        ("DELETE", "/v2/positions/BBB", "lose the answer", 1),
        ("GET", "/v2/positions", "504", 4),
        ("GET", "/v2/clock", "504", 1),
    ],
)
async def test_refusals_and_lost_answers_delay_it_and_nothing_else(
    method: str, path: str, what: str, times: int
) -> None:
    with market() as made:
        made.wire.spoil(method, path, what, times)
        assert await closed(made) == flatten.FLAT
        assert (made.held, made.open_orders) == ({}, 0)
        fills = [one for one in made.desk.book(KEY).orders.values() if one.side == "sell" and one.status == "filled"]
        assert sorted(one.symbol for one in fills) == list(SYMBOLS)


async def test_shares_released_late_are_waited_for() -> None:
    slow = EXACT.model_copy(update={"cancel_latency_ms": 20_000.0})
    with market(slow) as made:
        assert await closed(made) == flatten.FLAT
        assert made.held == {}


async def test_a_broker_that_hangs_is_given_up_in_time_and_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    with market() as made:
        made.wire.spoil("GET", "/v2/positions", "hang")
        begun = time.monotonic()
        assert await closed(made) == flatten.FLAT
        assert time.monotonic() - begun < 15
    assert "the broker did not answer: ReadTimeout; trying again" in capsys.readouterr().out


async def test_a_broker_that_stays_away_is_not_flat(capsys: pytest.CaptureFixture[str]) -> None:
    gone = f"http://127.0.0.1:{free_ports(1)[0]}"
    away = {"database_url": "postgresql://nobody@127.0.0.1:1/none", "service_urls": {"trading": gone}}
    settings = Settings(_env_file=None, alpaca_base_url=gone, **away)
    assert await flatten.run(settings, yes=True, patience=2) == flatten.LEFT
    assert "NOT VERIFIED" in capsys.readouterr().out


async def test_outside_hours_it_says_what_will_happen(capsys: pytest.CaptureFixture[str]) -> None:
    with market(now=CLOSE - 60, later=120) as made:
        assert await closed(made, patience=60) == flatten.LEFT
        assert made.held == dict.fromkeys(SYMBOLS, 10)
    said = capsys.readouterr().out
    assert "THE MARKET IS CLOSED" in said
    assert "closing orders wait at the broker until Tuesday 09:30 market time" in said
    assert "10 AAA, closing order" in said


async def test_shares_that_cannot_be_sold_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with market() as made:
        made.wire.spoil("DELETE", "/v2/positions/BBB", "403", 1000)
        assert await closed(made, patience=6) == flatten.LEFT
        assert made.held == {"BBB": 10}
    assert "10 BBB, no closing order stands" in capsys.readouterr().out


def test_it_needs_the_env_file_and_the_network_alone(tmp_path: Path) -> None:
    with market() as made:
        keys = f"ALPACA_API_KEY={KEY}\nALPACA_SECRET_KEY=secret\nALPACA_BASE_URL={made.url}\n"
        nowhere = "DATABASE_URL=postgresql://nobody@127.0.0.1:1/none\nREDIS_PORT=1\n"
        (tmp_path / ".env").write_text(keys + nowhere)
        command = [sys.executable, "-m", "scripts.flatten", "--yes"]
        environment = inherited() | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        assert (done.returncode, made.held) == (flatten.FLAT, {}), done.stdout + done.stderr
    assert "FLAT" in done.stdout


@pytest.mark.parametrize(
    "wrong",
    ["MAX_DAILY_LOSS=-500", "MAX_DAILY_LOS=500", "LOG_LEVEL=a\nLOG_LEVEL=b", "DATABASE_PORT=hunter2",
     "CATALYST_BIND=0.0.0.0", "NEWS_URLS={", "MAX_POSITIONS=five\nWORKFLOW_EXECUTE_TOP_N=0\nREDIS_PORT=99999"],
)  # fmt: skip
def test_settings_that_are_not_the_accounts_do_not_stop_it(tmp_path: Path, wrong: str) -> None:
    with market() as made:
        keys = f"ALPACA_API_KEY={KEY}\nALPACA_SECRET_KEY=secret\nALPACA_BASE_URL={made.url}\n"
        (tmp_path / ".env").write_text(f"{keys}{wrong}\n")
        command = [sys.executable, "-m", "scripts.flatten", "--yes"]
        environment = inherited() | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        assert (done.returncode, made.held) == (flatten.FLAT, {}), done.stdout + done.stderr
    name = wrong.split("=")[0].replace("CATALYST_BIND", "CATALYST_API_KEY")
    assert name in done.stderr
    assert "not needed here" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    "wrong",
    ["ALPACA_BASE_URL=https://paper-api.alpaca.market", "ALPACA_BASE_UR=http://127.0.0.1:1", "TRADING_MODE=live",
     "ALPACA_API_KEY=a\nALPACA_API_KEY=b", "ALPACA_API_KEY: a"],
)  # fmt: skip
def test_settings_that_are_the_accounts_stop_it(tmp_path: Path, wrong: str) -> None:
    (tmp_path / ".env").write_text(f"{wrong}\nMAX_DAILY_LOSS=-500\n")
    command = [sys.executable, "-m", "scripts.flatten", "--yes"]
    environment = inherited() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == flatten.NOTHING_DONE
    assert "Traceback" not in done.stderr
    assert any(name in done.stderr for name in ("ALPACA_BASE_URL", "ALPACA_API_KEY", "TRADING_MODE", "line 1"))


async def test_a_person_is_asked_and_may_say_no(capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()
    with market() as made:
        app.command()(lambda: sys.exit(asyncio.run(flatten.run(made.settings))))
        refused = await asyncio.to_thread(CliRunner().invoke, app, [], "n\n")
        assert refused.exit_code == flatten.NOTHING_DONE
        assert made.held == dict.fromkeys(SYMBOLS, 10)
    assert "nothing was done" in refused.output


@pytest.mark.parametrize(("typed", "closes"), [("number", True), ("", False), ("PA0000", False)])
def test_live_money_wants_its_account_number_whatever_the_flags(typed: str, closes: bool) -> None:
    says = {"alpaca_base_url": "https://api.alpaca.markets", "trading_mode": "live", "enable_live_trading": True}
    app = typer.Typer()
    with market() as made:
        live = made.settings.model_copy(update=says)
        hand = flatten.Hand(flatten.RawBroker(made.settings, None), 10)
        number = asyncio.run(hand.broker.account()).account_number
        app.command()(lambda: sys.exit(not asyncio.run(flatten.confirmed(hand, live, yes=True))))
        answer = CliRunner().invoke(app, [], number if typed == "number" else typed + "\n")
        hand.broker.close()
    assert (answer.exit_code == 0) is closes
    assert "LIVE money" in answer.output


def holding(quantity: str, available: str) -> Held:
    return Held("AAA", "AAA", Decimal(quantity), Decimal(available))


@pytest.mark.parametrize(
    ("change", "closing"),
    [
        ({}, True),
        ({"side": "buy"}, False),
        ({"quantity": Decimal(9)}, False),
        ({"quantity": None}, False),
        ({"type": "limit"}, False),
        ({"status": "pending_cancel"}, False),
        ({"order_class": "bracket"}, False),
        ({"symbol": "BBB"}, False),
    ],
)
def test_only_an_order_that_sells_all_of_it_is_left_to_work(change: dict[str, Any], closing: bool) -> None:
    plain = Working("1", "AAA", "sell", "market", "simple", "new", Decimal(10))
    order = replace(plain, **change)
    picture = Picture((holding("10", "0"),), (order,))
    assert (picture.closing(holding("10", "0")) is not None) is closing
    assert picture.all_closing is closing
    if change.get("status") != "pending_cancel":
        assert (picture.to_cancel == ()) is closing
