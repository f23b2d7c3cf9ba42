"""What surrounds workflow besides its neighbours: a clock that a test moves, a market's hours and prices."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from shared.domain.market import Quote, Trade
from shared.domain.session import Session, at_market_time

OPEN = datetime.fromisoformat("2025-11-20T14:30:00+00:00")
CLOSE = datetime.fromisoformat("2025-11-20T21:00:00+00:00")


class HandClock:
    """A market clock that a test moves."""

    def __init__(self, now: datetime) -> None:
        self.time, self._moved = now, asyncio.Condition()
        self.sleeping_until: datetime | None = None

    async def now(self) -> datetime:
        return self.time

    async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
        async with self._moved:
            self.sleeping_until = when
            try:
                await self._moved.wait_for(lambda: self.time >= when)
            finally:
                self.sleeping_until = None
        return self.time

    async def move(self, now: datetime) -> None:
        async with self._moved:
            self.time = now
            self._moved.notify_all()


class Market:
    """Weekdays from half past nine to four, and last trades within quotes of a cent; `quotes_at` sets other quotes."""

    def __init__(self, clock: HandClock) -> None:
        self.clock, self.prices = clock, dict[str, float]()
        self.quotes_at = dict[str, float]()

    async def sessions(self, start: date, end: date) -> tuple[Session, ...]:
        days = (start + timedelta(days=n) for n in range((end - start).days + 1))
        return tuple(
            Session(
                day=day,
                open=at_market_time(day, time(9, 30)),
                close=at_market_time(day, time(16)),
            )
            for day in days
            if day.weekday() < 5
        )

    async def trades(self, symbols: Sequence[str]) -> dict[str, Trade]:
        return {
            one: Trade(symbol=one, price=self.prices[one], at=self.clock.time) for one in symbols if one in self.prices
        }

    async def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        bids = {one: self.quotes_at.get(one, self.prices[one]) for one in symbols if one in self.prices}
        return {one: Quote(symbol=one, bid=bid, ask=bid + 0.01, at=self.clock.time) for one, bid in bids.items()}
