"""A wait on the clock that can be cut short: what wakes it, and what of the clock's is left when it returns."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import Unavailable
from shared.runtime.clock_wait import wait_until

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


class Lockstep:
    """A clock that stands until a test lets its sleepers go on; it knows who is asleep, as the exchange's does."""

    def __init__(self) -> None:
        self.asked: list[tuple[datetime, bool]] = []
        self.asleep, self.go_on = 0, asyncio.Event()
        self.trouble: Exception | None = None

    async def now(self) -> datetime:
        return NOON

    async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
        self.asked.append((when, or_trade_update))
        self.asleep += 1
        try:
            await self.go_on.wait()
        finally:
            self.asleep -= 1
        if self.trouble is not None:
            raise self.trouble
        return when


async def until_asleep(clock: Lockstep) -> None:
    async with asyncio.timeout(5):
        while not clock.asleep:  # noqa: ASYNC110 - the clock's own count
            await asyncio.sleep(0)


@pytest.mark.parametrize("or_trade_update", [False, True])
async def test_it_lasts_until_the_clock_says_so(or_trade_update: bool) -> None:
    clock, wake = Lockstep(), asyncio.Event()
    waiting = asyncio.create_task(wait_until(clock, LATER, wake, or_trade_update=or_trade_update))
    await until_asleep(clock)
    clock.go_on.set()
    assert await waiting is False
    assert clock.asked == [(LATER, or_trade_update)]


async def test_what_was_said_before_is_dealt_with_before_time_can_pass() -> None:
    clock, wake = Lockstep(), asyncio.Event()
    wake.set()
    assert await wait_until(clock, LATER, wake) is True
    assert clock.asked == [], "asking the clock lets time pass in lockstep"
    assert not wake.is_set()


async def test_a_waker_cuts_it_short_and_nothing_sleeps_on() -> None:
    clock, wake = Lockstep(), asyncio.Event()
    waiting = asyncio.create_task(wait_until(clock, LATER, wake))
    await until_asleep(clock)
    wake.set()
    assert await waiting is True
    assert clock.asleep == 0
    assert not wake.is_set()
    assert len(asyncio.all_tasks()) == 1


async def test_work_on_waking_may_let_it_sleep_on() -> None:
    clock, wake, looked = Lockstep(), asyncio.Event(), list[int]()

    async def look() -> bool:
        looked.append(clock.asleep)
        return len(looked) == 3

    wake.set()
    waiting = asyncio.create_task(wait_until(clock, LATER, wake, on_wake=look))
    await until_asleep(clock)
    assert looked == [0]
    wake.set()
    async with asyncio.timeout(5):
        while len(looked) < 2:  # noqa: ASYNC110 - the look's own count
            await asyncio.sleep(0)
    assert clock.asleep == 1, "the clock is waited for while the work is done"
    wake.set()
    assert await waiting is True
    assert looked == [0, 1, 1]
    assert len(clock.asked) == 1


async def test_an_error_of_the_clock_or_of_the_work_is_raised() -> None:
    clock, wake = Lockstep(), asyncio.Event()
    clock.trouble = Unavailable("no clock")
    clock.go_on.set()
    with pytest.raises(Unavailable, match="no clock"):
        await wait_until(clock, LATER, wake)

    async def fail() -> bool:
        raise ValueError("the work")

    clock.go_on.clear()
    waiting = asyncio.create_task(wait_until(clock, LATER, wake, on_wake=fail))
    await until_asleep(clock)
    wake.set()
    with pytest.raises(ValueError, match="the work"):
        await waiting
    assert clock.asleep == 0


async def test_a_cancelled_wait_leaves_no_sleeper() -> None:
    clock, wake = Lockstep(), asyncio.Event()
    waiting = asyncio.create_task(wait_until(clock, LATER, wake))
    await until_asleep(clock)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert clock.asleep == 0
    assert len(asyncio.all_tasks()) == 1
