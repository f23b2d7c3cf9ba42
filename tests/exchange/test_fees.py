"""Regulatory fees at the exchange: charged when the venue is set to, shown as Alpaca shows them, taken from cash."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest

from services.exchange.rules.fees import EVENING_SECONDS, MORNING_SECONDS
from tests.exchange.serving import Served, desk_on, serving
from tests.exchange.test_transfers import cash
from tests.exchange.venues import CLOSE, EXACT, KEY, OPEN, floor

D = Decimal


def traded(charging: str) -> Any:
    """1,000 shares of AAA bought and sold at 100 on 2026-06-15."""
    place = floor(settings=EXACT.model_copy(update={"fee_charging": charging}))
    for side in ("buy", "sell"):
        place.submit(side=side, qty="1000")
        place.advance(1)
    return place


def charged(place: Any) -> dict[str, Decimal]:
    return {row.sub_kind: row.amount for row in place.venue.book(KEY).transfers}


EXPECTED = {"REG": D("-2.06"), "TAF": D("-0.20"), "CAT": D("-0.01")}


@pytest.mark.parametrize(
    ("charging", "due"), [("end_of_day", CLOSE + EVENING_SECONDS), ("next_morning", OPEN + MORNING_SECONDS)]
)
def test_a_day_is_charged_at_its_time_and_not_before(charging: str, due: float) -> None:
    place = traded(charging)
    place.go_to(due - 1)
    assert charged(place) == {}
    place.go_to(due + 1)
    assert charged(place) == EXPECTED
    ledger = place.venue.book(KEY).ledger
    assert (ledger.fees, ledger.imbalance()) == (D("2.27"), 0)
    assert ledger.cash == 100_000 + ledger.realized - ledger.fees
    assert {str(row.day) for row in place.venue.book(KEY).transfers} == {"2026-06-15"}


def test_at_once_each_execution_is_rounded_up_by_itself() -> None:
    place = traded("at_fill")
    rows = [(row.sub_kind, row.amount) for row in place.venue.book(KEY).transfers]
    assert rows == [("CAT", D("-0.01")), ("REG", D("-2.06")), ("TAF", D("-0.20")), ("CAT", D("-0.01"))]
    assert place.venue.book(KEY).ledger.imbalance() == 0


def test_an_account_without_fees_is_charged_none() -> None:
    place = traded("none")
    place.go_to(OPEN + MORNING_SECONDS + 1)
    assert charged(place) == {}


@pytest.fixture
def exchange() -> Iterator[Served]:
    with serving(desk_on()) as served:
        yield served


def test_the_account_shows_what_is_pending_and_the_evening_lists_it(exchange: Served) -> None:
    client = exchange.client()
    for side in (OrderSide.BUY, OrderSide.SELL):
        order = MarketOrderRequest(symbol="AAA", qty=100, side=side, time_in_force=TimeInForce.DAY)
        client.submit_order(order)
        exchange.advance(5)
    told: Any = client.get("/account")
    assert (D(told["accrued_fees"]), D(told["pending_reg_taf_fees"])) == (D("0.24"), D("0.23"))
    before = D(told["cash"])
    exchange.advance(CLOSE + EVENING_SECONDS + 1 - OPEN)
    rows: Any = client.get("/account/activities/FEE")
    told = client.get("/account")
    assert before - D(told["cash"]) == D("0.24") == -sum(D(row["net_amount"]) for row in rows)
    assert D(told["accrued_fees"]) == 0
    assert {(row["activity_sub_type"], row["date"], row["status"]) for row in rows} == {
        (kind, "2026-06-15", "executed") for kind in ("REG", "TAF", "CAT")
    }


def test_a_fee_may_be_given_back_by_hand_and_its_sub_type_is_of_a_fee(exchange: Served) -> None:
    cash(exchange, amount="0.05", kind="FEE", sub_kind="REG")
    rows: Any = exchange.client().get("/account/activities/FEE")
    assert [(row["activity_sub_type"], row["net_amount"]) for row in rows] == [("REG", "0.05")]
    assert (exchange.state()["fees"], exchange.state()["imbalance"]) == ("-0.05", "0")
