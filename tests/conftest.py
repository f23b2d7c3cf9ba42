"""Fixtures everybody shares: a private PostgreSQL and Valkey for the run, a fresh migrated database for each test."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import redis
from hypothesis import settings

from database.migrate import migrate
from scripts.child import free_ports
from scripts.embedded import Server, address, start_postgres, start_valkey
from tests.house import pure
from tests.roles import APP_PASSWORD

TEMPLATE = "template_catalyst"
PREFIX = "catalyst-tests-"
PURE = "pure"

# Examples for each property: `make quick` 10, `make test` 40, `make thorough` 300. No test gives a number of its own.
settings.register_profile("quick", max_examples=10, deadline=None)
settings.register_profile("ci", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=300, deadline=None)
settings.load_profile("ci")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that need no database, no server and no process, before `-m` chooses among the marks."""
    for item in items:
        if pure.is_pure(item):
            item.add_marker(PURE)
    if config.getoption("markexpr") == PURE:
        pure.guard()


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """Outside pytest's own folder, which is closed to the user that PostgreSQL runs as under root."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    folder.chmod(0o711)
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
async def admin_database_url(postgres: Server, template_database: str) -> AsyncIterator[str]:
    """A fresh migrated database, seen by its owner (who may delete and create); dropped after the test."""
    name = f"test_{next(_NUMBERS)}"
    admin = await asyncpg.connect(postgres.url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}")
    try:
        yield address(postgres.url, database=name)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest.fixture
def database_url(admin_database_url: str) -> str:
    """A fresh migrated database, seen by the services' own role: no DELETE, no DDL."""
    return address(admin_database_url, user="catalyst_app", password=APP_PASSWORD)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """The pool that the services get."""
    from shared.runtime.database import database_pool  # here: pure tests need not load every adapter

    async with database_pool(database_url, wait_seconds=5) as opened:
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


async def _make_template(url: str) -> None:
    admin = await asyncpg.connect(url)
    await admin.execute(f"CREATE DATABASE {TEMPLATE}")
    await admin.close()
    await migrate(address(url, database=TEMPLATE), APP_PASSWORD, APP_PASSWORD)


def _flush(server: Server) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()


def _sweep() -> None:
    """Folders of runs that were killed before they could tidy up."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = left.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(left, ignore_errors=True)
