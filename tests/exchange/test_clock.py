"""The clock: its rules, the loop that moves it, and the control plane over HTTP."""

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.exchange.flow import Awaited, Conductor
from services.exchange.rules import clock as rule
from services.exchange.rules.clock import ClockState, Waiter
from shared.errors import NotNow
from shared.runtime.loops import run_loop
from tests.exchange.conftest import Served

LOCKSTEP = ClockState(now=0.0, mode="lockstep", speed=0.0)


def waiting(state: ClockState, *waiters: tuple[str, float, bool]) -> ClockState:
    for ticket, (name, until, updates) in enumerate(waiters):
        state, _ = rule.entered(state, Waiter(ticket, name, until, updates))
    return state


def names(state: ClockState) -> list[tuple[str, str]]:
    return [(turn.waiter.participant, turn.cause) for turn in rule.due(state)]


class Diary:
    """An agenda with events at given times; those in `loud` emit a trade update."""

    def __init__(self, events: list[float], loud: tuple[float, ...] = ()) -> None:
        self.events, self.loud, self.done = events, loud, list[float]()

    def next_event(self, after: float, until: float) -> float | None:
        return next((at for at in self.events if after < at <= until), None)

    def process(self, at: float) -> bool:
        self.done.append(at)
        return at in self.loud


async def ask(clock: Conductor, name: str, until: float, updates: bool = False) -> Awaited:
    return await clock.wait(name, until, updates, 5.0)


def test_lockstep_stands_still_until_everyone_waits() -> None:
    state = waiting(LOCKSTEP, ("trading", 10, True), ("workflow", 5, False))
    assert rule.horizon(state) is None
    state = waiting(state, ("risk-manager", 7, False))
    assert rule.horizon(replace(state, waiters=(*state.waiters[:1], Waiter(9, "workflow", 5, False)))) is None
    everyone = waiting(LOCKSTEP, ("trading", 10, True), ("workflow", 5, False), ("risk-manager", 7, False))
    assert rule.horizon(everyone) == 5


def test_exactly_one_is_woken_smallest_until_first_then_the_order_of_the_list() -> None:
    state = waiting(LOCKSTEP, ("workflow", 5, False), ("risk-manager", 5, False), ("trading", 6, True))
    assert names(rule.moved(state, 4.9)) == []
    assert names(rule.moved(state, 5)) == [("risk-manager", "time")]
    assert names(rule.moved(state, 6)) == [("risk-manager", "time")]
    assert rule.horizon(rule.woken(state, state.waiters[1])) is None


def test_a_trade_update_comes_before_time_and_is_told_once() -> None:
    state = waiting(LOCKSTEP, ("workflow", 0, False), ("risk-manager", 5, True), ("trading", 6, True))
    state = rule.updated(state)
    assert names(state) == [("trading", "trade_update")]
    state = rule.woken(state, state.waiters[2])
    assert names(state) == []
    state, _ = rule.entered(state, Waiter(9, "trading", 6, True))
    assert names(state) == [("risk-manager", "trade_update")]


def test_an_update_while_busy_is_told_at_the_next_wait() -> None:
    state = waiting(LOCKSTEP, ("trading", 6, True), ("workflow", 9, False), ("risk-manager", 9, False))
    state = rule.woken(state, state.waiters[0])
    state = rule.updated(state)
    state, _ = rule.entered(state, Waiter(7, "trading", 6, True))
    assert names(state) == [("trading", "trade_update")]


def test_a_second_call_replaces_the_first_and_outsiders_hold_nobody_up() -> None:
    state = waiting(LOCKSTEP, ("trading", 6, True))
    state, replaced = rule.entered(state, Waiter(8, "trading", 4, True))
    assert [w.ticket for w in replaced] == [0]
    state, _ = rule.entered(state, Waiter(9, "observer", 0, False))
    assert names(state) == [("observer", "time")]


async def driven(clock: Conductor, story: Callable[[], Any]) -> Any:
    driver = asyncio.create_task(run_loop(clock.loop()))
    try:
        return await asyncio.wait_for(story(), 10)
    finally:
        driver.cancel()


async def test_lockstep_visits_every_moment_in_order_and_stops_for_updates() -> None:
    diary = Diary([1.0, 2.0, 3.0, 12.0, 25.0], loud=(3.0, 12.0))
    clock = Conductor(LOCKSTEP, diary)
    seen: list[tuple[str, float, str]] = []
    finished = asyncio.Event()

    async def live(name: str, step: float, updates: bool) -> None:
        until = step
        while until <= 30:
            awaited = await ask(clock, name, until, updates)
            assert awaited.reached == (awaited.now >= until)
            seen.append((name, awaited.now, awaited.reason))
            if len(seen) == 10:
                finished.set()
            await asyncio.sleep(0.002)
            until = until + step if awaited.reached else until
        await ask(clock, name, 1000, False)

    async def story() -> None:
        lives = [live("trading", 15, True), live("risk-manager", 10, False), live("workflow", 10, False)]
        tasks = [asyncio.create_task(one) for one in lives]
        await finished.wait()
        for task in tasks:
            task.cancel()

    await driven(clock, story)
    assert seen == [
        ("trading", 3.0, "trade_update"),
        ("risk-manager", 10.0, "time"),
        ("workflow", 10.0, "time"),
        ("trading", 12.0, "trade_update"),
        ("trading", 15.0, "time"),
        ("risk-manager", 20.0, "time"),
        ("workflow", 20.0, "time"),
        ("trading", 30.0, "time"),
        ("risk-manager", 30.0, "time"),
        ("workflow", 30.0, "time"),
    ]
    assert diary.done[:5] == [1.0, 2.0, 3.0, 12.0, 25.0]


async def test_a_busy_or_vanished_participant_stops_the_clock() -> None:
    clock = Conductor(LOCKSTEP, Diary([]))

    async def story() -> None:
        others = [asyncio.create_task(ask(clock, name, 50)) for name in ("trading", "risk-manager")]
        await asyncio.sleep(0.05)
        assert clock.now == 0
        third = asyncio.create_task(ask(clock, "workflow", 5))
        assert (await third).now == 5
        await asyncio.sleep(0.05)
        assert clock.now == 5
        await ask(clock, "workflow", 20)
        assert clock.now == 20
        for task in others:
            task.cancel()

    await driven(clock, story)


async def test_a_command_s_update_wakes_its_listener_before_time_goes_on() -> None:
    clock = Conductor(LOCKSTEP, Diary([]))

    async def story() -> Awaited:
        others = [asyncio.create_task(ask(clock, name, 50)) for name in ("risk-manager",)]
        listener = asyncio.create_task(ask(clock, "trading", 50, updates=True))
        await asyncio.sleep(0.01)
        clock.note_trade_update()
        await asyncio.sleep(0.03)
        assert not listener.done()
        last = asyncio.create_task(ask(clock, "workflow", 40))
        awaited = await listener
        last.cancel()
        others[0].cancel()
        return awaited

    assert await driven(clock, story) == Awaited(0.0, False, "trade_update")


async def test_speed_caps_the_pace_of_lockstep_and_of_running() -> None:
    clock = Conductor(replace(LOCKSTEP, speed=100.0, participants=("trading",)))

    async def story() -> float:
        begun = time.perf_counter()
        await ask(clock, "trading", 30)
        await clock.configure("run", 200.0, None, None)
        await ask(clock, "trading", 90)
        return time.perf_counter() - begun

    assert await driven(clock, story) > 0.55
    assert clock.now >= 90


async def test_running_and_stepping_process_every_event_on_the_way() -> None:
    diary = Diary([0.5, 7.0, 8.0, 100.0], loud=(7.0,))
    clock = Conductor(ClockState(now=0.0), diary)
    told = asyncio.create_task(ask(clock, "anyone", 50, updates=True))
    await asyncio.sleep(0)
    await clock.advance_to(20)
    assert await told == Awaited(7.0, False, "trade_update")
    assert (clock.now, diary.done) == (20, [0.5, 7.0, 8.0])
    with pytest.raises(NotNow, match="does not go back"):
        await clock.advance_to(19)
    assert (await clock.wait("anyone", 99, False, 0.02)).reason == "timeout"


async def test_a_failing_event_does_not_stop_time() -> None:
    class Broken(Diary):
        def process(self, at: float) -> bool:
            raise RuntimeError("a broken event")

    clock = Conductor(replace(LOCKSTEP, participants=("trading",)), Broken([1.0]))

    async def story() -> Awaited:
        return await ask(clock, "trading", 3)

    assert (await driven(clock, story)).now == 3


def iso(exchange: Served, seconds: float) -> str:
    return datetime.fromtimestamp(exchange.world.tape.session.open + seconds, UTC).isoformat()


def test_over_http_the_clock_is_read_set_and_stepped(exchange: Served) -> None:
    with httpx.Client(base_url=exchange.url) as http:
        assert http.get("/_sim/clock").json()["mode"] == "frozen"
        assert (
            http.post("/_sim/clock/advance", json={"seconds": 61.5}).json()["now"].startswith("2026-06-15T13:31:01.5")
        )
        assert (
            http.post("/_sim/clock/advance", json={"until": iso(exchange, 120)}).json()["now"] == "2026-06-15T13:32:00Z"
        )
        back = http.post("/_sim/clock/advance", json={"until": iso(exchange, 0)})
        assert (back.status_code, "does not go back" in back.text) == (409, True)
        assert http.post("/_sim/clock/advance", json={}).status_code == 422
        assert http.post("/_sim/clock", json={"mode": "sideways"}).status_code == 422
        ran = http.post("/_sim/clock", json={"mode": "run", "speed": 1000, "now": iso(exchange, 600)}).json()
        assert (ran["mode"], ran["speed"]) == ("run", 1000)
        assert http.post("/_sim/clock/advance", json={"seconds": 1}).status_code == 409
        awaited = http.post("/_sim/clock/await", json={"participant": "x", "until": iso(exchange, 700)}).json()
        assert (awaited["reached"], awaited["reason"]) == (True, "time")
        assert http.post("/_sim/clock", json={"mode": "frozen"}).json()["now"] >= awaited["now"]
        late = {"participant": "x", "until": iso(exchange, 9e4), "timeout_seconds": 0.05}
        assert http.post("/_sim/clock/await", json=late).json()["reason"] == "timeout"


def test_over_http_a_participant_that_hangs_up_is_busy_at_once(exchange: Served) -> None:
    order = {"mode": "lockstep", "speed": 0, "participants": ["trading", "workflow"]}
    with httpx.Client(base_url=exchange.url) as http:
        http.post("/_sim/clock", json=order)
        body = f'{{"participant":"trading","until":"{iso(exchange, 500)}"}}'
        head = "POST /_sim/clock/await HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}"
        host, port = exchange.url.removeprefix("http://").split(":")
        line = socket.create_connection((host, int(port)))
        line.sendall(f"{head}\r\n\r\n{body}".encode())
        wait_for(lambda: http.get("/_sim/clock").json()["waiting"] == ["trading"])
        line.close()
        wait_for(lambda: http.get("/_sim/clock").json()["waiting"] == [])
        late = {"participant": "workflow", "until": iso(exchange, 60), "timeout_seconds": 0.1}
        stuck = http.post("/_sim/clock/await", json=late).json()
        assert (stuck["reason"], stuck["now"]) == ("timeout", "2026-06-15T13:30:00Z")


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + 60
    while not condition():
        assert time.perf_counter() < deadline, "it did not happen in a minute"


def test_a_killed_exchange_resumes_where_its_clock_stood(serve: Callable[..., Served], tmp_path: Path) -> None:
    place = tmp_path / "journal.clock"
    first = serve(place=place)
    with httpx.Client(base_url=first.url) as http:
        http.post("/_sim/clock", json={"mode": "lockstep", "speed": 0, "participants": ["trading"]})
        awaited = http.post("/_sim/clock/await", json={"participant": "trading", "until": iso(first, 777)}).json()
    second = serve(place=place)
    with httpx.Client(base_url=second.url) as http:
        reading = http.get("/_sim/clock").json()
    assert reading["now"] == awaited["now"] == "2026-06-15T13:42:57Z"
    assert (reading["mode"], reading["speed"], reading["participants"]) == ("lockstep", 0, ["trading"])


def test_a_stepped_exchange_resumes_too_and_another_day_starts_afresh(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    place = tmp_path / "journal.clock"
    httpx.post(f"{serve(place=place).url}/_sim/clock/advance", json={"seconds": 42}).raise_for_status()
    assert httpx.get(f"{serve(place=place).url}/_sim/clock").json()["now"] == "2026-06-15T13:30:42Z"
    place.write_text(place.read_text().replace('"day":"2026-06-15"', '"day":"2026-06-16"'))
    assert httpx.get(f"{serve(place=place).url}/_sim/clock").json()["now"] == "2026-06-15T13:30:00Z"
