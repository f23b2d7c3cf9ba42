"""The curve learned from the real exchange, kept in the cache, used from the next day on."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import httpx
import numpy as np
import pytest

from services.scanner.flow import desk, learning, scanning, views
from services.scanner.rules import curve
from shared.adapters.alpaca_data import AlpacaData
from shared.deps import Deps
from shared.domain.cycle import ScanRequest
from shared.runtime.loops import Loop, end_tasks, run_loop
from tests.scanner.conftest import MakeScan


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
    assert curve.usable(scanner.lessons, lesson.day, found.listed) == ()
    tomorrow = curve.usable(scanner.lessons, lesson.day + timedelta(days=1), found.listed)
    assert tomorrow == (lesson,)
    assert not (curve.curve_of(tomorrow) == curve.MEASURED).all()


async def test_a_restarted_scanner_remembers_and_asks_no_bars_again(deps: Deps, exchange_url: str) -> None:
    await after_the_close(exchange_url)
    first = await learned(deps, set())
    asked = set[date]()
    again = await learned(deps, asked)
    assert [lesson.day for lesson in again.lessons] == [lesson.day for lesson in first.lessons]
    assert np.array_equal(again.lessons[0].shares, first.lessons[0].shares, equal_nan=True)
    assert again.lessons[0].day not in asked


async def test_a_scan_keeps_the_curve_that_it_was_made_with(deps: Deps, make_scan: MakeScan) -> None:
    """Two scans of one moment, before and after a lesson was learned: each says which curve was its own."""
    scanner, now = desk.Scanner(deps), await deps.clock.now()
    found, before = await desk.desk_for(scanner, now), now.date() - timedelta(days=3)
    lesson = curve.Lesson(before, found.symbols, np.sqrt(curve.MEASURED))
    symbol, rvols = "", list[float]()
    for number, lessons in enumerate(((), (lesson,)), 1):
        scanner.lessons = lessons
        await make_scan("C", number)
        request = ScanRequest(cycle_id="C", scan=number, as_of=now, limit=200)
        await scanning.scan(scanner, request)
        stored = await views.results(desk.Scanner(deps), "C", number, 200, None)
        basis, rows = stored.basis, {row.symbol: row for row in stored.candidates}
        assert basis is not None
        assert basis.lessons == tuple(one.day for one in lessons)
        symbol = symbol or next(iter(rows))
        row = rows[symbol]
        bands = curve.bands_of(found.baseline.average_dollar_volume)
        due = basis.expected[bands[found.symbols.index(symbol)]]
        assert row.rvol == pytest.approx(row.volume / basis.feed_share / (row.average_volume * due))
        rvols.append(row.rvol)
    assert rvols[0] > rvols[1], "the lesson had expected more by then"


async def test_a_scan_from_before_the_basis_was_kept_is_still_shown(deps: Deps, make_scan: MakeScan) -> None:
    await make_scan("C", 1)
    scanner, now = desk.Scanner(deps), await deps.clock.now()
    request = ScanRequest(cycle_id="C", scan=1, as_of=now, limit=5)
    found = await scanning.scan(scanner, request)
    await deps.pool.execute("UPDATE scan_coverage SET basis = NULL")
    assert await scanning.scan(scanner, request) == found
    assert (await views.results(scanner, "C", 1, 5, None)).basis is None
    assert (await views.explain(scanner, found.candidates[0].symbol, "C", 1)).rank == 1


@pytest.mark.parametrize("is_lost", [False, True])
async def test_it_has_looked_back_once_it_has_tried_whatever_came_of_it(
    deps: Deps, free_port: int, is_lost: bool
) -> None:
    """Until then the service is not ready: whether a day's first scan knew the lessons would be a matter of luck."""
    settings = deps.settings.model_copy(update={"alpaca_base_url": f"http://127.0.0.1:{free_port}"})
    market = AlpacaData(settings) if is_lost else deps.market
    scanner = desk.Scanner(replace(deps, market=market))
    keep = partial(learning.keep_learning, scanner)
    work = asyncio.create_task(run_loop(Loop("scanner", "volume-curve", keep, 1.0, 1.0)))
    await asyncio.sleep(learning.FIRST_LOOK_SECONDS * 3)
    assert not scanner.looked_back.is_set(), "there is no universe to learn of yet"
    scanner.desk = await desk.refreshed(deps, await deps.clock.now())
    async with asyncio.timeout(60):
        await scanner.looked_back.wait()
    assert scanner.lessons == ()
    await end_tasks(work)
