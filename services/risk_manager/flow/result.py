"""The day's result as it stands: what the broker, our books and our own executions say of it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal

from services.risk_manager import store
from services.risk_manager.rules import day as rule
from shared.deps import Deps
from shared.domain.position import Account
from shared.domain.price import MarketPrice, reference_price
from shared.domain.session import at_market_time, trading_day

BARS_BACK = timedelta(days=10)


async def read_result(deps: Deps, account: Account, limit: Decimal, now: datetime) -> rule.DayReading:
    """The reading of today, held against `limit` (USD). Raises Unavailable when the market does not answer."""
    midnight = at_market_time(trading_day(now), time())
    positions = await store.open_positions(deps.pool)
    realized = await store.realized_since(deps.pool, midnight)
    earlier = await store.held_over(deps.pool, midnight)
    closes = await _previous_closes(deps, [one.symbol for one in earlier], midnight) if earlier else {}
    known = [one for one in earlier if one.symbol in closes]
    over = {one.symbol: one.realized(closes[one.symbol]) for one in known}
    books = None
    if len(known) == len(earlier):
        prices = await _prices(deps, [one.symbol for one in positions], now)
        held = {one.symbol for one in positions}
        closed = realized.closed + sum((gain for symbol, gain in over.items() if symbol not in held), Decimal(0))
        books = rule.books_pnl(closed, rule.on_todays_base(positions, known, closes), prices)
    own = realized.own + sum(over.values(), Decimal(0))
    warning = deps.config.current().risk.daily_limits.warning_threshold_pct
    return rule.read_day(account, books, limit, warning, own)


async def read_realized(deps: Deps, limit: Decimal, now: datetime) -> rule.DayReading:
    """What is known when nobody else answers: what our own executions of today have earned."""
    realized = await store.realized_since(deps.pool, at_market_time(trading_day(now), time()))
    warning = deps.config.current().risk.daily_limits.warning_threshold_pct
    return rule.read_day(None, None, limit, warning, realized.own)


async def _prices(deps: Deps, symbols: Sequence[str], now: datetime) -> dict[str, MarketPrice]:
    """The market's price of each symbol that has one. Raises Unavailable."""
    if not symbols:
        return {}
    most = deps.config.current().risk.entry.max_quote_age_seconds
    trades, quotes = await asyncio.gather(deps.market.trades(symbols), deps.market.quotes(symbols))
    found = ((one, reference_price(trades.get(one), quotes.get(one), now, most)) for one in symbols)
    return {one: price for one, price in found if price is not None}


async def _previous_closes(deps: Deps, symbols: Sequence[str], midnight: datetime) -> dict[str, Decimal]:
    """The last daily close before the day, where there is one."""
    table = await deps.market.bars(symbols, "1Day", midnight - BARS_BACK, midnight)
    return {symbol: Decimal(str(bars.close[-1])) for symbol, bars in table.items() if len(bars.close)}
