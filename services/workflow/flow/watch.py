"""The watch: one scan at a time, when a slot is due, when somebody asks, or where one was cut off."""

import asyncio
from datetime import datetime, time, timedelta

import asyncpg
import structlog

from services.workflow import store
from services.workflow.flow import cycling, deciding, scanning
from services.workflow.rules import schedule
from services.workflow.rules.scan import Scan
from shared import errors
from shared.deps import Deps
from shared.domain import cycle as shown
from shared.domain.position import PositionView
from shared.domain.session import Session, at_market_time
from shared.journal import Event
from shared.runtime.calendar import now_and_next, sessions_around
from shared.runtime.clock_wait import wait_until
from shared.runtime.journal_follower import follow_journal
from shared.runtime.loops import Loop

AFTER_CLOSE, SETTLE_EVERY = timedelta(seconds=30), timedelta(seconds=5)
REQUEST_SECONDS = 90.0
"""Of the wall's time: so long the scanner waits for the answer to a request."""
TROUBLE_AFTER, LISTEN_AGAIN_SECONDS, LONGEST_SCAN = 3, 1.0, timedelta(minutes=15)
MIDDAY = time(12)
log = structlog.get_logger()


class Watch:
    """Waits for the next slot, a request or a start, and runs one scan at a time.

    Everything it needs to know it reads again at each turn, so that a restart goes on where the last one was. While it
    or a guest (who holds `quiet`) works, the sleeping clock call is given up: in lockstep time then stands still.
    """

    def __init__(self, deps: Deps) -> None:
        self.deps, self.wake, self.quiet = deps, asyncio.Event(), asyncio.Lock()
        self.inbox: dict[int, Event] = {}
        self.next_scan_at: datetime | None = None
        self.settle_at: datetime | None = None
        self.session: Session | None = None
        self.trouble: str | None = None

    def loops(self) -> tuple[Loop, ...]:
        """The turns, and the listening for requests beside them."""
        listen = Loop(cycling.NAME, "requests", self.listen, LISTEN_AGAIN_SECONDS, LISTEN_AGAIN_SECONDS)
        return Loop(cycling.NAME, "watch", self.run, on_failure=self._note_failure), listen

    async def run(self) -> None:
        """One turn that went well."""
        await self.turn()
        self.trouble = None

    def _note_failure(self, error: Exception, failures: int) -> None:
        if failures >= TROUBLE_AFTER:
            self.trouble = f"watch: failed {failures} times in a row: {type(error).__name__}: {error}"[:300]

    async def turn(self) -> None:
        """Look at what there is to do, do one thing, or sleep until there is something."""
        deps, self.next_scan_at = self.deps, None
        async with self.quiet:
            now, cycle = await deps.clock.now(), await store.running_cycle(deps.pool)
            self.settle_at = now + SETTLE_EVERY if await deciding.settle(deps) else None
        if cut_off := await store.unfinished_scan(deps.pool):
            await self._take_up(cut_off, now)
        elif cycle and cycle.status == "stopping":
            await cycling.end_cycle(deps, cycle, "stopped", now, "stopped by the operator")
        elif self.inbox:
            await self._answer(cycle, now)
        elif cycle is None:
            await self._sleep(await self._next_open(now))
        else:
            await self._attend(cycle, now)

    async def problem(self, now: datetime) -> str | None:
        """What keeps scans from being made: turns that fail, a scan overdue or without end."""
        if self.trouble is not None:
            return self.trouble
        if running := await store.unfinished_scan(self.deps.pool):
            age = now - running["started_at"]
            return (
                f"scan: number {running['scan']} has run for {age.total_seconds():.0f} s"
                if age > LONGEST_SCAN
                else None
            )
        cycle, session = await store.running_cycle(self.deps.pool), self.session
        if cycle is None or cycle.driven_by == "hand" or session is None or not session.is_open(now):
            return None
        delay = self.deps.config.current().trading.workflow.first_scan_delay_minutes
        table = schedule.timetable(session, cycle.started_at, delay, cycle.scan_frequency_seconds)
        late = table.overdue(await store.last_slot(self.deps.pool, cycle.cycle_id), now)
        return f"scan: the next one is {late.total_seconds():.0f} s overdue" if late else None

    async def _attend(self, cycle: shown.CycleView, now: datetime) -> None:
        """A running cycle: scan when a slot is due, end it when its day is over."""
        deps, session = self.deps, await self._session(cycle)
        self.session = session
        if session is None or now >= session.close:
            return await self._close(cycle, session, now)
        if cycle.driven_by == "hand":
            return await self._sleep(session.close)
        delay = deps.config.current().trading.workflow.first_scan_delay_minutes
        table = schedule.timetable(session, cycle.started_at, delay, cycle.scan_frequency_seconds)
        slot, missed = table.due(await store.last_slot(deps.pool, cycle.cycle_id), now)
        if slot is None or slot > now:
            self.next_scan_at = slot
            return await self._sleep(slot or session.close)
        if missed or now - slot > table.every / 2:
            message = f"a scan was due and did not start in time: slot {slot.isoformat()}, {missed} before it missed"
            await cycling.warn(deps, cycle.cycle_id, "no_scan_when_due", message)
        return await self._begin(cycle, session, slot, None)

    async def _begin(self, cycle: shown.CycleView, session: Session, slot: datetime, request_id: int | None) -> None:
        now = await self.deps.clock.now()
        number = await store.begin_scan(self.deps.pool, cycle.cycle_id, slot, request_id, now)
        await scanning.run_scan(self.deps, Scan(cycle, number, slot, now, session, request_id=request_id))

    async def _take_up(self, row: asyncpg.Record, now: datetime) -> None:
        """A scan that was cut off is done again under its own number while its slot is current, else given up."""
        cycle = await cycling.cycle_detail(self.deps, row["cycle_id"])
        session = await self._session(cycle) or Session(day=cycle.trading_day, open=row["slot"], close=row["slot"])
        again = schedule.may_redo(cycle, session, row["slot"], row["attempts"], now)
        log.warning("scan_was_cut_off", cycle_id=cycle.cycle_id, scan=row["scan"], again=again)
        if again:
            await store.resume_scan(self.deps.pool, cycle.cycle_id, row["scan"])
        run = Scan(cycle, row["scan"], row["slot"], row["started_at"], session, row["attempts"] + 1, row["request_id"])
        run.interrupted = not again
        await scanning.run_scan(self.deps, run)

    async def _answer(self, cycle: shown.CycleView | None, now: datetime) -> None:
        """Run the scan that somebody asked for, or say why not."""
        event = next(iter(self.inbox.values()))
        try:
            if cycle is None:
                raise errors.NotNow("no cycle is open: open one with POST /api/v1/workflow/start")
            session = await cycling.require_open(self.deps, now)
            await self._begin(cycle, session, now, event.event_id)
        except errors.NotNow as refusal:
            await cycling.refuse_request(self.deps, event.event_id, refusal)
        finally:
            self.inbox.pop(event.event_id)

    async def _close(self, cycle: shown.CycleView, session: Session | None, now: datetime) -> None:
        """After the close the cycle ends as soon as nothing is held any more."""
        path, answer = "/api/v1/positions?status=open", tuple[PositionView, ...]
        if session is None or not await self.deps.client.get("trading", path, answer, deadline=60):
            await cycling.end_cycle(self.deps, cycle, "completed", now, "the market has closed and nothing is held")
            return
        if now >= session.close + 10 * AFTER_CLOSE:
            await cycling.warn(self.deps, cycle.cycle_id, "not_flat", "positions are open after the close", "critical")
        await self._sleep(now + AFTER_CLOSE)

    async def _session(self, cycle: shown.CycleView) -> Session | None:
        midday = at_market_time(cycle.trading_day, MIDDAY)
        known = await sessions_around(self.deps.market, midday)
        return next((session for session in known if session.day == cycle.trading_day), None)

    async def _next_open(self, now: datetime) -> datetime:
        _, following = await now_and_next(self.deps.market, now)
        return following.open if following else now + timedelta(hours=1)

    async def _sleep(self, until: datetime) -> None:
        """Until a moment of the market's clock, or until woken; not for long while a proposal's outcome is unknown."""
        until = min(until, self.settle_at or until)
        self.trouble = None  # who comes here has got through its work
        await wait_until(self.deps.clock, until, self.wake)

    async def listen(self) -> None:
        """Take up requests for a scan, also those written while the database or this service was away."""
        await follow_journal(self.deps.settings.dsn, "scan.requested", self._look_for_requests)

    async def _look_for_requests(self, _events: tuple[int, ...]) -> None:
        for event in await store.unanswered_requests(self.deps.pool, REQUEST_SECONDS):
            await self._take(event)

    async def _take(self, event: Event) -> None:
        """One request at a time; whoever comes while a scan runs is told so at once."""
        if event.event_id in self.inbox:
            return
        if self.inbox or await store.unfinished_scan(self.deps.pool):
            refusal = errors.NotNow("a scan is running; ask again when it has ended")
            await cycling.refuse_request(self.deps, event.event_id, refusal)
        else:
            self.inbox[event.event_id] = event
            self.wake.set()
