"""The life of a bracket, row by row of the table in the module docstring of rules/lifecycle.py."""

from collections.abc import Mapping

import pytest

from services.exchange.rules.listing import OrderQuery, list_orders
from services.exchange.rules.orders import Order, Refusal
from tests.exchange.venues import CLOSE, EXACT, KEY, OHLCV, OPEN, STEP, Floor, flat_bars, floor

STOPPED = {3: (100, 101, 97, 100, 9)}
TARGET = {3: (100, 107, 99.5, 100, 9)}
BOTH = {3: (100, 107, 97, 100, 9)}


def states(place: Floor, parent: Order) -> tuple[str, str, str]:
    return (
        place.order(parent).status,
        place.leg(parent, "take_profit").status,
        place.leg(parent, "stop_loss").status,
    )


def entered(bars: Mapping[int, OHLCV], **body: object) -> tuple[Floor, Order]:
    place = floor({**flat_bars(), **bars})
    parent = place.bracket(**body)
    place.advance(5)
    return place, parent


def test_submitted_all_legs_are_held_and_the_answer_names_them() -> None:
    place = floor()
    parent = place.bracket()
    assert states(place, parent) == ("pending_new", "held", "held")
    assert len(parent.legs) == 2
    assert place.events == []


def test_a_partly_filled_entry_is_unprotected() -> None:
    place = floor(settings=EXACT.model_copy(update={"partial_fill_fraction": 1.0}))
    parent = place.bracket(qty=100)
    place.advance(1)
    assert states(place, parent) == ("partially_filled", "held", "held")
    assert place.venue.book(KEY).ledger.qty("AAA") > 0


def test_a_filled_entry_arms_the_target_and_the_stop_is_held() -> None:
    place, parent = entered({})
    assert states(place, parent) == ("filled", "new", "held")
    assert place.events == [
        ("pending_new", "entry"), ("new", "entry"), ("fill", "entry"), ("new", "take_profit"),
    ]  # fmt: skip
    assert place.venue.book(KEY).available("AAA") == 0
    assert [o.role for o in place.venue.book(KEY).open_orders()] == ["take_profit"]


def test_target_fills_and_the_stop_goes() -> None:
    place, parent = entered(TARGET)
    place.go_to(OPEN + 5 * STEP)
    assert states(place, parent) == ("filled", "filled", "canceled")
    assert place.events[-2:] == [("fill", "take_profit"), ("canceled", "stop_loss")]
    assert place.venue.book(KEY).ledger.qty("AAA") == 0


@pytest.mark.parametrize("bars", [STOPPED, BOTH], ids=["stop alone", "both in one bar: the stop comes first"])
def test_stop_triggers_and_the_target_goes(bars: Mapping[int, OHLCV]) -> None:
    place, parent = entered(bars)
    place.go_to(OPEN + 5 * STEP)
    assert states(place, parent) == ("filled", "canceled", "filled")
    assert place.events[-3:] == [("canceled", "take_profit"), ("new", "stop_loss"), ("fill", "stop_loss")]
    assert {u.at for u in place.venue.book(KEY).updates[-3:]} == {OPEN + 3 * STEP + STEP / 3}


def test_a_partly_filled_target_leaves_the_stop_the_rest() -> None:
    place = floor({**flat_bars(), **TARGET}, EXACT.model_copy(update={"partial_fill_fraction": 1.0}))
    parent = place.bracket(qty=100)
    place.go_to(OPEN + 3 * STEP + 210)
    target, stop = place.leg(parent, "take_profit"), place.leg(parent, "stop_loss")
    assert target.status == "partially_filled"
    assert stop.qty == target.leaves < 100
    assert place.venue.book(KEY).held_for_orders("AAA") == place.venue.book(KEY).ledger.qty("AAA")


def test_the_bar_of_the_entry_can_stop_it_out() -> None:
    place, parent = entered({0: (100, 101, 97, 100, 9)})
    place.go_to(OPEN + STEP)
    assert states(place, parent) == ("filled", "canceled", "filled")


@pytest.mark.parametrize("role", ["take_profit", "stop_loss"])
def test_cancelling_one_exit_cancels_both_and_frees_the_shares_later(role: str) -> None:
    place, parent = entered({})
    assert isinstance(place.do("cancel", order_id=place.leg(parent, role).id), Order)
    assert place.venue.book(KEY).available("AAA") == 0
    place.advance(1)
    assert states(place, parent) == ("filled", "canceled", "canceled")
    assert place.venue.book(KEY).available("AAA") == 10


def test_cancelling_an_unfilled_entry_cancels_all() -> None:
    place, parent = entered({}, type="limit", limit_price=99)
    place.do("cancel", order_id=parent.id)
    assert states(place, parent) == ("pending_cancel", "held", "held")
    place.advance(1)
    assert states(place, parent) == ("canceled", "canceled", "canceled")


def test_cancelling_a_partly_filled_entry_leaves_naked_shares() -> None:
    place = floor(settings=EXACT.model_copy(update={"partial_fill_fraction": 1.0, "partial_fill_gap_ms": 60_000.0}))
    parent = place.bracket(qty=100)
    place.advance(1)
    place.do("cancel", order_id=parent.id)
    place.advance(1)
    assert states(place, parent) == ("canceled", "canceled", "canceled")
    book = place.venue.book(KEY)
    assert book.ledger.qty("AAA") == place.order(parent).filled_qty > 0
    assert book.available("AAA") == book.ledger.qty("AAA")


def test_a_part_can_be_protected_beside_its_entry_by_an_oco_alone() -> None:
    place = floor(settings=EXACT.model_copy(update={"partial_fill_fraction": 1.0, "partial_fill_gap_ms": 60_000.0}))
    parent = place.bracket(qty=100, type="limit", limit_price=101)
    place.advance(1)
    part = int(place.order(parent).filled_qty)
    exit_order = {"symbol": "AAA", "qty": part, "side": "sell", "time_in_force": "day"}
    plain_stop = place.do("submit", **exit_order, type="stop", stop_price=97)
    assert isinstance(plain_stop, Refusal)
    assert plain_stop.message == "potential wash trade detected. use complex orders"
    exits = {"take_profit": {"limit_price": 106}, "stop_loss": {"stop_price": 97}}
    assert isinstance(place.do("submit", **exit_order, type="limit", order_class="oco", **exits), Order)
    place.advance(120)
    assert states(place, parent) == ("filled", "rejected", "rejected")
    assert place.venue.book(KEY).held_for_orders("AAA") == part


def test_deleting_a_filled_parent_cancels_the_legs_once() -> None:
    place, parent = entered({})
    assert isinstance(place.do("cancel", order_id=parent.id), Order)
    place.advance(1)
    assert states(place, parent) == ("filled", "canceled", "canceled")
    again = place.do("cancel", order_id=parent.id)
    assert isinstance(again, Refusal)
    assert again.body() == {"code": 42210000, "message": 'order is already in "filled" state'}


def test_a_cancel_that_loses_the_race_leaves_the_bracket_whole() -> None:
    place = floor(settings=EXACT.model_copy(update={"cancel_latency_ms": 5_000.0}))
    parent = place.bracket()
    place.advance(0.1)
    place.do("cancel", order_id=parent.id)
    place.advance(20)
    assert states(place, parent) == ("filled", "new", "held")


def test_the_close_expires_the_target_and_cancels_the_stop() -> None:
    place, parent = entered({})
    place.go_to(CLOSE)
    assert states(place, parent) == ("filled", "expired", "canceled")
    assert place.venue.book(KEY).ledger.qty("AAA") == 10


def test_good_till_cancelled_legs_survive_the_close() -> None:
    place, parent = entered({}, time_in_force="gtc")
    place.go_to(CLOSE + 3600)
    assert states(place, parent) == ("filled", "new", "held")


def test_a_held_stop_is_replaced_at_once_and_watched_at_its_new_price() -> None:
    place, parent = entered({3: (100, 101, 98.5, 100, 9)})
    old = place.leg(parent, "stop_loss")
    new = place.do("replace", order_id=old.id, body={"stop_price": 99})
    assert isinstance(new, Order)
    assert (new.status, new.replaces, new.parent) == ("held", old.id, parent.id)
    assert (place.order(old).status, place.order(old).replaced_by) == ("replaced", new.id)
    place.go_to(OPEN + 5 * STEP)
    assert states(place, parent) == ("filled", "canceled", "filled")
    assert place.venue.book(KEY).executions[-1].price == 99


def test_a_working_target_is_replaced_at_the_market() -> None:
    place, parent = entered({3: (100, 104, 99.5, 100, 9)})
    old = place.leg(parent, "take_profit")
    new = place.do("replace", order_id=old.id, body={"limit_price": 103})
    assert isinstance(new, Order)
    assert (new.status, place.order(old).status) == ("pending_new", "pending_replace")
    place.advance(1)
    assert (place.order(new).status, place.order(old).status) == ("new", "replaced")
    assert place.leg(parent, "take_profit").id == new.id
    place.go_to(OPEN + 5 * STEP)
    assert states(place, parent) == ("filled", "filled", "canceled")


def test_a_replacement_that_loses_the_race_is_rejected() -> None:
    place = floor({**flat_bars(), 1: (97, 98, 96, 97, 9)}, now=OPEN + 200)
    order = place.submit(type="limit", limit_price=98)
    place.go_to(OPEN + STEP - 0.01)
    new = place.do("replace", order_id=order.id, body={"limit_price": 97.5})
    assert isinstance(new, Order)
    place.advance(1)
    assert (place.order(order).status, place.order(new).status) == ("filled", "rejected")
    assert [u.event for u in place.venue.book(KEY).updates][-2:] == ["order_replace_rejected", "rejected"]


def test_a_replaced_entry_hands_over_its_legs() -> None:
    place, parent = entered({}, type="limit", limit_price=99)
    new = place.do("replace", order_id=parent.id, body={"limit_price": 99.5})
    assert isinstance(new, Order)
    place.advance(1)
    assert place.order(parent).legs == ()
    assert states(place, new) == ("new", "held", "held")
    assert list_orders(place.venue.book(KEY), OrderQuery(nested=True)) == [place.order(new)]


def test_a_replacement_cancelled_beside_its_original_holds_the_shares_once() -> None:
    place = floor()
    place.submit()
    place.advance(1)
    order = place.submit(side="sell", type="limit", limit_price=105)
    place.advance(1)
    assert isinstance(place.do("replace", order_id=order.id, body={"limit_price": 104}), Order)
    place.do("cancel_all")
    assert place.venue.book(KEY).held_for_orders("AAA") == 10
    place.advance(1)
    assert place.venue.book(KEY).available("AAA") == 10


def test_a_cancelled_replacement_leaves_the_original_working() -> None:
    place = floor()
    order = place.submit(type="limit", limit_price=99)
    place.advance(1)
    new = place.do("replace", order_id=order.id, body={"limit_price": 98})
    assert isinstance(new, Order)
    place.do("cancel", order_id=new.id)
    place.advance(1)
    assert (place.order(order).status, place.order(new).status) == ("new", "canceled")


def test_one_cancels_the_other() -> None:
    place = floor({**flat_bars(), **STOPPED})
    place.submit()
    place.advance(1)
    target = place.submit(
        side="sell", type="limit", order_class="oco", take_profit={"limit_price": 105}, stop_loss={"stop_price": 98}
    )
    place.advance(1)
    stop = place.leg(target, "stop_loss")
    assert (place.order(target).status, stop.status) == ("new", "held")
    place.go_to(OPEN + 5 * STEP)
    assert (place.order(target).status, place.order(stop).status) == ("canceled", "filled")


def test_one_triggers_the_other() -> None:
    place = floor({**flat_bars(), **STOPPED})
    parent = place.submit(order_class="oto", stop_loss={"stop_price": 98})
    place.advance(1)
    assert place.leg(parent, "stop_loss").status == "new"
    place.go_to(OPEN + 5 * STEP)
    assert place.leg(parent, "stop_loss").status == "filled"


def test_a_short_bracket_is_the_mirror() -> None:
    place = floor({**flat_bars(), 3: (100, 103, 93, 100, 9)})
    parent = place.bracket(side="sell", take_profit={"limit_price": 94}, stop_loss={"stop_price": 102})
    place.go_to(OPEN + 5 * STEP)
    assert states(place, parent) == ("filled", "canceled", "filled")
    assert place.venue.book(KEY).executions[-1].price == 102
