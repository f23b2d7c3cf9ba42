"""Cash, positions and buying power, to the last digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.rules.ledger import Ledger, Position, Transfer, after_close, book_fill, moved, opened, value
from tests.exchange.venues import CLOSE, KEY, flat_bars, floor

D = Decimal


def filled(*fills: tuple[str, int, str]) -> Ledger:
    ledger = opened(D(100_000))
    for side, qty, price in fills:
        ledger = book_fill(ledger, "AAA", side, D(qty), D(price))
    return ledger


@pytest.mark.parametrize(
    ("fills", "qty", "average", "realized"),
    [
        ([("buy", 10, "100")], 10, "100", "0"),
        ([("buy", 10, "100"), ("buy", 10, "110")], 20, "105", "0"),
        ([("buy", 10, "100"), ("sell", 4, "110")], 6, "100", "40"),
        ([("buy", 10, "100"), ("sell", 10, "90")], 0, None, "-100"),
        ([("sell", 10, "100")], -10, "100", "0"),
        ([("sell", 10, "100"), ("buy", 4, "90")], -6, "100", "40"),
        ([("sell", 10, "100"), ("buy", 10, "110")], 0, None, "-100"),
        ([("buy", 10, "100"), ("sell", 15, "110")], -5, "110", "100"),
    ],
)
def test_a_position_after_its_fills(
    fills: list[tuple[str, int, str]], qty: int, average: str | None, realized: str
) -> None:
    ledger = filled(*fills)
    held = ledger.position("AAA")
    assert ledger.qty("AAA") == qty
    assert (held.average if held else None) == (D(average) if average else None)
    assert ledger.realized == D(realized)
    assert ledger.imbalance() == 0


FILL = st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 999), st.integers(1, 99_999))


@given(st.lists(FILL, max_size=60))
def test_no_dollar_is_lost_to_division(fills: list[tuple[str, int, int]]) -> None:
    ledger = opened(D(100_000))
    for side, qty, cents in fills:
        ledger = book_fill(ledger, "AAA", side, D(qty), D(cents) / 100)
        ledger = moved(ledger, Transfer("a", "FEE", D("-0.01"), 0, 0, "TAF"))
    assert ledger.imbalance() == 0


def test_buying_power_is_four_times_what_maintenance_leaves() -> None:
    held = Position("AAA", D(1), D("1165.44"))
    ledger = Ledger(cash=D("846.84"), start=D("2012.28"), last_equity=D("2012.28"), positions=(held,))
    worth = value(ledger, lambda symbol: D("1165.44"), D(0))
    assert (worth.equity, round(worth.buying_power, 2)) == (D("2012.28"), D("6650.59"))


def test_below_two_thousand_cash_is_all_there_is() -> None:
    worth = value(opened(D("1999.99")), lambda symbol: D(1), D(500))
    assert (worth.multiplier, worth.buying_power) == (1, D("1499.99"))


def test_the_close_sets_the_base_of_tomorrows_profit() -> None:
    ledger = filled(("buy", 10, "100"))
    assert after_close(ledger, lambda symbol: D(103)).last_equity == D(100_030)
    place = floor({**flat_bars(), 77: (100, 104, 99, 103, 9)})
    place.submit()
    place.go_to(CLOSE - 1)
    assert place.venue.book(KEY).ledger.last_equity == 100_000
    place.go_to(CLOSE + 1)
    assert place.venue.book(KEY).ledger.last_equity == D("100029.90")
