"""A world around the risk manager: real PostgreSQL, a trading service on a real port, a market and a clock by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import asyncpg
import httpx
import pytest
import uvicorn

from config.reload import LiveConfig
from config.settings import Settings
from services.risk_manager.api import create_app
from shared.adapters.http_calls import HttpCalls
from shared.adapters.redis_cache import RedisCache
from shared.deps import Deps
from shared.ports import Mailer
from tests.risk_manager.world import Clock, Market, TradingDesk, World, open_cycle

CONFIG = Path(__file__).parent.parent.parent / "config"


@asynccontextmanager
async def serving(app: Any, port: int, lifespan: Literal["on", "off"] = "off") -> AsyncIterator[None]:
    """The application on a real port of this process."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan=lifespan, ws="websockets-sansio"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def world_on(
    pool: asyncpg.Pool, port: int, mailer: Mailer | None = None, webhook: Mailer | None = None, **says: Any
) -> AsyncIterator[World]:
    """A world whose trading service listens on `port`; `says` are settings."""
    settings = Settings(_env_file=None, service_urls={"trading": f"http://127.0.0.1:{port}"}, **says)
    clock = Clock()
    market, desk = Market(clock), TradingDesk(pool, clock)
    client, cache = HttpCalls(settings), RedisCache("redis://127.0.0.1:1/0")
    deps = Deps(
        settings=settings, config=LiveConfig(CONFIG, settings), clock=clock, pool=pool, cache=cache, client=client,
        market=market, mailer=mailer, webhook=webhook,
    )  # fmt: skip
    await open_cycle(pool)
    async with serving(desk.app(), port):
        yield World(deps, clock, market, desk)
        await client.close()
        await cache.close()


@pytest.fixture
async def world(pool: asyncpg.Pool, database_url: str, free_port: int) -> AsyncIterator[World]:
    async with world_on(pool, free_port, database_url=database_url) as made:
        yield made


@asynccontextmanager
async def running(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The service itself with its loops, and a client that speaks to it."""
    app = create_app(world.deps)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=20) as client:
            yield client


@pytest.fixture
async def service(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with running(world) as client:
        yield client
