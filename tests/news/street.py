"""A small server that plays any news vendor or language model: it says what it is told to, and remembers who asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from services.news.sources.budget import Budget
from services.news.sources.vendor import Vendor
from tests.technical.world import Clock


@dataclass
class Answer:
    """What the server says: text as it is, anything else as JSON; after a delay; or it hangs up."""

    body: Any = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hangs_up: bool = False


@dataclass
class Asked:
    """A request as it came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


Saying = Answer | Callable[[Asked], Answer]


@dataclass
class Memory:
    """A Cache that keeps."""

    kept: dict[str, bytes] = field(default_factory=dict)

    async def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        self.kept[key] = value

    async def publish(self, stream: str, payload: bytes) -> None:
        return None

    async def take(
        self, budget: str, per_minute: int, cost: int = 1, reserve: int = 0, *, urgent: bool = False
    ) -> float:
        return 0.0

    async def ping(self) -> bool:
        return True


@dataclass
class Street:
    """The server. A path without a saying gets 404."""

    url: str = ""
    says: dict[str, Saying] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw) if raw else None
        asked = Asked(request.path, dict(request.query), {k.lower(): v for k, v in request.headers.items()}, body)
        self.asked.append(asked)
        saying = self.says.get(request.path, Answer("no such page", 404))
        said = saying if isinstance(saying, Answer) else saying(asked)
        await asyncio.sleep(said.delay)
        if said.hangs_up and request.transport is not None:
            request.transport.close()
        text = said.body if isinstance(said.body, str) else json.dumps(said.body)
        return web.Response(text=text, status=said.status, headers=said.headers, content_type="application/json")

    def vendor(
        self, name: str, per_minute: int = 100, per_day: int | None = None, seconds: float = 5.0, secret: str = "s3cr3t"
    ) -> Vendor:
        """The vendor's client as it is wired."""
        return Vendor(self.url, Budget(name, Clock(), Memory(), per_minute, per_day), secret=secret, seconds=seconds)


@asynccontextmanager
async def opened() -> AsyncIterator[Street]:
    street = Street()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", street.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    street.url = site.name
    try:
        yield street
    finally:
        await runner.cleanup()


def clock_at(at: datetime) -> Clock:
    """A clock that stands there."""
    return Clock(at)
