"""The volume curve of the last sessions, learned beside the scans and remembered."""

import asyncio
from datetime import date, datetime

import structlog

from services.scanner.flow.desk import LESSONS_KEY, Desk, Scanner
from services.scanner.rules import curve
from shared.domain.session import trading_day
from shared.runtime.calendar import sessions_around

LESSONS_TTL_SECONDS = 30 * 86_400.0
LOOK_EVERY_SECONDS, FIRST_LOOK_SECONDS = 300.0, 0.1
log = structlog.get_logger()


async def keep_learning(scanner: Scanner) -> None:
    """Learn what there is to learn, then rest.

    `looked_back` is set after the first try, whatever came of it: who waits for it starts every day alike.
    """
    if (desk := scanner.desk) is None:
        await asyncio.sleep(FIRST_LOOK_SECONDS)
        return
    try:
        await learn(scanner, desk, await scanner.deps.clock.now(), scanner.days_asked)
    finally:
        scanner.looked_back.set()
    await asyncio.sleep(LOOK_EVERY_SECONDS)


async def learn(scanner: Scanner, desk: Desk, now: datetime, asked: set[date]) -> None:
    """Add the lessons of finished sessions to those remembered; a session in `asked` is not asked for again."""
    deps = scanner.deps
    today = trading_day(now)
    sessions = await sessions_around(deps.market, now)
    wanted = [one for one in curve.to_learn(sessions, scanner.lessons, now) if one.day not in asked]
    if not wanted:
        return
    least = deps.config.current().trading.scanner.min_average_dollar_volume
    sample = curve.sample_of(desk.symbols, desk.baseline.average_dollar_volume, least)
    table = await deps.market.bars(tuple(sample), "5Min", wanted[0].open, wanted[-1].close)
    asked.update(one.day for one in wanted)
    fresh = [curve.lesson_of(table, sample, one, await _volumes(scanner, desk, one.day, today)) for one in wanted]
    lessons = (*scanner.lessons, *(one for one in fresh if one is not None))
    if len(lessons) > len(scanner.lessons):
        scanner.lessons = lessons
        await deps.cache.set(LESSONS_KEY, curve.packed(lessons), LESSONS_TTL_SECONDS)
    log.info("volume_curve_learned", sessions=len(wanted), lessons=len(lessons))


async def _volumes(scanner: Scanner, desk: Desk, day: date, today: date) -> dict[str, float]:
    """Each name's volume of a whole day: from the daily bars, which do not hold today yet, or from the snapshots."""
    column = desk.volumes.get(day)
    if column is None and day == today:
        column = (await scanner.deps.market.snapshots(desk.symbols)).day_volume
    return {} if column is None else dict(zip(desk.symbols, column.tolist(), strict=True))
