"""Fees: dividing a day's among its executions, and reading what the broker has charged."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import structlog

from services.trading.flow.desk import Desk
from services.trading.rules.fees import Charge, borne, charges_of
from services.trading.store import fees as store
from shared.domain.session import at_market_time, trading_day
from shared.errors import CatalystError
from shared.journal import Connection

READ_EVERY, AGAIN = timedelta(hours=1), timedelta(minutes=1)
READ_SECONDS = 5.0
"""Wall time that the broker has for an answer; positions are not attended meanwhile."""
DAYS_BACK = timedelta(days=14)
"""So far back lines are read each time: they are listed days after their trades, and corrected later."""
ONE_DAY = timedelta(days=1)
log = structlog.get_logger()


async def divide(connection: Connection, at: datetime) -> None:
    """The fees of the day of an execution just booked, in its transaction."""
    await _divide(connection, trading_day(at), trading_day(at))


async def _divide(connection: Connection, day: date, today: date) -> None:
    """Every execution of a day bears its part; all of them are written anew, so that the parts come to the whole."""
    await store.take_turn(connection)
    since, until = at_market_time(day, time()), at_market_time(day + ONE_DAY, time())
    found = await store.bearers(connection, since, until)
    if found:
        await store.write_borne(connection, borne(day, found, await store.charged_for(connection, day), today))


async def look_at_fees(desk: Desk, now: datetime, *, at_once: bool = False) -> datetime:
    """Read the broker's fee lines when it is time (or `at_once`); returns when it is time again.

    Without an answer what is expected goes on counting, and it is asked again in a minute.
    """
    if not at_once and desk.fees_due is not None and now < desk.fees_due:
        return desk.fees_due
    desk.fees_due = now + READ_EVERY
    try:
        async with asyncio.timeout(READ_SECONDS):
            newest = await store.newest_line(desk.deps.pool)
            since = now - DAYS_BACK if newest is None else min(now - DAYS_BACK, newest - ONE_DAY)
            charges = charges_of(await desk.broker.cash_flows(since))
    except (CatalystError, TimeoutError) as error:
        log.warning("fees_unknown", error=error.detail if isinstance(error, CatalystError) else "no answer")
        desk.fees_due = now + AGAIN
        return desk.fees_due
    await _book(desk, charges, now)
    return desk.fees_due


async def _book(desk: Desk, charges: Sequence[Charge], now: datetime) -> None:
    """The lines and their division in one transaction; days of which a fee is still expected are divided again, for
    what is expected lapses.
    """
    async with desk.deps.pool.acquire() as connection, connection.transaction():
        await store.take_turn(connection)
        changed = [await store.write_charge(connection, charge, now) for charge in charges]
        days = {day for day in changed if day is not None}
        days |= {trading_day(at) for at in await store.still_accrued(connection)}
        for day in sorted(days):
            await _divide(connection, day, trading_day(now))
