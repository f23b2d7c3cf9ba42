"""The web shell that every service wears: health, metrics, gate, JSON bodies, and errors as problem+json."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

import asyncpg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest
from starlette.exceptions import HTTPException

from config.settings import Settings
from shared import errors
from shared.gate import Gate
from shared.json_bodies import JsonBodies, PlainText
from shared.ports import Cache
from shared.problem import problem
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
ERRORS = Counter("catalyst_errors_total", "Requests that failed inside the service", ["service", "kind"])
log = structlog.get_logger()
NO_JSON = 'the body is not JSON; send such as {"reason": "news feed"}'


class Outfit(Protocol):
    """What the shell needs of a service's dependencies; the simulated exchange has neither database nor cache."""

    @property
    def settings(self) -> Settings: ...

    @property
    def pool(self) -> asyncpg.Pool | None: ...

    @property
    def cache(self) -> Cache | None: ...


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

    app.add_middleware(JsonBodies)
    if keyed:
        app.add_middleware(PlainText)
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

    @app.head("/health", include_in_schema=False)
    async def ask_health() -> Response:
        """The status of GET /health, for monitors that want no more."""
        answer = Response()
        await read_health(answer)
        return answer


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
        if first["loc"] == ("body",) and isinstance(first.get("input"), bytes):
            return problem(422, "bad input", NO_JSON, field="body")
        at = () if first["type"] == "json_invalid" else first["loc"]  # of broken JSON it is a number of characters
        field = ".".join(str(part) for part in at if part not in ("body", "query", "path"))[:LONGEST_FIELD] or "body"
        return problem(422, "bad input", f"{field}: {first['msg'].removeprefix('Value error, ')}", field=field)

    @app.exception_handler(HTTPException)
    async def plain(_request: Request, error: HTTPException) -> Response:
        if error.status_code == 400 and isinstance(error.__cause__, ValueError | RecursionError):
            return problem(422, "bad input", NO_JSON, field="body")  # the framework could not read the body
        return problem(error.status_code, "error", str(error.detail))

    @app.exception_handler(Exception)
    async def unknown(request: Request, error: Exception) -> Response:
        ERRORS.labels(name, type(error).__name__).inc()
        log.error("request_broke", path=request.url.path, exc_info=error)
        return problem(500, "internal error", "this request failed; the log has the reason under its request id")
