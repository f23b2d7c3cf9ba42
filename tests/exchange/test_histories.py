"""Any history of commands keeps the books balanced and replays to the same accounts, bit for bit."""

import json
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.api.sim_book import audit
from services.exchange.rules.journal import decode, encode
from services.exchange.rules.knobs import VenueSettings
from services.exchange.rules.orders import FINAL, ZERO
from services.exchange.rules.tape import Tape
from services.exchange.rules.venue import Venue
from tests.exchange.venues import CLOSE, KEY, OHLCV, OPEN, STEP, Floor, tape_of

ROUGH = VenueSettings(spread_bps=8, slippage_bps=3, partial_fill_fraction=0.5, fee_charging="at_fill")

PRICES = st.integers(9000, 11000).map(lambda cents: cents / 100)
SUBMIT = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["AAA", "BBB"]),
        "qty": st.integers(1, 400),
        "side": st.sampled_from(["buy", "sell"]),
        "type": st.sampled_from(["market", "limit", "stop"]),
        "time_in_force": st.sampled_from(["day", "gtc", "ioc"]),
        "price": PRICES,
        "order_class": st.sampled_from(["", "", "bracket", "oto", "oco"]),
        "target": st.floats(0.2, 6),
        "stop": st.floats(0.2, 6),
    }
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), SUBMIT),
        st.tuples(st.just("wait"), st.sampled_from([0.01, 0.2, 2.0, 100.0, 900.0, 7200.0])),
        st.tuples(st.just("cancel"), st.integers(0, 60)),
        st.tuples(st.just("replace"), st.tuples(st.integers(0, 60), PRICES)),
        st.tuples(st.just("close"), st.sampled_from(["AAA", "BBB"])),
        st.tuples(st.just("close_all"), st.booleans()),
        st.tuples(st.just("cancel_all"), st.none()),
    ),
    max_size=40,
)
WALK = st.lists(st.integers(-250, 250), min_size=30, max_size=78)


def walked(steps: list[int], salt: int) -> dict[int, OHLCV]:
    """Five-minute bars around 100 that go where `steps` (cents) say."""
    bars: dict[int, OHLCV] = {}
    price = 100.0
    for number, change in enumerate(steps):
        close = max(50.0, price + change / 100)
        reach = (change * 7 + salt) % 60 / 100
        bars[number] = (price, max(price, close) + reach, min(price, close) - reach, close, 500)
        price = close
    return bars


def body_of(asked: dict[str, Any]) -> dict[str, Any]:
    up = 1 if (asked["side"] == "buy") != (asked["order_class"] == "oco") else -1
    body = {k: asked[k] for k in ("symbol", "qty", "side", "type", "time_in_force", "order_class")}
    body |= {"limit_price": asked["price"]} if asked["type"] == "limit" and asked["order_class"] != "oco" else {}
    body |= {"stop_price": asked["price"]} if asked["type"] == "stop" else {}
    if asked["order_class"]:
        body["stop_loss"] = {"stop_price": round(100 - up * asked["stop"], 2)}
    if asked["order_class"] in {"bracket", "oco"}:
        body["take_profit"] = {"limit_price": round(100 + up * asked["target"], 2)}
    return body


def carry_out(place: Floor, step: tuple[str, Any]) -> None:
    verb, what = step
    orders = list(place.venue.book(KEY).orders)
    if verb == "wait":
        place.advance(what)
    elif verb == "submit":
        place.do("submit", **body_of(what))
    elif verb == "cancel" and orders:
        place.do("cancel", order_id=orders[what % len(orders)])
    elif verb == "replace" and orders:
        order = place.venue.book(KEY).orders[orders[what[0] % len(orders)]]
        field = "stop_price" if order.stop_price is not None else "limit_price"
        place.do("replace", order_id=order.id, body={field: what[1]})
    elif verb == "close":
        place.do("close", symbol=what)
    elif verb == "close_all":
        place.do("close_all", cancel_orders=what)
    elif verb == "cancel_all":
        place.do("cancel_all")


def check_the_books(place: Floor) -> None:
    """No dollar and no share from nowhere; nobody sells what is promised to another order."""
    book = place.venue.book(KEY)
    assert book.ledger.imbalance() == 0
    for symbol in ("AAA", "BBB"):
        fills = [f for f in book.executions if f.symbol == symbol]
        assert book.ledger.qty(symbol) == sum((f.qty if f.side == "buy" else -f.qty for f in fills), ZERO)
        assert book.held_for_orders(symbol) <= abs(book.ledger.qty(symbol))
    for order in book.orders.values():
        mine = [f for f in book.executions if f.order_id == order.id]
        assert order.filled_qty == sum((f.qty for f in mine), ZERO)
        assert order.filled_value == sum((f.qty * f.price for f in mine), ZERO)
        assert order.status != "filled" or order.leaves == 0
        assert order.limit_price is None or all(
            f.price <= order.limit_price if order.side == "buy" else f.price >= order.limit_price for f in mine
        )
    for order in book.orders.values():
        legs = book.legs_of(order)
        if order.status in FINAL - {"filled"}:
            assert not any(leg.is_live for leg in legs)


def live_and_live_again(tape: Tape, steps: Iterable[tuple[str, Any]]) -> Floor:
    """Carry out the steps with the books checked after each, to past the close; then replay and compare."""
    place = Floor(Venue(tape, ROUGH), now=OPEN + 60)
    for step in steps:
        carry_out(place, step)
        check_the_books(place)
    end = max(place.now, CLOSE + STEP)
    place.go_to(end)
    check_the_books(place)
    again = Venue(tape, ROUGH)
    again.replay(decode([encode(command) for command in place.history]))
    again.process(end)
    assert json.dumps(audit(again.book(KEY), end)) == json.dumps(audit(place.venue.book(KEY), end))
    return place


@given(first=WALK, second=WALK, steps=STEPS)
def test_any_history_keeps_the_books_and_replays_to_the_same(
    first: list[int], second: list[int], steps: list[tuple[str, Any]]
) -> None:
    place = live_and_live_again(tape_of({"AAA": walked(first, 3), "BBB": walked(second, 11)}), steps)
    assert place.now >= CLOSE


def random_steps(draw: Random) -> Iterator[tuple[str, Any]]:
    """A first buy, then sixty steps of a restless client whose prices lie near the market."""
    yield "submit", {"symbol": "AAA", "qty": 100, "side": "buy", "type": "market", "time_in_force": "day",
                     "order_class": ""}  # fmt: skip
    yield "wait", 2.0
    for _ in range(60):
        kind = draw.choice(["submit"] * 4 + ["wait"] * 4 + ["cancel", "replace", "close", "close_all", "cancel_all"])
        yield kind, {
            "submit": {
                "symbol": draw.choice(["AAA", "BBB"]), "qty": draw.randint(1, 400),
                "side": draw.choice(["buy", "sell"]), "type": draw.choice(["market", "limit", "limit", "stop"]),
                "time_in_force": draw.choice(["day", "day", "gtc"]), "price": draw.randint(9700, 10300) / 100,
                "order_class": draw.choice(["", "", "bracket", "oto", "oco"]), "target": draw.uniform(0.2, 6),
                "stop": draw.uniform(0.2, 6),
            },
            "wait": draw.choice([0.01, 0.2, 2.0, 100.0, 900.0]), "cancel": draw.randint(0, 60),
            "replace": (draw.randint(0, 60), draw.randint(9700, 10300) / 100), "close": draw.choice(["AAA", "BBB"]),
            "close_all": draw.random() < 0.5, "cancel_all": None,
        }[kind]  # fmt: skip


@pytest.mark.parametrize("seed", range(30))
def test_long_histories_that_trade(seed: int) -> None:
    draw = Random(seed)
    walks = [[draw.randint(-60, 60) for _ in range(78)] for _ in range(2)]
    tape = tape_of({"AAA": walked(walks[0], 3), "BBB": walked(walks[1], 11)})
    place = live_and_live_again(tape, random_steps(draw))
    assert place.venue.book(KEY).executions
