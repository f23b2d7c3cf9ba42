"""Alpaca's market data as numpy columns.

Decoded by msgspec with only the fields that are read: the official models cost forty times as much for a whole market.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import chain
from typing import TypeVar

import msgspec
import numpy as np
import structlog

from config.settings import Settings
from shared.adapters import alpaca_wire as wire
from shared.adapters.alpaca_http import AlpacaHttp
from shared.domain.market import Asset, BarTable, Floats, Quote, Snapshots, Timeframe, Trade
from shared.domain.price import sets_price
from shared.domain.session import Session, lacks_days
from shared.errors import BadInput, Unavailable
from shared.one_by_one import Decoding
from shared.ports import Cache

CHUNK, PAGE_ROWS, MOST_PAGES = 500, 10_000, 200
SESSION_SECONDS = 6.5 * 3600
STEP_SECONDS: dict[Timeframe, float] = {"1Min": 60, "5Min": 300, "15Min": 900, "1Hour": 3600, "1Day": 86_400}
# Daily bars are stamped with New York's midnight; by 20:00 there nothing more is added to them.
DAY_COMPLETE_SECONDS = 20 * 3600.0
HOURS_KEPT_SECONDS, MOST_HOURS_KEPT = 3600.0, 64  # a calendar changes with days of notice, if ever
SYMBOL = re.compile(r"[A-Z0-9]+([./-][A-Z0-9]+)*", re.ASCII)
INVALID_SYMBOL = re.compile(r"invalid symbol\W+([A-Z0-9./-]+)", re.IGNORECASE)

T = TypeVar("T")
AddPage = Callable[[BarTable, wire.Page], None]
log = structlog.get_logger()


class AlpacaData:
    """The MarketData port. Unknown symbols and missing parts are NaN or absent; no answer at all is Unavailable."""

    def __init__(self, settings: Settings, budget: Cache | None = None) -> None:
        """`budget` is the shared request budget; None where the other side sets no limit."""
        self._http = AlpacaHttp(settings, budget)
        self._has_sectors = settings.broker == "simulated"
        self._hours: dict[tuple[date, date], tuple[float, tuple[Session, ...]]] = {}

    async def close(self) -> None:
        await self._http.close()

    async def assets(self) -> tuple[Asset, ...]:
        """Every active US equity. Rows are read one by one: an unknown value loses at most its own row."""
        rows = await self._http.get(
            "trading", "/v2/assets", {"status": "active", "asset_class": "us_equity"}, wire.ROWS
        )
        assets = tuple(asset for asset in map(wire.asset_of, rows) if asset is not None)
        if len(assets) < len(rows):
            log.warning("assets_left_out", rows=len(rows), read=len(assets))
        return assets

    async def sectors(self) -> dict[str, str]:
        """Sector by symbol, where the source knows it: a tape's universe does, Alpaca's assets do not."""
        if not self._has_sectors:
            return {}
        try:
            return wire.sectors_of(await self._http.get("trading", "/_sim/tape/universe", {}, wire.ROWS))
        except BadInput:
            return {}
        except msgspec.ValidationError as error:
            raise Unavailable(f"sectors: {error}") from error

    async def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        """Trading days in [start, end], with half days' real hours; read again after an hour.

        A day that cannot be read is Unavailable, and so is a calendar without most of its days: what has no row would
        be taken for a holiday.
        """
        now = asyncio.get_running_loop().time()
        read_at, found = self._hours.get((start, end), (-HOURS_KEPT_SECONDS, ()))
        if now < read_at + HOURS_KEPT_SECONDS:
            return found
        days = await self._http.get("trading", "/v2/calendar", {"start": f"{start}", "end": f"{end}"}, wire.HOURS)
        try:
            found = tuple(wire.session_of(day) for day in days if start <= day.date <= end)
        except ValueError as error:
            raise Unavailable(f"the calendar has a day that cannot be read: {error}") from error
        if lacks_days(found, start, end):
            raise Unavailable(f"the calendar has {len(found)} trading days from {start} to {end}: it is not complete")
        if len(self._hours) >= MOST_HOURS_KEPT:
            self._hours.clear()
        self._hours[start, end] = now, found
        return found

    async def snapshots(self, symbols: Sequence[str]) -> Snapshots:
        """One row for each symbol asked, in the order asked; NaN where the source had nothing."""
        found: wire.SnapshotPage = {}
        for answer in await self._in_chunks("/v2/stocks/snapshots", symbols, wire.SNAPSHOTS):
            found |= answer
        return wire.snapshot_columns(symbols, found)

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """The latest quote of each symbol that has one."""
        answers = await self._in_chunks("/v2/stocks/quotes/latest", symbols, wire.QUOTES)
        found = chain.from_iterable(answer.items() for answer in answers)
        return {
            symbol: Quote(symbol=symbol, bid=quote.bp or 0.0, ask=quote.ap or 0.0, at=quote.t)
            for symbol, quote in found
            if quote is not None and quote.t is not None
        }

    async def trades(self, symbols: Sequence[str]) -> dict[str, Trade]:
        """The latest trade of each symbol that has one."""
        answers = await self._in_chunks("/v2/stocks/trades/latest", symbols, wire.TRADES)
        found = chain.from_iterable(answer.items() for answer in answers)
        return {
            symbol: Trade(
                symbol=symbol, price=trade.p, at=trade.t, sets_price=sets_price(trade.p, trade.s, trade.c or ())
            )
            for symbol, trade in found
            if trade is not None and trade.t is not None and trade.p is not None and trade.p > 0
        }

    async def bars(self, symbols: Sequence[str], timeframe: Timeframe, start: datetime, end: datetime) -> BarTable:
        """Complete, split-adjusted bars of regular hours that open in [start, end); one still forming is left out.

        Daily bars are always those of all venues (`sip`), which every plan may read once they are a quarter of an
        hour old: averages of volume over one venue alone would be some forty times too small.
        """
        # Which bars are complete is for the clock of their source to say: this machine's may be off.
        now = (await self._http.get("trading", "/v2/clock", {}, wire.CLOCK)).timestamp.timestamp()
        step = STEP_SECONDS[timeframe]
        last = min(end.timestamp(), now - (DAY_COMPLETE_SECONDS if timeframe == "1Day" else step) + 1e-3)
        if last <= start.timestamp() or not symbols:
            return {}
        hours = None if timeframe == "1Day" else await self._regular_hours(start, end)
        days = max(1.0, (end - start).total_seconds() / 86_400 * 5 / 7 + 1)
        rows_each = days if timeframe == "1Day" else days * SESSION_SECONDS / step
        params: dict[str, str | int] = {
            "timeframe": timeframe,
            "start": _stamp(start.timestamp()),
            "end": _stamp(last),
            "adjustment": "split",
            "feed": "sip" if timeframe == "1Day" else self._http.feed,
            "limit": PAGE_ROWS,
        }
        # Chunks that fit one page are asked side by side; pages of one chunk could only be asked one after another.
        size = int(min(CHUNK, max(1, PAGE_ROWS // rows_each)))
        add = partial(wire.add_page, first=start.timestamp(), last=last, step=step, hours=hours)
        chunks = _chunks(_usable(symbols), size)
        table: BarTable = {}
        for part in await asyncio.gather(*(self._bars_of(chunk, params, add) for chunk in chunks)):
            table |= part
        return table

    async def _bars_of(self, symbols: list[str], params: dict[str, str | int], add: AddPage) -> BarTable:
        """One chunk of symbols; each page becomes columns before the next is asked for."""
        table: BarTable = {}
        token: str | None = None
        pages = 0
        while symbols:
            more: dict[str, str | int] = {"page_token": token} if token else {}
            try:
                asked = params | more | {"symbols": ",".join(symbols)}
                answer = await self._http.get("data", "/v2/stocks/bars", asked, wire.BARS)
            except BadInput as refusal:
                symbols, table, token = _without_invalid(symbols, refusal), {}, None
                continue
            add(table, answer.bars or {})
            token, pages = answer.next_page_token, pages + 1
            if not token:
                break
            if pages >= MOST_PAGES:
                raise Unavailable(f"bars: more than {MOST_PAGES} pages for {len(symbols)} symbols")
        return table

    async def _in_chunks(self, path: str, symbols: Sequence[str], decoder: Decoding[T]) -> list[T]:
        """The answers for all symbols, asked side by side in chunks."""

        async def ask(chunk: list[str]) -> list[T]:
            while chunk:
                params = {"symbols": ",".join(chunk), "feed": self._http.feed}
                try:
                    return [await self._http.get("data", path, params, decoder)]
                except BadInput as refusal:
                    chunk = _without_invalid(chunk, refusal)
            return []

        answers = await asyncio.gather(*(ask(chunk) for chunk in _chunks(_usable(symbols), CHUNK)))
        return list(chain.from_iterable(answers))

    async def _regular_hours(self, start: datetime, end: datetime) -> tuple[Floats, Floats]:
        """Opening and closing times of the days around [start, end), epoch seconds, each of shape (days,)."""
        sessions = await self.sessions(start.date() - timedelta(days=1), end.date() + timedelta(days=1))
        return (
            np.array([session.open.timestamp() for session in sessions], dtype=np.float64),
            np.array([session.close.timestamp() for session in sessions], dtype=np.float64),
        )


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _usable(symbols: Sequence[str]) -> list[str]:
    """Each symbol once, those that could never be one left out: a single odd one fails its whole request."""
    return [symbol for symbol in dict.fromkeys(symbols) if SYMBOL.fullmatch(symbol)]


def _chunks(symbols: list[str], size: int) -> Iterator[list[str]]:
    return (symbols[first : first + size] for first in range(0, len(symbols), size))


def _without_invalid(symbols: list[str], refusal: BadInput) -> list[str]:
    """The chunk without the symbol that was called invalid. Raises Unavailable when the refusal was another."""
    named = INVALID_SYMBOL.search(refusal.detail)
    if named is None or named[1] not in symbols:
        raise Unavailable(refusal.detail) from refusal
    log.warning("symbol_refused_by_alpaca", symbol=named[1])
    return [symbol for symbol in symbols if symbol != named[1]]
