"""One row of the broker's lists that cannot be read loses itself, loudly, and never the list."""

from typing import Any

import pytest

from shared.adapters import alpaca_orders as wire
from shared.errors import Unavailable

AT = "2026-06-15T14:00:00Z"
ORDER = {
    "id": "o-1", "client_order_id": "c-1", "symbol": "MSFT", "asset_class": "us_equity", "side": "buy", "type": "limit",
    "order_class": "", "status": "new", "qty": "20", "filled_qty": "0", "limit_price": "400", "submitted_at": AT,
    "updated_at": AT, "legs": None,
}  # fmt: skip
MULTI_LEG = ORDER | {"id": "o-2", "symbol": "", "asset_class": "", "side": "", "order_class": "mleg"}
HELD = {"symbol": "AAPL", "asset_class": "us_equity", "qty": "10", "qty_available": "4", "avg_entry_price": "200.5"}


def complain(what: str, raw: object) -> Exception:
    return Unavailable(f"{what}: {raw}")


ODD_ORDERS: dict[str, Any] = {
    "multi-leg option": MULTI_LEG,
    "no id": {key: value for key, value in ORDER.items() if key != "id"},
    "no side": ORDER | {"side": None},
    "a number for a time": ORDER | {"submitted_at": 5},
    "a time without offset": ORDER | {"submitted_at": "2026-06-15T14:00:00"},
    "a word for a quantity": ORDER | {"qty": "many"},
    "not a number": ORDER | {"filled_qty": "NaN"},
    "endless": ORDER | {"qty": "Infinity"},
    "a leg that cannot be read": ORDER | {"legs": [MULTI_LEG]},
    "a text": "order",
    "null": None,
    "a list": [],
}


@pytest.mark.parametrize("odd", ODD_ORDERS.values(), ids=ODD_ORDERS)
def test_an_odd_order_loses_itself_alone(odd: Any) -> None:
    listed = wire.orders([odd, ORDER], complain)
    assert [one.id for one in listed] == ["o-1"]
    assert [row.kind for row in listed.unreadable] == ["order"]
    assert len(listed) == 2


def test_what_is_known_of_an_unreadable_order_is_told() -> None:
    row = wire.orders([MULTI_LEG], complain).unreadable[0]
    assert (row.id, row.symbol, row.name, row.obscures) == ("o-2", None, "order:o-2", True)


@pytest.mark.parametrize(
    "change", [{"qty": None}, {"qty": "x"}, {"symbol": ""}, {"symbol": None}, {"qty_available": "-"}]
)
def test_an_odd_position_loses_itself_alone(change: dict[str, Any]) -> None:
    listed = wire.positions([HELD | change, HELD | {"symbol": "MSFT"}], complain)
    assert [one.symbol for one in listed] == ["MSFT"]
    assert [row.kind for row in listed.unreadable] == ["position"]


@pytest.mark.parametrize("name", ["avg_entry_price", "market_value", "current_price", "unrealized_pl"])
@pytest.mark.parametrize("price", [None, ""])
def test_a_missing_price_hides_no_shares(name: str, price: str | None) -> None:
    assert [one.quantity for one in wire.positions([HELD | {name: price}], complain)] == [10]


def test_a_position_in_an_option_or_a_coin_is_no_stock() -> None:
    rows = [
        HELD | {"symbol": "AAPL260619C00200000", "asset_class": "us_option", "qty": "1", "avg_entry_price": None},
        HELD | {"symbol": "BTCUSD", "asset_class": "crypto", "qty": "2.5"},
        HELD | {"symbol": "VTI", "qty": "0.4"},
        HELD | {"symbol": "ABCDEFGHIJKLM"},
    ]
    listed = {one.symbol: one for one in wire.positions(rows, complain)}
    assert [symbol for symbol, one in listed.items() if one.is_equity] == ["VTI"]
    assert (str(listed["BTCUSD"].exact), str(listed["VTI"].exact), listed["VTI"].quantity) == ("2.5", "0.4", 0)


def test_a_coin_has_one_name_in_orders_and_positions() -> None:
    told = wire.orders([ORDER | {"symbol": "BTC/USD", "asset_class": "crypto"}], complain).rows[0]
    assert (told.symbol, told.is_equity) == ("BTCUSD", False)


def test_what_is_no_list_is_no_empty_list() -> None:
    for raw in ({"message": "no"}, None, "x", 5):
        with pytest.raises(Unavailable):
            wire.orders(raw, complain)
        with pytest.raises(Unavailable):
            wire.positions(raw, complain)


def test_an_odd_fill_loses_itself_alone() -> None:
    fill = {"id": "20260615::e-1", "order_id": "o-1", "symbol": "AAPL", "side": "buy", "qty": "3", "price": "10"}
    rows = [fill | {"transaction_time": AT}, fill | {"price": None, "transaction_time": AT}, fill, None]
    assert [one.execution_id for one in wire.executions(rows)] == ["e-1"]
