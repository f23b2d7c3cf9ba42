"""The Clock port on the simulated exchange's clock."""

import asyncio
import time
from datetime import datetime, timedelta

import aiohttp
import msgspec
import structlog

REFRESH_SECONDS, KEPT_SECONDS = 1.0, 60
TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=2)
JSON = {"Content-Type": "application/json"}
log = structlog.get_logger()


class _Reading(msgspec.Struct):
    now: datetime
    mode: str
    speed: float


class _Woken(msgspec.Struct):
    now: datetime
    reached: bool
    reason: str


class SimulatedClock:
    """Time is what the exchange says; while its clock runs freely, readings in between are worked out locally.

    In lockstep a sleeping participant lets time pass, and one that is awake holds it: an exchange that does not
    answer is therefore waited for, however long that takes.
    """

    def __init__(self, exchange_url: str, participant: str) -> None:
        self._participant = participant
        self._url = exchange_url
        self._session: aiohttp.ClientSession | None = None
        self._anchor: tuple[float, _Reading] | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def now(self) -> datetime:
        if self._anchor is not None:
            taken, reading = self._anchor
            passed = time.monotonic() - taken
            if reading.mode == "run" and passed < REFRESH_SECONDS:
                return reading.now + timedelta(seconds=passed * reading.speed)
        content = await self._ask("GET", "/_sim/clock", None)
        reading = msgspec.json.decode(content, type=_Reading)
        self._anchor = (time.monotonic(), reading)
        return reading.now

    async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
        body = {"participant": self._participant, "until": when, "or_trade_update": or_trade_update}
        while True:
            content = await self._ask("POST", "/_sim/clock/await", msgspec.json.encode(body))
            woken = msgspec.json.decode(content, type=_Woken)
            if woken.reached or woken.reason == "trade_update":
                return woken.now

    async def _ask(self, method: str, path: str, content: bytes | None) -> bytes:
        pause = 0.05
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector, headers=JSON, timeout=TIMEOUT)
        while True:
            try:
                async with self._session.request(method, self._url + path, data=content) as response:
                    response.raise_for_status()
                    return await response.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                log.info("exchange_clock_unreachable", error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(1.0, pause * 2)
