"""Workflow with real PostgreSQL, and its neighbours as real HTTP services."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
import yaml

from config.reload import LiveConfig, read_texts
from config.settings import Settings
from services.__main__ import QuietServer
from services.workflow.api import create_app
from shared.adapters.http_calls import HttpCalls
from shared.deps import Deps
from tests.absent import NoCache
from tests.workflow.surroundings import OPEN, HandClock, Market
from tests.workflow.world import World, neighbours

NEIGHBOURS = ("scanner", "news", "pattern", "technical", "risk-manager", "trading")
ROOT = Path(__file__).parents[2]


class Bench:
    """Workflow and what surrounds it. `client` speaks to the instance that runs."""

    def __init__(self, deps: Deps, world: World, clock: HandClock, market: Market, folder: Path) -> None:
        self.deps, self.world, self.clock, self.market, self.folder = deps, world, clock, market, folder
        self.client: httpx.AsyncClient

    @asynccontextmanager
    async def running(self) -> AsyncIterator[httpx.AsyncClient]:
        """One life of the service; leaving it early is its death."""
        app = create_app(self.deps)
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as self.client,
        ):
            yield self.client

    def configure(self, **workflow: Any) -> None:
        """Change workflow's section, and session.mode with auto_execute."""
        path = self.folder / "trading_config.yaml"
        content = yaml.safe_load(path.read_text())
        content["workflow"] |= workflow
        content["session"]["mode"] = "autonomous" if content["workflow"]["auto_execute"] else "supervised"
        path.write_text(yaml.safe_dump(content))
        self.deps.config.hold(read_texts(self.folder))

    async def scans(self, count: int, cycle_id: str | None = None) -> list[asyncpg.Record]:
        """The scans once `count` of them have ended."""
        found: list[asyncpg.Record] = await eventually(lambda: self._ended(count), f"{count} scans")
        return found

    async def _ended(self, count: int) -> list[asyncpg.Record] | None:
        rows = await self.deps.pool.fetch("SELECT * FROM scans WHERE status <> 'running' ORDER BY cycle_id, scan")
        return rows if len(rows) >= count else None

    async def asleep(self, until: datetime | None = None) -> None:
        """Once the watch waits for the clock (for a certain moment of it)."""

        async def waits() -> bool:
            found = self.clock.sleeping_until
            return found is not None and until in (None, found)

        await eventually(waits, f"sleep until {until}")

    async def cycle_is(self, cycle_id: str, status: str) -> None:
        """Once the cycle has come to a status."""

        async def has() -> bool:
            found = await self.client.get(f"/api/v1/cycles/{cycle_id}")
            return bool(found.json()["status"] == status)

        await eventually(has, f"cycle {status}")

    async def alerts(self) -> list[str]:
        return [row["kind"] for row in await self.deps.pool.fetch("SELECT kind FROM alerts ORDER BY alert_id")]


async def eventually(look: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """What `look` finds, looked for until a deadline."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + seconds
    while not (found := await look()):
        assert loop.time() < give_up, f"waited in vain for {what}"
        await asyncio.sleep(0.01)
    return found


@asynccontextmanager
async def listening_on(app: Any, port: int) -> AsyncIterator[None]:
    config = uvicorn.Config(app, port=port, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = QuietServer(config)
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started, "the neighbours")
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Configuration files of this test's own."""
    for name in ("trading_config.yaml", "risk_parameters.yaml"):
        (tmp_path / name).write_text((ROOT / "config" / name).read_text())
    return tmp_path


MakeBench = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
def make_bench(pool: asyncpg.Pool, database_url: str, folder: Path, free_port: int) -> MakeBench:
    """Workflow at five past ten, autonomous unless told otherwise."""

    @asynccontextmanager
    async def make(*, autonomous: bool = True, **settings: Any) -> AsyncIterator[Bench]:
        world, clock = World(pool), HandClock(OPEN.replace(hour=15, minute=5))
        market = Market(clock)
        known = Settings(
            _env_file=None,
            service_urls={name: f"http://127.0.0.1:{free_port}/{name}" for name in NEIGHBOURS},
            enable_autonomous_trading=autonomous,
            config_folder=folder,
            **{"database_url": database_url} | settings,
        )
        client = HttpCalls(known)
        live = LiveConfig(folder, known)
        deps = Deps(known, live, clock, pool, NoCache(), client, market, None)  # type: ignore[arg-type]
        bench = Bench(deps, world, clock, market, folder)
        bench.configure(auto_execute=autonomous, stage_deadline_seconds=0.3)
        async with listening_on(neighbours(world), free_port):
            yield bench
            world.let_go.set()
        await client.close()

    return make


@pytest.fixture
async def bench(make_bench: MakeBench) -> AsyncIterator[Bench]:
    async with make_bench() as made:
        yield made
