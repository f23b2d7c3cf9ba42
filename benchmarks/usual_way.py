"""One scan written the way most bots are: alpaca-py's models, a pandas frame a symbol, rows inserted one by one.

It does the same steps on the same market as the services do, and uses the same pattern rules and indicators, so that
what differs is how data moves. Reading the market's daily history, which a script does at every scan and the services
once a day, is timed by itself, so that both ratios can be printed.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pandas as pd
from alpaca.data.enums import DataFeed
from alpaca.data.historical import NewsClient, StockHistoricalDataClient
from alpaca.data.models import BarSet
from alpaca.data.requests import NewsRequest, StockBarsRequest, StockLatestQuoteRequest, StockSnapshotRequest
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderClass, OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest, StopLossRequest, TakeProfitRequest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from services.pattern.rules.read import evidence
from shared.domain.market import Bars
from shared.ta import talib

FIVE = TimeFrame(5, TimeFrameUnit.Minute)
TABLES = """
CREATE TEMP TABLE usual_scan (symbol text, rank int, price float8, volume bigint, momentum float8);
CREATE TEMP TABLE usual_news (symbol text, score float8, headline text);
CREATE TEMP TABLE usual_pattern (symbol text, score float8, name text);
CREATE TEMP TABLE usual_technical (symbol text, rsi float8, macd float8, atr float8, adx float8);
"""


@dataclass
class Usual:
    """What one scan took: wall seconds in all, inside alpaca-py's calls, and of those for the market's history."""

    account: str
    total: float = 0.0
    sdk: float = 0.0
    history_sdk: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)
    sent: int = 0

    @property
    def keys(self) -> tuple[str, str]:
        return self.account, self.account


async def scan(url: str, connection: asyncpg.Connection, symbols: list[str], now: datetime, account: str) -> Usual:
    """Run it once; brackets are really sent, to `account`, which must hold nothing yet."""
    usual, started = Usual(account=account), time.perf_counter()
    known = await _step(usual, "history", _history(usual, url, symbols, now))
    ranked = await _step(usual, "scanner", _snapshots(usual, url, connection, symbols, known))
    kept = await _step(usual, "news", _news(usual, url, connection, ranked[:100], now))
    seen = await _step(usual, "pattern", _patterns(usual, url, connection, kept[:35], now))
    best = await _step(usual, "technical", _technical(usual, url, connection, seen[:20], now))
    await _step(usual, "trading", _orders(usual, url, best[:3]))
    usual.total = time.perf_counter() - started
    return usual


async def _step(usual: Usual, name: str, work: Any) -> Any:
    started = time.perf_counter()
    result = await work
    usual.steps[name] = time.perf_counter() - started
    return result


def _timed(usual: Usual, call: Any, *arguments: Any) -> Any:
    started = time.perf_counter()
    result = call(*arguments)
    usual.sdk += time.perf_counter() - started
    return result


async def _history(usual: Usual, url: str, symbols: list[str], now: datetime) -> dict[str, tuple[float, float]]:
    """(20-day average volume, 20-day return) of each symbol, from a frame of its own."""
    known, before = {}, usual.sdk
    for first in range(0, len(symbols), 500):
        frame = _bars(usual, url, symbols[first : first + 500], TimeFrame.Day, 60, now)
        for symbol, one in frame.groupby(level=0):
            closes = one["close"]
            if len(closes) >= 21:
                average = one["volume"].rolling(20).mean().iloc[-1]
                known[str(symbol)] = (float(average), float(closes.pct_change(20).iloc[-1]))
    usual.history_sdk = usual.sdk - before
    return known


async def _snapshots(
    usual: Usual, url: str, connection: asyncpg.Connection, symbols: list[str], known: dict[str, tuple[float, float]]
) -> list[str]:
    rows = []
    for first in range(0, len(symbols), 500):
        client = StockHistoricalDataClient(*usual.keys, url_override=url)
        request = StockSnapshotRequest(symbol_or_symbols=symbols[first : first + 500], feed=DataFeed.IEX)
        for symbol, snapshot in _timed(usual, client.get_stock_snapshot, request).items():
            if snapshot.latest_trade and snapshot.daily_bar and snapshot.previous_daily_bar and symbol in known:
                day, last, price = snapshot.daily_bar, snapshot.previous_daily_bar, snapshot.latest_trade.price
                rows.append((symbol, price, day.volume, day.open, day.high, last.close, *known[symbol]))
    frame = pd.DataFrame(rows, columns=["symbol", "price", "volume", "open", "high", "previous", "usual", "month"])
    frame = frame[(frame.price >= 1) & (frame.price <= 500) & (frame.price * frame.volume > 200_000)]
    change = (frame.price / frame.previous - 1).rank(pct=True)
    gap = (frame.open / frame.previous - 1).rank(pct=True)
    volume = ((frame.price * frame.volume).rank(pct=True) + (frame.volume / frame.usual).rank(pct=True)) / 2
    high, month = (frame.price / frame.high).rank(pct=True), frame.month.rank(pct=True)
    frame["momentum"] = (change + gap + high + month) / 4
    frame["score"] = (frame.momentum + volume) / 2
    top = frame.sort_values("score", ascending=False).head(200)
    for rank, (_, row) in enumerate(top.iterrows(), 1):
        await connection.execute(
            "INSERT INTO usual_scan VALUES ($1, $2, $3, $4, $5)",
            row.symbol,
            rank,
            float(row.price),
            int(row.volume),
            float(row.momentum),
        )
    return list(top.symbol)


async def _news(usual: Usual, url: str, connection: asyncpg.Connection, symbols: list[str], now: datetime) -> list[str]:
    client = NewsClient(*usual.keys, url_override=url)
    request = NewsRequest(symbols=",".join(symbols), start=now - timedelta(hours=24), end=now, limit=500)
    analyzer, scores = SentimentIntensityAnalyzer(), dict.fromkeys(symbols, 0.0)
    items = _timed(usual, client.get_news, request).data.get("news", [])
    for item in items:
        compound = analyzer.polarity_scores(item.headline)["compound"]
        for symbol in item.symbols:
            if symbol in scores:
                scores[symbol] = max(scores[symbol], compound, key=abs)
    for symbol, score in scores.items():
        await connection.execute("INSERT INTO usual_news VALUES ($1, $2, $3)", symbol, score, "")
    return sorted(symbols, key=lambda symbol: -scores[symbol])


def _bars(usual: Usual, url: str, symbols: list[str], frame: TimeFrame, days: int, now: datetime) -> pd.DataFrame:
    client = StockHistoricalDataClient(*usual.keys, url_override=url)
    start = now - timedelta(days=days)
    request = StockBarsRequest(symbol_or_symbols=symbols, timeframe=frame, start=start, end=now, feed=DataFeed.IEX)

    def read() -> pd.DataFrame:
        answer = client.get_stock_bars(request)
        assert isinstance(answer, BarSet)
        return answer.df

    return _timed(usual, read)


def _columns(frame: pd.DataFrame, symbol: str) -> Bars | None:
    if symbol not in frame.index.get_level_values(0):
        return None
    one = frame.xs(symbol)
    start = one.index.map(lambda at: at.timestamp()).to_numpy(dtype=float)
    prices = (one[name].to_numpy(dtype=float) for name in ("open", "high", "low", "close", "volume"))
    return Bars(symbol, start, *prices)


async def _patterns(
    usual: Usual, url: str, connection: asyncpg.Connection, symbols: list[str], now: datetime
) -> list[str]:
    intraday = _bars(usual, url, symbols, FIVE, 5, now)
    daily = _bars(usual, url, symbols, TimeFrame.Day, 200, now)
    scores = {}
    for symbol in symbols:
        seen = evidence(symbol, _columns(intraday, symbol), _columns(daily, symbol))
        scores[symbol] = seen.score
        name = seen.best.name if seen.best else None
        await connection.execute("INSERT INTO usual_pattern VALUES ($1, $2, $3)", symbol, seen.score, name)
    return sorted(symbols, key=lambda symbol: -scores[symbol])


async def _technical(
    usual: Usual, url: str, connection: asyncpg.Connection, symbols: list[str], now: datetime
) -> list[str]:
    frames = [
        _bars(usual, url, symbols, FIVE, 5, now),
        _bars(usual, url, symbols, TimeFrame.Day, 260, now),
    ]
    for symbol in symbols:
        for frame in frames:
            bars = _columns(frame, symbol)
            if bars is None or len(bars) < 40:
                continue
            values = (
                talib.RSI(bars.close)[-1],
                talib.MACD(bars.close)[0][-1],
                talib.ATR(bars.high, bars.low, bars.close)[-1],
                talib.ADX(bars.high, bars.low, bars.close)[-1],
            )
            await connection.execute(
                "INSERT INTO usual_technical VALUES ($1, $2, $3, $4, $5)", symbol, *(float(v) for v in values)
            )
    return symbols


async def _orders(usual: Usual, url: str, symbols: list[str]) -> None:
    data = StockHistoricalDataClient(*usual.keys, url_override=url)
    trading = TradingClient(*usual.keys, url_override=url)
    _timed(usual, trading.get_account)
    _timed(usual, trading.get_all_positions)
    for symbol in symbols:
        quote = _timed(usual, data.get_stock_latest_quote, StockLatestQuoteRequest(symbol_or_symbols=symbol))[symbol]
        order = MarketOrderRequest(
            symbol=symbol,
            qty=max(1, int(2000 / quote.ask_price)),
            side=OrderSide.BUY,
            time_in_force=TimeInForce.DAY,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=round(quote.ask_price * 1.06, 2)),
            stop_loss=StopLossRequest(stop_price=round(quote.ask_price * 0.98, 2)),
        )
        _timed(usual, trading.submit_order, order)
        usual.sent += 1
