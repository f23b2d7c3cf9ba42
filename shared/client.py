"""One service calls another: typed, timed out, and retried only where asking twice is safe."""

import asyncio
from typing import Any, TypeVar

import aiohttp
import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from config.settings import Settings
from shared import errors

T = TypeVar("T")
KEPT_SECONDS = 60  # less than the servers keep an idle connection, so that none is closed under a request
_BY_STATUS: dict[int, type[errors.CatalystError]] = {
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    422: errors.BadInput,
    503: errors.Unavailable,
    504: errors.OutcomeUnknown,
}
_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(answer: type[T]) -> TypeAdapter[T]:
    if answer not in _adapters:
        _adapters[answer] = TypeAdapter(answer)
    return _adapters[answer]


class ServiceClient:
    """Calls the services of config/services.py by name.

    Raises the error that the other side's status means; Unavailable when it was never reached, OutcomeUnknown when
    it was asked and did not answer.
    """

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
        """GET a typed answer; asked again until `deadline` seconds have passed while the service is not there."""
        return await self._ask("GET", service, path, None, answer, timeout, deadline, repeatable=True)

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
        """POST a value. Only a `repeatable` call (one that the other side answers the same twice) is sent again
        after an answer was lost; one that never left this machine always is, until `deadline`.
        """
        return await self._ask("POST", service, path, body, answer, timeout, deadline, repeatable)

    async def _ask(
        self,
        method: str,
        service: str,
        path: str,
        body: BaseModel | None,
        answer: type[T],
        timeout: float,
        deadline: float,
        repeatable: bool,
    ) -> T:
        loop, pause = asyncio.get_running_loop(), 0.1
        give_up = loop.time() + deadline
        while True:
            try:
                return await self._once(method, service, path, body, answer, timeout)
            except errors.Unavailable as error:
                lost = isinstance(error, errors.OutcomeUnknown)
                if loop.time() + pause > give_up or (lost and not repeatable):
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)

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
        if 200 <= status < 300:
            try:
                return _adapter(answer).validate_json(answered)
            except ValidationError as error:
                raise errors.Unavailable(f"{service} answered {path} in another form: {error.errors()[0]}") from error
        raise _error_of(service, status, answered)


def _error_of(service: str, status: int, answered: bytes) -> errors.CatalystError:
    """The error that an answer's status means."""
    try:
        problem = orjson.loads(answered)
    except ValueError:
        problem = {}
    detail = f"{service}: {problem.get('detail') or answered[:200].decode(errors='replace') or status}"
    field = problem.get("field")
    if status == 409:
        return errors.NotNow(detail, possible_at=problem.get("possible_at"), field=field)
    if status == 502:
        return errors.BrokerRefused(detail, status=502, code=None)
    kind = _BY_STATUS.get(status, errors.Unavailable if status >= 500 else errors.BadInput)
    return kind(detail, field=field)
