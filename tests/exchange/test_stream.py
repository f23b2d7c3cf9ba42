"""The trading stream through the SDK's own TradingStream, and by hand where the SDK cannot go."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from alpaca.trading.models import TradeUpdate
from alpaca.trading.stream import TradingStream
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.exchange.serving import Served, desk_on, serving
from tests.exchange.test_orders_api import bracket, limit
from tests.exchange.venues import KEY

LISTEN = {"action": "listen", "data": {"streams": ["trade_updates"]}}


@pytest.fixture
def exchange() -> Iterator[Served]:
    with serving(desk_on({3: (100, 101, 97, 100, 9)})) as served:
        yield served


async def running(stream: Any) -> None:
    """The SDK's own loop: public `run` insists on an event loop of its own."""
    await stream._run_forever()


@asynccontextmanager
async def following(exchange: Served) -> Any:
    """A running TradingStream; yields the list of what it has heard."""
    heard: list[TradeUpdate] = []

    async def keep(update: TradeUpdate) -> None:
        heard.append(update)

    stream = TradingStream(KEY, "secret", url_override=exchange.stream_url)
    stream.subscribe_trade_updates(keep)
    task = asyncio.create_task(running(stream))
    await until(lambda: bool(exchange.desk.venue._listeners[KEY]))
    try:
        yield heard
    finally:
        await stream.stop_ws()
        await stream.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(done: Any, seconds: float = 60.0) -> None:
    """Until `done()`: the SDK offers nothing to wait on. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_bracket_as_the_stream_tells_it(exchange: Served) -> None:
    async with following(exchange) as heard:
        parent = await asyncio.to_thread(exchange.client().submit_order, bracket())
        await asyncio.to_thread(exchange.advance, 1800)
        await until(lambda: len(heard) == 7)
    assert [(u.event, u.order.type.value) for u in heard] == [
        ("pending_new", "market"),
        ("new", "market"),
        ("fill", "market"),
        ("new", "limit"),
        ("canceled", "limit"),
        ("new", "stop"),
        ("fill", "stop"),
    ]
    fill, stopped = heard[2], heard[6]
    assert (fill.order.id, fill.qty, fill.price, fill.position_qty) == (parent.id, 10, 100.01, 10)
    assert (stopped.order.filled_avg_price, stopped.position_qty, stopped.order.legs) == ("98", 0, None)
    assert stopped.execution_id != fill.execution_id
    assert [u.timestamp for u in heard] == sorted(u.timestamp for u in heard)


async def test_nothing_is_replayed_to_a_late_listener(exchange: Served) -> None:
    await asyncio.to_thread(exchange.client().submit_order, limit("early"))
    await asyncio.to_thread(exchange.advance, 1)
    async with following(exchange) as heard:
        await asyncio.to_thread(exchange.client().submit_order, limit("late"))
        await asyncio.to_thread(exchange.advance, 1)
        await until(lambda: len(heard) == 2)
    assert {u.order.client_order_id for u in heard} == {"late"}


async def greet(exchange: Served, socket: ClientConnection, key: str = KEY) -> Any:
    await socket.send(json.dumps({"action": "authenticate", "data": {"key_id": key, "secret_key": "s"}}))
    return await socket.recv()


async def test_frames_are_binary_and_hold_json(exchange: Served) -> None:
    async with connect(exchange.stream_url) as socket:
        answer = await greet(exchange, socket)
        assert isinstance(answer, bytes)
        assert json.loads(answer) == {
            "stream": "authorization", "data": {"action": "authenticate", "status": "authorized"}
        }  # fmt: skip
        await socket.send(json.dumps(LISTEN).encode())
        assert json.loads(await socket.recv()) == {"stream": "listening", "data": {"streams": ["trade_updates"]}}


async def test_the_other_form_of_authentication(exchange: Served) -> None:
    async with connect(exchange.stream_url) as socket:
        await socket.send(json.dumps({"action": "auth", "key": KEY, "secret": "s"}))
        assert json.loads(await socket.recv())["data"]["status"] == "authorized"


@pytest.mark.parametrize("message", ["{}", "no json", json.dumps(LISTEN), '{"action":"authenticate","data":{}}'])
async def test_who_does_not_say_who_he_is_is_turned_away(exchange: Served, message: str) -> None:
    async with connect(exchange.stream_url) as socket:
        await socket.send(message)
        assert json.loads(await socket.recv())["data"]["status"] == "unauthorized"
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_a_second_connection_is_refused_until_the_first_is_gone(exchange: Served) -> None:
    async with connect(exchange.stream_url) as first:
        await greet(exchange, first)
        async with connect(exchange.stream_url) as second:
            assert json.loads(await greet(exchange, second)) == {
                "action": "error", "data": {"error_message": "connection limit exceeded"}
            }  # fmt: skip
        async with connect(exchange.stream_url) as other:
            assert json.loads(await greet(exchange, other, "else"))["data"]["status"] == "authorized"
    async with connect(exchange.stream_url) as again:
        assert json.loads(await greet(exchange, again))["data"]["status"] == "authorized"


async def test_by_setting_a_second_connection_fails_at_the_handshake_until_the_first_is_gone(exchange: Served) -> None:
    exchange.desk.ask(KEY, "settings", {"one_stream_per_host": True})
    async with connect(exchange.stream_url) as first:
        await greet(exchange, first)
        with pytest.raises(InvalidStatus) as refused:
            await connect(exchange.stream_url)
        assert refused.value.response.status_code == 429
    for _ in range(100):
        with contextlib.suppress(InvalidStatus):
            async with connect(exchange.stream_url) as again:
                assert json.loads(await greet(exchange, again))["data"]["status"] == "authorized"
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never let in again")


async def test_an_unknown_action_gets_an_error_frame(exchange: Served) -> None:
    async with connect(exchange.stream_url) as socket:
        await greet(exchange, socket)
        await socket.send(json.dumps({"action": "dance"}))
        assert json.loads(await socket.recv())["data"]["error_message"] == "invalid action"
