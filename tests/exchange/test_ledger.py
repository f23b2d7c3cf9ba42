"""Cash, positions and buying power, to the last digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.rules.ledger import Ledger, Position, after_close, book_fill, opened, sell_fee, value
from tests.exchange.venues import CLOSE, EXACT, KEY, flat_bars, floor

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
        ledger = book_fill(ledger, "AAA", side, D(qty), D(cents) / 100, sell_fee(D(qty), D("0.000166")))
    assert ledger.imbalance() == 0


@pytest.mark.parametrize(("qty", "rate", "fee"), [(100, "0", "0"), (1, "0.0001", "0.01"), (100, "0.0017", "0.17")])
def test_a_fee_is_rounded_up_to_the_cent(qty: int, rate: str, fee: str) -> None:
    assert sell_fee(D(qty), D(rate)) == D(fee)


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


def test_fees_come_out_of_cash() -> None:
    place = floor(settings=EXACT.model_copy(update={"fee_per_share": D("0.01")}))
    place.submit()
    place.advance(1)
    place.submit(side="sell")
    place.advance(1)
    ledger = place.venue.book(KEY).ledger
    assert (ledger.fees, ledger.cash) == (D("0.10"), D("99999.80"))
    assert ledger.imbalance() == 0
