"""One HTTP client per process for Alpaca's read-only JSON: keys, time-outs, budget, and a second try where it is safe.

Orders do not pass here: reading twice is harmless, ordering twice is not.
"""

import asyncio
from collections.abc import Mapping
from typing import Literal, TypeVar

import aiohttp
import structlog

from config.settings import Settings
from shared.errors import BadInput, Unavailable
from shared.one_by_one import UNREADABLE, Decoding, decoded
from shared.ports import Cache

T = TypeVar("T")
Side = Literal["data", "trading"]
ATTEMPTS, FIRST_PAUSE_SECONDS, MOST_PAUSE_SECONDS, MOST_BUDGET_SECONDS = 3, 0.25, 5.0, 30.0
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=3, sock_read=20)
CONNECTIONS, KEPT_SECONDS = 8, 60
TRADING_BUDGET, DATA_BUDGET = "alpaca-trading", "alpaca-data"
LOOKUP_RESERVE, EXIT_RESERVE = 50, 40
"""Requests of each minute on the trading side that are left untouched: by look-ups over plain HTTP (assets, calendar)
so entries come through, and by entries and what they rest on so protection and exits (which leave none) do."""

log = structlog.get_logger()


class AlpacaHttp:
    """GET from the data or the trading base address, at most eight requests at a time.

    `budget` is the shared request budget; None where the other side sets no limit. Raises Unavailable when there is
    no usable answer, BadInput when the request itself was refused (400, 404, 422).
    """

    def __init__(self, settings: Settings, budget: Cache | None = None) -> None:
        self.feed = settings.alpaca_feed
        self._bases: dict[Side, str] = {"data": settings.data_url, "trading": settings.trading_url}
        self._per_minute, self._budget = settings.alpaca_requests_per_minute, budget
        self._keys = {"APCA-API-KEY-ID": settings.alpaca_api_key, "APCA-API-SECRET-KEY": settings.alpaca_secret_key}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """The session, opened at the first request: it belongs to the event loop that runs then."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEPT_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector, headers=self._keys, timeout=TIMEOUT)
        return self._session

    async def get(self, side: Side, path: str, params: Mapping[str, str | int], decoder: Decoding[T]) -> T:
        """The decoded answer. Time-outs, 429 and 5xx are asked again, then Unavailable says what was wrong."""
        trouble = ""
        for attempt in range(ATTEMPTS):
            await self._take(side)
            pause = FIRST_PAUSE_SECONDS * 2**attempt
            try:
                # Followed elsewhere, a redirect would take the keys along.
                async with self._opened().get(
                    self._bases[side] + path, params=params, allow_redirects=False
                ) as response:
                    body = await response.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                trouble = f"{type(error).__name__} {error}".strip()
            else:
                if response.status == 200:
                    return _decoded(body, path, decoder)
                trouble = _trouble(response.status, body, path)
                pause = max(pause, _asked_pause(response.headers.get("retry-after", "")))
            if attempt < ATTEMPTS - 1:
                await asyncio.sleep(min(pause, MOST_PAUSE_SECONDS))
        log.warning("alpaca_unavailable", path=path, trouble=trouble)
        raise Unavailable(f"{self._bases[side]}{path} does not answer after {ATTEMPTS} tries: {trouble}")

    async def _take(self, side: Side) -> None:
        """Wait for a place in the shared budget. Raises Unavailable rather than wait for longer than half a minute."""
        if self._budget is None:
            return
        name, reserve = (TRADING_BUDGET, LOOKUP_RESERVE) if side == "trading" else (DATA_BUDGET, 0)
        waited = 0.0
        while (wait := await self._budget.take(name, self._per_minute, reserve=reserve)) > 0:
            waited += wait
            if waited > MOST_BUDGET_SECONDS:
                raise Unavailable(f"the request budget ({self._per_minute} a minute) for Alpaca {side} is used up")
            await asyncio.sleep(wait)


def _decoded(body: bytes, path: str, decoder: Decoding[T]) -> T:
    try:
        return decoded(body, decoder)
    except UNREADABLE as error:
        raise Unavailable(f"{path} answered in another form: {error}"[:500]) from error


def _trouble(status: int, body: bytes, path: str) -> str:
    """What a failed answer says. Raises at once where asking again cannot help."""
    said = body.decode(errors="replace")[:200]
    if status in (401, 403):
        raise Unavailable(
            f"Alpaca refused {path} ({status}): {said}. "
            "Check ALPACA_API_KEY, ALPACA_SECRET_KEY and whether the account's plan covers ALPACA_FEED"
        )
    if status in (400, 404, 422):
        raise BadInput(f"Alpaca refused {path} ({status}): {said}")
    return f"status {status}: {said}"


def _asked_pause(retry_after: str) -> float:
    """Seconds the other side asks to wait; 0 when it does not say."""
    return float(retry_after) if retry_after.isdigit() else 0.0
