"""What risk does, in order: decide, validate, watch the day, stop everything, mail the alerts."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from time import perf_counter
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from services.risk_manager import store
from services.risk_manager.rules import book, case, day, judge, mail, stop
from shared.deps import Deps
from shared.domain.cycle import DecideRequest
from shared.domain.order import Verdict
from shared.domain.position import Account, CloseRequest, PositionView, Reconciliation
from shared.domain.session import Session, current_session, next_session, next_slot, trading_day
from shared.errors import BadInput, CatalystError, Forbidden, NotFound, NotNow
from shared.journal import Connection, append_event, raise_alert

SERVICE = "risk-manager"
EVERY, HISTORY = timedelta(seconds=60), timedelta(days=100)
ACCOUNT_DEADLINE_SECONDS, STOP_HEARD_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 2.0, 2.0
PAGED_AFTER_ATTEMPTS, LEASE_SECONDS, MOST_IN_ONE_MAIL = 20, 60.0, 50

DECISIONS = Counter("catalyst_risk_decisions_total", "Verdicts", ["kind", "verdict", "reason"])
DAY_PNL = Gauge("catalyst_day_pnl_usd", "The broker's equity against the previous close")
EXPOSURE = Gauge("catalyst_exposure_usd", "Money at work or promised")
HALTED = Gauge("catalyst_halted", "1 while trading is halted")
WAITING = Gauge("catalyst_alerts_waiting", "Alerts not mailed yet")
log = structlog.get_logger()


@dataclass
class Watch:
    """What the loops of one process know: the last reading of the day; a stop to carry out; trading was told of it."""

    read_at: datetime | None = None
    reading: day.DayReading | None = None
    close: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)


async def sessions_near(deps: Deps, now: datetime) -> tuple[Session | None, Session | None]:
    """The session that is open and the one that opens next."""
    known = await deps.market.sessions(trading_day(now), trading_day(now) + timedelta(days=10))
    return current_session(known, now), next_session(known, now)


async def _account(deps: Deps) -> Account:
    return await deps.client.get("trading", "/api/v1/account", Account, timeout=10, deadline=ACCOUNT_DEADLINE_SECONDS)


async def _outside(deps: Deps, symbols: Sequence[str], now: datetime) -> book.Outside:
    """What others say: account, session, prices, and the daily history of the symbols and of all that is held."""
    held = {one.symbol for one in await store.holdings(deps.pool, now, ())}
    account, (session, upcoming), trades, quotes, bars = await asyncio.gather(
        _account(deps),
        sessions_near(deps, now),
        deps.market.trades(symbols),
        deps.market.quotes(symbols),
        deps.market.bars(sorted({*symbols, *held}), "1Day", now - HISTORY, now),
    )
    return book.Outside(book.book_of(account, session, upcoming, bars), trades, quotes, bars)


async def _inside(
    db: store.Reader, known: book.Book, symbols: Sequence[str], now: datetime, superseded: Sequence[UUID] = ()
) -> book.Book:
    """The book completed from the database; read where no other decision can come between."""
    halt, losses = await store.active_halt(db), await store.last_losses(db, symbols)
    holdings = await store.holdings(db, now, superseded)
    return replace(known, holdings=holdings, halted=halt.reason if halt else None, last_losses=losses)


def _count(decisions: Sequence[judge.Decision]) -> None:
    for one in decisions:
        missed = next((check.name for check in one.verdict.checks if not check.passed), "within_limits")
        DECISIONS.labels(one.kind, "approved" if one.verdict.approved else "refused", missed).inc()


async def decide(deps: Deps, request: DecideRequest) -> tuple[Verdict, ...]:
    """Judge the candidates one at a time, best first; a repeated request gets the stored verdicts.

    Raises BadInput for a symbol named twice, NotFound for an unknown cycle, Unavailable without account or prices.
    """
    symbols = [candidate.symbol for candidate in request.candidates]
    if len(set(symbols)) < len(symbols):
        raise BadInput("a symbol is named twice", field="candidates")
    if not await store.cycle_exists(deps.pool, request.cycle_id):
        raise NotFound(f"there is no cycle {request.cycle_id}", field="cycle_id")
    ids = {one: judge.decision_id(request.cycle_id, request.scan, one, request.attempt) for one in symbols}
    stored = await store.decisions_by_id(deps.pool, list(ids.values()))
    if len(stored) < len(symbols):
        await _decide_new(deps, request, ids)
        stored = await store.decisions_by_id(deps.pool, list(ids.values()))
    return tuple(judge.verdict_of(stored[ids[one]]) for one in symbols)


async def _decide_new(deps: Deps, request: DecideRequest, ids: dict[str, UUID]) -> None:
    """Judge what has no verdict yet and store it, in one transaction that no other decision runs beside."""
    now, symbols = await deps.clock.now(), list(ids)
    limits = book.limits_of(deps.config.current(), request.max_positions, request.max_daily_loss_usd)
    outside = await _outside(deps, symbols, now)
    await store.register(deps.pool, symbols)
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.take_turn(connection)
        stored = await store.decisions_by_id(connection, list(ids.values()))
        known = await _inside(connection, outside.book, symbols, now, judge.superseded_ids(request))
        approvals = sum(row["verdict"] == "approved" for row in stored.values())
        known = replace(known, approvals=approvals, approve_max=request.approve_max)
        sectors = await store.sectors(connection, symbols)
        fresh = [one for one in request.candidates if ids[one.symbol] not in stored]
        subjects = book.subjects_of(fresh, sectors, outside)
        before = await store.approvals_of_day(connection, symbols, f"cat-{trading_day(now):%Y%m%d}-")
        question = judge.Question(request.cycle_id, request.scan, request.size_factor, request.attempt)
        decisions = judge.judge_all(subjects, known, limits, now, question, before)
        await store.insert_decisions(connection, decisions)
        approved = [one.verdict.symbol for one in decisions if one.verdict.approved]
        facts = {"scan": request.scan, "attempt": request.attempt, "asked": len(symbols), "approved": approved}
        await append_event(connection, SERVICE, "risk_decided", now, facts, request.cycle_id)
    _count(decisions)
    log.info("decided", cycle_id=request.cycle_id, **facts)


async def validate(deps: Deps, symbol: str, quantity: int, price: Decimal, cycle_id: str) -> Verdict:
    """Every check for somebody's own quantity and price. The verdict is stored; no order can be made of it.

    Raises NotFound for a symbol that nobody knows and for an unknown cycle.
    """
    if not await store.cycle_exists(deps.pool, cycle_id):
        raise NotFound(f"there is no cycle {cycle_id}", field="cycle_id")
    now, limits = await deps.clock.now(), book.limits_of(deps.config.current())
    outside = await _outside(deps, [symbol], now)
    if symbol not in outside.trades and not await store.is_known(deps.pool, symbol):
        raise NotFound(f"there is no symbol {symbol} on this market", field="symbol")
    await store.register(deps.pool, [symbol])
    known = await _inside(deps.pool, outside.book, [symbol], now)
    subject = book.subject_as_asked(symbol, price, await store.sectors(deps.pool, [symbol]), outside)
    asked = case.case_as_asked(subject, known, limits, now, quantity, price)
    verdict = judge.judge(asked, judge.validation_id(cycle_id, symbol, quantity, price, now), None)
    decision = judge.decided(asked, verdict, cycle_id, None)
    await store.insert_decisions(deps.pool, [decision])
    _count([decision])
    return verdict


async def tell(connection: Connection, notice: stop.Notice, at: datetime) -> None:
    """One risk event, one journal entry and one alert, in the transaction of what they tell about."""
    cycle_id, _ = await store.running_cycle(connection)
    await store.add_risk_event(connection, notice, at, cycle_id)
    await append_event(connection, SERVICE, notice.kind, at, notice.payload, cycle_id)
    if notice.mailed:
        await raise_alert(connection, SERVICE, notice.severity, notice.kind, notice.message, at, cycle_id)
    log.warning(notice.kind, severity=notice.severity, message=notice.message)


async def emergency_stop(deps: Deps, watch: Watch, reason: str, *, closes: bool = True, drill: bool = False) -> bool:
    """Latch the halt and wake the closing; False when a halt stood already. Entries are refused from here on."""
    now, actions = await deps.clock.now(), deps.config.current().risk.emergency_actions
    until = now + timedelta(minutes=0 if drill else actions.cooldown_period_minutes)
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.take_turn(connection)
        fresh = await store.latch(connection, reason, closes, now, until)
        if fresh:
            await tell(connection, stop.stopped(reason, closes, actions.send_email_alert), now)
    HALTED.set(1)
    watch.asked.clear()
    watch.close.set()
    return fresh


async def _close_and_look(deps: Deps, watch: Watch) -> tuple[str, ...]:
    """Ask trading to close everything, then look. Returns what is still there; empty means flat at the broker."""
    why = CloseRequest(reason="emergency_stop")
    try:
        await deps.client.post("trading", "/api/v1/positions/close-all", why, object, repeatable=True)
    finally:
        watch.asked.set()
    positions = await deps.client.get("trading", "/api/v1/positions?status=open", tuple[PositionView, ...])
    seen = await deps.client.post("trading", "/api/v1/reconcile", None, Reconciliation, repeatable=True)
    return stop.still_there(positions, seen)


async def close_until_flat(deps: Deps, watch: Watch) -> None:
    """Close everything until the broker lists nothing, however often that must be asked.

    Runs on the wall's time: a market clock that waits for this service must not be waited for by it.
    """
    attempts, pause = 0, 0.02
    while (halt := await store.active_halt(deps.pool)) is not None and halt.closing:
        attempts += 1
        try:
            left = await _close_and_look(deps, watch)
        except CatalystError as error:
            left = (error.detail,)
        now = await deps.clock.now()
        async with deps.pool.acquire() as connection, connection.transaction():
            if not left and await store.mark_flat(connection, halt.halt_id, now):
                await tell(connection, stop.flat(halt, attempts, now), now)
            elif left and attempts % PAGED_AFTER_ATTEMPTS == 0:
                await tell(connection, stop.not_flat(attempts, left), now)
        log.info("closing", attempts=attempts, left=left)
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE_SECONDS, pause * 2)


async def resume(deps: Deps, reason: str) -> None:
    """Release the halt. Raises NotNow, with the time, before the cool-down is over or while something is open."""
    now, halt = await deps.clock.now(), await store.active_halt(deps.pool)
    if halt is None:
        raise NotNow("trading is not halted")
    if refused := stop.why_not_resume(halt, now):
        raise NotNow(refused, possible_at=None if halt.closing else halt.resume_after)
    async with deps.pool.acquire() as connection, connection.transaction():
        if await store.release(connection, halt.halt_id, reason, now):
            await tell(connection, stop.resumed(halt, reason), now)
    HALTED.set(0)


async def drill(deps: Deps, watch: Watch, patience_seconds: float = 60) -> dict[str, float]:
    """The emergency stop for practice, with its times in ms; released again once flat.

    Raises Forbidden on a live account, NotNow when a halt stands or the account did not become flat in time.
    """
    if deps.settings.broker == "live":
        raise Forbidden("a drill closes every position; it is not done with live money")
    if await store.active_halt(deps.pool) is not None:
        raise NotNow("trading is halted already")
    started = perf_counter()
    await emergency_stop(deps, watch, "drill", drill=True)
    latched = perf_counter()
    while (halt := await store.active_halt(deps.pool)) is not None and halt.closing:
        if perf_counter() - started > patience_seconds:
            raise NotNow(f"not flat after {patience_seconds:.0f} s; the halt stands and closing goes on")
        await asyncio.sleep(0.02)
    verified = perf_counter()
    await resume(deps, "the drill is over")
    return {"latched_ms": round((latched - started) * 1e3, 1), "flat_ms": round((verified - started) * 1e3, 1)}


async def monitor(deps: Deps, watch: Watch, session: Session) -> None:
    """One look at the day, and what follows: one warning a day of each kind, and the emergency stop."""
    now, config, account = await deps.clock.now(), deps.config.current(), await _account(deps)
    (_, own_limit), positions = await store.running_cycle(deps.pool), await store.open_positions(deps.pool)
    trades = await deps.market.trades([one.symbol for one in positions]) if positions else {}
    books = day.books_pnl(await store.realized_since(deps.pool, session.open), positions, trades)
    limit = min(config.max_daily_loss, own_limit or config.max_daily_loss)
    limits, actions = config.risk.daily_limits, config.risk.emergency_actions
    reading = day.read_day(account, books, limit, limits.warning_threshold_pct)
    watch.read_at, watch.reading = now, reading
    DAY_PNL.set(float(reading.pnl))
    EXPOSURE.set(float(sum(one.value for one in await store.holdings(deps.pool, now, ()))))
    for notice in day.notices_of(reading):
        if not await store.happened_since(deps.pool, notice.kind, session.open):
            async with deps.pool.acquire() as connection, connection.transaction():
                await tell(connection, notice, now)
    if reading.level == "emergency" and limits.emergency_stop_at_100 and await store.active_halt(deps.pool) is None:
        # Released with nothing open, the same loss says nothing new; `daily_loss_used` refuses entries anyway.
        said = not positions and await store.happened_since(deps.pool, "emergency_stop", session.open)
        if not said:
            await emergency_stop(deps, watch, day.reason_of(reading), closes=actions.close_all_positions_on_limit)
            # The market's clock stands while we are awake: trading hears of the stop before time goes on.
            await asyncio.wait([asyncio.create_task(watch.asked.wait())], timeout=STOP_HEARD_SECONDS)


async def watch_one_slot(deps: Deps, watch: Watch) -> None:
    """Look if the market is open, then sleep to the next slot of the session, or to the next opening."""
    now = await deps.clock.now()
    session, upcoming = await sessions_near(deps, now)
    if session is not None:
        await monitor(deps, watch, session)
        await deps.clock.sleep_until(min(next_slot(session, now, EVERY), session.close))
    else:
        await deps.clock.sleep_until(upcoming.open if upcoming is not None else now + timedelta(hours=6))


async def mail_waiting(deps: Deps) -> None:
    """One round of the outbox. What fails is tried again, later and later, for ever."""
    say = deps.settings
    known = mail.address_book(say.alert_email_critical, say.alert_email_warning, say.alert_email_info)
    await store.enrol_alerts(deps.pool)
    for group in mail.grouped(await store.claim_alerts(deps.pool, LEASE_SECONDS, MOST_IN_ONE_MAIL)):
        ids, to, text = [one.alert_id for one in group], mail.addresses(group[0], known), mail.compose(group)
        if deps.mailer is None or not to:
            why = "e-mail is switched off" if deps.mailer is None else f"no address for {group[0].severity}"
            await store.settle_alerts(deps.pool, ids, "unaddressed", why, 0)
            continue
        try:
            await deps.mailer.send(to, text.subject, text.text, text.html)
        except CatalystError as error:
            retry = mail.retry_after(max(one.attempts for one in group))
            log.warning("mail_not_sent", alerts=ids, error=error.detail, retry_seconds=retry)
            await store.settle_alerts(deps.pool, ids, "waiting", error.detail, retry)
        else:
            await store.settle_alerts(deps.pool, ids, "sent", None, 0)
    WAITING.set(await store.alerts_waiting(deps.pool))
