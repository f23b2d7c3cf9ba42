"""The watch: one loop that settles, reconciles and attends, and sleeps until something can happen."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

from services.trading import store
from services.trading.flow.attend import attend_all
from services.trading.flow.clock import AGAIN as CLOCK_AGAIN
from services.trading.flow.clock import compare_clocks
from services.trading.flow.desk import SERVICE, Desk, alert_once, know_sessions
from services.trading.flow.fees import look_at_fees
from services.trading.flow.foreign import attend_foreign
from services.trading.flow.reconcile import reconcile
from services.trading.flow.settle import settle
from services.trading.flow.stream import CHECK_SECONDS, PAUSE_SECONDS, listen, watch_stream
from services.trading.rules.exits import settle_slot
from services.trading.rules.orders import INTENDED, is_news
from services.trading.rules.reconcile import next_look
from services.trading.rules.steps import SLOW_POLL
from shared.runtime.clock_wait import wait_until
from shared.runtime.loops import Loop, detail_of, end_tasks, outcome_of, running

CALENDAR_AGAIN = timedelta(seconds=10)
FAILED_TOO_OFTEN = 10


@asynccontextmanager
async def watching(desk: Desk) -> AsyncIterator[None]:
    """The watch and the stream run while inside."""
    try:
        async with running(
            Loop(SERVICE, "watch", partial(_look_and_sleep, desk), on_failure=partial(_note_failure, desk)),
            Loop(SERVICE, "stream", partial(listen, desk), PAUSE_SECONDS, PAUSE_SECONDS),
            Loop(SERVICE, "stream-check", partial(watch_stream, desk), CHECK_SECONDS, CHECK_SECONDS),
        ):
            yield
    finally:
        await end_tasks(*desk.left_behind)


async def _look_and_sleep(desk: Desk) -> None:
    """One round: a pass that fails is repeated after a pause of real time, for positions are guarded here. A person is
    told of one that fails again and again.
    """
    if desk.failed_passes >= FAILED_TOO_OFTEN:
        message = f"the account cannot be looked at, {desk.failed_passes} times in a row now: {desk.trouble}"
        now = await desk.deps.clock.now()
        await outcome_of(alert_once(desk, "watch-failing", "critical", "watch_failing", message, now))
    wake = await one_pass(desk)
    desk.trouble, desk.passed_at, desk.failed_passes = None, monotonic(), 0
    desk.alerted.discard("watch-failing")
    await _sleep(desk, wake)


def _note_failure(desk: Desk, error: Exception, failures: int) -> None:
    desk.failed_passes = failures
    desk.trouble = f"watch: {detail_of(error)}"[:200]


async def one_pass(desk: Desk) -> datetime:
    """Everything due now; returns when to look again at the latest.

    What fails of looking, however it does, holds nobody's exit: what our books say is attended to before the failure is
    raised.
    """
    troubles = [await outcome_of(compare_clocks(desk))]
    now = await desk.deps.clock.now()
    troubles.append(await outcome_of(know_sessions(desk, now)))
    again, poked, first = desk.look_again, desk.poked, not desk.ready
    desk.look_again = desk.poked = False
    slot_due = desk.next_slot is None or now >= desk.next_slot
    suspected = any(moment <= now for moment in next_look(desk.disagreements))
    desk.failed_now.clear()
    try:
        if again or slot_due or suspected or desk.blind or not desk.ready:
            look: Awaitable[None] = reconcile(desk, now)
        else:
            look = settle(desk, now, but_new=poked)
        troubles.append(failure := await outcome_of(look))
        if failure is not None and not desk.has_reconciled:
            raise failure
        if first and any(row.status == INTENDED for row in await store.unsettled(desk.deps.pool)):
            # Now that orders may be sent, intents that never arrived are.
            await settle(desk, now)
    except BaseException:
        desk.look_again = True
        raise
    wakes, busy = await attend_all(desk, now)
    wakes += [*await attend_foreign(desk, now), await look_at_fees(desk, now)]
    if (trouble := next((one for one in (*troubles, *desk.failed_now.values()) if one is not None), None)) is not None:
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
    if not desk.calendar.is_of(now):
        wakes.append(now + CALENDAR_AGAIN)
    return min(wakes)


async def _sleep(desk: Desk, wake: datetime) -> None:
    """Until `wake`, a trade update, or a call that needs the watch. Old news from the stream wakes nobody."""

    async def is_needed() -> bool:
        return desk.poked or desk.look_again or await _has_news(desk)

    desk.stirred.set()  # what came during the pass counts
    await wait_until(desk.deps.clock, wake, desk.stirred, or_trade_update=True, on_wake=is_needed)


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
