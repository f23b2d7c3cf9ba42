"""Clocks: what two of them say of each other, and a sleep across a clock that is set."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.system_clock import SystemClock
from shared.domain.clock import agree, read_clock, stands_still

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@pytest.mark.parametrize(("apart", "took", "in_step", "correction"), [
    (0.0, 0.2, True, 0.0),
    (2.0, 0.2, True, 2.0),
    (-5.0, 0.0, True, -5.0),
    (5.2, 0.6, True, 5.2),
    (5.2, 0.2, False, 5.2),
    (720.0, 1.0, False, 720.0),
    (-660.0, 1.0, False, -660.0),
    (3.0, 8.0, True, 0.0),
])  # fmt: skip
def test_how_far_apart_two_clocks_are(apart: float, took: float, in_step: bool, correction: float) -> None:
    reading = read_clock(NOON, NOON + seconds(took / 2 + apart), NOON + seconds(took))
    assert reading.offset_seconds == pytest.approx(apart)
    assert reading.uncertainty_seconds == pytest.approx(took / 2)
    assert reading.in_step == in_step
    assert reading.correction.total_seconds() == pytest.approx(correction)


def test_readings_agree_within_what_they_know() -> None:
    one, other = (read_clock(NOON, NOON + seconds(apart), NOON + seconds(1)) for apart in (700, 702.9))
    assert agree(one, other)
    assert not agree(one, read_clock(NOON, NOON + seconds(704), NOON + seconds(1)))


def test_a_time_told_again_much_later_is_an_old_answer() -> None:
    first = read_clock(NOON, NOON, NOON)
    assert stands_still(first, read_clock(NOON + seconds(30), NOON, NOON + seconds(30)))
    assert not stands_still(first, read_clock(NOON + seconds(30), NOON + seconds(25), NOON + seconds(30)))
    assert not stands_still(first, read_clock(NOON, NOON, NOON))


class Machine:
    """A machine whose time a test sets; each look at its steady clock takes a second of it."""

    def __init__(self) -> None:
        self.passed, self.stepped = 0.0, 0.0

    def wall(self) -> datetime:
        return NOON + seconds(self.passed + self.stepped)

    def steady(self) -> float:
        self.passed += 1.0
        return self.passed


@pytest.mark.parametrize("step", [-720.0, 600.0])
async def test_a_sleep_for_news_ends_when_the_clock_is_set(step: float) -> None:
    machine = Machine()
    clock = SystemClock(machine.wall, machine.steady)
    sleeping = asyncio.create_task(clock.sleep_until(NOON + seconds(3600), or_trade_update=True))
    await asyncio.sleep(0)
    machine.stepped = step
    async with asyncio.timeout(20):
        woken = await sleeping
    assert woken < NOON + seconds(3600)


async def test_a_plain_sleep_ends_at_its_time() -> None:
    clock = SystemClock()
    until = await clock.now() + seconds(0.05)
    assert await clock.sleep_until(until) >= until
