"""The private PostgreSQL and Valkey: they keep their data, ask for a password, and never outlive their parent."""

import asyncio
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
import redis

from scripts.child import free_ports, is_listening
from scripts.embedded import Server, StartError, start_postgres, start_valkey

PARENT = """
import sys, time
from pathlib import Path
from scripts.embedded import start_postgres, start_valkey
one, two = start_postgres(Path(sys.argv[1])), start_valkey(Path(sys.argv[1]))
print(one.port, two.port, flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(server_folder: Path) -> Path:
    """A private folder that PostgreSQL's own user can reach."""
    made = server_folder / f"embedded-{free_ports(1)[0]}"
    made.mkdir()
    return made


async def test_a_restart_finds_the_data(folder: Path) -> None:
    first = start_postgres(folder)
    link = await asyncpg.connect(first.url)
    await link.execute("CREATE TABLE kept (number int); INSERT INTO kept VALUES (7)")
    await link.close()
    first.stop()
    second = start_postgres(folder)
    link = await asyncpg.connect(second.url)
    assert await link.fetchval("SELECT number FROM kept") == 7
    await link.close()
    second.stop()
    assert not is_listening(second.port)


async def test_postgres_refuses_a_wrong_password(postgres: Server) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url, password="guess")


def test_valkey_refuses_to_talk_without_a_password(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_valkey_keeps_what_was_written_when_killed(folder: Path) -> None:
    first = start_valkey(folder)
    with redis.Redis.from_url(first.url) as client:
        client.set("kept", "7")
        time.sleep(1.1)  # the append-only file is synced every second
    first.child.process.kill()
    first.child.process.wait()
    second = start_valkey(folder)
    with redis.Redis.from_url(second.url) as client:
        assert client.get("kept") == b"7"
    second.stop()


def test_passwords_are_for_the_owner_alone(folder: Path) -> None:
    start_valkey(folder).stop()
    assert stat.S_IMODE((folder / "valkey.password").stat().st_mode) == 0o600


def test_a_taken_port_is_named(folder: Path, valkey: Server) -> None:
    with pytest.raises(StartError, match=f"valkey did not start on port {valkey.port}"):
        start_valkey(folder, port=valkey.port)


def test_nothing_outlives_a_killed_parent(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        ports = [int(word) for word in parent.stdout.readline().split()]
        assert len(ports) == 2
        assert all(is_listening(port) for port in ports)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while any(is_listening(port) for port in ports) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_listening(port) for port in ports)


async def test_each_test_has_a_database_of_its_own(database_url: str, pool: asyncpg.Pool) -> None:
    await pool.execute("INSERT INTO sectors (name) VALUES ('Toys')")
    assert await pool.fetchval("SELECT $1::jsonb", {"a": [1, None]}) == {"a": [1, None]}
    assert database_url.rpartition("/")[2].startswith("test_")


async def test_the_next_test_sees_nothing_of_it(pool: asyncpg.Pool, redis_url: str) -> None:
    assert await pool.fetchval("SELECT count(*) FROM sectors WHERE name = 'Toys'") == 0
    async with asyncio.timeout(60):
        client = redis.asyncio.Redis.from_url(redis_url)
        assert await client.dbsize() == 0
        await client.aclose()
