"""Fetch bars, read the charts, store what was seen."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from services.pattern import store
from services.pattern.rules.frame import Timeframe
from services.pattern.rules.read import NO_BARS, TIMEFRAMES, Charts, read_charts
from shared.deps import Deps
from shared.domain.evidence import AssessRequest, PatternAssessment, PatternEvidence
from shared.domain.market import BarTable
from shared.errors import NotFound
from shared.runtime.stage import Stage, answer_once

INTRADAY_DAYS, DAILY_DAYS = 5, 200
INTRADAY_SECONDS, DAILY_SECONDS = 300.0, 86_400.0


@dataclass
class Memory:
    """Daily bars change once a day: kept by symbol for the day they were fetched on."""

    day: date | None = None
    daily: BarTable = field(default_factory=dict)
    last_assessed_at: datetime | None = None

    def of(self, day: date) -> BarTable:
        """The day's own table, to be filled; another day's is let go."""
        if self.day != day:
            self.day, self.daily = day, {}
        return self.daily


async def assess(deps: Deps, memory: Memory, request: AssessRequest) -> PatternAssessment:
    """One entry for each symbol asked, in the order asked; the same again for a scan that was answered before.

    Raises BadInput, NotFound for an unknown scan, Unavailable when bars cannot be had.
    """

    async def compute(symbols: Sequence[str], as_of: datetime) -> dict[str, PatternEvidence]:
        return {one.symbol: one for one in await _read(deps, memory, symbols, as_of)}

    stage = Stage(store.stored, compute, lambda one: one.refused != NO_BARS, store.save)
    done = await answer_once(deps.pool, deps.clock, request, stage)
    memory.last_assessed_at = request.as_of
    return PatternAssessment(as_of=request.as_of, evidence=done.evidence)


async def patterns_now(deps: Deps, memory: Memory, symbol: str, timeframe: Timeframe | None) -> PatternAssessment:
    """One symbol now, not stored; of one timeframe's chart alone where one is named.

    Raises NotFound when there are no bars of it, Unavailable when bars cannot be had.
    """
    now = await deps.clock.now()
    (found,) = await _read(deps, memory, [symbol], now, (timeframe,) if timeframe else TIMEFRAMES)
    if found.refused == NO_BARS:
        raise NotFound(f"no bars of {symbol}", field="symbol")
    return PatternAssessment(as_of=now, evidence=(found,))


async def _read(
    deps: Deps, memory: Memory, symbols: Sequence[str], as_of: datetime, asked: Sequence[Timeframe] = TIMEFRAMES
) -> tuple[PatternEvidence, ...]:
    """Evidence for each symbol from bars complete at `as_of`: at most one call for each timeframe."""
    intraday, daily = await asyncio.gather(
        deps.market.bars(symbols, "5Min", _midnight(as_of, INTRADAY_DAYS), as_of),
        _daily(deps, memory, symbols, as_of),
    )
    return await asyncio.to_thread(_read_all, symbols, intraday, daily, as_of.timestamp(), tuple(asked))


def _read_all(
    symbols: Sequence[str], intraday: BarTable, daily: BarTable, at: float, asked: tuple[Timeframe, ...]
) -> tuple[PatternEvidence, ...]:
    charts = []
    for symbol in symbols:
        short, long = intraday.get(symbol), daily.get(symbol)
        charts.append(
            Charts(
                symbol,
                short.before(at, INTRADAY_SECONDS) if short is not None else None,
                long.before(at, DAILY_SECONDS) if long is not None else None,
                asked,
            )
        )
    return read_charts(charts)


def _midnight(as_of: datetime, days: int) -> datetime:
    """The start of the window: fixed for a whole day, so that an answer does not move with the time of asking."""
    return datetime.combine(as_of.astimezone(UTC).date() - timedelta(days=days), time(), UTC)


async def _daily(deps: Deps, memory: Memory, symbols: Sequence[str], as_of: datetime) -> BarTable:
    """Daily bars of the symbols, asked for once a day each."""
    known = memory.of(as_of.astimezone(UTC).date())
    missing = [symbol for symbol in symbols if symbol not in known]
    if missing:
        known.update(await deps.market.bars(missing, "1Day", _midnight(as_of, DAILY_DAYS), as_of))
    return {symbol: known[symbol] for symbol in symbols if symbol in known}
