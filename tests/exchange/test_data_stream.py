"""The market-data streams through the SDK's StockDataStream and NewsDataStream, and by hand where they cannot go."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from alpaca.data.live import NewsDataStream, StockDataStream
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from services.exchange.api.desk import open_desk
from services.exchange.flow import Conductor, World
from services.exchange.rules.clock import ClockState
from services.exchange.rules.tape import NewsItem
from tests.exchange.serving import Served, post, serving
from tests.exchange.test_faults import ask
from tests.exchange.test_stream import running, until
from tests.exchange.venues import EXACT, KEY, OHLCV, OPEN, flat_bars, tape_of

BARS: dict[int, OHLCV] = {0: (100, 102, 98, 101, 9_000), 1: (101, 103, 100, 102, 8_000)}
CHANNELS = ("bars", "dailyBars", "trades", "quotes")
AUTH = {"action": "auth", "key": KEY, "secret": "s"}


@pytest.fixture
def exchange() -> Iterator[Served]:
    """AAA moves, BBB stands still, CCC trades in the second bar only and is halted before it."""
    late: dict[int, OHLCV] = {1: (10.0, 10.0, 10.0, 10.0, 100)}
    bars = {"AAA": flat_bars() | BARS, "BBB": flat_bars(50.0), "CCC": late}
    halts: dict[str, tuple[tuple[float, float], ...]] = {"CCC": ((OPEN + 120, OPEN + 240),)}
    wire = (NewsItem(7, OPEN + 90, "AAA wins a contract", "pr", ("AAA",), "http://x/7"),
            NewsItem(8, OPEN + 400, "BBB loses it", "pr", ("BBB",), "http://x/8"))  # fmt: skip
    tape = replace(tape_of(bars, halts=halts), news=wire)
    desk = open_desk(World(tape, Conductor(ClockState(now=OPEN + 60))), None, EXACT)
    with serving(desk) as served:
        yield served


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(OPEN + seconds, UTC)


def url(exchange: Served, path: str = "/v2/iex") -> str:
    return exchange.url.replace("http", "ws", 1) + path


@asynccontextmanager
async def following(exchange: Served, stream: Any, connections: int = 1) -> AsyncIterator[None]:
    task = asyncio.create_task(running(stream))
    board: Any = exchange.desk.world.clock.onlooker
    await until(lambda: sum(bool(line.wanted) for line, _ in board.lines.values()) == connections)
    try:
        yield
    finally:
        await stream.stop_ws()
        await stream.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_bars_trades_quotes_and_statuses_by_the_sdk(exchange: Served) -> None:
    heard: dict[str, list[Any]] = {name: [] for name in ("bars", "days", "trades", "quotes", "statuses")}

    def keep(name: str) -> Any:
        async def store(item: Any) -> None:
            heard[name].append(item)

        return store

    stream = StockDataStream(KEY, "secret", url_override=url(exchange))
    stream.subscribe_bars(keep("bars"), "AAA", "CCC")
    stream.subscribe_daily_bars(keep("days"), "AAA")
    stream.subscribe_trades(keep("trades"), "AAA")
    stream.subscribe_quotes(keep("quotes"), "AAA")
    stream.subscribe_trading_statuses(keep("statuses"), "*")
    async with following(exchange, stream):
        await asyncio.to_thread(exchange.advance, 239)
        assert heard["bars"] == []
        await asyncio.to_thread(exchange.advance, 1)
        await until(lambda: len(heard["bars"]) == 1)
        await asyncio.to_thread(exchange.advance, 300)
        await until(lambda: len(heard["bars"]) == 3 and len(heard["quotes"]) == 8)
    first = heard["bars"][0]
    assert (first.symbol, first.timestamp, first.open, first.high, first.low, first.close, first.volume) == (
        "AAA", at(0), 100, 102, 98, 101, 9_000
    )  # fmt: skip
    assert [(bar.symbol, bar.timestamp) for bar in heard["bars"][1:]] == [("AAA", at(300)), ("CCC", at(300))]
    day = heard["days"][-1]
    assert (day.open, day.high, day.low, day.close, day.volume) == (100, 103, 98, 102, 17_000)
    assert [(trade.price, trade.timestamp) for trade in heard["trades"]] == [
        (98, at(100)), (102, at(200)), (101, at(299)), (101, at(300)), (100, at(400)), (103, at(500)),
        (102, at(599)), (100, at(600)),
    ]  # fmt: skip
    assert all(quote.bid_price < quote.ask_price for quote in heard["quotes"])
    assert [(s.symbol, s.status_code, s.timestamp) for s in heard["statuses"]] == [
        ("CCC", "H", at(120)), ("CCC", "T", at(240))
    ]  # fmt: skip


async def test_news_by_the_sdk_as_published(exchange: Served) -> None:
    heard: list[Any] = []

    async def keep(item: Any) -> None:
        heard.append(item)

    stream = NewsDataStream(KEY, "secret", url_override=url(exchange, "/v1beta1/news"))
    stream.subscribe_news(keep, "AAA")
    async with following(exchange, stream):
        await asyncio.to_thread(exchange.advance, 29.9)
        assert heard == []
        await asyncio.to_thread(exchange.advance, 600)
        await until(lambda: len(heard) == 1)
    (item,) = heard
    assert (item.id, item.headline, item.created_at, item.symbols) == (7, "AAA wins a contract", at(90), ["AAA"])


async def say(socket: ClientConnection, message: Any) -> Any:
    await socket.send(json.dumps(message) if not isinstance(message, str) else message)
    return json.loads(await socket.recv())


@asynccontextmanager
async def greeted(exchange: Served, path: str = "/v2/iex", key: str = KEY) -> AsyncIterator[ClientConnection]:
    async with connect(url(exchange, path)) as socket:
        assert json.loads(await socket.recv()) == [{"T": "success", "msg": "connected"}]
        assert await say(socket, AUTH | {"key": key}) == [{"T": "success", "msg": "authenticated"}]
        yield socket


def error(code: int, text: str) -> list[dict[str, Any]]:
    return [{"T": "error", "code": code, "msg": text}]


async def test_the_protocol_in_json(exchange: Served) -> None:
    async with greeted(exchange) as socket:
        told = await say(socket, {"action": "subscribe", "bars": ["AAA"], "trades": ["BBB"], "statuses": ["*"]})
        assert told == [
            {"T": "subscription", "trades": ["BBB"], "quotes": [], "bars": ["AAA"], "updatedBars": [], "dailyBars": [],
             "statuses": ["*"], "lulds": [], "corrections": ["BBB"], "cancelErrors": ["BBB"]}
        ]  # fmt: skip
        told = await say(socket, {"action": "unsubscribe", "trades": ["BBB"], "statuses": ["*"]})
        assert (told[0]["trades"], told[0]["statuses"], told[0]["bars"]) == ([], [], ["AAA"])
        await asyncio.to_thread(exchange.advance, 240)
        (bar,) = json.loads(await socket.recv())
        assert (bar["T"], bar["S"], bar["t"], bar["vw"]) == ("b", "AAA", "2026-06-15T13:30:00Z", 100.3333)


def unpacked(frame: str | bytes) -> Any:
    assert isinstance(frame, bytes)
    return msgspec.msgpack.decode(frame)


async def test_a_subscription_in_fragments_and_timestamps_in_msgpack(exchange: Served) -> None:
    headers = {"Content-Type": "application/msgpack"}
    async with connect(url(exchange), additional_headers=headers) as socket:
        assert unpacked(await socket.recv()) == [{"T": "success", "msg": "connected"}]
        await socket.send(msgspec.msgpack.encode(AUTH))
        await socket.recv()
        raw = msgspec.msgpack.encode({"action": "subscribe", "bars": ["AAA"]})
        await socket.send([raw[:5], raw[5:9], raw[9:]])
        assert unpacked(await socket.recv())[0]["bars"] == ["AAA"]
        await asyncio.to_thread(exchange.advance, 240)
        assert unpacked(await socket.recv())[0]["t"] == at(0)


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ({"action": "subscribe", "bars": ["AAA"]}, error(401, "not authenticated")),
        ("nonsense", error(400, "invalid syntax")),
        (AUTH | {"secret": ""}, error(402, "auth failed")),
    ],
)
async def test_before_authentication(exchange: Served, message: Any, answer: Any) -> None:
    async with connect(url(exchange)) as socket:
        await socket.recv()
        assert await say(socket, message) == answer


@pytest.mark.parametrize(
    ("path", "message", "answer"),
    [
        ("/v2/iex", AUTH, error(403, "already authenticated")),
        ("/v2/iex", {"action": "dance"}, error(400, "invalid syntax")),
        ("/v2/iex", {"action": "subscribe"}, error(400, "invalid syntax")),
        ("/v2/iex", {"action": "subscribe", "bars": "AAA"}, error(400, "invalid syntax")),
        ("/v2/iex", {"action": "subscribe", "news": ["*"]}, error(410, "invalid subscribe action for this feed")),
        ("/v1beta1/news", {"action": "subscribe", "bars": ["*"]}, error(410, "invalid subscribe action for this feed")),
    ],
)
async def test_after_authentication(exchange: Served, path: str, message: Any, answer: Any) -> None:
    async with greeted(exchange, path) as socket:
        assert await say(socket, message) == answer
        assert await say(socket, {"action": "subscribe", ("news" if "news" in path else "bars"): ["AAA"]})


async def test_one_connection_an_account_and_stream(exchange: Served) -> None:
    async with (
        greeted(exchange),
        greeted(exchange, "/v2/sip"),
        greeted(exchange, key="else"),
        connect(url(exchange)) as second,
    ):
        await second.recv()
        assert await say(second, AUTH) == error(406, "connection limit exceeded")
        with pytest.raises(ConnectionClosed):
            await second.recv()
    async with greeted(exchange):
        pass


async def test_a_free_plan_has_few_symbols_and_one_exchange(exchange: Served) -> None:
    settings = {"preset": "free-data", "stream_symbols": 2}
    await asyncio.to_thread(post, f"{exchange.url}/_sim/settings", settings)
    async with greeted(exchange) as socket:
        told = await say(socket, {"action": "subscribe", "quotes": ["AAA"], "bars": ["*"]})
        for more in ({"trades": ["AAA", "BBB"]}, {"trades": ["*"]}):
            assert await say(socket, {"action": "subscribe"} | more) == error(405, "symbol limit exceeded")
        assert await say(socket, {"action": "subscribe", "quotes": ["AAA"]}) == told
    async with connect(url(exchange, "/v2/sip")) as socket:
        await socket.recv()
        assert await say(socket, AUTH) == error(409, "insufficient subscription")


async def test_a_halt_by_a_fault_is_told_and_the_streams_meet_faults(exchange: Served) -> None:
    async with greeted(exchange) as socket:
        await say(socket, {"action": "subscribe", "statuses": ["*"], "bars": ["*"]})
        await asyncio.to_thread(ask, exchange, kind="halt", symbol="AAA")
        (status,) = json.loads(await socket.recv())
        assert (status["S"], status["sc"], status["t"]) == ("AAA", "H", "2026-06-15T13:31:00Z")
        await asyncio.to_thread(ask, exchange, kind="mute", match="data_stream", symbol="AAA")
        await asyncio.to_thread(ask, exchange, kind="duplicate", match="data_stream", symbol="BBB")
        await asyncio.to_thread(exchange.advance, 240)
        heard = [json.loads(await socket.recv())[0] for _ in range(4)]
        assert [(one["T"], one["S"]) for one in heard] == [("s", "CCC"), ("s", "CCC"), ("b", "BBB"), ("b", "BBB")]


async def test_nothing_is_said_before_its_time(exchange: Served) -> None:
    async with greeted(exchange) as socket:
        await say(socket, {"action": "subscribe", **{name: ["*"] for name in CHANNELS}})
        for _ in range(60):
            await asyncio.to_thread(exchange.advance, 10)
            while True:
                try:
                    frame = json.loads(await asyncio.wait_for(socket.recv(), 0.02))
                except TimeoutError:
                    break
                now = exchange.desk.now
                for one in frame:
                    start = datetime.fromisoformat(one["t"]).timestamp()
                    assert start + (300 if one["T"] == "b" else 0) <= now
