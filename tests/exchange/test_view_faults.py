"""Faults of what is shown, of the trading stream, and of the book as a client meets them over the wire."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderStatus, QueryOrderStatus
from alpaca.trading.requests import GetOrdersRequest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.exchange.serving import Served, desk_on, serving
from tests.exchange.test_faults import FAULTS, ask, hits
from tests.exchange.test_orders_api import bracket, limit
from tests.exchange.test_stream import LISTEN, greet
from tests.exchange.venues import KEY

PAUSE = 0.3


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Served]:
    with serving(desk_on(journal=tmp_path / "exchange.jsonl")) as served:
        yield served


def clear(exchange: Served) -> None:
    httpx.delete(exchange.url + FAULTS).raise_for_status()


def test_equity_is_wrong_for_so_many_reads(exchange: Served) -> None:
    ask(exchange, kind="equity_glitch", factor=0.5, times=2)
    client = exchange.client()
    assert [client.get_account().equity for _ in range(3)] == ["50000.00", "50000.00", "100000"]
    assert client.get_account().cash == "100000"


def test_positions_lag_behind_orders(exchange: Served) -> None:
    client = exchange.client()
    client.submit_order(bracket())
    exchange.advance(2)
    ask(exchange, kind="positions_lag", seconds=5)
    assert client.get_all_positions() == []
    with pytest.raises(APIError) as raised:
        client.get_open_position("AAA")
    assert raised.value.status_code == 404
    assert client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL))[-1].status == OrderStatus.FILLED
    exchange.advance(5)
    assert [position.symbol for position in client.get_all_positions()] == ["AAA"]


def test_orders_lag_behind_positions(exchange: Served) -> None:
    client = exchange.client()
    client.submit_order(bracket())
    exchange.advance(2)
    ask(exchange, kind="orders_lag", seconds=1.99)
    query = GetOrdersRequest(status=QueryOrderStatus.ALL, nested=True)
    (seen,) = client.get_orders(query)
    assert (seen.status, [leg.status for leg in seen.legs]) == (OrderStatus.PENDING_NEW, [OrderStatus.HELD] * 2)
    assert client.get_order_by_id(seen.id).status == OrderStatus.FILLED
    clear(exchange)
    assert client.get_orders(query)[0].status == OrderStatus.FILLED


@asynccontextmanager
async def listening(exchange: Served) -> AsyncIterator[ClientConnection]:
    async with connect(exchange.stream_url) as socket:
        await greet(exchange, socket)
        await socket.send(json.dumps(LISTEN))
        await socket.recv()
        yield socket


async def heard(socket: ClientConnection) -> list[str]:
    """Events until nothing comes any more."""
    events = []
    try:
        while True:
            message = json.loads(await asyncio.wait_for(socket.recv(), PAUSE))
            events.append(message["data"]["event"])
    except TimeoutError:
        return events


async def trade(exchange: Served, seconds: float = 2.0) -> None:
    await asyncio.to_thread(exchange.client().submit_order, bracket())
    await asyncio.to_thread(exchange.advance, seconds)


@pytest.mark.parametrize(
    ("fault", "events"),
    [
        ({"kind": "mute"}, []),
        ({"kind": "mute", "times": 1, "after": 1}, ["pending_new", "fill", "new"]),
        ({"kind": "duplicate", "after": 2, "times": 1}, ["pending_new", "new", "fill", "fill", "new"]),
        ({"kind": "reorder", "times": 1}, ["new", "pending_new", "fill", "new"]),
        ({"kind": "mute", "symbol": "BBB"}, ["pending_new", "new", "fill", "new"]),
    ],
)
async def test_events_of_the_stream(exchange: Served, fault: dict[str, Any], events: list[str]) -> None:
    await asyncio.to_thread(ask, exchange, **fault)
    async with listening(exchange) as socket:
        await trade(exchange)
        assert await heard(socket) == events
        await asyncio.to_thread(clear, exchange)
        await asyncio.to_thread(exchange.client().submit_order, limit("after", "BBB", 40.0))
        await asyncio.to_thread(exchange.advance, 1)
        assert await heard(socket) == ["pending_new", "new"]


async def test_the_stream_is_dropped_in_place_of_an_event(exchange: Served) -> None:
    await asyncio.to_thread(ask, exchange, kind="drop", after=2, times=1)
    async with listening(exchange) as socket:
        await trade(exchange)
        assert [json.loads(await socket.recv())["data"]["event"] for _ in range(2)] == ["pending_new", "new"]
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is None
    async with listening(exchange):
        assert await asyncio.to_thread(hits, exchange) == [1]


async def test_open_streams_are_reset_at_once_and_may_come_back(exchange: Served) -> None:
    async with listening(exchange) as socket:
        await asyncio.to_thread(ask, exchange, kind="hang_up")
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
    assert closed.value.rcvd is None
    async with listening(exchange) as socket:
        await trade(exchange)
        assert await heard(socket) == ["pending_new", "new", "fill", "new"]
        assert await asyncio.to_thread(hits, exchange) == [1]


def test_a_fault_of_a_symbol_knows_its_orders(exchange: Served) -> None:
    client = exchange.client()
    mine, other = (client.submit_order(limit(name, symbol, 40.0)) for name, symbol in (("a", "AAA"), ("b", "BBB")))
    exchange.advance(1)
    ask(exchange, kind="500", match="cancel", symbol="BBB")
    client.cancel_order_by_id(mine.id)
    with pytest.raises(APIError):
        client.cancel_order_by_id(other.id)


async def test_events_are_delayed_by_market_time_and_stay_in_order(exchange: Served) -> None:
    await asyncio.to_thread(ask, exchange, kind="delay", seconds=60, after=1, times=1)
    async with listening(exchange) as socket:
        await trade(exchange)
        assert await heard(socket) == ["pending_new"]
        await asyncio.to_thread(exchange.advance, 60)
        assert await heard(socket) == ["new", "fill", "new"]


async def test_events_are_delayed_by_wall_time(exchange: Served) -> None:
    await asyncio.to_thread(ask, exchange, kind="delay", ms=50)
    async with listening(exchange) as socket:
        await trade(exchange)
        assert await heard(socket) == ["pending_new", "new", "fill", "new"]


BOOK_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "stuck_cancel"}, "pending_cancel"),
    ({"kind": "async_reject"}, "rejected"),
    ({"kind": "partial_fill", "slice": 3, "complete": False}, "partially_filled"),
    ({"kind": "halt", "symbol": "AAA"}, "new"),
]


@pytest.mark.parametrize(("fault", "status"), BOOK_FAULTS, ids=[fault["kind"] for fault, _ in BOOK_FAULTS])
def test_a_fault_of_the_book_over_the_wire(exchange: Served, fault: dict[str, Any], status: str) -> None:
    client = exchange.client()
    ask(exchange, **fault)
    order = client.submit_order(limit("one", "AAA", 101.0 if fault["kind"] != "stuck_cancel" else 90.0))
    exchange.advance(1)
    if fault["kind"] == "stuck_cancel":
        client.cancel_order_by_id(order.id)
        exchange.advance(60)
    assert client.get_order_by_id(order.id).status.value == status
    assert hits(exchange) == [1]
    clear(exchange)
    exchange.advance(1)
    ended = {"pending_cancel": "canceled", "rejected": "rejected"}
    assert client.get_order_by_id(order.id).status.value == ended.get(status, "filled")


def test_a_gap_shows_in_the_market_data_from_the_next_bar_on(exchange: Served) -> None:
    ask(exchange, kind="gap", symbol="AAA", percent=10)

    def price() -> float:
        url = f"{exchange.url}/v2/stocks/AAA/trades/latest"
        found: float = httpx.get(url, headers={"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": "s"}).json()["trade"]["p"]
        return found

    assert price() == 100
    exchange.advance(300)
    assert price() == 90


def test_a_fault_about_a_stranger_is_refused(exchange: Served) -> None:
    answer = httpx.post(exchange.url + FAULTS, json={"kind": "gap", "symbol": "ZZZ", "percent": 5})
    assert (answer.status_code, hits(exchange)) == (422, [])


def test_an_order_by_another_hand(exchange: Served) -> None:
    client = exchange.client()
    client.submit_order(bracket())
    exchange.advance(2)
    ask(exchange, kind="500", match="submit")
    body = {"symbol": "BBB", "qty": 3, "side": "buy", "type": "market", "time_in_force": "day"}
    by_hand = f"{exchange.url}/_sim/accounts/{KEY}/orders"
    foreign = httpx.post(by_hand, json=body)
    assert (foreign.status_code, httpx.post(by_hand, json=body | {"qty": -3}).status_code) == (200, 422)
    exchange.advance(2)
    assert {position.symbol for position in client.get_all_positions()} == {"AAA", "BBB"}
    assert client.get_order_by_id(foreign.json()["id"]).filled_qty == "3"
    resting = httpx.post(by_hand, json=body | {"symbol": "BBB", "type": "limit", "limit_price": 40}).json()
    assert httpx.delete(f"{by_hand}/{resting['id']}").status_code == 204
    exchange.advance(2)
    assert client.get_order_by_id(resting["id"]).status == OrderStatus.CANCELED


def test_the_journal_holds_faults_of_the_book_only(exchange: Served) -> None:
    ask(exchange, kind="500")
    ask(exchange, kind="async_reject", symbol="BBB")
    clear(exchange)
    assert exchange.desk.journal is not None
    verbs = [json.loads(line)["verb"] for line in exchange.desk.journal.read_text().splitlines()[1:]]
    assert verbs == ["begin_fault", "end_fault"]
