"""Faults of single answers: refused, late, with a row too many, without legs; and a stream closed as it listens."""

import json
from collections.abc import Iterator

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderClass
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.exchange.serving import Served, desk_on, serving
from tests.exchange.test_faults import ask, get, hits
from tests.exchange.test_orders_api import bracket
from tests.exchange.test_stream import LISTEN, greet

VTI = {"symbol": "VTI", "qty": "3", "asset_class": "us_equity"}


@pytest.fixture
def exchange() -> Iterator[Served]:
    with serving(desk_on()) as served:
        yield served


def test_a_look_up_is_refused_and_nothing_else(exchange: Served) -> None:
    client = exchange.client()
    made = client.submit_order(bracket())
    ask(exchange, kind="refused", match="look_up", status=403, code=40310000, message="forbidden")
    with pytest.raises(APIError) as raised:
        client.get_order_by_client_id(made.client_order_id)
    assert (raised.value.status_code, raised.value.code) == (403, 40310000)
    assert client.get_order_by_id(made.id).id == made.id


def test_a_look_up_is_seconds_behind(exchange: Served) -> None:
    client = exchange.client()
    made = client.submit_order(bracket())
    exchange.advance(2)
    ask(exchange, kind="lookup_lag", seconds=5)
    with pytest.raises(APIError) as by_id:
        client.get_order_by_id(made.id)
    with pytest.raises(APIError) as by_our_id:
        client.get_order_by_client_id("cat-1")
    assert (by_id.value.status_code, by_our_id.value.status_code) == (404, 404)
    exchange.advance(5)
    assert client.get_order_by_id(made.id).filled_qty == made.qty


def test_fills_are_told_late(exchange: Served) -> None:
    exchange.client().submit_order(bracket())
    exchange.advance(2)
    ask(exchange, kind="activities_lag", seconds=5)
    assert get(exchange, "/v2/account/activities?activity_types=FILL").json() == []
    exchange.advance(5)
    assert len(get(exchange, "/v2/account/activities?activity_types=FILL").json()) == 1


def test_a_list_has_a_row_of_its_own_kind(exchange: Served) -> None:
    ask(exchange, kind="odd_row", match="positions", row=VTI)
    assert get(exchange, "/v2/positions").json() == [VTI]
    assert get(exchange, "/v2/orders").json() == []


def test_a_bracket_is_taken_without_its_legs(exchange: Served) -> None:
    client = exchange.client()
    ask(exchange, kind="stripped_bracket", times=1)
    made = client.submit_order(bracket())
    assert (made.order_class, made.legs) == (OrderClass.SIMPLE, None)


async def test_a_stream_is_closed_as_it_listens(exchange: Served) -> None:
    ask(exchange, kind="kick", times=1)
    for kicked in (True, False):
        async with connect(exchange.stream_url) as socket:
            await greet(exchange, socket)
            await socket.send(json.dumps(LISTEN))
            assert json.loads(await socket.recv())["stream"] == "listening"
            if kicked:
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
    assert hits(exchange) == [1]
