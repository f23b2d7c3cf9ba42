"""The watch: one loop that settles, reconciles and attends, and sleeps until something can happen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from time import monotonic

import structlog

from services.trading import store
from services.trading.flow.attend import attend_all
from services.trading.flow.clock import AGAIN as CLOCK_AGAIN
from services.trading.flow.clock import compare_clocks
from services.trading.flow.desk import FAILURES, Desk, know_sessions, unnamed
from services.trading.flow.foreign import attend_foreign
from services.trading.flow.reconcile import reconcile
from services.trading.flow.settle import settle
from services.trading.flow.stream import listen, watch_stream
from services.trading.rules.exits import settle_slot
from services.trading.rules.orders import INTENDED, is_news
from services.trading.rules.reconcile import next_look
from services.trading.rules.steps import SLOW_POLL
from shared.domain.session import trading_day
from shared.errors import CatalystError
from shared.web import end_tasks

PAUSE_MIN_SECONDS, PAUSE_MAX_SECONDS = 0.2, 5.0
CALENDAR_AGAIN = timedelta(seconds=10)
log = structlog.get_logger()


@asynccontextmanager
async def watching(desk: Desk) -> AsyncIterator[None]:
    """The watch and the stream run while inside."""
    tasks = [
        asyncio.create_task(keep_watch(desk), name="trading-watch"),
        asyncio.create_task(listen(desk), name="trading-stream"),
        asyncio.create_task(watch_stream(desk), name="trading-stream-watch"),
    ]
    try:
        yield
    finally:
        await end_tasks(*tasks, *desk.left_behind)


async def keep_watch(desk: Desk) -> None:
    """For ever. A pass that fails is logged, counted and repeated after a pause of real time."""
    pause = PAUSE_MIN_SECONDS
    while True:
        try:
            wake = await one_pass(desk)
            desk.trouble, desk.passed_at, pause = None, monotonic(), PAUSE_MIN_SECONDS
            await _sleep(desk, wake)
        except Exception as error:
            # Positions are guarded here: the loop outlives any error.
            detail = error.detail if isinstance(error, CatalystError) else repr(error)
            FAILURES.labels(type(error).__name__).inc()
            log.warning("watch_failed", kind=type(error).__name__, error=detail[:300], exc_info=unnamed(error))
            desk.trouble = f"watch: {detail}"[:200]
            await asyncio.sleep(pause)
            pause = min(PAUSE_MAX_SECONDS, pause * 2)


async def one_pass(desk: Desk) -> datetime:
    """Everything due now; returns when to look again at the latest."""
    await compare_clocks(desk)
    now = await desk.deps.clock.now()
    await know_sessions(desk, now)
    again, poked, first = desk.look_again, desk.poked, not desk.ready
    desk.look_again = desk.poked = False
    slot_due = desk.next_slot is None or now >= desk.next_slot
    suspected = any(moment <= now for moment in next_look(desk.disagreements))
    trouble: Exception | None = None
    desk.failed_now.clear()
    try:
        try:
            if again or slot_due or suspected or desk.blind or not desk.ready:
                await reconcile(desk, now)
            else:
                await settle(desk, now, but_new=poked)
        except CatalystError as error:
            # Lists that do not answer hold nobody's exit; what our books say was settled before they were asked.
            if not desk.has_reconciled:
                raise
            trouble = error
        if first and any(row.status == INTENDED for row in await store.unsettled(desk.deps.pool)):
            # Now that orders may be sent, intents that never arrived are.
            await settle(desk, now)
    except BaseException:
        desk.look_again = True
        raise
    wakes, busy = await attend_all(desk, now)
    wakes += await attend_foreign(desk, now)
    if (trouble := trouble or next(iter(desk.failed_now.values()), None)) is not None:
        desk.look_again = True
        raise trouble
    if not busy and not desk.flat and not desk.disagreements:
        # The last position has just gone: the broker's word for it.
        await reconcile(desk, now)
    busy = busy or bool(desk.disagreements)
    desk.next_slot = settle_slot(desk.session(now), desk.upcoming(now), now, busy)
    wakes += [desk.next_slot, *next_look(desk.disagreements)]
    if desk.blind:
        wakes.append(now + SLOW_POLL)
    if desk.clock_reading is None or not desk.clock_reading.in_step:
        wakes.append(now + CLOCK_AGAIN)
    if desk.sessions_of != trading_day(now):
        wakes.append(now + CALENDAR_AGAIN)
    return min(wakes)


async def _sleep(desk: Desk, wake: datetime) -> None:
    """Until `wake`, a trade update, or a call that needs the watch. Old news from the stream wakes nobody."""
    sleeping = asyncio.create_task(desk.deps.clock.sleep_until(wake, or_trade_update=True))
    try:
        while not sleeping.done():
            desk.stirred.clear()
            if desk.poked or desk.look_again or await _has_news(desk):
                return
            stirring = asyncio.create_task(desk.stirred.wait())
            await asyncio.wait({sleeping, stirring}, return_when=asyncio.FIRST_COMPLETED)
            stirring.cancel()
        await sleeping
    finally:
        sleeping.cancel()
        await asyncio.gather(sleeping, return_exceptions=True)


async def _has_news(desk: Desk) -> bool:
    """Whether the stream told anything that our books do not say already. Another hand's order wants a comparison."""
    while desk.unread:
        update = desk.unread.popleft()
        row = await store.order_by_broker_id(desk.deps.pool, update.order.id)
        if row is None and await store.order_by_client_id(desk.deps.pool, update.order.client_order_id) is None:
            desk.look_again = True
        unbooked = row is not None and row.booked_quantity < row.filled_quantity
        if row is None or unbooked or is_news(row, update.order):
            return True
    return False
