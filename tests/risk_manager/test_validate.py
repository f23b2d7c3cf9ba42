"""The guide's question: would this entry be allowed?"""

from typing import Any

import httpx
import pytest

from services.risk_manager.flow.decide import decide
from tests.risk_manager.test_decide import ask
from tests.risk_manager.world import CYCLE, World

GUIDE = {"symbol": "TSLA", "side": "long", "quantity": 10, "price": 250.00, "cycle_id": CYCLE}


@pytest.fixture(autouse=True)
def _listed(world: World) -> None:
    world.market.list("TSLA", 250.0)


async def _ask(service: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await service.post("/api/v1/risk/validate", json=GUIDE | changes)


async def test_the_guides_line_works_as_printed(world: World, service: httpx.AsyncClient) -> None:
    answer = await _ask(service)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["approved"], body["risk_amount"], body["reason"]) == (True, 50.0, "Risk within limits")
    assert 0 < body["risk_score"] < 0.5
    names = [check["name"] for check in body["checks"]]
    assert {"max_position_size", "risk_per_trade", "correlation", "total_exposure"} <= set(names)
    assert all({"limit", "value", "margin"} <= check.keys() for check in body["checks"])
    rows = await world.rows("SELECT kind, verdict, client_order_id, quantity, risk_amount FROM risk_decisions")
    assert [tuple(row.values()) for row in rows] == [("validation", "approved", None, 10, 50)]


async def test_too_large_is_refused_with_the_figures(service: httpx.AsyncClient) -> None:
    body = (await _ask(service, quantity=21)).json()
    assert not body["approved"]
    assert body["reason"].startswith("max_position_size: 5250 against 5000")


async def test_approvals_that_wait_do_not_count_and_the_answer_says_so(
    world: World, service: httpx.AsyncClient
) -> None:
    world.market.list("ACME", 50.0)
    assert (await decide(world.deps, ask("ACME")))[0].approved
    for symbol in ("TSLA", "ACME"):
        body = (await _ask(service, symbol=symbol, price=250 if symbol == "TSLA" else 50)).json()
        assert body["approved"], body["reason"]
        note = next(check["note"] for check in body["checks"] if check["name"] == "approvals")
        assert note == "not counted here, as long as nobody uses them: approvals of ACME"


async def test_a_price_nobody_pays_is_refused(service: httpx.AsyncClient) -> None:
    body = (await _ask(service, price=280)).json()
    assert not body["approved"]
    assert "fresh_price" in body["reason"]
    assert "250.00" in body["reason"]


@pytest.mark.parametrize(("changes", "status", "field"), [
    ({"quantity": -10}, 422, "quantity"),
    ({"quantity": 0}, 422, "quantity"),
    ({"price": -1}, 422, "price"),
    ({"side": "short"}, 422, "side"),
    ({"symbol": "tsla; drop"}, 422, "symbol"),
    ({"symbol": "NOSUCH"}, 404, "symbol"),
    ({"cycle_id": "20200101-000000"}, 404, "cycle_id"),
    ({"leverage": 4}, 422, "leverage"),
])  # fmt: skip
async def test_what_cannot_be_used_is_named(
    world: World, service: httpx.AsyncClient, changes: dict[str, Any], status: int, field: str
) -> None:
    answer = await _ask(service, **changes)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert "detail" in answer.json()
    assert await world.rows("SELECT FROM risk_decisions") == []
