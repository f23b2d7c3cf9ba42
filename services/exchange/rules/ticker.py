"""What the market-data streams say at which moment. Pure, and nothing of it is later than the moment.

A bar is told the moment it ends. Trades and quotes are told on the way through the bar, whose path is taken to be open,
low, high, close at start, start + step/3, start + 2 step/3 and end - 1 s: the tape knows no more. `dailyBars` tell the
day so far whenever a bar has ended. Without trades there is no bar, and in a halt there are neither trades nor quotes.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from services.exchange.rules.spread import quote_around
from services.exchange.rules.tape import NewsItem, Tape

EVERYTHING = "*"
AT_BAR_END = frozenset({"bars", "dailyBars"})
ON_THE_WAY = frozenset({"trades", "quotes"})
SHARES = 100
_TAPES = {"NYSE": "A", "NASDAQ": "C"}
Wanted = Mapping[str, frozenset[str]]
"""Symbols by channel; `*` for all."""


def consolidated_tape(exchange: str) -> str:
    """The letter of the consolidated tape on which a listing exchange's trades are reported; B for regional ones."""
    return _TAPES.get(exchange, "B")


class Word(NamedTuple):
    """One message of a channel, and the symbols that it is about."""

    channel: str
    symbols: tuple[str, ...]
    body: dict[str, Any]

    def is_wanted(self, wanted: Wanted) -> bool:
        names = wanted.get(self.channel, frozenset())
        return EVERYTHING in names or not names.isdisjoint(self.symbols)


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def next_moment(tape: Tape, after: float, channels: Iterable[str]) -> float | None:
    """The first moment after `after` at which any of the channels may have something to say."""
    wanted = set(channels)
    moments: list[float] = []
    if wanted & AT_BAR_END:
        moments += _grid(tape, after, 0.0)
    if wanted & ON_THE_WAY:
        moments += [at for offset in _way(tape) for at in _grid(tape, after, offset)]
    if "statuses" in wanted:
        moments += [edge for spans in tape.halts.values() for span in spans for edge in span if edge > after]
    if "news" in wanted:
        row = bisect_right(tape.news, after, key=lambda item: item.published_at)
        moments += [item.published_at for item in tape.news[row : row + 1]]
    return min(moments, default=None)


def _way(tape: Tape) -> tuple[float, ...]:
    step = tape.bar_seconds
    return 0.0, step / 3, step * 2 / 3, step - 1.0


def _grid(tape: Tape, after: float, offset: float) -> list[float]:
    """The first moment of open + k step + offset behind `after`, within the session."""
    opens, closes, _ = tape.session
    k = max(0, int((after - opens - offset) // tape.bar_seconds) + 1)
    at = opens + k * tape.bar_seconds + offset
    return [at] if at <= closes else []


def words(tape: Tape, at: float, wanted: Wanted, spread_bps: float) -> Iterator[Word]:
    """Everything the channels say at this moment, halts apart (see `halts_changed`)."""
    phase = (at - tape.session.open) % tape.bar_seconds
    if phase == 0 and wanted.keys() & AT_BAR_END:
        yield from _bars(tape, at, wanted)
    if wanted.keys() & ON_THE_WAY and phase in _way(tape):
        yield from _ticks(tape, at, phase, wanted, spread_bps)
    if "news" in wanted:
        low = bisect_right(tape.news, at, key=lambda item: item.published_at)
        for item in reversed(tape.news[:low]):
            if item.published_at < at:
                break
            yield news(item)


def _names(tape: Tape, wanted: Wanted, channels: frozenset[str]) -> list[str]:
    names = frozenset[str]().union(*(wanted.get(channel, frozenset()) for channel in channels))
    return [asset.symbol for asset in tape.assets if EVERYTHING in names or asset.symbol in names]


def _row_at(tape: Tape, symbol: str, start: float) -> int | None:
    row = tape.bars.row_before(tape.index[symbol], start)
    return row if row >= 0 and tape.bars.time[row] == start else None


def _bars(tape: Tape, at: float, wanted: Wanted) -> Iterator[Word]:
    start = at - tape.bar_seconds
    for symbol in _names(tape, wanted, AT_BAR_END):
        row = _row_at(tape, symbol, start)
        if row is None:
            continue
        yield Word("bars", (symbol,), _bar_body(tape, "b", symbol, range(row, row + 1), start))
        first = tape.bars.rows(tape.index[symbol])[0]
        yield Word("dailyBars", (symbol,), _bar_body(tape, "d", symbol, range(first, row + 1), float(tape.midnight)))


def _bar_body(tape: Tape, kind: str, symbol: str, rows: range, start: float) -> dict[str, Any]:
    bars, part = tape.bars, slice(rows.start, rows.stop)
    volume = int(bars.volume[part].sum())
    typical = float(bars.high[part].mean() + bars.low[part].mean() + bars.close[part].mean()) / 3
    return {
        "T": kind,
        "S": symbol,
        "o": round(float(bars.open[part][0]), 4),
        "h": round(float(bars.high[part].max()), 4),
        "l": round(float(bars.low[part].min()), 4),
        "c": round(float(bars.close[part][-1]), 4),
        "v": volume,
        "n": max(1, volume // SHARES),
        "vw": round(float(tape.bar_dollars[part].sum()) / volume if volume else typical, 4),
        "t": moment(start),
    }


def _ticks(tape: Tape, at: float, phase: float, wanted: Wanted, spread_bps: float) -> Iterator[Word]:
    bars, place = tape.bars, _way(tape).index(phase)
    column = (bars.open, bars.low, bars.high, bars.close)[place]
    for symbol in _names(tape, wanted, ON_THE_WAY):
        row = _row_at(tape, symbol, at - phase)
        if row is None or tape.halted(symbol, at) or tape.delisted(symbol, at):
            continue
        i, price = tape.index[symbol], round(float(column[row]), 4)
        head = {"S": symbol, "t": moment(at), "z": consolidated_tape(tape.assets[i].exchange)}
        trade = {"i": int(at) * 10_000 + i, "x": "V", "p": price, "s": SHARES, "c": ["@"]}
        yield Word("trades", (symbol,), {"T": "t", **head, **trade})
        sides = quote_around(price, float(tape.dollar_volume[i]), spread_bps)
        quote = {"ax": "V", "ap": sides.ask, "as": sides.ask_size, "bx": "V", "bp": sides.bid, "bs": sides.bid_size}
        yield Word("quotes", (symbol,), {"T": "q", **head, **quote, "c": ["R"]})


def halted_at(tape: Tape, at: float) -> frozenset[str]:
    """The symbols that do not trade now."""
    return frozenset(symbol for symbol in tape.halts if tape.halted(symbol, at))


def halts_changed(tape: Tape, at: float, before: frozenset[str], now: frozenset[str]) -> Iterator[Word]:
    """Trading statuses of the symbols that were halted, or resumed."""
    for symbol in sorted(before ^ now):
        asset = tape.asset(symbol)
        code, meaning = ("H", "Trading Halt") if symbol in now else ("T", "Trading Resumption")
        reason, told = ("T1", "Halt News Pending") if symbol in now else ("", "")
        body = {"T": "s", "S": symbol, "sc": code, "sm": meaning, "rc": reason, "rm": told, "t": moment(at)}
        yield Word("statuses", (symbol,), {**body, "z": consolidated_tape(asset.exchange if asset else "")})


def news(item: NewsItem) -> Word:
    """A headline as published; the tape has no more of it."""
    at = moment(item.published_at)
    body = {
        "T": "n",
        "id": item.id,
        "headline": item.headline,
        "summary": "",
        "author": item.source,
        "created_at": at,
        "updated_at": at,
        "url": item.url,
        "content": "",
        "symbols": list(item.symbols),
        "source": item.source or "wire",
    }
    return Word("news", item.symbols, body)
