"""ASGI middleware in front of the Alpaca routes: keys as Alpaca asks for them, request budgets, the count of the work.

Budgets are counted by minutes of market time, for each account, trading and data apart. While there is no limit the
headers tell of one that nobody reaches.
"""

import time
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

from fastapi import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.exchange.api.wire import answer
from services.exchange.flow import World

NGINX_401 = "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n</html>\r\n"
DATA = ("/v2/stocks", "/v1beta1/", "/v1/")
NEVER_REACHED = 10_000
KEYED = ("/v1/", "/v2/", "/v1beta1/", "/v3/")


def refusal(scope: Scope) -> Response | None:
    """401 in HTML without keys, in JSON with empty ones; any other pair is an account of its own."""
    headers = dict(scope["headers"])
    key, secret = headers.get(b"apca-api-key-id"), headers.get(b"apca-api-secret-key")
    if key is None or secret is None:
        return Response(NGINX_401, 401, media_type="text/html")
    if not key.strip() or not secret.strip():
        return answer({"message": "unauthorized."}, 401)
    return None


class Budget(NamedTuple):
    """How an account stands after a request. `reset` in epoch seconds."""

    limit: int
    remaining: int
    reset: int
    overdrawn: bool

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset),
        ]


@dataclass
class Meter:
    """Requests of this minute, by account and kind."""

    world: World
    _spent: dict[tuple[bytes, str], tuple[int, int]] = field(default_factory=dict)

    def take(self, account: bytes, path: str) -> Budget:
        """Count a request, unless nothing is limited."""
        kind = "data" if path.startswith(DATA) else "trading"
        settings, now = self.world.settings, self.world.clock.now
        limit = settings.data_requests_per_minute if kind == "data" else settings.trading_requests_per_minute
        minute = int(now // 60)
        reset = (minute + 1) * 60
        if not limit:
            return Budget(NEVER_REACHED, NEVER_REACHED, reset, False)
        since, spent = self._spent.get((account, kind), (minute, 0))
        spent = spent + 1 if since == minute else 1
        self._spent[account, kind] = minute, spent
        return Budget(limit, max(0, limit - spent), reset, spent > limit)


class AlpacaGate:
    """Counts requests and the wall seconds spent on them, the control plane left out."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self.app, self.load, self.meter = app, world.load, Meter(world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(KEYED):
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        try:
            refused = refusal(scope)
            await (refused(scope, receive, send) if refused else self._within_budget(scope, receive, send))
        finally:
            self.load.requests += 1
            self.load.busy_seconds += time.perf_counter() - started

    async def _within_budget(self, scope: Scope, receive: Receive, send: Send) -> None:
        budget = self.meter.take(dict(scope["headers"])[b"apca-api-key-id"], scope["path"])

        async def send_with_budget(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = {name for name, _ in message["headers"]}
                message["headers"] += [header for header in budget.headers if header[0] not in told]
            await send(message)

        app = _too_many(budget, self.meter.world.clock.now) if budget.overdrawn else self.app
        await app(scope, receive, send_with_budget)


def _too_many(budget: Budget, now: float) -> Response:
    response = answer({"message": "too many requests."}, 429)
    response.headers["Retry-After"] = str(max(1, ceil(budget.reset - now)))
    return response
