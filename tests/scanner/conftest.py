"""The scanner as it is deployed: real PostgreSQL, real Valkey, the real exchange on an invented tape."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from config.settings import Settings
from scripts.tapes.synthesize import synthesize
from services.exchange.api import bare_app
from services.exchange.flow import open_world
from services.scanner.api import create_app
from services.wiring import build_deps
from shared.deps import Deps
from tests.exchange.conftest import serving

NAMES = 60
MakeScan = Callable[..., Awaitable[None]]


@pytest.fixture(scope="session")
def scanner_tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty names, one session of one-minute bars."""
    folder = tmp_path_factory.mktemp("scanner-tape")
    synthesize(folder, seed=5, names=NAMES)
    return folder


@pytest.fixture
def exchange_url(scanner_tape: Path) -> Iterator[str]:
    """An exchange frozen an hour and a half after the open."""
    with serving(bare_app(open_world(scanner_tape, start="11:00"))) as url:
        yield url


@pytest.fixture
async def deps(database_url: str, redis_url: str, exchange_url: str) -> AsyncIterator[Deps]:
    async with build_deps(settings_of(database_url, redis_url, exchange_url), "scanner") as built:
        yield built


def settings_of(database_url: str, redis_url: str, exchange_url: str) -> Settings:
    redis = httpx.URL(redis_url)
    return Settings(
        _env_file=None,
        database_url=database_url,
        alpaca_base_url=exchange_url,
        redis_host=redis.host,
        redis_port=redis.port or 6379,
        redis_password=redis.password,
    )


@pytest.fixture
async def client(deps: Deps) -> AsyncIterator[httpx.AsyncClient]:
    """The application with its background loop."""
    app = create_app(deps)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5001", timeout=120) as opened,
    ):
        yield opened


@pytest.fixture
def make_scan(pool: asyncpg.Pool) -> MakeScan:
    """Workflow's rows, without which no scan can be stored."""

    async def make(cycle_id: str = "20260616-100000", scan: int = 1) -> None:
        await pool.execute(
            "INSERT INTO trading_cycles (cycle_id, mode, session_mode, status, trading_day, driven_by, max_positions,"
            " max_daily_loss, scan_frequency_seconds, config_hash, started_at)"
            " VALUES ($1, 'normal', 'supervised', 'completed', '2026-06-16', 'hand', 5, 2000, 300, 'x', now())"
            " ON CONFLICT DO NOTHING",
            cycle_id,
        )
        await pool.execute(
            "INSERT INTO scans (cycle_id, scan, slot, status, started_at) VALUES ($1, $2, now(), 'completed', now())",
            cycle_id,
            scan,
        )

    return make
