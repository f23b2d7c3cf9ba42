"""Faults of the wire: each is asked for, met by a real client over a real socket, and cleared."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
from alpaca.common.exceptions import APIError
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus

from services.exchange.api import bare_app
from services.exchange.rules.fault_kinds import FAULT
from tests.exchange.serving import Served, desk_on, post, serving
from tests.exchange.test_orders_api import keys, limit
from tests.exchange.venues import KEY, OPEN

FAULTS = "/_sim/faults"


@pytest.fixture
def exchange() -> Iterator[Served]:
    with serving(desk_on()) as served:
        yield served


def ask(exchange: Served, **fault: Any) -> str:
    """Put a fault in force; its id."""
    answer = httpx.post(exchange.url + FAULTS, json=fault)
    assert answer.status_code == 201, answer.text
    return str(answer.json()[0]["id"])


def hits(exchange: Served) -> list[int]:
    return [row["hits"] for row in httpx.get(exchange.url + FAULTS).json()]


def get(exchange: Served, path: str = "/v2/account", key: str = KEY) -> httpx.Response:
    return httpx.get(exchange.url + path, headers=keys(key), timeout=5)


def ordered(exchange: Served) -> set[str]:
    return {order["client_order_id"] for order in exchange.state()["orders"]} if known(exchange) else set()


def known(exchange: Served) -> bool:
    return KEY in httpx.get(f"{exchange.url}/_sim/accounts").json()


def test_a_fault_is_listed_counted_and_cleared(exchange: Served) -> None:
    one = ask(exchange, kind="500", match="account")
    two = ask(exchange, kind="latency", ms=1)
    assert get(exchange).status_code == 500
    assert get(exchange, "/v2/clock").status_code == 200
    rows = httpx.get(exchange.url + FAULTS).json()
    assert [(row["id"], row["kind"], row["seen"], row["hits"]) for row in rows] == [
        (one, "500", 1, 1), (two, "latency", 2, 2)
    ]  # fmt: skip
    assert httpx.delete(f"{exchange.url}{FAULTS}/{one}").json()[0]["kind"] == "500"
    assert get(exchange).status_code == 200
    assert len(httpx.delete(exchange.url + FAULTS).json()) == 1
    assert hits(exchange) == []
    assert httpx.delete(f"{exchange.url}{FAULTS}/{one}").status_code == 404


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lightning"},
        {"kind": "latency"},
        {"kind": "500", "match": "nowhere"},
        {"kind": "500", "match": {"path": "("}},
        {"kind": "500", "probability": 2},
        {"kind": "500", "colour": "red"},
    ],
)
def test_what_cannot_be_is_refused(exchange: Served, fault: dict[str, Any]) -> None:
    assert httpx.post(exchange.url + FAULTS, json=fault).status_code == 422
    assert hits(exchange) == []


def test_after_and_times_count_matches(exchange: Served) -> None:
    ask(exchange, kind="500", match="account", after=1, times=2)
    assert [get(exchange).status_code for _ in range(5)] == [200, 500, 500, 200, 200]


def test_chance_is_seeded(exchange: Served) -> None:
    runs = []
    for seed in (1, 1, 2):
        ask(exchange, id="dice", kind="500", match="account", probability=0.5, seed=seed)
        runs.append([get(exchange).status_code for _ in range(20)])
    assert runs[0] == runs[1] != runs[2]
    assert {200, 500} == set(runs[0])


def test_account_symbol_and_market_time_narrow_it(exchange: Served) -> None:
    begin, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(OPEN + s)) for s in (120, 180))
    ask(exchange, kind="500", match="submit", symbol="AAA", account=KEY, **{"from": begin, "until": end})

    def status(symbol: str, key: str = KEY) -> int:
        body = {"symbol": symbol, "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}
        return httpx.post(exchange.url + "/v2/orders", json=body, headers=keys(key)).status_code

    assert status("AAA") == 200
    exchange.advance(60)
    assert [status("AAA"), status("BBB"), status("AAA", "else")] == [500, 200, 200]
    exchange.advance(60)
    assert status("AAA") == 200


def test_a_request_can_be_named_by_expressions(exchange: Served) -> None:
    ask(exchange, kind="500", match={"method": "GET", "path": "/v2/(clock|calendar)"})
    assert [get(exchange, f"/v2/{p}").status_code for p in ("clock", "calendar", "account")] == [500, 500, 200]


def test_latency_adds_up_and_comes_before_the_next_fault(exchange: Served) -> None:
    ask(exchange, kind="latency", ms=150, match="account")
    ask(exchange, kind="latency", ms=150)
    ask(exchange, kind="500")
    started = time.perf_counter()
    assert get(exchange).status_code == 500
    assert time.perf_counter() - started >= 0.3


def test_only_the_fault_that_decides_is_spent(exchange: Served) -> None:
    for kind in ("500", "503"):
        ask(exchange, kind=kind, match="account", times=1)
    ask(exchange, kind="latency", ms=1, times=1)
    assert [get(exchange).status_code for _ in range(3)] == [500, 503, 200]
    assert hits(exchange) == [1, 1, 1]


def test_without_a_socket_a_reset_is_an_error_of_the_caller() -> None:
    async def by_hand() -> None:
        desk = desk_on()
        desk.wire.add(FAULT.validate_python({"kind": "reset_before_accept", "id": "a"}))
        inside = httpx.ASGITransport(bare_app(desk.world, desk))
        async with httpx.AsyncClient(transport=inside, base_url="http://x") as client:
            await client.get("/v2/account", headers=keys())

    with pytest.raises(ConnectionResetError):
        asyncio.run(by_hand())


def test_too_many_requests_by_the_sdk(exchange: Served) -> None:
    ask(exchange, kind="429", match="account", retry_after=7, times=1)
    answer = get(exchange)
    assert (answer.status_code, answer.json()) == (429, {"message": "too many requests."})
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert int(answer.headers["x-ratelimit-reset"]) == int(exchange.desk.now) + 7
    assert exchange.client().get_account().status == "ACTIVE"


@pytest.mark.parametrize("status", ["502", "503"])
def test_a_gateways_page_breaks_the_sdks_own_error(exchange: Served, status: str) -> None:
    ask(exchange, kind=status, match="account")
    with pytest.raises(APIError) as raised:
        exchange.client().get_account()
    assert raised.value.status_code == int(status)
    with pytest.raises(ValueError):
        _ = raised.value.code


def test_an_internal_error(exchange: Served) -> None:
    ask(exchange, kind="500", match="submit")
    with pytest.raises(APIError) as raised:
        exchange.client().submit_order(limit("lost"))
    assert (raised.value.status_code, raised.value.code) == (500, 50010000)
    assert ordered(exchange) == set()


@pytest.mark.parametrize(("kind", "booked"), [("504_after_accept", {"one"}), ("504_before_accept", set())])
def test_a_gateway_timeout_hides_what_happened(exchange: Served, kind: str, booked: set[str]) -> None:
    ask(exchange, kind=kind, match="submit")
    client = exchange.client()
    client._retry = 0
    with pytest.raises(APIError) as raised:
        client.submit_order(limit("one"))
    assert (raised.value.status_code, raised.value.code) == (504, 50410000)
    assert ordered(exchange) == booked


@pytest.mark.parametrize(("kind", "booked"), [("reset_after_accept", {"one"}), ("reset_before_accept", set())])
def test_a_reset_is_a_dropped_connection(exchange: Served, kind: str, booked: set[str]) -> None:
    ask(exchange, kind=kind, match="submit", times=1)
    with pytest.raises(requests.exceptions.ConnectionError, match=r"reset by peer"):
        exchange.client().submit_order(limit("one"))
    assert ordered(exchange) == booked
    exchange.client().submit_order(limit("two"))
    assert ordered(exchange) == booked | {"two"}


@pytest.mark.parametrize(("executed", "booked"), [(True, {"one"}), (False, set())])
def test_a_hang_lasts_until_the_client_gives_up(exchange: Served, executed: bool, booked: set[str]) -> None:
    ask(exchange, kind="hang", match="submit", executed=executed)
    body = {"symbol": "AAA", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(exchange.url + "/v2/orders", json=body | {"client_order_id": "one"}, headers=keys(), timeout=0.3)
    assert ordered(exchange) == booked


def test_a_hang_ends_when_cleared_and_at_its_bound(exchange: Served) -> None:
    one = ask(exchange, kind="hang", match="account")
    clearing = threading.Timer(0.2, lambda: httpx.delete(f"{exchange.url}{FAULTS}/{one}"))
    clearing.start()
    with pytest.raises(httpx.TransportError):
        get(exchange)
    clearing.join()
    assert get(exchange).status_code == 200
    ask(exchange, kind="hang", match="account", seconds=0.1, times=1)
    with pytest.raises(httpx.TransportError):
        get(exchange)
    assert hits(exchange) == [1]


@pytest.mark.parametrize("status", [200, 401])
def test_a_page_instead_of_json(exchange: Served, status: int) -> None:
    ask(exchange, kind="html_body", status=status, match="positions")
    answer = get(exchange, "/v2/positions")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    with pytest.raises((ValueError, APIError)):
        exchange.client().get_all_positions()


def test_garbage_is_an_answer_cut_off_after_the_deed(exchange: Served) -> None:
    ask(exchange, kind="garbage", match="submit")
    with pytest.raises(ValueError):
        exchange.client().submit_order(limit("one"))
    assert ordered(exchange) == {"one"}


async def test_a_stream_can_be_denied_and_dropped_at_the_door(exchange: Served) -> None:
    await asyncio.to_thread(ask, exchange, kind="503", match="stream", times=1)
    with pytest.raises(InvalidStatus) as denied:
        await connect(exchange.stream_url)
    assert denied.value.response.status_code == 503
    await asyncio.to_thread(ask, exchange, kind="reset_before_accept", match="stream", times=1)
    with pytest.raises((OSError, InvalidMessage)):
        await connect(exchange.stream_url)
    async with connect(exchange.stream_url):
        assert await asyncio.to_thread(hits, exchange) == [1, 1]


def test_the_control_plane_is_never_hit(exchange: Served) -> None:
    ask(exchange, kind="500")
    assert post(f"{exchange.url}/_sim/clock/advance", {"seconds": 1})["mode"] == "frozen"
