"""Fetch bars, read the charts, store what was seen."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from services.pattern import store
from services.pattern.rules.read import Charts, read_charts
from shared.deps import Deps
from shared.domain.evidence import AssessRequest, PatternAssessment, PatternEvidence
from shared.domain.market import BarTable
from shared.errors import BadInput

INTRADAY_DAYS, DAILY_DAYS = 5, 200
INTRADAY_SECONDS, DAILY_SECONDS = 300.0, 86_400.0
FUTURE = timedelta(seconds=60)


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
    """Evidence for each symbol asked, in the order asked, from bars complete at `as_of`.

    Raises BadInput for a moment without an offset or in the future, Unavailable when bars cannot be had.
    """
    symbols, as_of = request.symbols, request.as_of
    await _check(deps, request)
    intraday, daily = await asyncio.gather(
        deps.market.bars(symbols, "5Min", _midnight(as_of, INTRADAY_DAYS), as_of),
        _daily(deps, memory, symbols, as_of),
    )
    result = await asyncio.to_thread(_read_all, symbols, intraday, daily, as_of.timestamp())
    await store.save(deps.pool, result, as_of, request.cycle_id, request.scan)
    memory.last_assessed_at = as_of
    return PatternAssessment(as_of=as_of, evidence=result)


async def _check(deps: Deps, request: AssessRequest) -> None:
    if request.as_of.tzinfo is None:
        raise BadInput("as_of needs an offset, such as Z", field="as_of")
    if request.as_of > await deps.clock.now() + FUTURE:
        raise BadInput("as_of lies in the future", field="as_of")
    if (request.cycle_id is None) != (request.scan is None):
        raise BadInput("cycle_id and scan come together or not at all", field="scan")


def _midnight(as_of: datetime, days: int) -> datetime:
    """The start of the window: fixed for a whole day, so that an answer does not move with the time of asking."""
    return datetime.combine(as_of.astimezone(UTC).date() - timedelta(days=days), time(), UTC)


def _read_all(symbols: tuple[str, ...], intraday: BarTable, daily: BarTable, at: float) -> tuple[PatternEvidence, ...]:
    charts = []
    for symbol in symbols:
        short, long = intraday.get(symbol), daily.get(symbol)
        charts.append(
            Charts(
                symbol,
                short.before(at, INTRADAY_SECONDS) if short is not None else None,
                long.before(at, DAILY_SECONDS) if long is not None else None,
            )
        )
    return read_charts(charts)


async def _daily(deps: Deps, memory: Memory, symbols: tuple[str, ...], as_of: datetime) -> BarTable:
    """Daily bars of the symbols, asked for once a day each."""
    known = memory.of(as_of.astimezone(UTC).date())
    missing = [symbol for symbol in symbols if symbol not in known]
    if missing:
        known.update(await deps.market.bars(missing, "1Day", _midnight(as_of, DAILY_DAYS), as_of))
    return {symbol: known[symbol] for symbol in symbols if symbol in known}
