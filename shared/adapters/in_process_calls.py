"""The Calls port within one process: each service's application is called as its server would call it, over ASGI."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel
from starlette.types import ASGIApp, Message

from shared import errors
from shared.adapters.call_answers import typed_answer, until_answered

T = TypeVar("T")
LOOPBACK = ("127.0.0.1", 0)
log = structlog.get_logger()


class InProcessCalls:
    """Calls the applications given by service name. A service without one is Unavailable.

    As over HTTP a request goes through the application's middleware, and work that has taken longer than its timeout
    goes on after the caller was given OutcomeUnknown. `api_key` is needed where the applications ask for one.
    """

    def __init__(self, apps: Mapping[str, ASGIApp], api_key: str = "") -> None:
        self._apps = apps
        self._headers = [(b"host", b"localhost")]
        if api_key:
            self._headers.append((b"x-api-key", api_key.encode()))
        self._running: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Cancel what is still at work."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

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
        app = self._apps.get(service)
        if app is None:
            raise errors.Unavailable(f"{service} does not run in this process")
        exchange = _Exchange(b"" if body is None else body.model_dump_json().encode())
        scope = _scope(method, path, self._headers, is_json=body is not None)
        task = asyncio.ensure_future(_served(app, scope, exchange))
        self._running.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task}, timeout=timeout)
        if not exchange.complete:
            how = "TimeoutError" if not task.done() else type(task.exception()).__name__
            raise errors.OutcomeUnknown(f"{service} did not answer {path}: {how}")
        return typed_answer(service, path, exchange.status, bytes(exchange.answered), answer)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("in_process_call_failed", error=f"{type(error).__name__}: {error}")


class _Exchange:
    """One request's body, and what was answered so far."""

    def __init__(self, content: bytes) -> None:
        self.content, self.sent = content, False
        self.status, self.answered, self.complete = 0, bytearray(), False

    async def receive(self) -> Message:
        if not self.sent:
            self.sent = True
            return {"type": "http.request", "body": self.content, "more_body": False}
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # it stays connected

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.answered += message.get("body", b"")
            self.complete = not message.get("more_body", False)


async def _served(app: ASGIApp, scope: dict[str, Any], exchange: _Exchange) -> None:
    await app(scope, exchange.receive, exchange.send)


def _scope(method: str, path: str, headers: list[tuple[bytes, bytes]], *, is_json: bool) -> dict[str, Any]:
    """An ASGI scope as a server on loopback would make it."""
    plain, _, query = path.partition("?")
    kind = [(b"content-type", b"application/json")] if is_json else []
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": plain,
        "raw_path": plain.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [*headers, *kind],
        "client": LOOPBACK,
        "server": LOOPBACK,
    }
