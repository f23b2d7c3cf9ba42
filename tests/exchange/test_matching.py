"""Bars in, fills out: which order trades when and at what price on a hand-made day."""

from decimal import Decimal
from typing import Any

import pytest

from services.exchange.rules.knobs import VenueSettings
from services.exchange.rules.matching import buy_stop_cap, first_slice, slipped
from tests.exchange.venues import CLOSE, EXACT, KEY, OHLCV, OPEN, STEP, flat_bars, floor

FLAT: OHLCV = (100, 100, 100, 100, 100_000)
THIRD, TWO_THIRDS = STEP / 3, STEP * 2 / 3


def bar(number: int) -> float:
    return OPEN + number * STEP


BUY: dict[str, Any] = {"side": "buy", "qty": 10}
SHORT: dict[str, Any] = {"side": "sell", "qty": 10}

CASES: list[tuple[str, dict[int, OHLCV], dict[str, Any], float | None, str]] = [
    ("market buy pays the ask", {}, {**BUY, "type": "market"}, OPEN + 60.15, "100.01"),
    ("market short gets the bid", {}, {**SHORT, "type": "market"}, OPEN + 60.15, "100"),
    ("marketable limit trades at the quote", {}, {**BUY, "type": "limit", "limit_price": 101}, OPEN + 60.15, "100.01"),
    ("buy limit reached inside a bar", {2: (100, 101, 98, 100, 9)}, {**BUY, "type": "limit", "limit_price": 99},
     bar(2) + TWO_THIRDS, "99"),
    ("buy limit improves on a gap down", {2: (97, 98, 96, 97, 9)}, {**BUY, "type": "limit", "limit_price": 99},
     bar(2), "97"),
    ("short limit reached inside a bar", {2: (100, 102, 99, 100, 9)}, {**SHORT, "type": "limit", "limit_price": 101},
     bar(2) + TWO_THIRDS, "101"),
    ("the bar an order began in does not reach its limit", {0: (100, 100, 90, 100, 9)},
     {**BUY, "type": "limit", "limit_price": 95}, None, ""),
    ("the bar an order began in does reach its stop", {0: (100, 103, 100, 100, 9)},
     {**BUY, "type": "stop", "stop_price": 102}, OPEN + THIRD, "102"),
    ("buy stop inside a bar", {2: (100, 103, 99, 100, 9)}, {**BUY, "type": "stop", "stop_price": 102},
     bar(2) + THIRD, "102"),
    ("buy stop gaps through, within its cap", {2: (103, 104, 103, 103, 9)}, {**BUY, "type": "stop", "stop_price": 102},
     bar(2), "103"),
    ("buy stop gaps beyond its 2.5 % cap and waits for it", {2: (110, 111, 109, 110, 9), 3: (110, 110, 104, 106, 9)},
     {**BUY, "type": "stop", "stop_price": 102}, bar(3) + TWO_THIRDS, "104.55"),
    ("stop limit elects, then rests", {2: (100, 103, 100, 103, 9), 3: (103, 103, 101, 102, 9)},
     {**BUY, "type": "stop_limit", "stop_price": 102, "limit_price": 101.5}, bar(3) + TWO_THIRDS, "101.5"),
    ("never reached", {}, {**BUY, "type": "limit", "limit_price": 50}, None, ""),
    ("on the close", {77: (100, 104, 99, 103, 9)}, {**BUY, "type": "market", "time_in_force": "cls"},
     CLOSE - 1 + 0.1, "100.01"),
    ("immediate or cancel, too far", {}, {**BUY, "type": "limit", "limit_price": 99, "time_in_force": "ioc"}, None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("bars", "body", "at", "price"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_an_order_meets_the_tape(bars: dict[int, OHLCV], body: dict[str, Any], at: float | None, price: str) -> None:
    place = floor({**flat_bars(), **bars})
    place.submit(**body)
    place.go_to(CLOSE + 1)
    fills = place.venue.book(KEY).executions
    assert [fill.at for fill in fills] == pytest.approx([] if at is None else [at], abs=0.002)
    assert [fill.price for fill in fills] == ([] if at is None else [Decimal(price)])


def held(bars: dict[int, OHLCV], settings: VenueSettings = EXACT, **tape: Any) -> Any:
    """A floor that owns 10 shares, two minutes into the day."""
    place = floor({**flat_bars(), **bars}, settings, **tape)
    place.submit()
    place.advance(60)
    return place


@pytest.mark.parametrize(
    ("bars", "at", "price"),
    [
        ({2: (100, 101, 97, 100, 9)}, bar(2) + THIRD, "98"),
        ({2: (95, 96, 94, 95, 9)}, bar(2), "95"),
        ({0: (100, 101, 97, 100, 9)}, OPEN + 120.05, "98"),
    ],
    ids=["inside a bar", "gaps through", "in the bar it began in"],
)
def test_a_protective_stop_sells_at_the_stop_or_the_worse_open(bars: dict[int, OHLCV], at: float, price: str) -> None:
    place = held(bars)
    place.submit(side="sell", type="stop", stop_price=98)
    place.go_to(CLOSE)
    fill = place.venue.book(KEY).executions[-1]
    assert (fill.at, fill.price) == (pytest.approx(at, abs=0.002), Decimal(price))


def test_slippage_is_against_the_client_and_on_the_tick() -> None:
    knobs = EXACT.model_copy(update={"slippage_bps": 10.0})
    assert slipped(Decimal("100.01"), "buy", knobs) == Decimal("100.12")
    assert slipped(Decimal("98"), "sell", knobs) == Decimal("97.90")
    place = held({2: (100, 101, 97, 100, 9)}, knobs)
    place.submit(side="sell", type="stop", stop_price=98)
    place.go_to(CLOSE)
    assert str(place.venue.book(KEY).executions[-1].price) == "97.90"


def test_a_spread_is_paid_on_both_sides() -> None:
    place = held({}, EXACT.model_copy(update={"spread_bps": 20.0}))
    place.submit(side="sell")
    place.advance(5)
    bought, sold = (fill.price for fill in place.venue.book(KEY).executions)
    assert bought > 100 > sold
    assert bought - sold >= Decimal("0.10")


def test_a_tenth_of_orders_fills_in_two_parts_and_always_the_same_ones() -> None:
    knobs = VenueSettings(partial_fill_fraction=0.10)
    parts = [first_slice(Decimal(100), KEY, seq, knobs) for seq in range(2000)]
    assert parts == [first_slice(Decimal(100), KEY, seq, knobs) for seq in range(2000)]
    cut = [part for part in parts if part < 100]
    assert 140 < len(cut) < 260
    assert all(1 <= part <= 90 for part in cut)


def test_the_second_part_comes_later_at_the_quote() -> None:
    place = floor(settings=EXACT.model_copy(update={"partial_fill_fraction": 1.0}))
    order = place.submit(qty=100)
    place.advance(1)
    assert place.order(order).status == "partially_filled"
    place.advance(2)
    assert place.order(order).status == "filled"
    assert sum(fill.qty for fill in place.venue.book(KEY).executions) == 100


def test_participation_limits_what_a_bar_gives() -> None:
    place = floor(flat_bars(volume=400), EXACT.model_copy(update={"participation": 0.1}))
    place.submit(qty=100)
    place.go_to(CLOSE)
    fills = place.venue.book(KEY).executions
    assert [int(fill.qty) for fill in fills] == [40, 40, 20]
    assert all(fill.at >= bar(number) for number, fill in enumerate(fills))


def test_nothing_trades_in_a_halt() -> None:
    place = floor({**flat_bars(), 2: (100, 100, 90, 95, 9)}, halts={"AAA": ((OPEN + 30, bar(4)),)})
    market, resting = place.submit(), place.submit(type="limit", limit_price=92)
    place.go_to(CLOSE)
    book = place.venue.book(KEY)
    assert [fill.at for fill in book.executions] == [pytest.approx(bar(4) + 0.1, abs=0.01)]
    assert (place.order(market).status, place.order(resting).status) == ("filled", "expired")


def test_a_halt_declared_after_the_order_holds_it_up_all_the_same() -> None:
    place = held({2: (100, 101, 97, 100, 9)})
    stop = place.submit(side="sell", type="stop", stop_price=98)
    place.advance(1)
    place.venue.tape.halts["AAA"] = ((bar(1), bar(3)),)
    place.go_to(bar(4))
    assert place.order(stop).status == "new"


def test_a_delisted_name_never_trades_again() -> None:
    place = floor({**flat_bars(), 5: (100, 100, 80, 80, 9)}, delistings={"AAA": bar(3)})
    place.submit(type="limit", limit_price=90)
    place.go_to(CLOSE)
    assert place.venue.book(KEY).executions == []
    assert str(getattr(place.do("submit", symbol="AAA", qty=1, side="buy", type="market", time_in_force="day"),
                       "message", "")) == 'asset "AAA" is not tradable'  # fmt: skip


def test_a_name_without_a_bar_yet_trades_when_its_first_bar_comes() -> None:
    place = floor({10: FLAT, 11: FLAT}, previous=None)
    order = place.submit(type="limit", limit_price=101)
    place.go_to(bar(11))
    assert place.order(order).status == "filled"


def test_queued_orders_wait_for_routing_and_for_the_open() -> None:
    place = floor(now=OPEN - 7 * 3600)
    order = place.submit()
    place.advance(60)
    assert place.order(order).status == "accepted"
    place.go_to(OPEN - 5 * 3600)
    assert place.order(order).status == "new"
    place.go_to(OPEN + 1)
    assert place.venue.book(KEY).executions[0].at == pytest.approx(OPEN + 0.1)


def test_after_the_close_an_order_is_accepted_and_stays() -> None:
    place = floor(now=CLOSE + 10)
    order = place.submit()
    place.advance(3600)
    assert (place.order(order).status, place.order(order).expires_at) == ("accepted", None)


def test_a_day_order_expires_at_the_close_of_this_very_session() -> None:
    place = floor()
    order = place.submit(type="limit", limit_price=50)
    place.go_to(CLOSE)
    assert (place.order(order).status, place.order(order).expired_at) == ("expired", CLOSE)


def test_the_cap_of_a_buy_stop() -> None:
    assert (buy_stop_cap(Decimal(40)), buy_stop_cap(Decimal(102))) == (Decimal("41.60"), Decimal("104.55"))
