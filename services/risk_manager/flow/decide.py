"""Verdicts: on scored candidates, and on an entry that somebody asks about."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import structlog
from prometheus_client import Counter

from services.risk_manager import store
from services.risk_manager.flow.result import read_result
from services.risk_manager.flow.watch import SERVICE, read_account
from services.risk_manager.rules import book, case, judge
from services.risk_manager.rules.correlation import returns_table
from services.risk_manager.rules.day import DayReading
from shared.deps import Deps
from shared.domain.cycle import DecideRequest
from shared.domain.order import Verdict
from shared.domain.position import Account
from shared.domain.session import trading_day
from shared.errors import BadInput, NotFound
from shared.journal import append_event
from shared.runtime.calendar import now_and_next

HISTORY = timedelta(days=100)
DECISIONS = Counter("catalyst_risk_decisions_total", "Verdicts", ["kind", "verdict", "reason"])
log = structlog.get_logger()


def id_prefix(now: datetime) -> str:
    """How the ids of this trading day's orders begin."""
    return f"cat-{trading_day(now):%Y%m%d}-"


async def _outside(deps: Deps, symbols: Sequence[str], now: datetime) -> book.Outside:
    """What others say: account, session, prices, and the daily history of the symbols and of all that is held."""
    held = {one.symbol for one in await store.holdings(deps.pool, now, ())}
    (account, day), (session, upcoming), trades, quotes, bars = await asyncio.gather(
        _account_and_day(deps, now),
        now_and_next(deps.market, now),
        deps.market.trades(symbols),
        deps.market.quotes(symbols),
        deps.market.bars(sorted({*symbols, *held}), "1Day", now - HISTORY, now),
    )
    return book.Outside(book.book_of(account, day, session, upcoming), trades, quotes, bars, returns_table(bars))


async def _account_and_day(deps: Deps, now: datetime) -> tuple[Account, DayReading]:
    account = await read_account(deps)
    return account, await read_result(deps, account, deps.config.current().max_daily_loss, now)


async def _inside(
    db: store.Reader, known: book.Book, symbols: Sequence[str], now: datetime, superseded: Sequence[UUID] = ()
) -> book.Book:
    """The book completed from the database; read where no other decision can come between."""
    halt, losses = await store.active_halt(db), await store.last_losses(db, symbols)
    holdings = await store.holdings(db, now, superseded)
    entries = await store.entries_of_day(db, now, id_prefix(now), superseded)
    why, apart = halt.reason if halt else None, await store.clock_apart(db)
    return replace(known, holdings=holdings, halted=why, last_losses=losses, entries_today=entries, clock_apart=apart)


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
    outside = await _outside(deps, symbols, now)
    await store.register(deps.pool, symbols)
    async with deps.pool.acquire() as connection, connection.transaction():
        await store.take_turn(connection)
        # Read in our turn: a configuration is taken over between two decisions, never in the middle of one.
        limits = book.limits_of(deps.config.current(), request.max_positions, request.max_daily_loss_usd)
        stored = await store.decisions_by_id(connection, list(ids.values()))
        known = await _inside(connection, outside.book, symbols, now, judge.superseded_ids(request))
        approvals = sum(row["verdict"] == "approved" for row in stored.values())
        known = replace(known, approvals=approvals, approve_max=request.approve_max)
        sectors = await store.sectors(connection, symbols)
        fresh = [one for one in request.candidates if ids[one.symbol] not in stored]
        beside = known.symbols | frozenset(symbols)
        subjects = book.subjects_of(fresh, sectors, outside, beside, request.caps)
        before = await store.approvals_of_day(connection, symbols, id_prefix(now))
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
    sectors = await store.sectors(deps.pool, [symbol])
    subject = book.subject_as_asked(symbol, price, sectors, outside, known.symbols)
    asked = case.case_as_asked(subject, known, limits, now, quantity, price)
    verdict = judge.judge(asked, judge.validation_id(cycle_id, symbol, quantity, price, now), None)
    decision = judge.decided(asked, verdict, cycle_id, None, judge.Inputs(subject, known, Decimal(1), 0))
    await store.insert_decisions(deps.pool, [decision])
    _count([decision])
    return verdict
