"""The regulatory fees of a day, against rows that Alpaca has charged, and their division to the cent."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.money.fees import (
    FEE_KINDS,
    RATES,
    FeeKind,
    Trade,
    cents_up,
    day_fee,
    exact_fee,
    most_day_fee,
    rate_on,
    share_out,
)

D = Decimal
SEPTEMBER = date(2026, 9, 8)


@pytest.mark.parametrize(("kind", "trade", "charged"), [
    ("REG", Trade("sell", D(1), D("185271.37")), "3.82"),
    ("TAF", Trade("sell", D(1572), D(100)), "0.31"),
    ("CAT", Trade("buy", D(3144), D(100)), "0.01"),
])  # fmt: skip
def test_what_alpaca_charged_one_day(kind: FeeKind, trade: Trade, charged: str) -> None:
    assert day_fee(kind, SEPTEMBER, [trade]) == D(charged)


@pytest.mark.parametrize(("kind", "day", "rate"), [
    ("REG", "2025-05-13", "0.0000278"), ("REG", "2025-05-14", "0"), ("REG", "2026-04-03", "0"),
    ("REG", "2026-04-04", "0.0000206"), ("TAF", "2025-12-31", "0.000166"), ("TAF", "2026-01-01", "0.000195"),
    ("CAT", "2026-04-30", "0.0000265"), ("CAT", "2026-05-01", "0.000003"), ("CAT", "2019-01-01", "0.000053"),
])  # fmt: skip
def test_a_rate_is_the_one_of_its_day(kind: FeeKind, day: str, rate: str) -> None:
    assert rate_on(kind, date.fromisoformat(day)).per_unit == D(rate)


def test_the_table_is_in_order_and_names_its_sources() -> None:
    for kind in FEE_KINDS:
        rows = [rate for rate in RATES if rate.kind == kind]
        assert rows == sorted(rows, key=lambda rate: rate.since)
        assert all(rate.source for rate in rows)


def test_a_purchase_bears_the_audit_trail_alone_and_a_large_sale_no_more_than_the_cap() -> None:
    assert [exact_fee(kind, SEPTEMBER, Trade("buy", D(100), D(50))) for kind in FEE_KINDS] == [0, 0, D("0.0003")]
    assert exact_fee("TAF", SEPTEMBER, Trade("sell", D(100_000), D(1))) == D("9.79")


def test_a_day_is_rounded_up_once_and_no_execution_explains_more_than_its_own_cent() -> None:
    trades = [Trade("sell", D(10), D(100))] * 5
    assert (day_fee("TAF", SEPTEMBER, trades), most_day_fee("TAF", SEPTEMBER, trades)) == (D("0.01"), D("0.05"))
    assert day_fee("TAF", SEPTEMBER, []) == 0
    assert cents_up(D("0.00083")) == D("0.01")


@given(st.integers(1, 10_000), st.lists(st.integers(0, 5_000), min_size=1, max_size=30).filter(any))
def test_the_parts_come_to_the_total_and_no_part_is_a_cent_off(cents: int, weights: list[int]) -> None:
    total, heavy = D(cents) / 100, [D(weight) for weight in weights]
    parts = share_out(total, heavy)
    assert sum(parts) == total
    for part, weight in zip(parts, heavy, strict=True):
        assert part == part.quantize(D("0.01"))
        assert abs(part - total * weight / sum(heavy)) < D("0.01")
    assert share_out(total, heavy) == parts


def test_a_total_that_nothing_bears_is_an_error_and_nothing_is_divided_into_nothing() -> None:
    with pytest.raises(ValueError, match="nothing bears"):
        share_out(D(1), [D(0)])
    assert share_out(D(0), [D(0), D(1)]) == (D(0), D(0))
