"""The web shell that every service wears: health, metrics, request ids, keys, and errors as problem+json."""

import asyncio
import hmac
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import asyncpg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.services import SERVICES
from config.settings import LOOPBACK, Settings
from shared import errors
from shared.ports import Cache
from shared.runtime.health import Health
from shared.runtime.health import read_health as health_facts

VERSION = "1.0.0"
LONGEST_FIELD = 120  # a field of a request may be named by anybody
STATUS: dict[type[errors.CatalystError], int] = {
    errors.BadInput: 422,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.NotNow: 409,
    errors.OutcomeUnknown: 504,
    errors.Unavailable: 503,
    errors.BrokerRefused: 502,
    errors.ConfigError: 500,
}
REQUESTS = Histogram("catalyst_request_seconds", "Time to answer", ["service", "method", "status"])
ERRORS = Counter("catalyst_errors_total", "Requests that failed inside the service", ["service", "kind"])
log = structlog.get_logger()
M = TypeVar("M", bound=BaseModel)


def problem(status: int, title: str, detail: str, **extra: Any) -> JSONResponse:
    """An RFC 9457 answer; extras that are None are left out."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body |= {key: value for key, value in extra.items() if value is not None}
    return JSONResponse(body, status, media_type="application/problem+json")


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Names under which a service answers: loopback, its containers, and what the operator adds."""
    added = (host.strip() for host in settings.catalyst_allowed_hosts.split(","))
    return frozenset({*LOOPBACK, *(service.container for service in SERVICES), *(host for host in added if host)})


class Outfit(Protocol):
    """What the shell needs of a service's dependencies; the simulated exchange has neither database nor cache."""

    @property
    def settings(self) -> Settings: ...

    @property
    def pool(self) -> asyncpg.Pool | None: ...

    @property
    def cache(self) -> Cache | None: ...


class Gate:
    """ASGI middleware: checks Host, Origin and key, gives each request an id, counts and times it."""

    def __init__(self, app: ASGIApp, service: str, settings: Settings, keyed: bool) -> None:
        self.app, self.service, self.settings = app, service, settings
        self.keyed = keyed and not settings.is_loopback
        self.hosts = allowed_hosts(settings)

    def refuse(self, scope: Scope) -> Response | None:
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        host = headers.get("host", "").rsplit(":", 1)[0].strip("[]")
        if host not in self.hosts:
            return problem(421, "wrong host", f"this service does not answer as {host!r}")
        origin = headers.get("origin")
        if origin and origin.split("://")[-1].rsplit(":", 1)[0].strip("[]") not in self.hosts:
            return problem(403, "wrong origin", f"requests from {origin} are refused")
        if not self.keyed or scope["path"] == "/health":
            return None
        if hmac.compare_digest(headers.get("x-api-key", "").encode(), self.settings.catalyst_api_key.encode()):
            return None
        return problem(401, "unauthorized", "send the key of this installation as X-API-Key")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = given if given.isalnum() and len(given) <= 64 else uuid4().hex[:16]
        structlog.contextvars.bind_contextvars(request_id=request_id)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            refused = self.refuse(scope)
            await (refused or self.app)(scope, receive, send_with_id)
        finally:
            REQUESTS.labels(self.service, scope["method"], status).observe(time.perf_counter() - started)
            structlog.contextvars.unbind_contextvars("request_id")


def new_app(
    name: str,
    deps: Outfit,
    *,
    about: str,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
    health: Health | None = None,
    keyed: bool = True,
) -> FastAPI:
    """A service's application with everything that all services share.

    `health` adds facts to GET /health; a fact `problem` (text) makes it 503 with that part named. Only a service that
    checks keys of its own, as the simulated exchange does, is not `keyed`.
    """
    app = FastAPI(
        title=f"Catalyst {name}", version=VERSION, description=about, lifespan=lifespan, redirect_slashes=False
    )
    _add_errors(app, name)
    _add_health(app, name, deps, health)

    @app.get("/metrics", summary="Prometheus metrics", include_in_schema=True)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    app.add_middleware(Gate, service=name, settings=deps.settings, keyed=keyed)
    return app


def _add_health(app: FastAPI, name: str, deps: Outfit, health: Health | None) -> None:
    @app.get("/health", summary="Can this service do its job?")
    async def read_health(response: Response) -> dict[str, Any]:
        """200 when it can; 503 with the failing part named when it cannot."""
        body: dict[str, Any] = {"status": "healthy", "service": name, "version": VERSION}
        body |= await health_facts(deps.pool, deps.cache, health)
        if "problem" in body:
            body["status"], response.status_code = "unhealthy", 503
        return body


def _add_errors(app: FastAPI, name: str) -> None:
    @app.exception_handler(errors.CatalystError)
    async def known(_request: Request, error: errors.CatalystError) -> Response:
        status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
        if status >= 500:
            ERRORS.labels(name, type(error).__name__).inc()
            log.warning("request_failed", kind=type(error).__name__, detail=error.detail)
        at: datetime | None = getattr(error, "possible_at", None)
        left = getattr(error, "left", None) or None
        told = {"field": error.field, "possible_at": at and at.isoformat(), "left": left}
        return problem(status, error.title, error.detail, **told)

    async def away(request: Request, error: Exception) -> Response:
        ERRORS.labels(name, type(error).__name__).inc()
        log.warning("database_away", kind=type(error).__name__, detail=str(error))
        if request.method in ("GET", "HEAD"):
            return problem(503, "unavailable", "the database does not answer")
        # Lost in the middle, a change may have been made: the caller must know that before asking again.
        return problem(504, "outcome unknown", "the database does not answer; look before asking again")

    for lost in (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CannotConnectNowError, OSError):
        app.exception_handler(lost)(away)

    @app.exception_handler(RequestValidationError)
    async def unusable(_request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        at = () if first["type"] == "json_invalid" else first["loc"]  # of broken JSON it is a number of characters
        field = ".".join(str(part) for part in at if part not in ("body", "query", "path"))[:LONGEST_FIELD] or "body"
        return problem(422, "bad input", f"{field}: {first['msg'].removeprefix('Value error, ')}", field=field)

    @app.exception_handler(HTTPException)
    async def plain(_request: Request, error: HTTPException) -> Response:
        return problem(error.status_code, "error", str(error.detail))

    @app.exception_handler(Exception)
    async def unknown(request: Request, error: Exception) -> Response:
        ERRORS.labels(name, type(error).__name__).inc()
        log.error("request_broke", path=request.url.path, exc_info=error)
        return problem(500, "internal error", "this request failed; the log has the reason under its request id")


async def read_body(request: Request, model: type[M]) -> M:
    """The JSON body whatever its content type says (curl's bare `-d` names a form's); defaults where there is none.

    Raises RequestValidationError, as FastAPI does for a body that it reads itself.
    """
    raw = await request.body()
    try:
        return model.model_validate_json(raw) if raw.strip() else model()
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


def described_body(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI's words for a body that `read_body` reads."""
    content = {"application/json": {"schema": model.model_json_schema(), "example": example}}
    return {"requestBody": {"required": False, "content": content}}


async def end_tasks(*tasks: asyncio.Task[None]) -> None:
    """Cancel until all have ended: a timed wait that ends at the same moment swallows a cancellation (CPython 3.11)."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.5)
