"""The broker adapter against answers that go wrong, and the stream across a reconnect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from config.settings import Settings
from shared.adapters.alpaca import AlpacaBroker
from shared.adapters.alpaca_stream import AlpacaStream
from shared.adapters.redis_cache import RedisCache
from shared.domain.order import OrderRequest
from shared.errors import BrokerRefused, OutcomeUnknown, Unavailable
from tests.exchange.serving import Served, desk_on, serving
from tests.exchange.venues import KEY

ORDER = OrderRequest(client_order_id="cat-1", symbol="AAA", side="buy", quantity=10, type="market")


class Answering:
    """A server that gives every request the same bytes, or none, and counts them."""

    def __init__(self, answer: bytes) -> None:
        self.answer, self.requests = answer, 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            length = 0
            while (line := await reader.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            await reader.readexactly(length)
            self.requests += 1
            if self.answer == b"cut":
                break
            writer.write(self.answer)
            await writer.drain()
        writer.close()


def http(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def broker_on(answer: bytes) -> AsyncIterator[tuple[AlpacaBroker, Answering]]:
    speaker = Answering(answer)
    server = await asyncio.start_server(speaker.talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    broker = _broker(f"http://127.0.0.1:{port}")
    try:
        yield broker, speaker
    finally:
        broker.close()
        server.close()


def _broker(url: str) -> AlpacaBroker:
    settings = Settings(alpaca_base_url=url, alpaca_api_key=KEY, alpaca_secret_key="secret")
    return AlpacaBroker(settings, RedisCache("redis://127.0.0.1:1/0"), read_seconds=2.0)


@pytest.mark.parametrize(
    "answer",
    [
        http("504 Gateway Time-out", b'{"code": 50410000, "message": "request timed out"}'),
        http("429 Too Many Requests", b'{"message": "too many requests."}'),
        http("502 Bad Gateway", b"<html>nginx</html>"),
        http("200 OK", b"<html>not an order</html>"),
        http("200 OK", b'{"id": "1"}'),
        b"",
        b"cut",
    ],
    ids=["504", "429", "502 html", "200 html", "200 without an order", "silence", "cut off"],
)
async def test_a_write_without_a_usable_answer_is_unknown_and_sent_once(answer: bytes) -> None:
    async with broker_on(answer) as (broker, speaker):
        with pytest.raises(OutcomeUnknown):
            await broker.submit(ORDER)
        assert speaker.requests == 1


async def test_a_read_without_an_answer_is_unavailable_never_empty() -> None:
    for answer in (http("500 Error", b"oops"), http("200 OK", b'{"no": "list"}'), http("200 OK", b"null"), b""):
        async with broker_on(answer) as (broker, _):
            with pytest.raises(Unavailable) as caught:
                await broker.positions()
            assert not isinstance(caught.value, OutcomeUnknown)


async def test_nobody_there_is_unavailable_for_writes_too(free_port: int) -> None:
    broker = _broker(f"http://127.0.0.1:{free_port}")
    with pytest.raises(Unavailable) as caught:
        await broker.submit(ORDER)
    assert not isinstance(caught.value, OutcomeUnknown)
    broker.close()


async def test_a_refusal_carries_status_code_message_and_fields() -> None:
    body = b'{"code": 40310000, "message": "insufficient buying power", "buying_power": "607.24"}'
    async with broker_on(http("403 Forbidden", body)) as (broker, _):
        with pytest.raises(BrokerRefused) as caught:
            await broker.submit(ORDER)
        refused = caught.value
        assert (refused.status, refused.code, refused.extra) == (403, 40310000, {"buying_power": "607.24"})


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found"])
async def test_a_question_that_is_turned_down_is_unanswered(status: str) -> None:
    for body in (b"<html>no</html>", b'{"message": "no."}', b'{"code": 40310000, "message": "no"}'):
        async with broker_on(http(status, body)) as (broker, _):
            with pytest.raises(Unavailable, match=status[:3]):
                await broker.account()
            if status[:3] != "404" or b"code" not in body:
                with pytest.raises(Unavailable):
                    await broker.order_by_client_id("cat-1")


async def test_a_page_of_html_leaves_an_order_in_doubt() -> None:
    async with broker_on(http("403 Forbidden", b"<html>403</html>")) as (broker, _):
        with pytest.raises(OutcomeUnknown):
            await broker.submit(ORDER)


async def test_words_nobody_knows_do_not_hide_an_order() -> None:
    body = (
        b'{"id": "1", "client_order_id": "c", "symbol": "AAA", "side": "buy", "type": "market", "status": "dreaming",'
        b' "qty": "10", "filled_qty": "0", "submitted_at": "2026-11-20T14:41:07.118204551Z", "surprise": [1]}'
    )
    async with broker_on(http("200 OK", body)) as (broker, _):
        told = await broker.order("1")
        assert told is not None
        assert (told.status, told.quantity) == ("dreaming", 10)
        assert told.submitted_at == datetime(2026, 11, 20, 14, 41, 7, 118204, tzinfo=UTC)


async def test_it_speaks_to_the_exchange() -> None:
    with serving(desk_on()) as exchange:
        broker = _broker(exchange.url)
        assert await broker.order_by_client_id("cat-1") is None
        assert await broker.close_position("AAA") is None
        made = await broker.submit(ORDER)
        await asyncio.to_thread(exchange.advance, 5)
        again = await broker.order_by_client_id("cat-1")
        assert again is not None
        assert (again.id, again.status, again.filled_quantity) == (made.id, "filled", 10)
        assert [fill.quantity for fill in await broker.executions(made.submitted_at)] == [10]
        assert [one.id for one in await broker.orders()] == [made.id]
        assert [(one.symbol, one.available) for one in await broker.positions()] == [("AAA", 10)]
        await broker.cancel(made.id)
        with pytest.raises(BrokerRefused, match="unique"):
            await broker.submit(ORDER)
        broker.close()


async def _next(events: AsyncIterator[object]) -> object:
    return await asyncio.wait_for(anext(events), 10)


def _trade(exchange: Served) -> None:
    exchange.client().post("/orders", {"symbol": "AAA", "qty": "1", "side": "buy", "type": "market",
                                       "time_in_force": "day"})  # fmt: skip
    exchange.advance(5)


async def test_the_stream_tells_of_each_connection_and_each_fill() -> None:
    with serving(desk_on()) as exchange:
        settings = Settings(alpaca_base_url=exchange.url, alpaca_api_key=KEY, alpaca_secret_key="secret")
        events = AlpacaStream(settings, mute_seconds=1.0).updates()
        assert await _next(events) is None
        await asyncio.to_thread(_trade, exchange)
        fill = None
        while fill is None:
            update = await _next(events)
            assert update is not None
            fill = getattr(update, "execution", None)
        assert (fill.symbol, fill.quantity) == ("AAA", 1)
        # Silence for longer than the socket may be mute: a new connection, announced.
        assert await _next(events) is None
        await events.aclose()  # type: ignore[attr-defined]
