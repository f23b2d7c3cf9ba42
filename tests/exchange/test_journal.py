"""The journal: what was accepted survives a kill, and living through it again gives the same accounts to the bit."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.child import free_ports
from services.exchange import store
from services.exchange.api.desk import Desk
from services.exchange.api.sim_book import audit
from services.exchange.rules.clock import moved
from services.exchange.rules.journal import Command, JournalError, decode, encode
from services.exchange.rules.venue import TICK
from shared.errors import ConfigError
from tests.exchange.serving import desk_on
from tests.exchange.venues import KEY, OPEN

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
        clock.state = moved(clock.state, when)
    clock.state = moved(clock.state, target)


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
    given = [command for command in store.open_journal(path, again.world.tape) if command.verb != TICK]
    assert [command.verb for command in given] == ["submit", "submit", "replace", "settings", "submit", "submit"]


def test_what_was_told_is_not_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "exchange.jsonl"
    first = desk_on(journal=path)
    first.ask(KEY, "submit", BRACKET)
    told: list[str] = []
    first.venue.listen(KEY, lambda update: told.append(update.event))
    move(first, 2.0)
    again = desk_on(journal=path)
    assert [update.event for update in again.book(KEY).updates] == told == ["pending_new", "new", "fill", "new"]
    assert first.now - 2.0 < again.now <= first.now


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
    deadline = time.monotonic() + 60
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
