"""The Calls port over HTTP: each service at its own address."""

from typing import TypeVar

import aiohttp
from pydantic import BaseModel

from config.settings import Settings
from shared import errors
from shared.adapters.call_answers import typed_answer, until_answered

T = TypeVar("T")
KEPT_SECONDS = 60  # less than the servers keep an idle connection, so that none is closed under a request


class HttpCalls:
    """Calls the services of config/services.py at the addresses that the settings give."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._headers = {"X-API-Key": settings.catalyst_api_key} if settings.catalyst_api_key else {}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """The session, opened at the first call: it belongs to the event loop that runs then."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector, headers=self._headers)
        return self._session

    async def get(self, service: str, path: str, answer: type[T], *, timeout: float = 30, deadline: float = 0) -> T:
        """As the port says."""
        return await until_answered(
            lambda: self._once("GET", service, path, None, answer, timeout), deadline=deadline, repeatable=True
        )

    async def post(
        self,
        service: str,
        path: str,
        body: BaseModel | None,
        answer: type[T],
        *,
        timeout: float = 30,
        deadline: float = 0,
        repeatable: bool = False,
    ) -> T:
        """As the port says."""
        return await until_answered(
            lambda: self._once("POST", service, path, body, answer, timeout), deadline=deadline, repeatable=repeatable
        )

    async def _once(
        self, method: str, service: str, path: str, body: BaseModel | None, answer: type[T], timeout: float
    ) -> T:
        url = self._settings.url_of(service) + path
        content = body.model_dump_json().encode() if body is not None else None
        headers = {"Content-Type": "application/json"} if content is not None else {}
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=2)
        try:
            async with self._opened().request(method, url, data=content, headers=headers, timeout=limits) as response:
                status, answered = response.status, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise errors.Unavailable(f"{service} is not reachable: {type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise errors.OutcomeUnknown(f"{service} did not answer {path}: {type(error).__name__}") from error
        return typed_answer(service, path, status, answered, answer)
