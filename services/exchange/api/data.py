"""Alpaca's market-data routes: bars, snapshots, latest trades and quotes, screeners. Nothing later than the clock."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import datetime, time
from typing import Any, Literal, NamedTuple

from fastapi import APIRouter, Response

from services.exchange.api import wire
from services.exchange.api.entitlement import check_latest, latest_known
from services.exchange.flow import World
from services.exchange.rules.board import board_at
from services.exchange.rules.candles import Timeframe, candles, check_timeframe, timeframe_of
from shared.domain.session import at_market_time
from shared.errors import BadInput, NotFound

MOST_ROWS = 10_000
SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9./^-]*", re.ASCII)
Sort = Literal["asc", "desc"]
Part = Callable[[int], Any]


def symbols_of(text: str) -> list[str]:
    """A comma list, each symbol once, sorted. Raises BadInput for none, or for one that cannot be a symbol."""
    symbols = sorted({part.strip() for part in text.split(",") if part.strip()})
    if not symbols:
        raise BadInput("symbols is required", field="symbols")
    for symbol in symbols:
        if not SYMBOL.fullmatch(symbol):
            raise BadInput(f"invalid symbol: {symbol}", field="symbols")
    return symbols


def moment_of(text: str | None, name: str, default: float) -> float:
    """RFC 3339 or YYYY-MM-DD (midnight in New York) as epoch seconds. Raises BadInput."""
    if not text:
        return default
    try:
        if len(text) == 10:
            return at_market_time(datetime.fromisoformat(text).date(), time()).timestamp()
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise BadInput(f"invalid {name}: {text}", field=name) from error
    if at.tzinfo is None:
        raise BadInput(f"invalid {name}: {text} has no offset", field=name)
    return at.timestamp()


def token_of(*parts: object) -> str:
    """An opaque page token."""
    return base64.urlsafe_b64encode("|".join(map(str, parts)).encode()).decode()


def parts_of(token: str, count: int) -> list[str]:
    """What was packed into a page token. Raises BadInput."""
    try:
        parts = base64.urlsafe_b64decode(token).decode().split("|")
        float(parts[-1])
    except (binascii.Error, ValueError, UnicodeDecodeError) as error:
        raise BadInput("invalid page_token", field="page_token") from error
    if len(parts) != count:
        raise BadInput("invalid page_token", field="page_token")
    return parts


def limit_of(limit: int, most: int) -> int:
    """Raises BadInput outside 1..most, in Alpaca's words."""
    if limit > most:
        raise BadInput(f"invalid limit: larger than the allowed maximum of {most}", field="limit")
    if limit < 1:
        raise BadInput("invalid limit: must be at least 1", field="limit")
    return limit


class BarQuery(NamedTuple):
    """What was asked about bars; `span` in epoch seconds, both ends included."""

    symbols: list[str]
    timeframe: Timeframe
    span: tuple[float, float]
    descending: bool
    limit: int
    token: str
    known_until: float


class Span(NamedTuple):
    """The bounds of a request as they were given, and the feed it names."""

    start: str | None
    end: str | None
    feed: str


def page_of_bars(world: World, query: BarQuery) -> tuple[dict[str, list[wire.BarRow]], str | None]:
    """Up to `limit` rows sorted by symbol then time, from behind the token on, and the next token."""
    now, left = query.known_until, query.limit
    board = world.board if now == world.clock.now else board_at(world.tape, now, world.settings.spread_bps)
    first, after = _place(query.token)
    page: dict[str, list[wire.BarRow]] = {}
    following: str | None = None
    for symbol in query.symbols:
        if symbol < first or not world.tape.has(symbol):
            continue
        start, end = query.span
        if symbol == first:
            start, end = (start, after - 1) if query.descending else (after + 1, end)
        rows = candles(world.tape, board, symbol, query.timeframe, now, since=start).between(start, end)
        if not len(rows.time):
            continue
        if left == 0:
            return page, following
        taken = rows.take(slice(None, None, -1) if query.descending else slice(None)).take(slice(left))
        page[symbol] = wire.bar_rows(taken)
        left -= len(taken.time)
        following = token_of(symbol, int(taken.time[-1]))
        if len(taken.time) < len(rows.time):
            return page, following
    return page, None


def _place(token: str) -> tuple[str, float]:
    if not token:
        return "", 0.0
    symbol, at = parts_of(token, 2)
    return symbol, float(at)


def _latest(world: World, symbols: str, name: str, part: Part) -> Response:
    found: dict[str, Any] = {}
    for symbol in symbols_of(symbols):
        i = world.tape.index.get(symbol)
        if i is not None and (row := part(i)) is not None:
            found[symbol] = row
    return wire.answer({name: found})


def _latest_of(world: World, symbol: str, name: str, part: Part) -> Response:
    i = world.tape.index.get(symbol)
    row = None if i is None else part(i)
    if row is None:
        raise NotFound(f"no {name} found for {symbol}")
    return wire.answer({"symbol": symbol, name: row})


class Sheets:
    """The sheet of the board as it is now, kept while the board holds."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._sheet = wire.Sheet(world.tape, world.board)

    @property
    def now(self) -> wire.Sheet:
        board = self.world.board
        if self._sheet.board is not board:
            self._sheet = wire.Sheet(self.world.tape, board)
        return self._sheet

    def trade(self, i: int) -> wire.TradeRow | None:
        return self.now.trade(i, self.world.clock.now)

    def quote(self, i: int) -> wire.QuoteRow | None:
        return self.now.quote(i, self.world.clock.now)

    def bar(self, i: int) -> wire.BarRow | None:
        return self.now.bar(i)


def routes(world: World) -> APIRouter:
    """Everything under /v2/stocks."""
    router = APIRouter(prefix="/v2/stocks", route_class=wire.AlpacaRoute, tags=["market data"])
    sheets = Sheets(world)
    _add_bars(router, world)
    _add_snapshots(router, world, sheets)
    for name, plural, part in (
        ("trade", "trades", sheets.trade),
        ("quote", "quotes", sheets.quote),
        ("bar", "bars", sheets.bar),
    ):
        _add_latest(router, world, name, plural, part)
    return router


def _add_bars(router: APIRouter, world: World) -> None:
    def ask(symbols: str, timeframe: str, order: Sort, limit: int, token: str, span: Span) -> Any:
        frame, names = timeframe_of(timeframe), symbols_of(symbols)
        check_timeframe(world.tape, frame)
        start = moment_of(span.start, "start", float(world.tape.midnight))
        end = moment_of(span.end, "end", world.clock.now)
        known = latest_known(world, span.feed, start, end if span.end else None)
        count = limit_of(limit, MOST_ROWS)
        return page_of_bars(world, BarQuery(names, frame, (start, end), order == "desc", count, token, known))

    @router.get("/bars", summary="Bars of many symbols")
    async def bars(
        symbols: str = "",
        timeframe: str = "1Min",
        start: str | None = None,
        end: str | None = None,
        limit: int = 1000,
        sort: Sort = "asc",
        page_token: str = "",
        adjustment: str = "raw",
        feed: str = "sip",
        asof: str | None = None,
        currency: str = "USD",
    ) -> Response:
        """Sorted by symbol, then time; `limit` counts rows over all symbols. Unknown symbols are absent."""
        page, token = ask(symbols, timeframe, sort, limit, page_token, Span(start, end, feed))
        return wire.answer({"bars": page, "next_page_token": token})

    @router.get("/{symbol}/bars", summary="Bars of one symbol")
    async def bars_of_one(
        symbol: str,
        timeframe: str = "1Min",
        start: str | None = None,
        end: str | None = None,
        limit: int = 1000,
        sort: Sort = "asc",
        page_token: str = "",
        feed: str = "sip",
    ) -> Response:
        """As `/bars`, for a single name; no rows for an unknown one."""
        page, token = ask(symbol, timeframe, sort, limit, page_token, Span(start, end, feed))
        return wire.answer({"bars": page.get(symbol, []), "symbol": symbol, "next_page_token": token})


def _add_snapshots(router: APIRouter, world: World, sheets: Sheets) -> None:
    @router.get("/snapshots", summary="Snapshots of many symbols")
    async def snapshots(symbols: str = "", feed: str = "", currency: str = "USD") -> Response:
        """Keyed by symbol at the top level; unknown symbols are absent, parts not known yet are null."""
        check_latest(world, feed)
        sheet, index, now = sheets.now, world.tape.index, world.clock.now
        places = ((symbol, index.get(symbol)) for symbol in symbols_of(symbols))
        return wire.answer({s: sheet.snapshot(i, now) for s, i in places if i is not None})

    @router.get("/{symbol}/snapshot", summary="Snapshot of one symbol")
    async def snapshot(symbol: str, feed: str = "") -> Response:
        """404 for an unknown symbol."""
        check_latest(world, feed)
        i = world.tape.index.get(symbol)
        if i is None:
            raise NotFound(f"no snapshot found for {symbol}")
        row = sheets.now.snapshot(i, world.clock.now)
        return wire.answer({"symbol": symbol, **_fields(row)})


def _fields(row: wire.SnapshotRow) -> dict[str, Any]:
    return {
        "latestTrade": row.latest_trade,
        "latestQuote": row.latest_quote,
        "minuteBar": row.minute_bar,
        "dailyBar": row.daily_bar,
        "prevDailyBar": row.prev_daily_bar,
    }


def _add_latest(router: APIRouter, world: World, name: str, plural: str, part: Part) -> None:
    @router.get(f"/{plural}/latest", summary=f"Latest {plural} of many symbols")
    async def many(symbols: str = "", feed: str = "", currency: str = "USD") -> Response:
        """Symbols without one are absent."""
        check_latest(world, feed)
        return _latest(world, symbols, plural, part)

    @router.get(f"/{{symbol}}/{plural}/latest", summary=f"Latest {name} of one symbol")
    async def one(symbol: str, feed: str = "") -> Response:
        """404 when there is none."""
        check_latest(world, feed)
        return _latest_of(world, symbol, name, part)
