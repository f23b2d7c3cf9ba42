"""One scan down the funnel: stage by stage, to orders or proposals, recorded whatever happens."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge, Histogram

from services.workflow import store
from services.workflow.flow.cycling import NAME, warn
from services.workflow.rules import answers, fate, funnel, limits, outcome
from services.workflow.rules.answers import A
from services.workflow.rules.scan import Scan
from shared import errors
from shared.deps import Deps
from shared.domain.base import Value
from shared.domain.cycle import DecideRequest, Degradation, ScanAnswer, ScanRequest
from shared.domain.evidence import AssessRequest, NewsAssessment, PatternAssessment, Stage, TechnicalAssessment
from shared.domain.order import ApprovedOrder, OrderView, Verdict
from shared.journal import append_event

SCANS = Counter("catalyst_scans_total", "Scans by how they ended", ["status"])
STAGE_TIME = Histogram("catalyst_scan_stage_seconds", "Time that each stage of a scan took", ["stage"])
FUNNEL = Gauge("catalyst_scan_funnel_symbols", "Symbols that each stage of the newest scan let through", ["stage"])
REFUSALS = (errors.NotNow, errors.BadInput, errors.NotFound, errors.Forbidden, errors.BrokerRefused)
SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 5.0, 30.0
"""Seconds for one answer: a stage that works may take so long, however short its deadline; none may take longer."""
ASSESS, DECIDE = "/api/v1/assess", "/api/v1/risk/decide"
T = TypeVar("T")
log = structlog.get_logger()


async def post(deps: Deps, service: str, path: str, body: Value, answer: type[T]) -> T:
    """Every stage answers the same question the same way twice, so each is asked until its deadline. One that hears and
    says nothing is given up within it, too.
    """
    seconds = deps.config.current().trading.workflow.stage_deadline_seconds
    timeout = min(max(seconds, SHORTEST_TIMEOUT), LONGEST_TIMEOUT)
    return await deps.client.post(service, path, body, answer, timeout=timeout, deadline=seconds, repeatable=True)


async def judged(deps: Deps, asked: DecideRequest) -> tuple[Verdict, ...]:
    """Risk's verdicts, as far as they can be used. Raises Unavailable when none can."""
    said = await post(deps, "risk-manager", DECIDE, asked, tuple[Verdict, ...])
    usable = answers.usable_verdicts([one.symbol for one in asked.candidates], said)
    if asked.candidates and not usable:
        raise errors.Unavailable(f"risk-manager gave no verdict on any of {len(asked.candidates)} candidates")
    return usable


async def assessed(deps: Deps, run: Scan, name: Stage, asked: AssessRequest, kind: type[A]) -> A:
    """What a stage says of those asked about. Raises Unavailable for an answer that is not one to the question."""
    answer = await post(deps, name, ASSESS, asked, kind)
    if why := answers.why_not_this_moment(answer, asked):
        raise errors.Unavailable(f"{name} {why}")
    about = answers.about(asked.symbols, answer)
    run.notice(name, asked, about)
    return about


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
    run.weights, run.config_hash, run.places = weights, config.hash, limits.execute_top_n(config, deps.settings)
    with run.stage("scanner"):
        run.answer = await _scanned(deps, run.scan_request(sizes.scanner))
    leads = run.take("scanner", funnel.enter(run.answer.candidates, sizes.scanner))
    news = await _heard(deps, run, "news", deps.settings.enable_news_sentiment, leads, NewsAssessment)
    run.hear(news)
    leads = run.take("news", funnel.cut_by_news(leads, news, sizes.news))
    pattern = await _heard(deps, run, "pattern", deps.settings.enable_pattern_detection, leads, PatternAssessment)
    leads = run.take("pattern", funnel.cut_by_pattern(leads, pattern, weights, sizes.pattern))
    with run.stage("technical"):
        asked = run.assess_request(leads) if leads else None
        technical = await assessed(deps, run, "technical", asked, TechnicalAssessment) if asked else None
    leads = run.take("technical", funnel.cut_by_technical(leads, technical))
    leads = run.take("score", funnel.cut_by_score(leads, weights, sizes.technical, sizes.min_composite_score))
    run.scored = funnel.scored(leads, weights, run.is_lossy)
    with run.stage("risk"):
        verdicts = await judged(deps, run.decide_request(sizes.risk)) if leads else ()
    run.judge(verdicts, sizes.risk)
    alone = config.autonomous and run.cycle.session_mode == "autonomous"
    execute = _send_best if alone else _propose_best
    with run.stage("execution"):
        await execute(deps, run, run.places)


async def _scanned(deps: Deps, asked: ScanRequest) -> ScanAnswer:
    answer = await post(deps, "scanner", "/api/v1/scan", asked, ScanAnswer)
    if why := answers.why_not_this_scan(answer, asked):
        raise errors.Unavailable(f"scanner {why}")
    return answer


async def _heard(
    deps: Deps, run: Scan, name: Stage, wanted: bool, leads: Sequence[funnel.Lead], kind: type[A]
) -> A | None:
    """The opinion of a stage that the scan can do without; None when it is switched off or lost."""
    if not wanted:
        run.degraded.append(Degradation(stage=name, kind="off"))
    if not wanted or not leads:
        return None
    try:
        with run.stage(name):
            return await assessed(deps, run, name, run.assess_request(leads), kind)
    except errors.CatalystError as error:
        log.warning("stage_lost", stage=name, cycle_id=run.cycle.cycle_id, scan=run.scan, detail=error.detail)
        run.lose(Degradation(stage=name, kind="lost"), error.detail)
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
        sent = await send(deps, pick)
        if outcome.was_raced(sent):
            sent = await _decided_anew(deps, run, sent)
        run.picks[number] = sent
        places -= sent.outcome == "order" and not was_sent


async def _decided_anew(deps: Deps, run: Scan, pick: outcome.Pick) -> outcome.Pick:
    """The price ran past stop or target while the order was on its way: all of risk again at a fresh price, once, under
    a new id. Raises Unavailable.
    """
    alone, now = (pick.scored.model_copy(update={"rank": 1}),), await deps.clock.now()
    asked = outcome.decide_request(run.cycle, run.scan, now, alone, 1, outcome.AFTER_A_RACE)
    verdicts = await judged(deps, asked)
    if not (fresh := outcome.chosen(alone, verdicts, 1)):
        return replace(pick, reason=f"{pick.reason}; at a fresh price: {verdicts[0].reason}")
    return replace(await send(deps, fresh[0]), scored=pick.scored)


async def placed(deps: Deps, approved: ApprovedOrder) -> OrderView:
    """Ask trading, again with the same body while no answer comes; its order, whatever became of it at the broker.

    Raises what trading refuses with, and Unavailable when no answer came that can be used.
    """
    order = await post(deps, "trading", "/api/v1/orders", approved, OrderView)
    if (order.decision_id, order.symbol) != (approved.decision_id, approved.symbol):
        sent = f"{approved.symbol} ({approved.client_order_id})"
        raise errors.Unavailable(f"trading answered about {order.symbol} ({order.client_order_id}), sent was {sent}")
    return order


async def send(deps: Deps, pick: outcome.Pick) -> outcome.Pick:
    """A pick sent to trading. Raises Unavailable when no answer came at all."""
    try:
        order = await placed(deps, pick.order)
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
            run.picks[number] = replace(pick, outcome="refused", reason=fate.STILL_PENDING)
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
        await post(deps, "scanner", "/api/v1/scores", body, dict[str, Any])
    except errors.CatalystError as error:
        log.warning("scores_not_stored", cycle_id=body.cycle_id, scan=run.scan, detail=error.detail)
