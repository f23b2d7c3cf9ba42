"""One service calls another: typed, timed out, and retried only where asking twice is safe."""

import asyncio
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from config.settings import Settings
from shared import errors

T = TypeVar("T")
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

    def __init__(self, settings: Settings, request_id: Any = None) -> None:
        headers = {"X-API-Key": settings.catalyst_api_key} if settings.catalyst_api_key else {}
        self._settings = settings
        self._http = httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(30, connect=2), trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

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

    async def delete(self, service: str, path: str, answer: type[T], *, timeout: float = 30) -> T:
        return await self._ask("DELETE", service, path, None, answer, timeout, 0, repeatable=False)

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
        try:
            response = await self._http.request(method, url, content=content, headers=headers, timeout=timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise errors.Unavailable(f"{service} is not reachable: {type(error).__name__}") from error
        except httpx.HTTPError as error:
            raise errors.OutcomeUnknown(f"{service} did not answer {path}: {type(error).__name__}") from error
        if response.is_success:
            try:
                return _adapter(answer).validate_json(response.content)
            except ValidationError as error:
                raise errors.Unavailable(f"{service} answered {path} in another form: {error.errors()[0]}") from error
        raise _error_of(service, response)


def _error_of(service: str, response: httpx.Response) -> errors.CatalystError:
    """The error that an answer's status means."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    detail = f"{service}: {problem.get('detail') or response.text[:200] or response.status_code}"
    field = problem.get("field")
    if response.status_code == 409:
        return errors.NotNow(detail, possible_at=problem.get("possible_at"), field=field)
    if response.status_code == 502:
        return errors.BrokerRefused(detail, status=502, code=None)
    kind = _BY_STATUS.get(response.status_code, errors.Unavailable if response.status_code >= 500 else errors.BadInput)
    return kind(detail, field=field)
