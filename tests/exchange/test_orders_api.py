"""Orders, positions and the account through the unmodified SDK, over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderClass, OrderSide, QueryOrderStatus, TimeInForce
from alpaca.trading.models import Order
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
)

from tests.exchange.serving import Served, desk_on, serving
from tests.exchange.venues import KEY, OPEN


@pytest.fixture
def exchange() -> Iterator[Served]:
    with serving(desk_on({3: (100, 107, 99.5, 100, 9)})) as served:
        yield served


def bracket(client_order_id: str = "cat-1", symbol: str = "AAA", **terms: Any) -> MarketOrderRequest:
    return MarketOrderRequest(
        symbol=symbol,
        qty=10,
        side=OrderSide.BUY,
        time_in_force=TimeInForce.DAY,
        order_class=OrderClass.BRACKET,
        client_order_id=client_order_id,
        take_profit=TakeProfitRequest(limit_price=terms.get("target", 106.0)),
        stop_loss=StopLossRequest(stop_price=terms.get("stop", 98.0)),
    )


def test_a_bracket_from_submission_to_its_target(exchange: Served) -> None:
    client = exchange.client()
    sent = client.submit_order(bracket())
    assert isinstance(sent, Order)
    assert (sent.status.value, [leg.status.value for leg in sent.legs or []]) == ("pending_new", ["held", "held"])
    exchange.advance(2)
    position = client.get_open_position("AAA")
    assert (position.qty, position.qty_available, position.avg_entry_price) == ("10", "0", "100.01")
    exchange.advance(1800)
    found = client.get_order_by_client_id("cat-1")
    assert [leg.status.value for leg in found.legs or []] == ["filled", "canceled"]
    assert client.get_all_positions() == []
    assert client.get_account().equity == "100059.9"


def test_what_a_list_of_open_orders_shows(exchange: Served) -> None:
    client = exchange.client()
    parent = client.submit_order(bracket())
    exchange.advance(2)
    flat = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN))
    assert [order.type.value for order in flat] == ["limit"]
    nested = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN, nested=True))
    assert [(order.id, len(order.legs)) for order in nested] == [(parent.id, 2)]
    httpx.post(f"{exchange.url}/_sim/settings", json={"legacy_nested": True})
    assert client.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN, nested=True)) == []
    everything = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL))
    assert len(everything) == 3
    one = client.get_order_by_id(str(parent.id), GetOrderByIdRequest(nested=True))
    assert len(one.legs or []) == 2
    assert client.get_order_by_id(str(parent.id)).legs is None


def test_lists_are_filtered_ordered_and_bounded_by_submission(exchange: Served) -> None:
    client = exchange.client()
    for number, symbol in enumerate(["AAA", "BBB", "AAA"]):
        client.submit_order(limit(f"l-{number}", symbol, 20 + number))
        exchange.advance(10)
    newest = client.get_orders(GetOrdersRequest(limit=2))
    assert [order.client_order_id for order in newest] == ["l-2", "l-1"]
    after = datetime.fromtimestamp(OPEN + 60, UTC)
    later = client.get_orders(GetOrdersRequest(after=after, direction="asc", symbols=["AAA"]))
    assert [order.client_order_id for order in later] == ["l-2"]
    assert client.get_orders(GetOrdersRequest(side=OrderSide.SELL)) == []


def limit(client_order_id: str, symbol: str = "AAA", price: float = 90.0) -> LimitOrderRequest:
    return LimitOrderRequest(
        symbol=symbol, qty=5, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, limit_price=price,
        client_order_id=client_order_id,
    )  # fmt: skip


def test_a_cancel_is_asked_now_and_happens_later(exchange: Served) -> None:
    client = exchange.client()
    order = client.submit_order(limit("c-1"))
    exchange.advance(1)
    client.cancel_order_by_id(order.id)
    assert client.get_order_by_id(order.id).status.value == "pending_cancel"
    exchange.advance(1)
    assert client.get_order_by_id(order.id).status.value == "canceled"


def test_cancel_all_answers_one_line_an_order(exchange: Served) -> None:
    client = exchange.client()
    ids = {client.submit_order(limit(f"c-{n}")).id for n in range(3)}
    exchange.advance(1)
    answers = client.cancel_orders()
    assert {(answer.id, answer.status) for answer in answers} == {(one, 200) for one in ids}


def test_a_replacement_has_a_new_id_and_names_the_old(exchange: Served) -> None:
    client = exchange.client()
    old = client.submit_order(limit("r-1"))
    exchange.advance(1)
    new = client.replace_order_by_id(old.id, ReplaceOrderRequest(limit_price=91.5, qty=7))
    exchange.advance(1)
    before, after = client.get_order_by_id(old.id), client.get_order_by_id(new.id)
    assert (before.status.value, before.replaced_by) == ("replaced", new.id)
    assert (after.status.value, after.limit_price, after.qty) == ("new", "91.5", "7")


def test_closing_everything_answers_207_with_refusals_inside(exchange: Served) -> None:
    client = exchange.client()
    client.submit_order(bracket())
    client.submit_order(
        MarketOrderRequest(symbol="BBB", qty=4, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, client_order_id="b")
    )
    exchange.advance(2)
    answers = client.close_all_positions(cancel_orders=True)
    assert [(a.symbol, a.status) for a in answers] == [("AAA", 403), ("BBB", 200)]
    assert answers[0].body.held_for_orders == 10
    exchange.advance(2)
    client.close_position("AAA", ClosePositionRequest(percentage="50"))
    exchange.advance(2)
    assert [(p.symbol, p.qty) for p in client.get_all_positions()] == [("AAA", "5")]
    client.close_position("AAA", ClosePositionRequest(qty="5"))
    exchange.advance(2)
    with pytest.raises(APIError) as flat:
        client.close_position("AAA")
    assert (flat.value.status_code, flat.value.code) == (404, 40410000)


def test_errors_reach_the_client_whole(exchange: Served) -> None:
    client = exchange.client()
    with pytest.raises(APIError) as refused:
        client.submit_order(bracket(target=100.0))
    assert (refused.value.status_code, refused.value.code) == (422, 42210000)
    assert '"base_price":"100"' in str(refused.value)
    with pytest.raises(APIError) as unknown:
        client.get_order_by_client_id("never")
    assert (unknown.value.status_code, unknown.value.code) == (404, 40410000)
    client.submit_order(limit("once"))
    with pytest.raises(APIError) as twice:
        client.submit_order(limit("once"))
    assert (twice.value.status_code, twice.value.code) == (422, 40010001)
    raw = httpx.post(f"{exchange.url}/v2/orders", content=b"{", headers=keys())
    assert (raw.status_code, raw.json()["code"]) == (422, 40010001)
    many = httpx.get(f"{exchange.url}/v2/orders?limit=501", headers=keys())
    assert (many.status_code, many.json()["code"]) == (422, 40010001)


def keys(key: str = KEY) -> dict[str, str]:
    return {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": "s"}


def test_without_keys_it_is_nginx_that_answers(exchange: Served) -> None:
    answer = httpx.get(f"{exchange.url}/v2/account")
    assert (answer.status_code, "html" in answer.headers["content-type"]) == (401, True)


def test_each_key_is_an_account_of_its_own(exchange: Served) -> None:
    exchange.client("one").submit_order(bracket())
    exchange.advance(2)
    assert exchange.client("two").get_all_positions() == []
    assert exchange.client("two").submit_order(bracket()).status.value == "pending_new"
    assert exchange.client("one").get_account().id != exchange.client("two").get_account().id


def test_fills_are_paged_and_after_is_strict(exchange: Served) -> None:
    client = exchange.client()
    for number in range(3):
        client.submit_order(
            MarketOrderRequest(symbol="BBB", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY,
                               client_order_id=f"m{number}")
        )  # fmt: skip
        exchange.advance(10)
    rows: Any = client.get("/account/activities", {"activity_types": "FILL", "page_size": 2, "direction": "asc"})
    assert [row["price"] for row in rows] == ["50.01", "50.01"]
    assert rows[0]["id"].startswith("20260615093100")
    rest: Any = client.get("/account/activities/FILL", {"page_token": rows[-1]["id"], "direction": "asc"})
    assert len(rest) == 1
    strict: Any = client.get("/account/activities", {"activity_types": "FILL", "after": rows[0]["transaction_time"]})
    assert len(strict) == 2


def test_the_equity_curve_ends_at_the_accounts_equity(exchange: Served) -> None:
    client = exchange.client()
    client.submit_order(bracket())
    exchange.advance(3600)
    curve = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1D", timeframe="5Min"))
    assert curve.equity[-1] == float(client.get_account().equity)
    assert (curve.timestamp[0], curve.base_value) == (int(OPEN), 100_000.0)


def test_settings_of_the_account_and_of_the_venue(exchange: Served) -> None:
    client = exchange.client()
    config = client.get_account_configurations()
    assert config.no_shorting is False
    config.no_shorting = True
    assert client.set_account_configurations(config).no_shorting is True
    assert client.get_account().shorting_enabled is False
    wrong = httpx.post(f"{exchange.url}/_sim/settings", json={"spread": 3})
    assert (wrong.status_code, "spread" in wrong.json()["message"]) == (422, True)
    wide = httpx.post(f"{exchange.url}/_sim/settings", json={"spread_bps": 100})
    assert wide.json()["spread_bps"] == 100
    quote = httpx.get(f"{exchange.url}/v2/stocks/quotes/latest?symbols=AAA", headers=keys()).json()["quotes"]["AAA"]
    assert quote["ap"] - quote["bp"] > 0.4


def test_an_account_laid_open(exchange: Served) -> None:
    exchange.client().submit_order(bracket())
    exchange.advance(2)
    state = exchange.state()
    assert (state["imbalance"], state["cash"], len(state["open_orders"])) == ("0", "98999.9", 2)
    assert [u["event"] for u in state["updates"]] == ["pending_new", "new", "fill", "new"]
    assert httpx.get(f"{exchange.url}/_sim/accounts/nobody").status_code == 404


def test_every_route_says_what_it_does(exchange: Served) -> None:
    paths: dict[str, dict[str, Any]] = httpx.get(f"{exchange.url}/openapi.json").json()["paths"]
    routes = [route for path in paths.values() for route in path.values()]
    described = [bool(route.get("summary") and route.get("description")) for route in routes]
    assert len(described) > 30
    assert all(described)
