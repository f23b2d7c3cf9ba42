"""How often a vendor may be asked: requests a minute, and a day where its plan counts days."""

import asyncio
from collections import deque
from datetime import date, datetime, timedelta

from prometheus_client import Gauge

from shared.errors import NotNow
from shared.ports import Cache, Clock

KEPT_SECONDS = 48 * 3600.0
LEFT = Gauge("catalyst_news_requests_left_today", "Requests left today of a plan that counts days", ["vendor"])


class Budget:
    """The day (UTC) is counted in the cache too, so that a restart does not spend it twice; without one, in memory."""

    def __init__(self, name: str, clock: Clock, cache: Cache, per_minute: int, per_day: int | None = None) -> None:
        self.name, self.per_minute, self.per_day = name, per_minute, per_day
        self._clock, self._cache = clock, cache
        self._recent: deque[float] = deque()
        self._day: date | None = None
        self._spent = 0
        self._rest_until = 0.0

    @property
    def left_today(self) -> int | None:
        """Requests left today; None where the plan counts minutes only."""
        return None if self.per_day is None else max(0, self.per_day - self._spent)

    def rest(self, seconds: float) -> None:
        """The vendor says that it has had enough: leave it alone for so long."""
        self._rest_until = max(self._rest_until, asyncio.get_running_loop().time() + seconds)

    async def take(self) -> None:
        """One request. Raises NotNow, saying when there will be room."""
        now = await self._clock.now()
        if self.per_day is not None:
            await self._open_day(now.date())
        loop = asyncio.get_running_loop()
        moment = loop.time()
        while self._recent and self._recent[0] <= moment - 60:
            self._recent.popleft()
        wait = self._rest_until - moment
        if len(self._recent) >= self.per_minute:
            wait = max(wait, self._recent[0] + 60 - moment)
        if wait > 0:
            raise self._refusal(f"{self.per_minute} requests a minute", now + timedelta(seconds=wait))
        if self.per_day is not None and self._spent >= self.per_day:
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            raise self._refusal(f"{self.per_day} requests a day", midnight)
        self._recent.append(moment)
        self._spent += 1
        if self.per_day is not None:
            LEFT.labels(self.name).set(self.per_day - self._spent)
            await self._cache.set(self._key(now.date()), str(self._spent).encode(), KEPT_SECONDS)

    async def _open_day(self, today: date) -> None:
        if self._day == today:
            return
        said = await self._cache.get(self._key(today)) or b""
        self._day, self._spent = today, int(said) if said.isdigit() else 0

    def _key(self, day: date) -> str:
        return f"spent:{self.name}:{day.isoformat()}"

    def _refusal(self, limit: str, when: datetime) -> NotNow:
        return NotNow(f"{self.name}: {limit} are used up", possible_at=when)
