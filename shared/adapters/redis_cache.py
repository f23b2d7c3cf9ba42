"""The Cache port on Redis. With Redis gone everything answers as if empty, and the request budget is kept locally."""

import time

import structlog
from prometheus_client import Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError

STREAM_LENGTH = 10_000
RETRY_SECONDS = 2.0
log = structlog.get_logger()
BUDGET_LEFT = Gauge(
    "catalyst_request_budget_left", "Requests left of the minute, exits' reserve included, when last asked", ["budget"]
)

# One minute's window shared by all services: how much is used, and how long until it starts anew.
_TAKE = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local cost, ceiling = tonumber(ARGV[1]), tonumber(ARGV[2])
if used + cost > ceiling then
  return {redis.call('PTTL', KEYS[1]), used}
end
redis.call('INCRBY', KEYS[1], cost)
if used == 0 then redis.call('PEXPIRE', KEYS[1], 60000) end
return {0, used + cost}
"""


class RedisCache:
    """A convenience, never a truth. After a failure Redis is left alone for two seconds, so that it slows nothing."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=0.5)
        self._away_until = 0.0
        self._local: dict[str, tuple[float, int]] = {}

    async def close(self) -> None:
        await self._redis.aclose()

    @property
    def _away(self) -> bool:
        return time.monotonic() < self._away_until

    def _lost(self, error: Exception) -> None:
        self._away_until = time.monotonic() + RETRY_SECONDS
        log.warning("redis_unreachable", error=type(error).__name__)

    async def get(self, key: str) -> bytes | None:
        if self._away:
            return None
        try:
            value = await self._redis.get(key)
            return value if isinstance(value, bytes) else None
        except (RedisError, OSError, TimeoutError) as error:
            self._lost(error)
            return None

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        if self._away:
            return
        try:
            await self._redis.set(key, value, px=max(1, int(ttl_seconds * 1000)))
        except (RedisError, OSError, TimeoutError) as error:
            self._lost(error)

    async def publish(self, stream: str, payload: bytes) -> None:
        if self._away:
            return
        try:
            await self._redis.xadd(stream, {"body": payload}, maxlen=STREAM_LENGTH, approximate=True)
        except (RedisError, OSError, TimeoutError) as error:
            self._lost(error)

    async def take(
        self, budget: str, per_minute: int, cost: int = 1, reserve: int = 0, *, urgent: bool = False
    ) -> float:
        ceiling = per_minute - reserve
        if not self._away:
            try:
                wait, used = await self._redis.eval(_TAKE, 1, f"budget:{budget}", str(cost), str(ceiling))
                BUDGET_LEFT.labels(budget).set(max(0, per_minute - int(used)))
                return max(0.0, int(wait) / 1000)
            except (RedisError, OSError, TimeoutError) as error:
                self._lost(error)
        # Four processes do most of the asking. What is urgent is asked by one of them, and must not wait.
        return self._take_locally(budget, ceiling if urgent else max(1, ceiling // 4), cost)

    def _take_locally(self, budget: str, ceiling: int, cost: int) -> float:
        """Take from this process's own count of the minute: nobody knows what the others take."""
        now = time.monotonic()
        started, used = self._local.get(budget, (now, 0))
        if now - started >= 60:
            started, used = now, 0
        if used + cost > ceiling:
            return 60 - (now - started)
        self._local[budget] = (started, used + cost)
        BUDGET_LEFT.labels(budget).set(ceiling - used - cost)
        return 0.0

    async def ping(self) -> bool:
        try:
            return bool(await self._redis.ping())
        except (RedisError, OSError, TimeoutError):
            return False
