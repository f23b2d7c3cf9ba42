"""The shapes of Alpaca's market data, and how errors look there."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import Any

import msgspec
import numpy as np
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from services.exchange.rules.board import Board
from services.exchange.rules.candles import Candles
from services.exchange.rules.tape import Tape
from services.exchange.rules.ticker import consolidated_tape
from shared.errors import BadInput, Forbidden, NotFound

SHARES_PER_TRADE = 100
FRESH_SECONDS = 60.0


class BarRow(msgspec.Struct):
    """`n` is estimated at one trade a hundred shares: tapes do not count trades."""

    t: str
    o: float
    h: float
    l: float  # noqa: E741
    c: float
    v: int
    n: int
    vw: float


class TradeRow(msgspec.Struct):
    t: str
    x: str
    p: float
    s: int
    c: tuple[str, ...]
    i: int
    z: str


class QuoteRow(msgspec.Struct, rename={"as_": "as"}):
    t: str
    ax: str
    ap: float
    as_: int
    bx: str
    bp: float
    bs: int
    c: tuple[str, ...]
    z: str


class SnapshotRow(msgspec.Struct, rename="camel"):
    latest_trade: TradeRow | None
    latest_quote: QuoteRow | None
    minute_bar: msgspec.Raw
    daily_bar: msgspec.Raw
    prev_daily_bar: msgspec.Raw


class AlpacaRoute(APIRoute):
    """Answers what is wrong with a request as Alpaca does: {"message": ...} with 400, 403 or 404."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except BadInput as error:
                return answer({"message": error.detail}, 400)
            except Forbidden as error:
                return answer({"message": error.detail}, 403)
            except NotFound as error:
                return answer({"message": error.detail}, 404)
            except RequestValidationError as error:
                first = error.errors()[0]
                return answer({"message": f"invalid {first['loc'][-1]}: {first['msg']}"}, 400)

        return handler


_encode = msgspec.json.Encoder().encode


def answer(body: Any, status: int = 200) -> Response:
    """JSON as fast as it gets."""
    return Response(_encode(body), status, media_type="application/json")


@lru_cache(maxsize=65_536)
def stamp(at: float) -> str:
    """RFC 3339, UTC: whole seconds without a fraction."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _bar(t: float, o: float, h: float, low: float, c: float, v: int, vw: float) -> BarRow:
    return BarRow(stamp(t), o, h, low, c, v, max(1, v // SHARES_PER_TRADE), round(vw, 4))


def bar_rows(candles: Candles) -> list[BarRow]:
    """Every candle as Alpaca writes it, prices to 4 decimals."""
    t, o, h, low, c, v, vw = candles
    prices = [column.round(4).tolist() for column in (o, h, low, c)]
    trades = np.maximum(1, v // SHARES_PER_TRADE)
    return list(map(BarRow, map(stamp, t.tolist()), *prices, v.tolist(), trades.tolist(), vw.round(4).tolist()))


def tape_bar(tape: Tape, row: int) -> BarRow:
    """A completed bar of the tape."""
    bar = tape.bar(row)
    return _bar(bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, (bar.high + bar.low + bar.close) / 3)


class Sheet:
    """A board made ready for writing. It lives as long as its board: what it has rendered stays true that long."""

    def __init__(self, tape: Tape, board: Board) -> None:
        self.tape, self.board = tape, board
        self._last: list[float] = board.last.round(4).tolist()
        self._when: list[float] = board.when.tolist()
        self._running: list[bool] = board.running.tolist()
        self._tapes = [consolidated_tape(asset.exchange) for asset in tape.assets]
        self._bars: dict[int, tuple[msgspec.Raw, msgspec.Raw, msgspec.Raw]] = {}

    def trade(self, i: int, now: float) -> TradeRow | None:
        """The last trade. Within a running bar the name is trading, and only the tape is too coarse to say when: the
        stamp is then the later of the bar's start and a minute ago, so that a five-minute tape does not look stale.
        """
        price = self._last[i]
        if not isfinite(price):
            return None
        when = self._when[i]
        if self._running[i]:
            when = max(when, float(int(now - FRESH_SECONDS)))
        number = int(when) * 10_000 + i
        return TradeRow(stamp(when), "V", price, SHARES_PER_TRADE, ("@",), number, self._tapes[i])

    def quote(self, i: int, now: float) -> QuoteRow | None:
        """The quote: stamped now while the name is trading, else with its last trade."""
        quote = self.board.quotes[i]
        if quote is None:
            return None
        t = stamp(float(int(now)) if self._running[i] else self._when[i])
        bid, ask, bid_size, ask_size = quote
        return QuoteRow(t, "V", ask, ask_size, "V", bid, bid_size, ("R",), self._tapes[i])

    def bar(self, i: int) -> BarRow | None:
        """The last completed bar of the day."""
        row = int(self.board.done[i])
        return tape_bar(self.tape, row) if row >= 0 else None

    def snapshot(self, i: int, now: float) -> SnapshotRow:
        """All five parts; a part the market has not given yet is null."""
        bars = self._bars.get(i)
        if bars is None:
            parts = (self.bar(i), day_bar(self.tape, self.board, i), previous_bar(self.tape, self.board, i))
            minute, day, previous = (msgspec.Raw(_encode(part)) for part in parts)
            bars = self._bars[i] = (minute, day, previous)
        return SnapshotRow(self.trade(i, now), self.quote(i, now), *bars)


def day_bar(tape: Tape, board: Board, i: int) -> BarRow | None:
    """Today's row as it forms."""
    if not board.traded[i]:
        return None
    prices = (board.day_open[i], board.day_high[i], board.day_low[i], board.last[i])
    o, h, low, c = (round(float(price), 4) for price in prices)
    return _bar(tape.midnight, o, h, low, c, int(board.day_volume[i]), float(board.day_vwap[i]))


def previous_bar(tape: Tape, board: Board, i: int) -> BarRow | None:
    """The last daily row before the session."""
    row = int(board.previous[i])
    if row < 0:
        return None
    d = tape.daily
    o, h, low, c = (round(float(column[row]), 4) for column in (d.open, d.high, d.low, d.close))
    return _bar(float(d.time[row]), o, h, low, c, int(d.volume[row]), (h + low + c) / 3)
