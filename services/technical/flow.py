"""Fetch bars, assess, store. Daily bars are kept for the day they serve; the rest of the state is in the database."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as wall_time
from functools import partial

import structlog

from services.technical import store
from services.technical.rules.assess import NO_BARS, assess
from shared.deps import Deps
from shared.domain.evidence import AssessRequest, TechnicalAssessment, TechnicalEvidence
from shared.domain.market import Bars, BarTable
from shared.domain.session import Session, at_market_time, trading_day
from shared.errors import NotFound
from shared.runtime.calendar import Calendar
from shared.runtime.stage import Stage, answer_once

DAILY_BACK, INTRADAY_SESSIONS = timedelta(days=380), 6
log = structlog.get_logger()


@dataclass
class Shelf:
    """What holds for a whole trading day: daily bars by symbol and the calendar. Emptied when the day changes."""

    day: date | None = None
    bars: BarTable = field(default_factory=dict)
    calendar: Calendar = field(default_factory=Calendar)
    last: dict[str, object] = field(default_factory=dict)

    def turn_to(self, day: date) -> None:
        if self.day != day:
            self.day, self.bars = day, {}


async def assess_all(deps: Deps, shelf: Shelf, request: AssessRequest) -> TechnicalAssessment:
    """One entry for each symbol asked, in the order asked; the same again for a scan that was answered before.

    Raises BadInput, NotFound for an unknown scan, Unavailable when the market's data is not to be had.
    """
    compute = partial(evidence_of, deps, shelf)
    stage = Stage(store.stored, compute, lambda one: one.refused != NO_BARS, store.save)
    done = await answer_once(deps.pool, deps.clock, request, stage)
    shelf.last = {"as_of": request.as_of.isoformat(), "symbols": len(request.symbols), "ms": done.ms}
    log.info("assessed", cycle_id=request.cycle_id, scan=request.scan, fresh=done.fresh, **shelf.last)
    return TechnicalAssessment(as_of=request.as_of, evidence=done.evidence)


async def evidence_of(
    deps: Deps, shelf: Shelf, symbols: Sequence[str], as_of: datetime
) -> dict[str, TechnicalEvidence]:
    """Assess symbols from the market's bars: at most one call for each timeframe."""
    day = trading_day(as_of)
    shelf.turn_to(day)
    known = await shelf.calendar.look_up(deps.market, as_of)
    sessions = tuple(one for one in known if one.open <= as_of)[-INTRADAY_SESSIONS:]
    days, minutes = await asyncio.gather(_days(deps, shelf, symbols, day), _minutes(deps, symbols, sessions, as_of))
    return assess(symbols, days, minutes, sessions, as_of)


async def _days(deps: Deps, shelf: Shelf, symbols: Sequence[str], day: date) -> BarTable:
    """Daily bars up to the day before `day`; what the shelf holds is not asked again."""
    kept: BarTable = shelf.bars
    new = [symbol for symbol in symbols if symbol not in kept]
    if new:
        midnight = at_market_time(day, wall_time())
        kept.update(await deps.market.bars(new, "1Day", midnight - DAILY_BACK, midnight))
    return {symbol: kept[symbol] for symbol in symbols if symbol in kept}


async def _minutes(deps: Deps, symbols: Sequence[str], sessions: Sequence[Session], as_of: datetime) -> dict[str, Bars]:
    if not sessions:
        return {}
    return await deps.market.bars(symbols, "5Min", sessions[0].open, as_of)


async def indicators_now(deps: Deps, shelf: Shelf, symbol: str) -> TechnicalAssessment:
    """One symbol now, not stored. Raises NotFound when there are no bars of it."""
    now = await deps.clock.now()
    found = await evidence_of(deps, shelf, [symbol], now)
    if found[symbol].refused == NO_BARS:
        raise NotFound(f"no bars of {symbol}", field="symbol")
    return TechnicalAssessment(as_of=now, evidence=(found[symbol],))
