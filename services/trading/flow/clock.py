"""Our clock is compared with the broker's, and corrected by what comes out."""

import asyncio
from datetime import datetime, timedelta

import structlog
from prometheus_client import Gauge

from services.trading import store
from services.trading.flow.desk import SERVICE, Desk, alert_once
from shared.domain.clock import CURE, ClockReading, agree, read_clock, stands_still
from shared.errors import CatalystError
from shared.journal import append_event, raise_alert

EVERY, AGAIN, ANSWER_SECONDS = timedelta(seconds=25), timedelta(seconds=10), 3.0
STILL_NEW = timedelta(seconds=5)
"""A comparison that is asked for finds a reading of this age good enough: an emergency compares many times."""
READINGS = 3
STEP = timedelta(seconds=1)
ALERT = "clock_offset"
OFFSET = Gauge("catalyst_clock_offset_seconds", "The broker's time less ours; positive: our clock is slow")
log = structlog.get_logger()


async def compare_clocks(desk: Desk, *, at_once: bool = False) -> None:
    """Ask the broker for its time when that is due: at the start, twice a minute, and once our own clock went back.

    Without an answer the last offset stands.
    """
    clock = desk.clock
    ours = await clock.source.now()
    stepped = clock_went_back(desk, ours)
    desk.clock_seen_at = ours
    known, asked = desk.clock_reading, desk.clock_asked_at
    serves = STILL_NEW if at_once else EVERY
    recent = known is not None and known.in_step and timedelta() <= ours - known.our_time < serves
    just_asked = asked is not None and timedelta() <= ours - asked < AGAIN
    if not stepped and (recent or (just_asked and not at_once)):
        return
    desk.clock_asked_at = ours
    try:
        reading = await _reading(desk)
    except (CatalystError, TimeoutError) as error:
        detail = error.detail if isinstance(error, CatalystError) else "no answer in time"
        log.warning("broker_clock_unknown", error=detail)
        if known is None:
            await _take_up_stored(desk)
        return
    if reading is not None:
        await _hold(desk, reading)


def clock_went_back(desk: Desk, ours: datetime) -> bool:
    """Whether our own clock says less than it did: it was set, or the machine slept and woke with an old time."""
    return desk.clock_seen_at is not None and ours < desk.clock_seen_at - STEP


async def _reading(desk: Desk) -> ClockReading | None:
    """One reading where it says what is known already; what is new must be said twice. None when no two agree."""
    known = desk.clock_reading
    first = await _ask(desk)
    if known is not None and stands_still(known, first):
        log.warning("broker_clock_stands_still", told=first.broker_time.isoformat())
        return None
    moved = abs(first.correction - desk.clock.correction) > STEP
    if first.in_step and not moved and (known is None or known.in_step):
        return first
    seen = [first]
    for _ in range(READINGS - 1):
        other = await _ask(desk)
        if any(agree(one, other) for one in seen):
            return other
        seen.append(other)
    log.warning("broker_clock_contradicts_itself", told=[one.broker_time.isoformat() for one in seen])
    return None


async def _ask(desk: Desk) -> ClockReading:
    async with asyncio.timeout(ANSWER_SECONDS):
        asked = await desk.clock.source.now()
        told = await desk.broker.hours()
        return read_clock(asked, told.now, await desk.clock.source.now())


async def _take_up_stored(desk: Desk) -> None:
    """Before the first answer: an offset of an earlier run counts when it makes us close earlier, not later."""
    stored = await store.last_clock_reading(desk.deps.pool)
    if stored is not None:
        desk.clock.correction = max(timedelta(), stored.correction)


async def _hold(desk: Desk, reading: ClockReading) -> None:
    known, clock = desk.clock_reading, desk.clock
    moved = abs(reading.correction - clock.correction) > STEP
    desk.clock_reading, clock.correction = reading, reading.correction
    OFFSET.set(reading.offset_seconds)
    await store.write_clock_reading(desk.deps.pool, reading)
    if moved:
        # What was due by the other time may be due now, or no more.
        desk.next_slot, desk.look_again = None, True
    if reading.in_step and (known is None or known.in_step):
        return
    now = await clock.now()
    if not reading.in_step:
        await alert_once(desk, ALERT, "critical", ALERT, _words(reading), now)
        if known is None or known.in_step:
            await _journal(desk, "clock.apart", reading, now)
        return
    desk.alerted.discard(ALERT)
    await _journal(desk, "clock.in_step", reading, now)
    async with desk.deps.pool.acquire() as connection:
        message = f"The clocks agree again: {reading.words}. Entries go on."
        await raise_alert(connection, SERVICE, "info", "clock_in_step", message, now)


def _words(reading: ClockReading) -> str:
    ours, theirs = (f"{at:%Y-%m-%d %H:%M:%S} UTC" for at in (reading.our_time, reading.broker_time))
    return (
        f"{reading.words[0].upper()}{reading.words[1:]}: ours says {ours}, the broker's {theirs}. Nothing is entered;"
        f" protecting and closing go by the broker's time. What to do: {CURE}."
    )


async def _journal(desk: Desk, kind: str, reading: ClockReading, at: datetime) -> None:
    async with desk.deps.pool.acquire() as connection:
        await append_event(connection, SERVICE, kind, at, reading.model_dump(mode="json"))
