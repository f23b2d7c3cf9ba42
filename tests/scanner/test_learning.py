"""The curve learned from the real exchange, kept in the cache, used from the next day on."""

from datetime import date, timedelta

import httpx
import numpy as np
import pytest

from services.scanner.flow import desk, learning
from services.scanner.rules import curve
from shared.deps import Deps


async def after_the_close(exchange_url: str) -> None:
    async with httpx.AsyncClient() as control:
        await control.post(f"{exchange_url}/_sim/clock/advance", json={"seconds": 6 * 3600})


async def learned(deps: Deps, asked: set[date]) -> desk.Scanner:
    """A scanner that has read its universe and learned what there is."""
    scanner = desk.Scanner(deps)
    now = await deps.clock.now()
    await learning.learn(scanner, await desk.desk_for(scanner, now), now, asked)
    return scanner


async def test_in_the_session_there_is_nothing_to_learn_from_a_tape_of_one_day(deps: Deps) -> None:
    asked = set[date]()
    scanner = await learned(deps, asked)
    assert scanner.lessons == ()
    assert len(asked) == curve.SESSIONS_LEARNED
    assert await deps.cache.get(desk.LESSONS_KEY) is None


async def test_a_finished_session_teaches_the_days_after_it(deps: Deps, exchange_url: str) -> None:
    await after_the_close(exchange_url)
    asked = set[date]()
    scanner = await learned(deps, asked)
    (lesson,) = scanner.lessons
    now = await deps.clock.now()
    found = await desk.desk_for(scanner, now)
    assert lesson.day == now.date()
    assert set(lesson.symbols) <= found.listed
    taught = lesson.shares[np.isfinite(lesson.shares).all(axis=1)]
    assert len(taught) >= 1
    assert (np.diff(taught, axis=1) >= 0).all()
    assert taught[:, -1] == pytest.approx(np.ones(len(taught)))
    today = curve.curve_of(scanner.lessons, lesson.day, found.listed)
    tomorrow = curve.curve_of(scanner.lessons, lesson.day + timedelta(days=1), found.listed)
    assert (today == curve.MEASURED).all()
    assert not (tomorrow == curve.MEASURED).all()


async def test_a_restarted_scanner_remembers_and_asks_no_bars_again(deps: Deps, exchange_url: str) -> None:
    await after_the_close(exchange_url)
    first = await learned(deps, set())
    asked = set[date]()
    again = await learned(deps, asked)
    assert [lesson.day for lesson in again.lessons] == [lesson.day for lesson in first.lessons]
    assert np.array_equal(again.lessons[0].shares, first.lessons[0].shares, equal_nan=True)
    assert again.lessons[0].day not in asked
