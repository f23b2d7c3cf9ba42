"""Every answer of every route, good and bad, against Alpaca's own OpenAPI files where the operator has put them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from services.exchange.api import bare_app
from services.exchange.api.desk import open_desk
from services.exchange.api.gate import DATA, KEYED
from services.exchange.flow import Conductor, World
from services.exchange.rules.clock import ClockState
from services.exchange.rules.tape import NewsItem
from tests.exchange.serving import Served, post, serving
from tests.exchange.specification import FILES, Specification, read
from tests.exchange.test_orders_api import keys
from tests.exchange.venues import EXACT, KEY, OHLCV, OPEN, flat_bars, tape_of

pytestmark = pytest.mark.skipif(
    not all(path.is_file() for path in FILES), reason=f"NOT CHECKED against the vendor's files: no {FILES[0].parent}"
)
BUY = {"symbol": "AAA", "qty": 10, "side": "buy", "type": "market", "time_in_force": "day"}
EXITS = {"take_profit": {"limit_price": 120}, "stop_loss": {"stop_price": 90}}
BRACKET = {**BUY, "order_class": "bracket", **EXITS, "client_order_id": "one"}
REST = {**BUY, "symbol": "BBB", "type": "limit", "limit_price": 40}


@dataclass(frozen=True)
class Case:
    """A request and the status it meets. `keep`: the answer's id is named so in later paths; `wait`: market seconds
    that pass afterwards."""

    method: str
    path: str
    status: int = 200
    body: dict[str, Any] | None = None
    keep: str = ""
    wait: float = 0.0

    @property
    def label(self) -> str:
        return f"{self.method} {self.path} {self.status}"


def get(path: str, status: int = 200) -> Case:
    return Case("GET", path, status)


LATEST = [get(f"/v2/stocks/{kind}/latest?symbols=AAA,BBB,NONE") for kind in ("bars", "trades", "quotes")]
LATEST += [get(f"/v2/stocks/AAA/{kind}/latest") for kind in ("bars", "trades", "quotes")]
CASES = [
    Case("POST", "/v2/orders", body=BRACKET, keep="parent", wait=2),
    Case("POST", "/v2/orders", body=REST, keep="resting", wait=2),
    Case("POST", "/v2/orders", 422, {**BRACKET, "symbol": "BBB"}),
    Case("POST", "/v2/orders", 422, {**BUY, "qty": -1}),
    Case("POST", "/v2/orders", 422, {**BUY, "type": "limit", "limit_price": 99.999}),
    Case("POST", "/v2/orders", 422, {**BUY, "symbol": "ZZZ"}),
    Case("POST", "/v2/orders", 403, {**BUY, "symbol": "BBB", "qty": 10**7}),
    Case("POST", "/v2/orders", 403, {**BUY, "side": "sell"}),
    Case("POST", "/v2/orders", 422, {**BUY, "symbol": "BBB", "order_class": "bracket", **EXITS}),
    get("/v2/orders?status=all&nested=true"),
    get("/v2/orders?status=all"),
    get("/v2/orders?limit=9999", 422),
    get("/v2/orders/{parent}?nested=true"),
    get("/v2/orders/00000000-0000-0000-0000-000000000000", 404),
    get("/v2/orders:by_client_order_id?client_order_id=one"),
    get("/v2/orders:by_client_order_id?client_order_id=none", 404),
    Case("PATCH", "/v2/orders/{parent}", 422, {"qty": 5}),
    Case("PATCH", "/v2/orders/{resting}", 422, {"limit_price": 40.001}),
    Case("PATCH", "/v2/orders/{resting}", 200, {"limit_price": 41}, keep="resting", wait=2),
    Case("PATCH", "/v2/orders/nothing", 404, {"qty": 5}),
    Case("DELETE", "/v2/orders/nothing", 404),
    Case("DELETE", "/v2/orders/{resting}", 204, wait=2),
    get("/v2/positions"),
    get("/v2/positions/AAA"),
    get("/v2/positions/BBB", 404),
    Case("DELETE", "/v2/positions/AAA", 403),
    Case("DELETE", "/v2/positions/BBB", 404),
    Case("DELETE", "/v2/positions/AAA?qty=many", 422),
    Case("DELETE", "/v2/positions?cancel_orders=true", 207, wait=2),
    Case("POST", "/v2/orders", body=REST, wait=2),
    Case("DELETE", "/v2/orders", 207, wait=2),
    Case("DELETE", "/v2/positions/AAA?qty=4", wait=2),
    Case("DELETE", "/v2/positions", 207, wait=2),
    get("/v2/account"),
    get("/v2/account/configurations"),
    Case("PATCH", "/v2/account/configurations", body={"no_shorting": True}),
    Case("PATCH", "/v2/account/configurations", 422, {"max_margin_multiplier": "9"}),
    get("/v2/account/activities?activity_types=FILL"),
    get("/v2/account/activities/FILL"),
    get("/v2/account/activities?page_size=0", 422),
    get("/v2/account/activities?activity_types=CSD,CSW,JNLC"),
    get("/v2/account/activities?category=non_trade_activity"),
    get("/v2/account/activities/CSD"),
    get("/v2/account/activities/FEE"),
    get("/v2/account/activities?category=trade_activity&activity_types=FILL", 422),
    get("/v2/account/portfolio/history?period=1D&timeframe=5Min"),
    get("/v2/account/portfolio/history?timeframe=7Min", 422),
    get("/v2/clock"),
    get("/v2/calendar?start=2026-06-15&end=2026-06-30"),
    get("/v2/calendar?start=yesterday", 400),
    get("/v2/assets"),
    get("/v2/assets/AAA"),
    get("/v2/assets/ZZZ", 404),
    get("/v2/stocks/bars?symbols=AAA,BBB&timeframe=5Min&limit=3"),
    get("/v2/stocks/bars?symbols=AAA&timeframe=1Day&start=2026-06-01"),
    get("/v2/stocks/bars?symbols=AAA&timeframe=9Day", 400),
    get("/v2/stocks/bars?symbols=AAA&timeframe=5Min&limit=10001", 400),
    get("/v2/stocks/AAA/bars?timeframe=5Min"),
    get("/v2/stocks/snapshots?symbols=AAA,BBB"),
    get("/v2/stocks/snapshots?symbols=a!", 400),
    get("/v2/stocks/AAA/snapshot"),
    *LATEST,
    get("/v2/stocks/trades/latest", 400),
    get("/v1beta1/screener/stocks/most-actives?top=5&by=volume"),
    get("/v1beta1/screener/stocks/most-actives?top=1000", 400),
    get("/v1beta1/screener/stocks/movers?top=5"),
    get("/v1beta1/screener/stocks/movers?top=0", 400),
    get("/v1beta1/news?symbols=AAA"),
    get("/v1beta1/news?limit=51", 400),
    get("/v1/corporate-actions?symbols=AAA"),
]
ROUTES = sorted({(case.method, case.path.split("?")[0]) for case in CASES if case.status < 300})


@pytest.fixture(scope="module")
def specifications() -> tuple[Specification, ...]:
    return tuple(map(read, FILES))


@pytest.fixture(scope="module")
def exchange() -> Iterator[Served]:
    moving: dict[int, OHLCV] = {0: (100, 101, 99, 100.5, 9_000), 1: (100.5, 102, 100, 101, 8_000)}
    wire = (NewsItem(7, OPEN - 60, "AAA wins a contract", "pr", ("AAA",), "http://x/7"),)
    tape = replace(tape_of({"AAA": flat_bars() | moving, "BBB": flat_bars(50.0)}), news=wire)
    desk = open_desk(World(tape, Conductor(ClockState(now=OPEN + 601))), None, EXACT)
    desk.ask(KEY, "transfer", {"amount": 1})
    desk.ask(KEY, "transfer", {"amount": "-0.31", "kind": "FEE", "sub_kind": "TAF"})
    with serving(desk) as served:
        yield served


@pytest.fixture(scope="module")
def answers(exchange: Served) -> list[httpx.Response]:
    """The cases' answers; they are sent one after the other."""
    kept: dict[str, str] = {}
    found = []
    with httpx.Client(base_url=exchange.url, headers=keys()) as client:
        for case in CASES:
            found.append(client.request(case.method, case.path.format(**kept), json=case.body))
            if case.keep:
                kept[case.keep] = found[-1].json()["id"]
            if case.wait:
                exchange.advance(case.wait)
    return found


def operation_of(
    specifications: tuple[Specification, ...], method: str, path: str
) -> tuple[Specification, dict[str, Any]]:
    for specification in specifications:
        operation = specification.operation(method, path)
        if operation is not None:
            return specification, operation
    raise AssertionError(f"the vendor has no {method} {path}")


def error_problem(path: str, body: Any) -> str | None:
    """Errors have a message, those of trading a code of eight digits with it."""
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return f"no message in {body}"
    if path.startswith((*DATA, "/v2/calendar")):
        return None
    code = body.get("code")
    return None if isinstance(code, int) and 40_000_000 <= code < 60_000_000 else f"code {code}"


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.label for case in CASES])
def test_an_answer_is_as_the_vendor_specifies_it(
    answers: list[httpx.Response], specifications: tuple[Specification, ...], number: int
) -> None:
    case, answer = CASES[number], answers[number]
    assert answer.status_code == case.status, answer.text
    path = answer.request.url.path
    specification, operation = operation_of(specifications, case.method, path)
    if case.status >= 400:
        assert error_problem(path, answer.json()) is None
        return
    response = specification.response(operation, case.status)
    assert response is not None, f"the vendor never answers {case.label}"
    schema = response.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        assert answer.content == b""
        return
    body = answer.json()
    assert body not in ([], {}), "nothing to check"
    assert list(specification.problems(schema, without_refusals(body))) == []


def without_refusals(body: Any) -> Any:
    """A 207's lines about what was refused carry an error in place of an order: checked as such."""
    if not isinstance(body, list):
        return body
    for line in body:
        if line.get("status", 0) in range(400, 600):
            assert error_problem("/v2/orders", line.pop("body")) is None
    return body


def test_every_route_has_cases() -> None:
    app = bare_app(World(tape_of({"AAA": flat_bars()}), Conductor(ClockState(now=OPEN))))
    routes = {
        (method.upper(), path)
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if path.startswith(KEYED)
    }
    bare = [
        (method, path)
        for method, path in routes
        if not any(m == method and re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", path), p) for m, p in ROUTES)
    ]
    assert bare == []


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_the_errors_that_every_route_can_meet(exchange: Served, method: str, path: str) -> None:
    url, headers = exchange.url + path.format(parent="x", resting="x"), keys("errors")
    nginx = httpx.request(method, url)
    assert (nginx.status_code, nginx.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert httpx.request(method, url, headers=keys("")).json() == {"message": "unauthorized."}
    for kind, code in (("429", None), ("500", 50010000), ("504_before_accept", 50410000)):
        post(f"{exchange.url}/_sim/faults", {"kind": kind, "account": "errors"})
        answer = httpx.request(method, url, headers=headers)
        assert (answer.status_code, answer.json().get("code")) == (int(kind[:3]), code)
        assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(answer.headers)
        httpx.delete(f"{exchange.url}/_sim/faults")


def test_an_order_has_every_field_the_specification_promises(
    answers: list[httpx.Response], specifications: tuple[Specification, ...]
) -> None:
    schema, _ = specifications[0]._resolved({"$ref": "#/components/schemas/Order"})
    optional = {"ratio_qty", "commission", "asset_class", "subtag", "source"}
    assert set(schema["properties"]) - set(answers[0].json()) - optional == set()
