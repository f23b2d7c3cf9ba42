"""Who may ask a service: the names it answers under, the pages that may send to it, and who needs the key.

Each check holds for requests and for the handshakes of WebSockets alike; /health alone never needs the key.
"""

import hmac
import re
import time
from collections import Counter as Count
from collections.abc import Mapping
from typing import NamedTuple
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.services import SERVICES
from config.settings import LOOPBACK, Settings
from config.trust import is_private, listed
from shared.problem import problem

HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9._-]*)(?::([1-9]\d{0,4}))?")
DECIDING = (b"host", b"origin", b"sec-fetch-site", b"x-api-key", b"authorization")
OWN_SITES = ("same-origin", "none")
PAGE_SCHEMES = {"ws": "http", "wss": "https"}
DEFAULT_PORTS = {"http": "80", "https": "443"}
# What proxies, tunnels and content networks add. One that adds nothing is announced by CATALYST_BEHIND_PROXY.
FORWARDING = frozenset(
    b"forwarded via cdn-loop x-real-ip x-client-ip x-cluster-client-ip x-original-host x-original-url x-proxyuser-ip"
    b" true-client-ip cf-connecting-ip cf-ray fastly-client-ip fly-client-ip x-envoy-external-address x-azure-clientip"
    b" x-amz-cf-id x-appengine-user-ip".split()
)
FORWARDING_START, OLD_HTTP = b"x-forwarded", "1.0"
SHOWN, LOG_SECONDS, TOO_LARGE_PORT = 120, 60.0, 65536
REQUESTS = Histogram("catalyst_request_seconds", "Time to answer", ["service", "method", "status"])
REFUSED = Counter("catalyst_requests_refused_total", "Requests refused before any route", ["service", "status"])
log = structlog.get_logger()


class Refusal(NamedTuple):
    """Why a request goes no further. `headers` go with the answer."""

    status: int
    title: str
    detail: str
    headers: Mapping[str, str] = {}


class Headers(NamedTuple):
    """A request's headers by lower-case name, as sent; `doubled` names one that decides and stands there twice."""

    values: Mapping[bytes, bytes]
    doubled: str
    forwarded: str

    def text(self, name: bytes) -> str | None:
        value = self.values.get(name)
        return None if value is None else value.decode("latin-1")


def read_headers(scope: Scope) -> Headers:
    """The headers of an ASGI scope."""
    raw = [(name.lower(), value) for name, value in scope["headers"]]
    times = Count(name for name, _ in raw)
    doubled = next((name.decode() for name in DECIDING if times[name] > 1), "")
    forwarded = next((name for name in times if name in FORWARDING or name.startswith(FORWARDING_START)), b"")
    return Headers(dict(raw), doubled, forwarded.decode("latin-1"))


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Names under which a service answers: loopback, its containers, and what the operator adds."""
    containers = (service.container for service in SERVICES)
    return frozenset({*LOOPBACK, *containers, *listed(settings.catalyst_allowed_hosts)})


def host_of(header: str) -> tuple[str, str] | None:
    """Name (without IPv6's brackets) and port ("" where none) of a Host header; None for what is none."""
    found = HOST.fullmatch(header.lower())
    if found is None or int(found[2] or 0) >= TOO_LARGE_PORT:
        return None
    return found[1].strip("[]"), found[2] or ""


def own_origin(scope: Scope, host: str, port: str) -> str:
    """The origin of a page that this very request's service served, as browsers write it."""
    spoken: str = scope.get("scheme", "http")
    scheme = PAGE_SCHEMES.get(spoken, spoken)
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}" + (f":{port}" if port and port != DEFAULT_PORTS.get(scheme) else "")


class Checks:
    """Decides on a request by its scope alone. Not `keyed`: a service that checks keys of its own."""

    def __init__(self, settings: Settings, keyed: bool) -> None:
        self.settings, self.keyed = settings, keyed
        self.hosts = allowed_hosts(settings)
        self.origins = frozenset(listed(settings.catalyst_allowed_origins))
        self.key = settings.catalyst_api_key.encode()

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why the request is refused, or None."""
        headers = read_headers(scope)
        if headers.doubled:
            return Refusal(400, "header twice", f"the header {headers.doubled} stands there twice: send it once")
        given = headers.text(b"host") or ""
        host = host_of(given)
        if host is None or host[0] not in self.hosts:
            cure = "ask it as localhost, or add the name to CATALYST_ALLOWED_HOSTS"
            return Refusal(421, "wrong host", f"this service does not answer as {given[:SHOWN]!r}: {cure}")
        return self._page_refusal(headers, own_origin(scope, *host)) or self._key_refusal(scope, headers)

    def _page_refusal(self, headers: Headers, own: str) -> Refusal | None:
        origin, site = headers.text(b"origin"), headers.text(b"sec-fetch-site")
        if origin is not None and origin in self.origins:
            return None
        if origin is not None and origin != own:
            cure = f"only {own} and what CATALYST_ALLOWED_ORIGINS lists may send here"
            return Refusal(403, "wrong origin", f"requests of pages from {origin[:SHOWN]!r} are refused: {cure}")
        if site is not None and site not in OWN_SITES:
            detail = f"a browser sent this for a page of another site (Sec-Fetch-Site: {site[:SHOWN]!r})"
            return Refusal(403, "wrong origin", f"{detail}: open the address itself, or list the page's origin")
        return None

    def _key_refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        if not self.keyed or (scope["type"] == "http" and scope["path"] == "/health"):
            return None
        if self._is_trusted(scope, headers) or self._has_key(headers):
            return None
        through = headers.forwarded[:SHOWN] or ("HTTP/1.0" if scope.get("http_version") == OLD_HTTP else "")
        why = f"this request came through a proxy ({through}); " if through else ""
        cure = "send CATALYST_API_KEY of this installation as X-API-Key, or as Authorization: Bearer"
        if not self.key:
            cure = f"set CATALYST_API_KEY in .env, restart, and {cure.replace('CATALYST_API_KEY', 'it', 1)}"
        return Refusal(401, "unauthorized", why + cure, {"WWW-Authenticate": 'Bearer realm="catalyst"'})

    def _is_trusted(self, scope: Scope, headers: Headers) -> bool:
        """Whether the request comes from this machine or its private network, with nobody in between."""
        # Clients of people and services speak HTTP/1.1; 1.0 is what a proxy speaks that adds no header of its own.
        if headers.forwarded or scope.get("http_version") == OLD_HTTP:
            return False
        if self.settings.trusts_loopback:
            return True
        peer = (scope.get("client") or ("", 0))[0]
        return bool(self.settings.catalyst_trust) and is_private(peer)

    def _has_key(self, headers: Headers) -> bool:
        word, _, token = headers.values.get(b"authorization", b"").partition(b" ")
        shown = (headers.values.get(b"x-api-key", b""), token.strip() if word.lower() == b"bearer" else b"")
        return bool(self.key) and any(hmac.compare_digest(one, self.key) for one in shown)


class Gate:
    """ASGI middleware: refuses what must not pass, gives each request an id, counts and times it."""

    def __init__(self, app: ASGIApp, service: str, settings: Settings, keyed: bool) -> None:
        self.app, self.service, self.checks = app, service, Checks(settings, keyed)
        self._logged_at: dict[int, float] = {}
        self._unlogged: Count[int] = Count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            refused = self.checks.refusal(scope)
            await (self._deny(refused, scope, receive, send) if refused else self.app(scope, receive, send))
        elif scope["type"] == "http":
            await self._pass(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, status = time.perf_counter(), 500
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = given if given.isascii() and given.isalnum() and len(given) <= 64 else uuid4().hex[:16]
        structlog.contextvars.bind_contextvars(request_id=request_id)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            refused = self.checks.refusal(scope)
            if refused:
                await self._deny(refused, scope, receive, send_with_id)
            else:
                await self.app(scope, receive, send_with_id)
        finally:
            REQUESTS.labels(self.service, scope["method"], status).observe(time.perf_counter() - started)
            structlog.contextvars.unbind_contextvars("request_id")

    async def _deny(self, refused: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the refusal; a handshake is denied before it is accepted."""
        self._log(refused, scope)
        if scope["type"] == "websocket":
            await receive()
            if "websocket.http.response" not in (scope.get("extensions") or {}):
                await send({"type": "websocket.close", "code": 1008, "reason": refused.title})
                return
        answer = problem(refused.status, refused.title, refused.detail)
        answer.headers.update(refused.headers)
        await answer(scope, receive, send)

    def _log(self, refused: Refusal, scope: Scope) -> None:
        """One line a minute for each status, with how many went unsaid since the last; never a key, never a query."""
        REFUSED.labels(self.service, refused.status).inc()
        now = time.perf_counter()
        if now - self._logged_at.get(refused.status, -LOG_SECONDS) < LOG_SECONDS:
            self._unlogged[refused.status] += 1
            return
        self._logged_at[refused.status] = now
        log.warning(
            "request_refused",
            status=refused.status,
            reason=refused.detail,
            peer=(scope.get("client") or ("", 0))[0],
            method=scope.get("method", "WEBSOCKET"),
            path=scope["path"][:SHOWN],
            unlogged_before=self._unlogged.pop(refused.status, 0),
        )
