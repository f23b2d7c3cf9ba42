"""A cycle opened, ended, looked at; a person warned; a request for a scan refused."""

from datetime import datetime

import structlog

from services.workflow import store
from services.workflow.rules import explain, fate, limits, outcome, schedule
from services.workflow.rules.trace import Explanation
from shared import errors
from shared.deps import Deps
from shared.domain.cycle import CycleDetail, CycleOpened, CycleRequest, CycleView, Proposal, ScanView
from shared.domain.evidence import Standing
from shared.domain.session import Session, next_session
from shared.journal import Severity, append_event, raise_alert
from shared.runtime.calendar import sessions_around

NAME = "workflow"
log = structlog.get_logger()


async def require_open(deps: Deps, now: datetime) -> Session:
    """The session that is open. Raises NotNow with the next open, where it is known."""
    sessions = await sessions_around(deps.market, now)
    if found := next((session for session in sessions if schedule.can_open(session, now)), None):
        return found
    following = next_session(sessions, now)
    at = following.open if following else None
    opens = f"it opens at {at.isoformat()}" if at else "no open is known for the next ten days"
    raise errors.NotNow(f"the market is closed; {opens}", possible_at=at)


async def open_cycle(deps: Deps, request: CycleRequest, *, by_hand: bool) -> CycleOpened:
    """Open a cycle; a schedule that runs already is returned as it stands. Raises NotNow."""
    now = await deps.clock.now()
    session, config = await require_open(deps, now), deps.config.current()
    said = limits.mode_warnings(request.session_mode, config, deps.settings)
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.lock_cycles(connection)
        running = await store.running_cycle(connection)
        if running and running.trading_day < session.day:
            await end_cycle(deps, running, "completed", now, "its day ended while nobody watched")
        elif running:
            if by_hand or running.driven_by == "hand":
                raise errors.NotNow(limits.in_the_way(running))
            return CycleOpened(**running.model_dump(), already_running=True, warnings=said)
        name = limits.cycle_name(now, await store.cycle_names(connection))
        new = limits.new_cycle(name, request, by_hand=by_hand, config=config, settings=deps.settings, now=now)
        await store.insert_cycle(connection, new)
        await append_event(connection, NAME, "cycle.opened", now, new.model_dump(mode="json"), name)
    log.info("cycle_opened", cycle_id=name, session_mode=new.session_mode, driven_by=new.driven_by, warnings=said)
    return CycleOpened(**new.model_dump(), warnings=said)


async def end_cycle(deps: Deps, cycle: CycleView, status: str, now: datetime, reason: str) -> CycleView:
    """End a cycle once, and say so in the journal."""
    async with deps.pool.acquire() as connection, connection.transaction():
        ended = await store.end_cycle(connection, cycle.cycle_id, status, now, reason)
        if ended is None:
            return cycle
        await store.drop_proposals(connection, ended.cycle_id, now)
        await append_event(connection, NAME, f"cycle.{status}", now, ended.model_dump(mode="json"), ended.cycle_id)
    log.info("cycle_ended", cycle_id=ended.cycle_id, status=status, reason=ended.reason)
    return ended


async def stop_cycle(deps: Deps) -> CycleView:
    """End the running cycle: at once, or as soon as its scan has let go. Raises NotNow."""
    now, why = await deps.clock.now(), "stopped by the operator"
    if (running := await store.running_cycle(deps.pool)) is None:
        raise errors.NotNow("no cycle is running")
    await store.mark_stopping(deps.pool, running.cycle_id, why)
    if await store.unfinished_scan(deps.pool) is None:
        return await end_cycle(deps, running, "stopped", now, why)
    return running.model_copy(update={"status": "stopping", "reason": why})


async def cycle_named(deps: Deps, cycle_id: str) -> CycleView:
    """Raises NotFound."""
    if (found := await store.cycle(deps.pool, cycle_id)) is None:
        raise errors.NotFound(f"there is no cycle {cycle_id}")
    return found


async def cycle_detail(deps: Deps, cycle_id: str) -> CycleDetail:
    """One cycle with its scans. Raises NotFound."""
    found = await cycle_named(deps, cycle_id)
    seconds = ((found.stopped_at or await deps.clock.now()) - found.started_at).total_seconds()
    scans = await _with_fates(deps, cycle_id, await store.scans(deps.pool, cycle_id))
    return CycleDetail(**found.model_dump(), duration_seconds=seconds, scans=scans)


async def newest_scan(deps: Deps) -> ScanView | None:
    """The newest scan of all cycles."""
    found = await store.last_scan(deps.pool)
    return found and (await _with_fates(deps, found.cycle_id, (found,)))[0]


async def proposals_by_now(deps: Deps, cycle_id: str) -> tuple[Proposal, ...]:
    """All that a cycle has proposed; what nobody decided in time has expired."""
    await store.expire_proposals(deps.pool, await deps.clock.now())
    return await store.proposals(deps.pool, cycle_id=cycle_id)


async def _with_fates(deps: Deps, cycle_id: str, scans: tuple[ScanView, ...]) -> tuple[ScanView, ...]:
    """Scans whose proposed picks say what a person, or time, has made of them."""
    known = {one.proposal_id: one for one in await proposals_by_now(deps, cycle_id)}
    return tuple(fate.of_scan(scan, known) for scan in scans)


async def story(deps: Deps, cycle_id: str, symbol: str) -> Explanation:
    """A symbol's way through a cycle; where it was no candidate, the scanner says why. Raises NotFound."""
    await cycle_named(deps, cycle_id)
    traces, standings = await store.traces(deps.pool, cycle_id), dict[int, Standing]()
    strange = explain.strangers(symbol, traces)
    for scan in strange:
        try:
            path = f"/api/v1/explain/{symbol}?cycle_id={cycle_id}&scan={scan}"
            standings[scan] = await deps.client.get("scanner", path, Standing, timeout=5)
        except errors.NotFound as error:
            if len(strange) == len(traces):
                raise errors.NotFound(error.detail, field="symbol") from error
        except errors.CatalystError as error:
            log.info("no_standing", symbol=symbol, cycle_id=cycle_id, scan=scan, detail=error.detail)
    proposals = {one.scan: one for one in await proposals_by_now(deps, cycle_id) if one.symbol == symbol}
    told = explain.told(cycle_id, symbol, traces, standings, proposals)
    return told.model_copy(update={"config_now": deps.config.current().hash})


async def warn(deps: Deps, cycle_id: str, kind: str, message: str, severity: Severity = "warning") -> None:
    """Tell a person, once for each cause and cycle."""
    async with deps.pool.acquire() as connection, connection.transaction():
        if not await store.is_alerted(connection, cycle_id, kind):
            log.warning("alarm", kind=kind, message=message, cycle_id=cycle_id)
            await raise_alert(connection, NAME, severity, kind, message, await deps.clock.now(), cycle_id)


async def refuse_request(deps: Deps, request_id: int, refusal: errors.NotNow) -> None:
    """Tell whoever asked for a scan why there is none."""
    payload = {"request_id": request_id, "refused": outcome.refused(refusal.detail, refusal.possible_at)}
    async with deps.pool.acquire() as connection, connection.transaction():
        await append_event(connection, NAME, "scan.completed", await deps.clock.now(), payload)
