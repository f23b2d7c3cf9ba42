"""The one price of a name: which trades count, and what a quote allows."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from shared.domain.market import Quote, Trade
from shared.domain.price import PriceSource, off_quote_limit_pct, off_quote_pct, reference_price, sets_price

NOW = datetime(2026, 6, 15, 15, 0, tzinfo=UTC)
MOST = 60.0


def trade(price: float, age: float = 1, *, sets: bool = True) -> Trade:
    return Trade(symbol="A", price=price, at=NOW - timedelta(seconds=age), sets_price=sets)


def quote(bid: float, ask: float, age: float = 1) -> Quote:
    return Quote(symbol="A", bid=bid, ask=ask, at=NOW - timedelta(seconds=age))


LAST, MIDDLE, OFF = PriceSource.LAST_TRADE, PriceSource.QUOTE_MIDDLE, PriceSource.OFF_QUOTE
OLD, UNCONFIRMED = PriceSource.OLD_TRADE, PriceSource.UNCONFIRMED_TRADE


@pytest.mark.parametrize(
    ("last", "quoted", "price", "source"),
    [
        (trade(25.53), quote(25.52, 25.53), 25.53, LAST),
        (trade(25.60), quote(25.52, 25.53), 25.60, LAST),  # 0.27 %: the quote may be on its way there
        (trade(26.54), quote(25.52, 25.53), 25.525, OFF),  # a three-share print four percent above
        (trade(27.06), quote(25.52, 25.53), 25.525, OFF),
        (trade(24.51), quote(25.52, 25.53), 25.525, OFF),
        (trade(25.67), quote(25.52, 25.53), 25.525, OFF),  # 0.55 % above
        (trade(25.53), quote(25.53, 25.53), 25.53, LAST),  # locked
        (trade(26.54), quote(25.52, 0), 26.54, LAST),  # above the only bid: no side says no
        (trade(26.54), quote(0, 25.53), 26.54, UNCONFIRMED),  # above the only offer
        (trade(24.51), quote(25.52, 0), 24.51, UNCONFIRMED),
        (trade(26.54), quote(25.60, 25.50), 26.54, LAST),  # crossed: bounds nothing
        (trade(26.54), quote(0, 0), 26.54, LAST),
        (trade(26.54), quote(25.52, 25.53, age=61), 26.54, LAST),  # an old quote bounds nothing
        (trade(26.54), None, 26.54, LAST),
        (trade(26.54, age=61), None, 26.54, OLD),
        (trade(26.54, age=61), quote(25.52, 25.53), 25.525, MIDDLE),
        (trade(25.53, sets=False), quote(25.52, 25.53), 25.525, MIDDLE),
        (trade(25.53, sets=False), None, 25.53, UNCONFIRMED),
        (trade(25.53, sets=False), quote(25.52, 25.53, age=61), 25.53, UNCONFIRMED),
        (trade(25.53, sets=False), quote(1.0, 900.0), 25.53, UNCONFIRMED),  # a stub quote has no middle
        (trade(25.53), quote(1.0, 900.0), 25.53, LAST),
        (trade(25.53, age=61), quote(1.0, 900.0), 25.53, OLD),
        (trade(28.00), quote(25.0, 26.2), 25.6, OFF),  # two spreads of a wide quote are cut off at two percent
        (trade(0.0), quote(25.52, 25.53), 25.525, MIDDLE),
        (trade(-1.0), quote(25.52, 25.53), 25.525, MIDDLE),
        (trade(25.53, age=-3600), None, 25.53, OLD),  # stamped an hour ahead: not fresh
        (trade(25.53, age=-30), None, 25.53, LAST),
        (None, quote(25.52, 25.53), 25.525, MIDDLE),
    ],
)  # fmt: skip
def test_which_price_counts(last: Trade | None, quoted: Quote | None, price: float, source: PriceSource) -> None:
    found = reference_price(last, quoted, NOW, MOST)
    assert found is not None
    assert found.source is source
    assert found.price == pytest.approx(price)
    assert found.is_firm == (source in (LAST, MIDDLE, OFF))


@pytest.mark.parametrize("quoted", [None, quote(0, 25.53), quote(25.6, 25.5), quote(1, 900), quote(25, 26, age=99)])
def test_without_a_trade_only_a_sane_fresh_quote_is_a_price(quoted: Quote | None) -> None:
    assert reference_price(None, quoted, NOW, MOST) is None
    assert reference_price(trade(0.0), quoted, NOW, MOST) is None


def test_the_age_is_that_of_what_is_used() -> None:
    found = reference_price(trade(26.54, age=1), quote(25.52, 25.53, age=30), NOW, MOST)
    assert found is not None
    assert found.age_seconds == 30


@pytest.mark.parametrize(
    ("price", "size", "conditions", "sets"),
    [
        (25.0, 100, ("@",), True), (25.0, 99, ("@",), False), (25.0, 3, ("@", "I"), False),
        (25.0, 500, ("@", "T"), False),
        (25.0, 500, ("@", "Z"), False), (25.0, 500, ("W",), False), (25.0, 500, ("@", "F"), True),
        (25.0, None, (), True),
        (25.0, 500, (), True), (25.0, 500, ("@", "O"), True), (300.0, 40, ("@",), True), (300.0, 39, ("@",), False),
        (5_000.0, 10, ("@",), True), (12_000.0, 1, ("@",), True), (12_000.0, 0, ("@",), False),
    ],
)  # fmt: skip
def test_odd_lots_and_sale_conditions(
    price: float, size: float | None, conditions: tuple[str, ...], sets: bool
) -> None:
    assert sets_price(price, size, conditions) is sets


def test_columns_and_single_prices_are_bounded_alike() -> None:
    price, bid, ask = np.array([25.53, 26.54, 24.0, np.nan]), np.array([25.52] * 4), np.array([25.53, 25.53, np.nan, 0])
    off = off_quote_pct(price, bid, ask) > off_quote_limit_pct(bid, ask)
    assert off.tolist() == [False, True, True, False]
