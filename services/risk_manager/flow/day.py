"""Watching the day: a look at every slot of the session and at every fill, and what follows from it."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal

from prometheus_client import Gauge

from services.risk_manager import store
from services.risk_manager.flow.failing import note_success, tell_once, tell_over
from services.risk_manager.flow.result import read_realized, read_result
from services.risk_manager.flow.silence import look_for_scans
from services.risk_manager.flow.stop import emergency_stop
from services.risk_manager.flow.watch import Watch, read_account, tell
from services.risk_manager.rules import day as rule
from services.risk_manager.rules.health import LOOK_EVERY
from shared.deps import Deps
from shared.domain.session import Session, next_slot
from shared.errors import Unavailable
from shared.runtime.calendar import now_and_next
from shared.runtime.clock_wait import wait_until
from shared.runtime.journal_follower import follow_journal

STOP_HEARD_SECONDS = 2.0
DAY_PNL = Gauge("catalyst_day_pnl_usd", "The broker's equity against the previous close, less deposits")
EXPOSURE = Gauge("catalyst_exposure_usd", "Money at work or promised")


async def monitor(deps: Deps, watch: Watch, session: Session) -> None:
    """One look at the day, and what follows: one warning a day of each kind, and the emergency stop."""
    now, told, limit = await deps.clock.now(), await read_account(deps), await _limit(deps)
    reading = await read_result(deps, told, limit, now)
    watch.read_at, watch.reading = now, reading
    DAY_PNL.set(float(reading.pnl or 0))
    EXPOSURE.set(float(sum(one.value for one in await store.holdings(deps.pool, now, ()))))
    for notice in rule.notices_of(reading):
        if not await store.happened_since(deps.pool, notice.kind, session.open):
            async with deps.pool.acquire() as connection, connection.transaction():
                await tell(connection, notice, now)
    await _stop_when_due(deps, watch, session, reading)


async def _limit(deps: Deps) -> Decimal:
    """The most that may be lost today, USD; a cycle's own limit only tightens it."""
    most, (_, own) = deps.config.current().max_daily_loss, await store.running_cycle(deps.pool)
    return min(most, own or most)


async def _stop_when_due(deps: Deps, watch: Watch, session: Session, reading: rule.DayReading) -> None:
    risk = deps.config.current().risk
    if reading.level != "emergency" or not risk.daily_limits.emergency_stop_at_100:
        return
    if await store.active_halt(deps.pool) is not None:
        return
    # Released with nothing open, the same loss says nothing new; `daily_loss_used` refuses entries anyway.
    said = await store.happened_since(deps.pool, "emergency_stop", session.open)
    if said and not await store.open_positions(deps.pool):
        return
    closes = risk.emergency_actions.close_all_positions_on_limit
    await emergency_stop(deps, watch, rule.reason_of(reading), closes=closes)
    # The market's clock stands while we are awake: trading hears of the stop before time goes on.
    await asyncio.wait([asyncio.create_task(watch.asked.wait())], timeout=STOP_HEARD_SECONDS)


async def monitor_or_page(deps: Deps, watch: Watch, session: Session) -> None:
    """A look at the day. Trading that does not answer is told to a person once a streak, and what our own executions
    have lost counts all the same. Raises Unavailable.

    While everything is being closed a look at each fill could lead to nothing more, and the broker's answers are needed
    for the exits: then the slots are enough.
    """
    halt, now = await store.active_halt(deps.pool), await deps.clock.now()
    if halt is not None and halt.closing and watch.read_at is not None and now - watch.read_at < LOOK_EVERY:
        return
    try:
        await monitor(deps, watch, session)
    except Unavailable as error:
        try:
            lost = await read_realized(deps, await _limit(deps), await deps.clock.now())
            await _stop_when_due(deps, watch, session, lost)
        finally:
            await tell_once(deps, watch, rule.silent(error.detail))
        raise
    await tell_over(deps, watch, rule.SILENT)
    await note_success(deps, watch, "monitor")


async def watch_one_slot(deps: Deps, watch: Watch) -> None:
    """Look if the market is open, then rest to the next slot of the session, or sleep to the next opening."""
    watch.filled.clear()
    now = await deps.clock.now()
    watch.begun_at = watch.begun_at or now
    session, upcoming = await now_and_next(deps.market, now)
    watch.sessions = tuple(one for one in (session, upcoming) if one is not None)
    if session is not None:
        try:
            await monitor_or_page(deps, watch, session)
        finally:
            # Whatever keeps the day from being looked at, a missing scan is noticed all the same.
            await look_for_scans(deps, watch, session, now)
        await _rest(deps, watch, session, min(next_slot(session, now, LOOK_EVERY), session.close))
    else:
        await note_success(deps, watch, "monitor")
        await deps.clock.sleep_until(upcoming.open if upcoming is not None else now + timedelta(hours=6))


async def _rest(deps: Deps, watch: Watch, session: Session, until: datetime) -> None:
    """Sleep until the slot, and look at each fill without waking from it.

    A simulated clock wakes us for trade updates by itself, after trading and before time goes on, so that looking at
    a fill happens at the fill's own time however busy this machine is.
    """

    async def look() -> bool:
        await monitor_or_page(deps, watch, session)
        return False

    await wait_until(deps.clock, until, watch.filled, or_trade_update=True, on_wake=look)


async def follow_fills(deps: Deps, watch: Watch) -> None:
    """Stir the watch at every booked fill. At the start the monitor looks by itself; a reconnection brings what was
    booked meanwhile.
    """

    async def stir(events: tuple[int, ...]) -> None:
        if events:
            watch.filled.set()

    await follow_journal(deps.settings.dsn, "fill.booked", stir)
