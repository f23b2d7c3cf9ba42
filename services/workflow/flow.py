"""A cycle opened and ended, a scan down the funnel, a proposal decided: effects, in order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge, Histogram

from services.workflow import store
from services.workflow.rules import explain, funnel, limits, outcome, schedule
from services.workflow.rules.scan import Scan
from services.workflow.rules.trace import Explanation
from shared import errors
from shared.deps import Deps
from shared.domain.base import Value
from shared.domain.cycle import CycleDetail, CycleOpened, CycleRequest, CycleView, Proposal, ScanAnswer
from shared.domain.evidence import NewsAssessment, PatternAssessment, Standing, TechnicalAssessment
from shared.domain.order import OrderView, Verdict
from shared.domain.session import Session, next_session, trading_day
from shared.journal import Severity, append_event, raise_alert

NAME = "workflow"
SCANS = Counter("catalyst_scans_total", "Scans by how they ended", ["status"])
STAGE_TIME = Histogram("catalyst_scan_stage_seconds", "Time that each stage of a scan took", ["stage"])
FUNNEL = Gauge("catalyst_scan_funnel_symbols", "Symbols that each stage of the newest scan let through", ["stage"])
REFUSALS = (errors.NotNow, errors.BadInput, errors.NotFound, errors.Forbidden, errors.BrokerRefused)
ASSESS, DECIDE = "/api/v1/assess", "/api/v1/risk/decide"
T = TypeVar("T")
log = structlog.get_logger()


async def require_open(deps: Deps, now: datetime) -> Session:
    """The session that is open. Raises NotNow with the next open, where it is known."""
    sessions = await deps.market.sessions(trading_day(now), trading_day(now) + timedelta(days=10))
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


async def cycle_detail(deps: Deps, cycle_id: str) -> CycleDetail:
    """One cycle with its scans. Raises NotFound."""
    if (found := await store.cycle(deps.pool, cycle_id)) is None:
        raise errors.NotFound(f"there is no cycle {cycle_id}")
    seconds = ((found.stopped_at or await deps.clock.now()) - found.started_at).total_seconds()
    return CycleDetail(**found.model_dump(), duration_seconds=seconds, scans=await store.scans(deps.pool, cycle_id))


async def story(deps: Deps, cycle_id: str, symbol: str) -> Explanation:
    """A symbol's way through a cycle; where it was no candidate, the scanner says why. Raises NotFound."""
    await cycle_detail(deps, cycle_id)
    traces, standings = await store.traces(deps.pool, cycle_id), dict[int, Standing]()
    for scan in explain.strangers(symbol, traces):
        try:
            path = f"/api/v1/explain/{symbol}?cycle_id={cycle_id}&scan={scan}"
            standings[scan] = await deps.client.get("scanner", path, Standing, timeout=5)
        except errors.CatalystError as error:
            log.info("no_standing", symbol=symbol, cycle_id=cycle_id, scan=scan, detail=error.detail)
    return explain.told(cycle_id, symbol, traces, standings)


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


async def _post(deps: Deps, service: str, path: str, body: Value, answer: type[T]) -> T:
    """Every stage answers the same question the same way twice, so each is asked until its deadline."""
    seconds = deps.config.current().trading.workflow.stage_deadline_seconds
    return await deps.client.post(service, path, body, answer, deadline=seconds, repeatable=True)


async def run_scan(deps: Deps, run: Scan) -> None:
    """One scan to its end: completed, failed with the stage named, or given up. Always recorded and answered."""
    try:
        if not run.interrupted:
            await _descend(deps, run)
    except errors.CatalystError as error:
        run.failed = run.failed or f"{error.title}: {error.detail}"
    now = await deps.clock.now()
    view = run.end(now)
    await _tell_scores(deps, run)
    for kind, message in run.alarms(view, deps.config.current().risk.entry.last_minutes_without_entries):
        await warn(deps, view.cycle_id, kind, message, "critical" if run.failed else "warning")
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.finish_scan(connection, view, run.trace())
        await append_event(connection, NAME, "scan.completed", now, run.payload(view), view.cycle_id)
    SCANS.labels(view.status).inc()
    counts = view.funnel.model_dump()
    for stage, milliseconds in run.stage_ms.items():
        STAGE_TIME.labels(stage).observe(milliseconds / 1000)
    for stage, count in counts.items():
        FUNNEL.labels(stage).set(count)
    log.info("scan_ended", cycle_id=view.cycle_id, scan=view.scan, status=view.status, reason=view.reason, **counts)


async def _descend(deps: Deps, run: Scan) -> None:
    """Down the funnel, stage by stage."""
    config = deps.config.current()
    sizes, weights = config.trading.funnel, config.trading.funnel.weights.model_dump()
    run.weights = weights
    with run.stage("scanner"):
        run.answer = await _post(deps, "scanner", "/api/v1/scan", run.scan_request(sizes.scanner), ScanAnswer)
    leads = run.take("scanner", funnel.enter(run.answer.candidates, sizes.scanner))
    news = await _heard(deps, run, "news", deps.settings.enable_news_sentiment, leads, NewsAssessment)
    run.hear(news)
    leads = run.take("news", funnel.cut_by_news(leads, news, sizes.news))
    pattern = await _heard(deps, run, "pattern", deps.settings.enable_pattern_detection, leads, PatternAssessment)
    leads = run.take("pattern", funnel.cut_by_pattern(leads, pattern, weights, sizes.pattern))
    with run.stage("technical"):
        body = run.assess_request(leads) if leads else None
        technical = await _post(deps, "technical", ASSESS, body, TechnicalAssessment) if body else None
    leads = run.take("technical", funnel.cut_by_technical(leads, technical))
    leads = run.take("score", funnel.cut_by_score(leads, weights, sizes.technical, sizes.min_composite_score))
    run.scored = funnel.scored(leads, weights, run.is_lossy)
    with run.stage("risk"):
        asked = run.decide_request(sizes.risk)
        verdicts = await _post(deps, "risk-manager", DECIDE, asked, tuple[Verdict, ...]) if leads else ()
    run.judge(verdicts, sizes.risk)
    alone = config.autonomous and run.cycle.session_mode == "autonomous"
    execute = _send_best if alone else _propose_best
    with run.stage("execution"):
        await execute(deps, run, limits.execute_top_n(config, deps.settings))


async def _heard(
    deps: Deps, run: Scan, name: str, wanted: bool, leads: Sequence[funnel.Lead], kind: type[T]
) -> T | None:
    """The opinion of a stage that the scan can do without; None when it is switched off or lost."""
    if not wanted:
        run.degraded.append(f"{name} switched off")
    if not wanted or not leads:
        return None
    try:
        with run.stage(name):
            return await _post(deps, name, ASSESS, run.assess_request(leads), kind)
    except errors.CatalystError as error:
        log.warning("stage_lost", stage=name, cycle_id=run.cycle.cycle_id, scan=run.scan, detail=error.detail)
        run.failed = None
        run.degraded.append(f"{name} lost")
        return None


async def _send_best(deps: Deps, run: Scan, top_n: int) -> None:
    """Best first, one at a time, at most `top_n`, with what trading says an attempt before this one has sent."""
    known, rules = dict[UUID, OrderView](), deps.config.current().trading.workflow
    if run.attempts > 1:
        path, seconds = f"/api/v1/orders?cycle_id={run.cycle.cycle_id}&limit=1000", rules.stage_deadline_seconds
        orders = await deps.client.get("trading", path, tuple[OrderView, ...], deadline=seconds)
        known = outcome.already_sent(orders)
    places = top_n - sum(pick.order.decision_id in known for pick in run.picks)
    for number, pick in enumerate(run.picks):
        was_sent = pick.order.decision_id in known
        if not was_sent and places <= 0:
            continue
        if not was_sent and not await store.is_running(deps.pool, run.cycle.cycle_id):
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
    return outcome.taken(pick, order)


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


async def decide(deps: Deps, proposal_id: UUID, *, yes: bool) -> Proposal:
    """A person's word, obeyed once however often it is given. Raises NotFound, NotNow, Unavailable."""
    if (found := await store.proposal(deps.pool, proposal_id)) is None:
        raise errors.NotFound(f"there is no proposal {proposal_id}")
    if found.status == ("approved" if yes else "rejected"):
        return found
    if found.status != "pending":
        raise errors.NotNow(f"this proposal is {found.status}: {found.reason}")
    now = await deps.clock.now()
    status, reason = await _try_to_send(deps, found, now) if yes else ("rejected", "rejected by the operator")
    async with deps.pool.acquire() as connection, connection.transaction():
        decided = await store.decide_proposal(connection, proposal_id, status, reason, now)
        payload = (decided or found).model_dump(mode="json")
        await append_event(connection, NAME, f"proposal.{status}", now, payload, found.cycle_id)
    log.info("proposal_decided", proposal_id=str(proposal_id), symbol=found.symbol, status=status, reason=reason)
    if yes and status != "approved":
        raise errors.NotNow(f"{found.symbol} was not approved: {reason}")
    return decided or found


async def _try_to_send(deps: Deps, found: Proposal, now: datetime) -> tuple[str, str]:
    """Look again at time, price and the whole of risk, then send; the status this leads to, and why."""
    cycle, rules = await cycle_detail(deps, found.cycle_id), deps.config.current().trading.workflow
    if why := outcome.why_not_approvable(found, now, cycle.status == "running"):
        return why
    if (trade := (await deps.market.trades([found.symbol])).get(found.symbol)) is None:
        return "refused", "no price is known any more"
    if (drift := outcome.drift_pct(found.price_at_proposal, Decimal(str(trade.price)))) > rules.proposal_max_drift_pct:
        return "refused", f"the price moved {drift:.2f} %, {rules.proposal_max_drift_pct:g} % is allowed"
    again = found.scored.model_copy(update={"price": trade.price, "rank": 1})
    asked = outcome.decide_request(cycle, found.scan, now, (again,), 1, outcome.ON_APPROVAL)
    verdicts = await _post(deps, "risk-manager", DECIDE, asked, tuple[Verdict, ...])
    if not (picks := outcome.chosen((again,), verdicts, 1)):
        return "refused", f"risk: {verdicts[0].reason if verdicts else 'no verdict'}"
    sent = await _send(deps, picks[0])
    if sent.outcome != "order":
        return "refused", f"trading: {sent.reason}"
    return "approved", f"order {sent.order.client_order_id}, {sent.order.quantity} shares"
