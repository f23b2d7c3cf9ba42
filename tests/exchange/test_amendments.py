"""Replacing orders: what may not change, and when. The rows of Alpaca's table that are about PATCH."""

from typing import Any

import pytest

from services.exchange.rules.orders import Order, Refusal
from tests.exchange.test_validation import FORM, LIMIT, RULE, SUB_PENNY
from tests.exchange.venues import EXACT, OPEN, flat_bars, floor


@pytest.mark.parametrize(
    ("wait", "body", "code", "message"),
    [
        (0, {"limit_price": 98}, RULE, "cannot replace order in pending_new status"),
        (1, {}, RULE, "order parameters are not changed"),
        (1, {"limit_price": 99}, RULE, "order parameters are not changed"),
        (1, {"qty": 2.5}, FORM, "qty must be integer"),
        (1, {"limit_price": 98.001}, RULE, f"invalid limit_price 98.001. {SUB_PENNY}"),
        (7 * 3600, {"limit_price": 98}, RULE, "unable to replace order, order is not open"),
    ],
)
def test_replacing(wait: float, body: dict[str, Any], code: int, message: str) -> None:
    place = floor()
    order = place.submit(**LIMIT)
    place.advance(wait)
    refusal = place.do("replace", order_id=order.id, body=body)
    assert isinstance(refusal, Refusal)
    assert (refusal.http, refusal.body()) == (422, {"code": code, "message": message})


def test_replacing_an_accepted_one_and_a_replaced_one() -> None:
    place = floor(now=OPEN - 8 * 3600)
    order = place.submit(**LIMIT)
    place.advance(10)
    refusal = place.do("replace", order_id=order.id, body={"limit_price": 98})
    assert isinstance(refusal, Refusal)
    assert refusal.message == "cannot replace order in accepted status"
    place.go_to(OPEN + 60)
    assert isinstance(place.do("replace", order_id=order.id, body={"limit_price": 98}), Order)
    place.advance(1)
    again = place.do("replace", order_id=order.id, body={"limit_price": 97})
    assert isinstance(again, Refusal)
    assert again.message == "order already replaced"


def test_a_quantity_below_what_is_filled() -> None:
    place = floor({**flat_bars(volume=50), 2: (98, 99, 97, 98, 50)}, EXACT.model_copy(update={"participation": 0.5}))
    order = place.submit(qty=100, **LIMIT)
    place.advance(700)
    assert place.order(order).filled_qty == 25
    refusal = place.do("replace", order_id=order.id, body={"qty": 20})
    assert isinstance(refusal, Refusal)
    assert refusal.message == "qty must be > filled_qty"


def test_a_cancel_that_comes_too_late_is_told() -> None:
    place = floor()
    order = place.submit()
    place.advance(0.06)
    place.do("cancel", order_id=order.id)
    place.advance(2)
    assert place.order(order).status == "filled"
    assert [event for event, _ in place.events] == [
        "pending_new", "new", "pending_cancel", "fill", "order_cancel_rejected",
    ]  # fmt: skip
