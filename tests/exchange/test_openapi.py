"""The answers against Alpaca's own OpenAPI file, where the operator has put it beside the checkout (it is not ours)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.exchange.serving import Served, desk_on, serving
from tests.exchange.test_orders_api import bracket, keys, limit

SPECIFICATION = Path(__file__).parents[3] / "shared" / "alpaca-openapi" / "trading-api.yaml"
pytestmark = pytest.mark.skipif(not SPECIFICATION.is_file(), reason=f"no OpenAPI file: {SPECIFICATION} is missing")
BEYOND_THE_SPECIFICATION = {
    "Order": {"source", "subtag"},
    "Position": set[str](),
    "Account": {"position_market_value", "balance_asof", "crypto_status", "last_maintenance_margin"},
    "AccountConfigurations": set[str](),
    "TradingActivities": set[str](),
}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(SPECIFICATION.read_text(), Loader=yaml.CSafeLoader)
    found: dict[str, Any] = loaded["components"]["schemas"]
    return found


@pytest.fixture(scope="module")
def exchange() -> Iterator[Served]:
    with serving(desk_on()) as served:
        client = served.client()
        client.submit_order(bracket())
        served.advance(2)
        client.submit_order(limit("resting", "BBB", 40.0))
        yield served


def properties(schemas: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return properties(schemas, schemas[schema["$ref"].rsplit("/", 1)[1]])
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found |= properties(schemas, part)
    return found


def kind_problem(schemas: dict[str, Any], schema: dict[str, Any], value: Any) -> str | None:
    """What is wrong with a scalar, or None. Null passes: the file marks nullable fields unevenly."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    expected = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}
    kinds = schema.get("type")
    kind = next((name for name in kinds if name != "null"), None) if isinstance(kinds, list) else kinds
    if value is None or kind not in expected:
        return None
    if not isinstance(value, expected[kind]):  # type: ignore[arg-type]
        return f"{value!r} is not a {kind}"
    names = schema.get("enum")
    return f"{value!r} is not one of {names}" if names and value not in names else None


CASES = [
    ("Order", "/v2/orders?status=all&nested=true"),
    ("Position", "/v2/positions"),
    ("Account", "/v2/account"),
    ("AccountConfigurations", "/v2/account/configurations"),
    ("TradingActivities", "/v2/account/activities"),
]


@pytest.mark.parametrize(("name", "path"), CASES, ids=[name for name, _ in CASES])
def test_an_answer_has_the_fields_and_kinds_of_the_specification(
    exchange: Served, schemas: dict[str, Any], name: str, path: str
) -> None:
    answer = httpx.get(exchange.url + path, headers=keys()).json()
    known = properties(schemas, schemas[name])
    rows = answer if isinstance(answer, list) else [answer]
    assert rows
    for row in rows:
        assert set(row) - set(known) <= BEYOND_THE_SPECIFICATION[name]
        assert set(schemas[name].get("required", ())) <= set(row)
        problems = {key: kind_problem(schemas, known[key], value) for key, value in row.items() if key in known}
        assert {key: problem for key, problem in problems.items() if problem} == {}


def test_an_order_has_every_field_the_specification_promises(exchange: Served, schemas: dict[str, Any]) -> None:
    order = httpx.get(exchange.url + "/v2/orders", headers=keys()).json()[0]
    optional = {"ratio_qty", "commission", "asset_class", "subtag", "source"}
    assert set(properties(schemas, schemas["Order"])) - set(order) - optional == set()
