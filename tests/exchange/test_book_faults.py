"""Faults of the book, on the venue itself: what they do to orders, how clearing lifts them, a restart keeps them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.exchange.api.sim_book import audit
from services.exchange.rules.fault_kinds import FAULT
from services.exchange.rules.faults import Standing
from services.exchange.rules.orders import Order, Refusal
from tests.exchange.serving import desk_on
from tests.exchange.test_journal import move
from tests.exchange.venues import CLOSE, KEY, OPEN, Floor, flat_bars, floor

BRACKET: dict[str, Any] = {
    "symbol": "AAA", "qty": 10, "side": "buy", "type": "market", "time_in_force": "day", "order_class": "bracket",
    "take_profit": {"limit_price": 106}, "stop_loss": {"stop_price": 98},
}  # fmt: skip


def begin(place: Floor, **fault: Any) -> Standing:
    made = place.do("begin_fault", "", id="it", **fault)
    assert isinstance(made, Standing), made
    return made


def end(place: Floor) -> None:
    place.do("end_fault", "", id="")


def status(place: Floor, order: Order) -> str:
    return place.order(order).status


def resting(place: Floor) -> Order:
    order = place.submit(type="limit", limit_price=90)
    place.advance(1)
    return order


def test_a_cancel_is_stuck_for_a_time() -> None:
    place = floor()
    order = resting(place)
    fault = begin(place, kind="stuck_cancel", seconds=30, times=1)
    place.do("cancel", order_id=order.id)
    place.advance(30)
    assert (status(place, order), fault.hits) == ("pending_cancel", 1)
    place.advance(1)
    assert status(place, order) == "canceled"


def test_a_cancel_is_stuck_until_the_fault_is_cleared() -> None:
    place = floor()
    order = resting(place)
    begin(place, kind="stuck_cancel")
    place.do("cancel", order_id=order.id)
    place.advance(3600)
    assert status(place, order) == "pending_cancel"
    end(place)
    place.advance(0.1)
    assert status(place, order) == "canceled"


def test_shares_are_released_late() -> None:
    place = floor()
    parent = place.bracket()
    place.advance(2)
    begin(place, kind="late_release", seconds=20)
    place.do("cancel", order_id=place.leg(parent, "take_profit").id)
    place.advance(5)
    assert {status(place, place.leg(parent, role)) for role in ("take_profit", "stop_loss")} == {"canceled"}
    refused = place.do("close", symbol="AAA")
    assert isinstance(refused, Refusal)
    assert (refused.http, refused.extra["held_for_orders"]) == (403, "10")
    place.advance(20)
    assert isinstance(place.do("close", symbol="AAA"), Order)


@pytest.mark.parametrize(("measure", "filled"), [({"fraction": 0.3}, [3, 10]), ({"slice": 4}, [4, 8, 10])])
def test_an_order_fills_in_parts(measure: dict[str, Any], filled: list[int]) -> None:
    place = floor()
    begin(place, kind="partial_fill", gap_seconds=5, role="simple", **measure)
    order = place.submit()
    place.advance(1)
    seen = []
    for _ in filled:
        seen.append(int(place.order(order).filled_qty))
        place.advance(5.2)
    assert seen == filled


def test_a_partial_fill_that_is_never_completed_leaves_the_entry_naked() -> None:
    place = floor()
    begin(place, kind="partial_fill", fraction=0.5, complete=False)
    parent = place.bracket()
    place.advance(3600)
    assert (status(place, parent), place.order(parent).filled_qty) == ("partially_filled", Decimal(5))
    assert {status(place, place.leg(parent, role)) for role in ("take_profit", "stop_loss")} == {"held"}
    place.do("cancel", order_id=parent.id)
    place.advance(1)
    assert place.venue.book(KEY).ledger.qty("AAA") == 5
    assert list(place.venue.book(KEY).live_orders()) == []


def test_clearing_completes_a_partial_fill() -> None:
    place = floor()
    begin(place, kind="partial_fill", slice=2, complete=False)
    order = place.submit()
    place.advance(60)
    assert place.order(order).filled_qty == 2
    end(place)
    place.advance(1)
    assert status(place, order) == "filled"


@pytest.mark.parametrize(
    ("stage", "events"),
    [("pending_new", ["pending_new", "rejected"]), ("new", ["pending_new", "new", "rejected"])],
)
def test_an_accepted_request_is_rejected_after_all(stage: str, events: list[str]) -> None:
    place = floor()
    begin(place, kind="async_reject", stage=stage, times=1)
    parent = place.bracket()
    place.advance(5)
    assert status(place, parent) == "rejected"
    assert [event for event, role in place.events if role == "entry"] == events
    assert list(place.venue.book(KEY).live_orders()) == []
    again = place.bracket()
    place.advance(1)
    assert status(place, again) == "filled"


def test_a_halt_stops_trading_and_ends_when_cleared() -> None:
    place = floor()
    begin(place, kind="halt", symbol="AAA")
    order = place.submit()
    place.advance(600)
    assert status(place, order) == "new"
    end(place)
    place.advance(1)
    assert status(place, order) == "filled"


def test_a_halt_has_hours_and_a_stop_waits_for_its_end() -> None:
    place = floor(flat_bars() | {2: (97, 97, 97, 97, 100), 3: (95, 95, 95, 95, 100)})
    parent = place.bracket()
    place.advance(2)
    begin(place, kind="halt", symbol="AAA", **{"from": "2026-06-15T13:35:00Z", "until": "2026-06-15T13:46:00Z"})
    place.go_to(OPEN + 900)
    assert status(place, place.leg(parent, "stop_loss")) == "held"
    place.go_to(OPEN + 1000)
    stop = place.leg(parent, "stop_loss")
    assert (stop.status, stop.filled_avg_price) == ("filled", Decimal(95))


def test_a_gap_goes_through_the_stop() -> None:
    place = floor()
    parent = place.bracket()
    place.advance(2)
    begin(place, kind="gap", symbol="AAA", percent=7)
    place.go_to(OPEN + 299)
    assert status(place, place.leg(parent, "stop_loss")) == "held"
    place.go_to(OPEN + 301)
    stop = place.leg(parent, "stop_loss")
    assert (stop.status, stop.filled_avg_price) == ("filled", Decimal(93))
    assert place.venue.tape.last_price("AAA", OPEN + 301) == (93.0, OPEN + 300)


def test_no_gap_after_the_last_bar_and_none_for_a_stranger() -> None:
    place = floor(now=CLOSE - 10)
    for symbol, message in (("AAA", "no bar left"), ("ZZZ", "not found")):
        refused = place.do("begin_fault", "", id="it", kind="gap", symbol=symbol, percent=5)
        assert isinstance(refused, Refusal)
        assert message in refused.message


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("first", [True, False], ids=["fault first", "leg first"])
def test_a_leg_vanishes(told: bool, first: bool) -> None:
    place = floor()
    if first:
        begin(place, kind="vanished_leg", event=told, seconds=5, times=1)
    parent = place.bracket()
    place.advance(2)
    if not first:
        begin(place, kind="vanished_leg", event=told, seconds=5, times=1)
    place.advance(6)
    assert status(place, place.leg(parent, "stop_loss")) == "canceled"
    assert status(place, place.leg(parent, "take_profit")) == "new"
    assert (("canceled", "stop_loss") in place.events) is told


def test_a_fault_names_its_account_and_symbol() -> None:
    place = floor()
    fault = begin(place, kind="async_reject", account="else", symbol="AAA")
    order = place.submit()
    place.advance(1)
    assert (status(place, order), fault.seen) == ("filled", 0)


def test_faults_of_the_book_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "exchange.jsonl"
    first = desk_on(journal=path)
    for fault in (
        {"id": "a", "kind": "partial_fill", "slice": 3, "times": 1},
        {"id": "b", "kind": "gap", "symbol": "AAA", "percent": 3},
        {"id": "c", "kind": "vanished_leg", "role": None, "probability": 0.5, "seed": 4},
        {"id": "d", "kind": "stuck_cancel"},
        {"id": "e", "kind": "halt", "symbol": "BBB"},
    ):
        FAULT.validate_python(fault)
        assert not isinstance(first.ask("", "begin_fault", fault), Refusal)
    first.ask(KEY, "submit", BRACKET)
    resting = first.ask(KEY, "submit", {"symbol": "BBB", "qty": 1, "side": "buy", "type": "limit", "limit_price": 40,
                                        "time_in_force": "day"})  # fmt: skip
    move(first, 30)
    assert isinstance(resting, Order)
    first.ask(KEY, "cancel", {"order_id": resting.id})
    move(first, 400)
    first.ask("", "end_fault", {"id": "d"})
    move(first, 10)
    again = desk_on(journal=path)
    move(again, first.now - again.now)
    assert audit(again.book(KEY), again.now) == audit(first.book(KEY), first.now)
    assert again.venue.mishaps == first.venue.mishaps
    assert again.world.tape.halts == first.world.tape.halts
    assert first.world.tape is not first.world.recorded
    assert [order.status for order in again.book(KEY).orders.values() if order.symbol == "BBB"] == ["canceled"]
