"""A cycle opened and ended, a scan down the funnel, a proposal decided: effects, in order."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge, Histogram

from services.workflow import store
from services.workflow.rules import funnel, limits, outcome, schedule
from services.workflow.rules.scan import Scan
from shared import errors
from shared.deps import Deps
from shared.domain.base import Value
from shared.domain.cycle import (
    CycleDetail,
    CycleOpened,
    CycleRequest,
    CycleView,
    Proposal,
    ScanAnswer,
    ScanRequest,
    ScanView,
)
from shared.domain.evidence import NewsAssessment, PatternAssessment, TechnicalAssessment
from shared.domain.order import OrderView, Verdict
from shared.domain.position import PositionView
from shared.domain.session import Session, current_session, next_session, trading_day
from shared.journal import Connection, Severity, append_event, raise_alert

NAME = "workflow"
SCANS = Counter("catalyst_scans_total", "Scans by how they ended", ["status"])
STAGE_TIME = Histogram("catalyst_scan_stage_seconds", "Time that each stage of a scan took", ["stage"])
FUNNEL = Gauge("catalyst_scan_funnel_symbols", "Symbols that each stage of the newest scan let through", ["stage"])
REFUSALS = (errors.NotNow, errors.BadInput, errors.NotFound, errors.Forbidden, errors.BrokerRefused)
ASSESS, DECIDE = "/api/v1/assess", "/api/v1/risk/decide"
T = TypeVar("T")
log = structlog.get_logger()


async def require_open(deps: Deps, now: datetime, grace: bool = False) -> Session:
    """The session that is open. Raises NotNow with the next open, where it is known."""
    sessions = await deps.market.sessions(trading_day(now), trading_day(now) + timedelta(days=10))
    soon = next((session for session in sessions if schedule.can_open(session, now)), None) if grace else None
    if found := current_session(sessions, now) or soon:
        return found
    following = next_session(sessions, now)
    at = following.open if following else None
    opens = f"it opens at {at.isoformat()}" if at else "no open is known for the next ten days"
    raise errors.NotNow(f"the market is closed; {opens}", possible_at=at)


async def open_cycle(deps: Deps, request: CycleRequest, *, by_hand: bool) -> CycleOpened:
    """Open a cycle; a schedule that runs already is returned as it stands. Raises NotNow."""
    now = await deps.clock.now()
    session, config = await require_open(deps, now, grace=True), deps.config.current()
    said = limits.mode_warnings(request.session_mode, config, deps.settings)
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.lock_cycles(connection)
        running = await store.running_cycle(connection)
        if running and running.trading_day < session.day:
            await end_cycle(connection, running, "completed", now, "its day ended while nobody watched")
        elif running:
            if by_hand or running.driven_by == "hand":
                raise errors.NotNow(
                    f"cycle {running.cycle_id} is running, driven by {running.driven_by};"
                    " end it with POST /api/v1/workflow/stop first"
                )
            return CycleOpened(**running.model_dump(), already_running=True, warnings=said)
        name = limits.cycle_name(now, await store.cycle_names(connection))
        new = limits.new_cycle(name, request, by_hand=by_hand, config=config, settings=deps.settings, now=now)
        await store.insert_cycle(connection, new)
        await append_event(connection, NAME, "cycle.opened", now, new.model_dump(mode="json"), name)
    log.info("cycle_opened", cycle_id=name, session_mode=new.session_mode, driven_by=new.driven_by, warnings=said)
    return CycleOpened(**new.model_dump(), warnings=said)


async def end_cycle(connection: Connection, cycle: CycleView, status: str, now: datetime, reason: str) -> CycleView:
    """End a cycle once, and say so in the journal."""
    ended = await store.end_cycle(connection, cycle.cycle_id, status, now, reason)
    if ended is not None:
        payload = {"reason": ended.reason, "trading_day": ended.trading_day.isoformat()}
        await append_event(connection, NAME, f"cycle.{status}", now, payload, cycle.cycle_id)
        log.info("cycle_ended", cycle_id=cycle.cycle_id, status=status, reason=ended.reason)
    return ended or cycle


async def stop_cycle(deps: Deps) -> CycleView:
    """End the running cycle: at once, or as soon as its scan has let go. Raises NotNow."""
    now = await deps.clock.now()
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.lock_cycles(connection)
        running = await store.running_cycle(connection)
        if running is None:
            raise errors.NotNow("no cycle is running")
        if await store.unfinished_scan(connection) is None:
            return await end_cycle(connection, running, "stopped", now, "stopped by the operator")
        await store.mark_stopping(connection, running.cycle_id, "stopped by the operator")
    return running.model_copy(update={"status": "stopping", "reason": "stopped by the operator"})


async def finish_cycle(deps: Deps, cycle: CycleView, status: str, now: datetime, reason: str) -> None:
    """End a cycle in a transaction of its own."""
    async with deps.pool.acquire() as connection, connection.transaction():
        await end_cycle(connection, cycle, status, now, reason)


async def cycle_detail(deps: Deps, cycle_id: str) -> CycleDetail:
    """One cycle with its scans. Raises NotFound."""
    found = await store.cycle(deps.pool, cycle_id)
    if found is None:
        raise errors.NotFound(f"there is no cycle {cycle_id}")
    seconds = ((found.stopped_at or await deps.clock.now()) - found.started_at).total_seconds()
    scans = await store.scans(deps.pool, cycle_id)
    return CycleDetail(**found.model_dump(), duration_seconds=seconds, scans=scans)


async def is_flat(deps: Deps) -> bool:
    """True when trading reports no open position. Raises Unavailable."""
    path = "/api/v1/positions?status=open"
    return not await deps.client.get("trading", path, tuple[PositionView, ...], deadline=_deadline(deps))


async def alarm(
    connection: Connection, severity: Severity, kind: str, message: str, at: datetime, cycle_id: str
) -> None:
    """Tell a person, once for each cause and cycle."""
    if not await store.is_alerted(connection, cycle_id, kind):
        log.warning("alarm", kind=kind, message=message, cycle_id=cycle_id)
        await raise_alert(connection, NAME, severity, kind, message, at, cycle_id)


async def warn(deps: Deps, cycle_id: str, kind: str, message: str, now: datetime) -> None:
    """An alarm in a transaction of its own."""
    async with deps.pool.acquire() as connection, connection.transaction():
        await alarm(connection, "warning", kind, message, now, cycle_id)


async def refuse_request(deps: Deps, request_id: int, refusal: errors.NotNow, cycle_id: str | None = None) -> None:
    """Tell whoever asked for a scan why there is none."""
    payload = {"request_id": request_id, "refused": outcome.refused(refusal.detail, refusal.possible_at)}
    now = await deps.clock.now()
    async with deps.pool.acquire() as connection, connection.transaction():
        await append_event(connection, NAME, "scan.completed", now, payload, cycle_id)


async def interrupt_scan(deps: Deps, cycle_id: str, scan: int, request_id: int | None, now: datetime) -> None:
    """Give up a scan that was cut off: its analysis is stale."""
    reason = "cut off; its analysis is stale"
    await store.interrupt_scan(deps.pool, cycle_id, scan, reason, now)
    log.warning("scan_interrupted", cycle_id=cycle_id, scan=scan)
    SCANS.labels("interrupted").inc()
    if request_id is not None:
        await refuse_request(deps, request_id, errors.NotNow(f"the scan was {reason}; ask again"), cycle_id)


@contextmanager
def _stage(run: Scan, name: str) -> Iterator[None]:
    """Times a stage; one that is lost leaves its name."""
    started = time.perf_counter()
    try:
        yield
    except errors.CatalystError as error:
        run.failed = f"{name}: {error.detail}"
        raise
    finally:
        seconds = time.perf_counter() - started
        run.stage_ms[name] = round(seconds * 1000, 3)
        STAGE_TIME.labels(name).observe(seconds)


def _deadline(deps: Deps) -> float:
    return deps.config.current().trading.workflow.stage_deadline_seconds


async def _post(deps: Deps, service: str, path: str, body: Value, answer: type[T]) -> T:
    """Every stage answers the same question the same way twice, so each is asked until its deadline."""
    return await deps.client.post(service, path, body, answer, deadline=_deadline(deps), repeatable=True)


async def run_scan(deps: Deps, run: Scan) -> ScanView:
    """One scan to its end: completed, or failed with the stage named. Always recorded, always answered."""
    try:
        await _descend(deps, run)
    except errors.CatalystError as error:
        run.failed = run.failed or f"{error.title}: {error.detail}"
    now = await deps.clock.now()
    view, entry = run.end(now), deps.config.current().risk.entry
    await _tell_scores(deps, run)
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.finish_scan(connection, view, run.trace())
        for kind, message in run.alarms(view, entry.last_minutes_without_entries):
            severity: Severity = "critical" if view.status == "failed" else "warning"
            await alarm(connection, severity, kind, message, now, view.cycle_id)
        await append_event(connection, NAME, "scan.completed", now, run.payload(view), view.cycle_id)
    SCANS.labels(view.status).inc()
    for stage, count in view.funnel.model_dump().items():
        FUNNEL.labels(stage).set(count)
    log.info("scan_ended", cycle_id=view.cycle_id, scan=view.scan, status=view.status, **view.funnel.model_dump())
    return view


async def _descend(deps: Deps, run: Scan) -> None:
    """Down the funnel, stage by stage."""
    config = deps.config.current()
    sizes, weights = config.trading.funnel, config.trading.funnel.weights.model_dump()
    run.weights = weights
    first = ScanRequest(cycle_id=run.cycle.cycle_id, scan=run.scan, as_of=run.started_at, limit=min(sizes.scanner, 200))
    with _stage(run, "scanner"):
        run.answer = await _post(deps, "scanner", "/api/v1/scan", first, ScanAnswer)
    run.counts["universe"] = run.answer.universe
    leads = run.take("scanner", funnel.enter(run.answer.candidates, sizes.scanner))
    news = await _heard(deps, run, "news", leads, NewsAssessment)
    if news and news.evidence:
        run.silent = schedule.news_is_silent([one.latest_at for one in news.evidence], run.as_of, run.session)
    leads = run.take("news", funnel.cut_by_news(leads, news, sizes.news))
    pattern = await _heard(deps, run, "pattern", leads, PatternAssessment)
    leads = run.take("pattern", funnel.cut_by_pattern(leads, pattern, weights, sizes.pattern))
    with _stage(run, "technical"):
        body = run.assess_request(leads) if leads else None
        technical = await _post(deps, "technical", ASSESS, body, TechnicalAssessment) if body else None
    leads = run.take("technical", funnel.cut_by_technical(leads, technical))
    leads = run.take("score", funnel.cut_by_score(leads, weights, sizes.technical, sizes.min_composite_score))
    run.scored = funnel.scored(leads, weights, run.is_lossy)
    with _stage(run, "risk"):
        asked = run.decide_request(sizes.risk)
        verdicts = await _post(deps, "risk-manager", DECIDE, asked, tuple[Verdict, ...]) if leads else ()
    run.rows += outcome.risk_rows(run.scored, verdicts)
    run.picks = outcome.chosen(run.scored, verdicts, sizes.risk)
    run.counts["risk"] = len(run.picks)
    top_n, autonomous = limits.execute_top_n(config, deps.settings), config.autonomous
    with _stage(run, "execution"):
        if autonomous and run.cycle.session_mode == "autonomous":
            await _send_best(deps, run, top_n)
        else:
            await _propose_best(deps, run, top_n)


async def _heard(deps: Deps, run: Scan, name: str, leads: Sequence[funnel.Lead], kind: type[T]) -> T | None:
    """The opinion of a stage that the scan can do without; None when it is switched off or lost."""
    wanted = {"news": deps.settings.enable_news_sentiment, "pattern": deps.settings.enable_pattern_detection}
    if not wanted[name]:
        run.degraded.append(f"{name} switched off")
        return None
    if not leads:
        return None
    try:
        with _stage(run, name):
            return await _post(deps, name, ASSESS, run.assess_request(leads), kind)
    except errors.CatalystError as error:
        log.warning("stage_lost", stage=name, cycle_id=run.cycle.cycle_id, scan=run.scan, detail=error.detail)
        run.failed = None
        run.degraded.append(f"{name} lost")
        return None


async def _send_best(deps: Deps, run: Scan, top_n: int) -> None:
    """Best first, one at a time, at most `top_n`; a refused one gives its place to the next.

    What an attempt before this one has sent counts: trading says what that was.
    """
    known = dict[UUID, OrderView]()
    if run.attempts > 1:
        path = f"/api/v1/orders?cycle_id={run.cycle.cycle_id}"
        orders = await deps.client.get("trading", path, tuple[OrderView, ...], deadline=_deadline(deps))
        known = outcome.already_sent(orders)
    places = top_n - sum(pick.order.decision_id in known for pick in run.picks)
    for number, pick in enumerate(run.picks):
        was_sent = pick.order.decision_id in known
        if not was_sent and places <= 0:
            continue
        current = await store.cycle(deps.pool, run.cycle.cycle_id)
        if not was_sent and (current is None or current.status != "running"):
            run.picks[number] = replace(pick, outcome="refused", reason="the cycle was stopped")
            continue
        run.picks[number] = replace(pick, outcome="unknown", reason="trading did not answer")
        run.picks[number] = sent = await _send(deps, pick)
        places -= sent.outcome == "order" and not was_sent


async def _send(deps: Deps, pick: outcome.Pick) -> outcome.Pick:
    """Ask trading, again with the same body while no answer comes. Raises Unavailable when none came at all."""
    try:
        order = await _post(deps, "trading", "/api/v1/orders", pick.order, OrderView)
    except REFUSALS as refusal:
        return replace(pick, outcome="refused", reason=refusal.detail)
    if order.status in outcome.NOT_SENT:
        return replace(pick, outcome="refused", reason=order.reason or order.status, order_id=order.order_id)
    return replace(pick, outcome="order", reason=f"sent: {order.status}", order_id=order.order_id)


async def _propose_best(deps: Deps, run: Scan, top_n: int) -> None:
    """The best `top_n` wait for a person; a symbol that waits already gives its place to the next."""
    now, hold, places = await deps.clock.now(), deps.config.current().trading.workflow.proposal_expiry_seconds, top_n
    await store.expire_proposals(deps.pool, now)
    for number, pick in enumerate(run.picks):
        if places <= 0:
            break
        new = outcome.proposed(run.cycle.cycle_id, run.scan, pick, now, hold)
        async with deps.pool.acquire() as connection, connection.transaction():
            if await store.insert_proposal(connection, new) is not None:
                await append_event(connection, NAME, "proposal.created", now, new.model_dump(mode="json"), new.cycle_id)
        if await store.proposal(deps.pool, new.proposal_id) is None:
            run.picks[number] = replace(pick, outcome="refused", reason="a proposal of this symbol is still pending")
            continue
        until = f"waits for approval until {new.expires_at.isoformat()}"
        run.picks[number] = replace(pick, outcome="proposal", reason=until, proposal_id=new.proposal_id)
        places -= 1


async def _tell_scores(deps: Deps, run: Scan) -> None:
    """Let the scanner store what became of its candidates. The orders are out: its loss is only reported."""
    body = run.score_updates()
    if not body.scores:
        return
    try:
        await _post(deps, "scanner", "/api/v1/scores", body, dict[str, Any])
    except errors.CatalystError as error:
        log.warning("scores_not_stored", cycle_id=body.cycle_id, scan=run.scan, detail=error.detail)


async def approve(deps: Deps, proposal_id: UUID) -> Proposal:
    """Look again at price and risk, then send: once, however often asked. Raises NotFound, NotNow, Unavailable."""
    found = await known_proposal(deps, proposal_id)
    if found.status == "approved":
        return found
    if found.status != "pending":
        raise errors.NotNow(f"this proposal is {found.status}: {found.reason}")
    now, rules = await deps.clock.now(), deps.config.current().trading.workflow
    cycle = await cycle_detail(deps, found.cycle_id)
    if why := outcome.why_not_approvable(found, now, cycle.status == "running"):
        return await _settle(deps, found, *why)
    trade = (await deps.market.trades([found.symbol])).get(found.symbol)
    if trade is None:
        return await _settle(deps, found, "refused", "no price is known any more")
    drift = outcome.drift_pct(found.price_at_proposal, Decimal(str(trade.price)))
    if drift > rules.proposal_max_drift_pct:
        reason = f"the price moved {drift:.2f} % since the proposal, {rules.proposal_max_drift_pct:g} % is allowed"
        return await _settle(deps, found, "refused", reason)
    again = found.scored.model_copy(update={"price": trade.price, "rank": 1})
    asked = outcome.decide_request(cycle, found.scan, now, (again,), 1, outcome.ON_APPROVAL)
    verdicts = await _post(deps, "risk-manager", DECIDE, asked, tuple[Verdict, ...])
    picks = outcome.chosen((again,), verdicts, 1)
    if not picks:
        reason = verdicts[0].reason if verdicts else "no verdict"
        return await _settle(deps, found, "refused", f"risk: {reason}")
    sent = await _send(deps, picks[0])
    if sent.outcome != "order":
        return await _settle(deps, found, "refused", f"trading: {sent.reason}")
    return await _settle(deps, found, "approved", f"order {sent.order.client_order_id}, {sent.order.quantity} shares")


async def reject(deps: Deps, proposal_id: UUID) -> Proposal:
    """A person says no. Raises NotFound, NotNow."""
    found = await known_proposal(deps, proposal_id)
    if found.status == "rejected":
        return found
    if found.status != "pending":
        raise errors.NotNow(f"this proposal is {found.status}: {found.reason}")
    return await _settle(deps, found, "rejected", "rejected by the operator")


async def known_proposal(deps: Deps, proposal_id: UUID) -> Proposal:
    """One proposal. Raises NotFound."""
    if found := await store.proposal(deps.pool, proposal_id):
        return found
    raise errors.NotFound(f"there is no proposal {proposal_id}")


async def _settle(deps: Deps, found: Proposal, status: str, reason: str) -> Proposal:
    """Decide a proposal once and journal it. Raises NotNow when the answer is no though a person said yes."""
    now = await deps.clock.now()
    async with deps.pool.acquire() as connection, connection.transaction():
        decided = await store.decide_proposal(connection, found.proposal_id, status, reason, now)
        if decided is not None:
            payload = decided.model_dump(mode="json")
            await append_event(connection, NAME, f"proposal.{status}", now, payload, found.cycle_id)
    log.info("proposal_decided", proposal_id=str(found.proposal_id), symbol=found.symbol, status=status, reason=reason)
    if status in ("refused", "expired"):
        raise errors.NotNow(f"{found.symbol} was not approved: {reason}")
    return decided or await known_proposal(deps, found.proposal_id)
