"""Fetch bars, read the charts, store what was seen."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.pattern import store
from services.pattern.rules.read import evidence
from shared.deps import Deps
from shared.domain.evidence import AssessRequest, PatternAssessment, PatternEvidence
from shared.domain.market import BarTable

INTRADAY_DAYS, DAILY_DAYS = 5, 200
INTRADAY_SECONDS, DAILY_SECONDS = 300.0, 86_400.0


@dataclass
class Memory:
    """Daily bars change once a day: kept by symbol for the day they were fetched on."""

    day: str = ""
    daily: BarTable = field(default_factory=dict)
    last_assessed_at: datetime | None = None


async def assess(deps: Deps, memory: Memory, request: AssessRequest) -> PatternAssessment:
    """Evidence for each symbol asked, in the order asked, from bars complete at `as_of`. Raises Unavailable."""
    symbols, as_of = request.symbols, request.as_of
    intraday, daily = await asyncio.gather(
        deps.market.bars(symbols, "5Min", as_of - timedelta(days=INTRADAY_DAYS), as_of),
        _daily(deps, memory, symbols, as_of),
    )
    result = await asyncio.to_thread(_read_all, symbols, intraday, daily, as_of.timestamp())
    await store.save(deps.pool, result, as_of, request.cycle_id, request.scan)
    memory.last_assessed_at = as_of
    return PatternAssessment(as_of=as_of, evidence=result)


def _read_all(symbols: tuple[str, ...], intraday: BarTable, daily: BarTable, at: float) -> tuple[PatternEvidence, ...]:
    found = []
    for symbol in symbols:
        short, long = intraday.get(symbol), daily.get(symbol)
        found.append(
            evidence(
                symbol,
                short.before(at, INTRADAY_SECONDS) if short is not None else None,
                long.before(at, DAILY_SECONDS) if long is not None else None,
            )
        )
    return tuple(found)


async def _daily(deps: Deps, memory: Memory, symbols: tuple[str, ...], as_of: datetime) -> BarTable:
    """Daily bars of the symbols, asked for once a day each."""
    day = as_of.date().isoformat()
    if memory.day != day:
        memory.day, memory.daily = day, {}
    missing = [symbol for symbol in symbols if symbol not in memory.daily]
    if missing:
        memory.daily |= await deps.market.bars(missing, "1Day", as_of - timedelta(days=DAILY_DAYS), as_of)
    return {symbol: memory.daily[symbol] for symbol in symbols if symbol in memory.daily}
