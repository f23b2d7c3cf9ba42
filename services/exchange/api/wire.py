"""The shapes of Alpaca's market data, and how errors look there."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import Any

import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from services.exchange.rules.board import Board
from services.exchange.rules.candles import Candles
from services.exchange.rules.spread import Quote
from services.exchange.rules.tape import Tape
from shared.errors import BadInput, NotFound

TAPES = {"NYSE": "A", "NASDAQ": "C"}
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
    minute_bar: BarRow | None
    daily_bar: BarRow | None
    prev_daily_bar: BarRow | None


class AlpacaRoute(APIRoute):
    """Answers what is wrong with a request as Alpaca does: {"message": ...} with 400 or 404."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except BadInput as error:
                return answer({"message": error.detail}, 400)
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
    return list(map(_bar, t.tolist(), *prices, v.tolist(), vw.tolist()))


def tape_bar(tape: Tape, row: int) -> BarRow:
    """A completed bar of the tape."""
    bar = tape.bar(row)
    return _bar(bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, (bar.high + bar.low + bar.close) / 3)


def trade_of(tape: Tape, board: Board, i: int, now: float) -> TradeRow | None:
    """The last trade. Within a running bar the name is trading, and only the tape is too coarse to say when: the
    stamp is then the later of the bar's start and a minute ago, so that a five-minute tape does not look stale.
    """
    price = float(board.last[i])
    if not isfinite(price):
        return None
    when = float(board.when[i])
    if board.running[i]:
        when = max(when, float(int(now - FRESH_SECONDS)))
    z = TAPES.get(tape.assets[i].exchange, "B")
    return TradeRow(stamp(when), "V", round(price, 4), SHARES_PER_TRADE, ("@",), int(when) * 1000 + i % 1000, z)


def quote_of(tape: Tape, board: Board, i: int, now: float) -> QuoteRow | None:
    """The quote: stamped now while the name is trading, else with its last trade."""
    quote: Quote | None = board.quotes[i]
    if quote is None:
        return None
    t = stamp(float(int(now)) if board.running[i] else float(board.when[i]))
    z = TAPES.get(tape.assets[i].exchange, "B")
    return QuoteRow(t, "V", quote.ask, quote.ask_size, "V", quote.bid, quote.bid_size, ("R",), z)


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


def snapshot_of(tape: Tape, board: Board, i: int, now: float) -> SnapshotRow:
    """All five parts; a part the market has not given yet is null."""
    done = int(board.done[i])
    return SnapshotRow(
        trade_of(tape, board, i, now),
        quote_of(tape, board, i, now),
        tape_bar(tape, done) if done >= 0 else None,
        day_bar(tape, board, i),
        previous_bar(tape, board, i),
    )
