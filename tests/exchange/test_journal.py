"""The journal: what was accepted survives a kill, and living through it again gives the same accounts to the bit."""

import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.child import free_ports
from services.exchange import store
from services.exchange.api.desk import Desk
from services.exchange.api.sim_book import audit
from services.exchange.rules.journal import Command, JournalError, decode, encode
from services.exchange.rules.knobs import VenueSettings
from services.exchange.rules.ledger import books_at
from services.exchange.rules.orders import FINAL, ZERO
from services.exchange.rules.venue import Venue
from shared.errors import ConfigError
from tests.exchange.serving import desk_on
from tests.exchange.venues import CLOSE, KEY, OHLCV, OPEN, STEP, Floor, tape_of

ROUGH = VenueSettings(spread_bps=8, slippage_bps=3, partial_fill_fraction=0.5, fee_per_share=Decimal("0.0017"))
BRACKET: dict[str, Any] = {
    "symbol": "AAA", "qty": 10, "side": "buy", "type": "market", "time_in_force": "day", "order_class": "bracket",
    "take_profit": {"limit_price": 106}, "stop_loss": {"stop_price": 98}, "client_order_id": "cat-1",
}  # fmt: skip


def test_a_line_gives_back_its_command() -> None:
    command = Command(OPEN + 0.1 + 0.2, KEY, "submit", {"qty": 10, "limit_price": 99.5})
    assert list(decode([encode(command)])) == [command]


def test_a_torn_last_line_is_left_out_and_a_broken_one_inside_is_an_error() -> None:
    lines = [encode(Command(OPEN, KEY, "cancel_all")), '{"at":17815']
    assert len(list(decode(lines))) == 1
    with pytest.raises(JournalError, match="line 1"):
        list(decode(["{}\n", lines[0]]))


def run_a_while(desk: Desk) -> None:
    desk.ask(KEY, "submit", BRACKET)
    move(desk, 300.5)
    desk.ask(KEY, "submit", {**BRACKET, "symbol": "BBB", "client_order_id": "cat-2",
                             "take_profit": {"limit_price": 53}, "stop_loss": {"stop_price": 49}})  # fmt: skip
    move(desk, 1.25)
    stop = next(o for o in desk.book(KEY).orders.values() if o.role == "stop_loss" and o.symbol == "BBB")
    desk.ask(KEY, "replace", {"order_id": stop.id, "body": {"stop_price": 49.5}})
    desk.ask("", "settings", {"slippage_bps": 2})


def move(desk: Desk, seconds: float) -> None:
    clock = desk.world.clock
    target = clock.now + seconds
    while (when := desk.venue.next_event(clock.now, target)) is not None:
        desk.venue.process(when)
        clock.state = store_now(desk, when)
    clock.state = store_now(desk, target)


def store_now(desk: Desk, at: float) -> Any:
    from services.exchange.rules.clock import moved

    return moved(desk.world.clock.state, at)


def test_reopening_gives_the_same_accounts_with_a_torn_line_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "exchange.jsonl"
    first = desk_on(journal=path)
    run_a_while(first)
    with path.open("a") as file:
        file.write('{"at":1781530')
    again = desk_on(journal=path)
    assert again.now == first.now
    assert audit(again.book(KEY), again.now) == audit(first.book(KEY), first.now)
    assert again.venue.settings == first.venue.settings
    run_on = [desk.ask(KEY, "submit", {**BRACKET, "order_class": "", "take_profit": None, "stop_loss": None,
                                       "symbol": "BBB", "side": "buy", "type": "limit", "limit_price": 40,
                                       "client_order_id": None}) for desk in (first, again)]  # fmt: skip
    assert run_on[0] == run_on[1]
    assert len(store.open_journal(path, again.world.tape)) == 6


def test_refusals_are_not_in_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "exchange.jsonl"
    desk = desk_on(journal=path)
    desk.ask(KEY, "submit", {**BRACKET, "qty": -1})
    assert len(path.read_text().splitlines()) == 1


def test_a_journal_of_another_day_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "exchange.jsonl"
    path.write_text('{"tape":"other","day":"2020-01-02"}\n')
    desk = desk_on(journal=path)
    assert desk.venue.books == {}
    assert path.with_name("exchange.jsonl.old").is_file()


def test_a_journal_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "exchange.jsonl"
    run_a_while(desk_on(journal=path))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], "garbage\n", *lines[1:]]))
    with pytest.raises(ConfigError, match="line 1"):
        desk_on(journal=path)


def started(journal: Path) -> tuple[subprocess.Popen[bytes], str]:
    (port,) = free_ports(1)
    process = subprocess.Popen([sys.executable, "-m", "tests.exchange.serving", str(journal), str(port)])
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/_sim/clock")
            return process, url
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError("the exchange did not start")


def test_a_killed_exchange_comes_back_as_it_was(tmp_path: Path) -> None:
    journal = tmp_path / "exchange.jsonl"
    keys = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": "s"}
    process, url = started(journal)
    try:
        httpx.post(f"{url}/v2/orders", json=BRACKET, headers=keys).raise_for_status()
        httpx.post(f"{url}/_sim/clock/advance", json={"seconds": 5})
        httpx.delete(f"{url}/v2/orders", headers=keys)
        before = httpx.get(f"{url}/_sim/accounts/{KEY}").json()
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    process, url = started(journal)
    try:
        assert httpx.get(f"{url}/_sim/accounts/{KEY}").json() == before
    finally:
        process.terminate()
        process.wait(10)


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


@settings(max_examples=120, deadline=None)
@given(first=WALK, second=WALK, steps=STEPS)
def test_any_history_keeps_the_books_and_replays_to_the_same(
    first: list[int], second: list[int], steps: list[tuple[str, Any]]
) -> None:
    tape = tape_of({"AAA": walked(first, 3), "BBB": walked(second, 11)})
    place = Floor(Venue(tape, ROUGH), now=OPEN + 60)
    for step in steps:
        carry_out(place, step)
        check_the_books(place)
    half, end = place.now, max(place.now, CLOSE + STEP)
    place.go_to(end)
    check_the_books(place)
    again = Venue(tape, ROUGH)
    history = list(decode([encode(command) for command in place.history]))
    again.replay(history)
    again.process(half)
    again.process(end)
    assert json.dumps(audit(again.book(KEY), end)) == json.dumps(audit(place.venue.book(KEY), end))
    book = place.venue.book(KEY)
    assert books_at(book.ledger.start, book.executions, end).positions == book.ledger.positions
