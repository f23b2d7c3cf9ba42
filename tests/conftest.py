"""Fixtures everybody shares: a private PostgreSQL and Valkey for the run, a fresh migrated database for each test."""

import asyncio
import importlib
import importlib.util
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import redis

from scripts.child import free_ports
from scripts.embedded import Server, start_postgres, start_valkey

TEMPLATE = "template_catalyst"
PREFIX = "catalyst-tests-"


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """Outside pytest's own folder, which is closed to the user that PostgreSQL runs as under root."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(server_folder: Path) -> Iterator[Server]:
    """One private PostgreSQL for each test process."""
    server = start_postgres(server_folder, durable=False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey(server_folder: Path) -> Iterator[Server]:
    """One private Valkey for each test process."""
    server = start_valkey(server_folder)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template_database(postgres: Server) -> str:
    """The name of a database with every migration applied; each test's database is a copy of it."""
    asyncio.run(_make_template(postgres.url))
    return TEMPLATE


@pytest.fixture
async def database_url(postgres: Server, template_database: str) -> AsyncIterator[str]:
    """A fresh migrated database, dropped after the test."""
    name = f"test_{next(_NUMBERS)}"
    admin = await asyncpg.connect(postgres.url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}")
    try:
        yield _database(postgres.url, name)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """A pool as the services have it: small, JSONB as Python values."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=4, init=_speak_json) as opened:
        yield opened


@pytest.fixture
def redis_url(valkey: Server) -> str:
    """An empty Valkey."""
    _flush(valkey)
    return valkey.url


@pytest.fixture
def free_port() -> int:
    """A loopback port that nobody listens on."""
    return free_ports(1)[0]


_NUMBERS = itertools.count(1)
_MIGRATIONS = [path.read_text() for path in sorted(Path("database/migrations").glob("*.sql"))]


async def _make_template(url: str) -> None:
    admin = await asyncpg.connect(url)
    await admin.execute(f"CREATE DATABASE {TEMPLATE}")
    await admin.close()
    await _migrate(_database(url, TEMPLATE))


async def _migrate(url: str) -> None:
    if importlib.util.find_spec("database.migrate") is not None:
        await importlib.import_module("database.migrate").migrate(url)
        return
    connection = await asyncpg.connect(url)
    for text in _MIGRATIONS:
        await connection.execute(text)
    await connection.close()


def _database(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


async def _speak_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


def _flush(server: Server) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()


def _sweep() -> None:
    """Folders of runs that were killed before they could tidy up."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = left.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(left, ignore_errors=True)
