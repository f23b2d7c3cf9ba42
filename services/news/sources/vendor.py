"""One vendor's HTTP: its key, a budget, time-outs, bounded answers, and what its errors mean."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import aiohttp
import orjson
from prometheus_client import Counter

from services.news.sources.budget import Budget
from shared.errors import NotNow, Unavailable
from shared.one_by_one import UNREADABLE, Decoding, decoded

MOST_BYTES = 8_000_000
CONNECT_SECONDS, READ_SECONDS = 3.0, 10.0
LIMIT_REST_SECONDS, LONGEST_REST_SECONDS = 60.0, 3600.0
REQUESTS = Counter("catalyst_news_requests_total", "Requests to news vendors and readers", ["vendor", "outcome"])
T = TypeVar("T")


class Vendor:
    """GET and POST without retries: the next scan asks again. Secrets never reach a message. Redirects are refused."""

    def __init__(
        self,
        base: str,
        budget: Budget,
        headers: Mapping[str, str] | None = None,
        *,
        secret: str = "",
        seconds: float = READ_SECONDS,
    ) -> None:
        self.budget, self._base, self._secret = budget, base.rstrip("/"), secret
        self._headers = dict(headers or {})
        self._timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> bytes:
        return await self._ask("GET", path, params=params)

    async def post(self, path: str, body: Any) -> bytes:
        headers = {"content-type": "application/json"}
        return await self._ask("POST", path, data=orjson.dumps(body), headers=headers)

    def decoded(self, body: bytes, decoder: Decoding[T]) -> T:
        """The answer in its expected form. Raises Unavailable for any other: an HTML page, half a document."""
        try:
            return decoded(body, decoder)
        except UNREADABLE as error:
            REQUESTS.labels(self.budget.name, "malformed").inc()
            raise Unavailable(f"{self.budget.name} answered in another form: {self.said(body)}") from error

    def limited(self, said: str, seconds: float = LIMIT_REST_SECONDS) -> NotNow:
        """The refusal of a vendor that says its limit is reached; it is left alone for a while."""
        REQUESTS.labels(self.budget.name, "limited").inc()
        self.budget.rest(min(seconds, LONGEST_REST_SECONDS))
        return NotNow(f"{self.budget.name} says its limit is reached: {self.said(said)}")

    async def _ask(self, method: str, path: str, **how: Any) -> bytes:
        await self.budget.take()
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        try:
            async with self._session.request(method, self._base + path, allow_redirects=False, **how) as response:
                body = await _bounded(response)
                status, wait = response.status, response.headers.get("retry-after", "")
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as error:
            REQUESTS.labels(self.budget.name, "unreachable").inc()
            detail = self.said(f"{type(error).__name__} {error}".strip())
            raise Unavailable(f"{self.budget.name} does not answer: {detail}") from error
        if status == 429:
            raise self.limited(body[:400].decode(errors="replace"), float(wait) if wait.isdigit() else 60.0)
        if status != 200:
            REQUESTS.labels(self.budget.name, "refused").inc()
            advice = " Check its key in the settings." if status in (401, 403) else ""
            raise Unavailable(f"{self.budget.name} answered {status}: {self.said(body)}.{advice}")
        REQUESTS.labels(self.budget.name, "ok").inc()
        return body

    def said(self, body: bytes | str) -> str:
        """The beginning of what came, in one line, without markup and without our key."""
        plain = body if isinstance(body, str) else body.decode(errors="replace")
        text = re.sub(r"<[^<>]{0,200}>", " ", plain[:2000])
        if self._secret:
            text = text.replace(self._secret, "***")
        return " ".join(text.split())[:200] or "nothing"


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body, if it is not enormous. Raises aiohttp.ClientPayloadError."""
    found = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        found += chunk
        if len(found) > MOST_BYTES:
            raise aiohttp.ClientPayloadError(f"more than {MOST_BYTES} bytes")
    return bytes(found)
