"""Flatten beside a running trading service, and with rows that cannot be read: everything of the account is closed."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from config.settings import Settings
from scripts import flatten
from scripts.child import free_ports
from shared import account_lock
from tests.serving import served
from tests.trading.bench import Bench, bench

KEYS = {"APCA-API-KEY-ID": "BENCH", "APCA-API-SECRET-KEY": "secret"}
MLEG = {
    "id": "0d5a4f58-0000-4000-8000-00000000e001", "client_order_id": "by-hand", "created_at": "2026-06-15T13:31:00Z",
    "submitted_at": "2026-06-15T13:31:00Z", "symbol": "", "side": "", "order_class": "mleg", "type": "limit",
    "qty": "1", "filled_qty": "0", "status": "new",
    "legs": [{"id": "leg", "symbol": "AAPL260619C00200000", "status": "new"}, 7],
}  # fmt: skip


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Bench]:
    """Trading at work on the exchange with time running, 10 AAA bought and protected."""
    async with bench(database_url, live=True) as made:
        await made.bought("AAA")
        yield made


def here(made: Bench, **changes: Any) -> Settings:
    """What flatten reads from `.env`: the same database, nobody at trading's address."""
    return made.settings.model_copy(update={"service_urls": {"trading": "http://127.0.0.1:1"}} | changes)


def submitted(made: Bench) -> int:
    return made.wire.seen.count(("POST", "/v2/orders"))


async def told(made: Bench, path: str) -> Any:
    async with httpx.AsyncClient(base_url=made.settings.alpaca_base_url, headers=KEYS, trust_env=False) as client:
        return (await client.get(path)).json()


async def test_beside_trading_it_is_flat_at_once_and_trading_sends_nothing(desk: Bench) -> None:
    sent, begun, asked = submitted(desk), time.monotonic(), len(desk.wire.seen)
    assert await flatten.run(here(desk), yes=True, patience=30) == flatten.FLAT
    assert time.monotonic() - begun < 15
    assert len(desk.wire.seen) - asked < 80
    assert await told(desk, "/v2/positions") == []
    late = await desk.approve("BBB")
    await desk.until(5.0)
    assert submitted(desk) == sent
    assert (await desk.position("AAA"))["status"] == "closed"
    assert late.symbol == "BBB"


async def test_nothing_is_sent_or_renewed_while_the_account_is_taken(desk: Bench, database_url: str) -> None:
    approved, sent = await desk.approve("BBB"), submitted(desk)
    holder = await asyncpg.connect(database_url)
    assert await account_lock.take(holder, 1)
    refused = await desk.send(approved)
    assert refused.status_code == 409
    assert "flattened" in refused.json()["detail"]
    async with httpx.AsyncClient(base_url=desk.settings.alpaca_base_url, headers=KEYS, trust_env=False) as client:
        (await client.delete("/v2/orders")).raise_for_status()
    await desk.until(8.0)
    assert submitted(desk) == sent
    assert (await desk.position("AAA"))["protected_quantity"] == 0
    holder.terminate()  # whoever held it died: trading looks after its shares again
    for _ in range(30):
        await desk.until(1.0)
        if (await desk.position("AAA"))["protected_quantity"] == 10:
            break
    assert (await desk.position("AAA"))["protected_quantity"] == 10


async def test_an_approval_from_before_is_void_afterwards(desk: Bench) -> None:
    before = await desk.approve("BBB")
    assert await flatten.run(here(desk), yes=True, patience=30) == flatten.FLAT
    answer = await desk.send(before)
    assert answer.status_code == 409
    assert "decide again" in answer.json()["detail"]


async def _health(scope: Any, _receive: Any, send: Any) -> None:
    body = {"/well": (200, {"status": "healthy", "database": "connected"})}.get(
        scope["path"].removesuffix("/health"), (503, {"status": "unhealthy", "problem": "database: OSError"})
    )
    await send({"type": "http.response.start", "status": body[0], "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(body[1]).encode()})


@pytest.mark.parametrize(
    ("state", "force", "code"),
    [("well", False, flatten.NOTHING_DONE), ("well", True, flatten.FLAT), ("database gone", False, flatten.FLAT)],
)
async def test_without_the_database_trading_must_be_out_of_the_way(
    desk: Bench, capsys: pytest.CaptureFixture[str], state: str, force: bool, code: int
) -> None:
    await desk.stop()
    async with served(_health) as url:
        address = f"{url}/well" if state == "well" else url
        gone = f"postgresql://nobody@127.0.0.1:{free_ports(1)[0]}/none"
        there = here(desk, service_urls={"trading": address}, database_url=gone)
        assert await flatten.run(there, yes=True, force=force, patience=30) == code
    said = capsys.readouterr().out
    assert ("docker compose stop trading" in said) is (code == flatten.NOTHING_DONE)
    assert bool(await told(desk, "/v2/positions")) is (code == flatten.NOTHING_DONE)


ROWS: list[tuple[str, Any]] = [
    ("/v2/orders", MLEG),
    ("/v2/orders", {"what": "is this"}),
    ("/v2/orders", None),
    ("/v2/positions", {"asset_class": "us_equity", "qty": "3"}),
    ("/v2/positions", {"symbol": "ODD", "qty": None, "avg_entry_price": None, "asset_class": "us_equity"}),
]


@pytest.mark.parametrize(("path", "row"), ROWS)
async def test_a_row_that_cannot_be_read_holds_nothing_up_and_is_named(
    desk: Bench, capsys: pytest.CaptureFixture[str], path: str, row: Any
) -> None:
    await desk.stop()
    async with Extended(desk, path, row) as settings:
        assert await flatten.run(settings, yes=True, patience=60) == flatten.LEFT
    assert await told(desk, "/v2/positions") == []
    said = capsys.readouterr().out
    assert "look yourself" in said or "ODD, no closing order stands" in said


@pytest.mark.parametrize(
    "row",
    [
        {"symbol": "AAPL260619C00200000", "qty": "1", "avg_entry_price": None, "asset_class": "us_option"},
        {"symbol": "BTCUSD", "qty": "0.5", "asset_class": "crypto"},
    ],
)
async def test_options_and_coins_are_left_and_named(
    desk: Bench, capsys: pytest.CaptureFixture[str], row: dict[str, Any]
) -> None:
    await desk.stop()
    async with Extended(desk, "/v2/positions", row) as settings:
        assert await flatten.run(settings, yes=True, patience=30) == flatten.FLAT
    assert f"left as it is: {row['qty']} {row['symbol']}" in capsys.readouterr().out


class Extended:
    """The exchange behind a server that adds a row to one of its lists."""

    def __init__(self, desk: Bench, path: str, row: Any) -> None:
        self.desk, self.path, self.row = desk, path, row
        self.stack = served(self)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("GET", self.path):
            await self.desk.wire(scope, receive, send)
            return
        parts = list[bytes]()

        async def keep(message: Any) -> None:
            parts.append(message.get("body", b""))

        await self.desk.wire(scope, receive, keep)
        body = json.dumps([self.row, *json.loads(b"".join(parts))]).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async def __aenter__(self) -> Settings:
        return here(self.desk, alpaca_base_url=await self.stack.__aenter__())

    async def __aexit__(self, *about: Any) -> None:
        await self.stack.__aexit__(*about)


async def test_fractions_are_closed_whole(desk: Bench) -> None:
    await desk.stop()
    buy = {"symbol": "BBB", "qty": "1.5", "side": "buy", "type": "market", "time_in_force": "day"}
    async with httpx.AsyncClient(base_url=desk.settings.alpaca_base_url, headers=KEYS, trust_env=False) as client:
        (await client.post("/v2/orders", json=buy)).raise_for_status()
    await desk.until(5.0)
    assert {one["symbol"]: one["qty"] for one in await told(desk, "/v2/positions")} == {"AAA": "10", "BBB": "1.5"}
    assert await flatten.run(here(desk), yes=True, patience=30) == flatten.FLAT
    assert await told(desk, "/v2/positions") == []


async def test_what_is_not_in_our_books_is_said_before_it_goes(desk: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    await desk.stop()
    buy = {"symbol": "BBB", "qty": "7", "side": "buy", "type": "market", "time_in_force": "day"}
    async with httpx.AsyncClient(base_url=desk.settings.alpaca_base_url, headers=KEYS, trust_env=False) as client:
        (await client.post("/v2/orders", json=buy)).raise_for_status()
    await desk.until(5.0)
    assert await flatten.run(here(desk), yes=True, patience=30) == flatten.FLAT
    assert "BBB: 7 are held, 0 of them are in our books; ALL are closed" in capsys.readouterr().out
