"""The embedded run starts databases and services, heals what crashes, and leaves nothing behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from scripts.child import is_listening
from scripts.local import LocalError, LocalSystem, running_pid

TELLERS = ("reporting", "signals")
PROGRAM = """
import asyncio, signal, sys
from pathlib import Path
from scripts.local import LocalSystem
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started deaf to Ctrl-C
async def run():
    async with LocalSystem(Path(sys.argv[1]), services=("reporting",)) as system:
        print("up", flush=True)
        await asyncio.sleep(600)
asyncio.run(run())
"""


@pytest.fixture
def folder(server_folder: Path, request: pytest.FixtureRequest) -> Path:
    """A private folder that PostgreSQL's own user can reach."""
    made = server_folder / str(request.node.name)
    made.mkdir()
    return made


async def test_services_run_and_come_back_after_a_crash(folder: Path) -> None:
    said: list[str] = []
    async with LocalSystem(folder, services=TELLERS, say=said.append) as system:
        first = system.pids
        async with httpx.AsyncClient(trust_env=False) as http:
            for name in TELLERS:
                body = (await http.get(f"{system.urls[name]}/health")).json()
                assert (body["service"], body["status"], body["redis"]) == (name, "healthy", "connected")
        os.kill(first["signals"], signal.SIGKILL)
        async with asyncio.timeout(60):
            while not system.pids.get("signals") or system.pids["signals"] == first["signals"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert system.restarts["signals"] == 1
        await system.restart("reporting")
        assert system.pids["reporting"] != first["reporting"]
    assert any(line.startswith("signals stopped by itself (exit code -9)") for line in said)
    assert "signals stopped by itself" in (folder / "logs" / "supervisor.log").read_text()
    assert system.pids == {}
    assert not (folder / "addresses.json").exists()


async def test_the_services_role_may_not_delete(folder: Path) -> None:
    async with LocalSystem(folder, services=()) as system:
        link = await asyncpg.connect(system.database_url)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await link.execute("DELETE FROM orders")
        await link.close()


async def test_a_second_run_in_the_same_folder_is_refused(folder: Path) -> None:
    async with LocalSystem(folder, services=()):
        assert running_pid(folder) == os.getpid()
        with pytest.raises(LocalError, match=f"process {os.getpid()} already runs"):
            await LocalSystem(folder, services=()).__aenter__()
    assert running_pid(folder) is None


async def test_a_service_that_cannot_start_says_why(folder: Path) -> None:
    mixture = {"TRADING_MODE": "live"}
    with pytest.raises(LocalError, match="live money needs three settings that agree"):
        await LocalSystem(folder, services=("reporting",), environment=mixture, say=lambda _: None).__aenter__()


async def test_a_taken_port_is_named_before_anything_starts(folder: Path, free_port: int) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", free_port)
    async with server:
        with pytest.raises(LocalError, match=rf"{free_port} \(reporting\)"):
            await LocalSystem(folder, services=TELLERS, ports={"reporting": free_port}).__aenter__()
    assert not (folder / "postgres").exists()


@pytest.fixture
def program(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_whatever_ends_it_nothing_is_left(program: subprocess.Popen[str], folder: Path, number: signal.Signals) -> None:
    where = json.loads((folder / "addresses.json").read_text())
    urls = [where["database_url"], where["redis_url"], *where["services"].values()]
    ports = [int(url.rpartition(":")[2].partition("/")[0]) for url in urls]
    assert all(is_listening(port) for port in ports)
    started = time.monotonic()
    program.send_signal(number)
    program.wait(60)
    while any(is_listening(port) for port in ports) and time.monotonic() - started < 60:
        time.sleep(0.05)
    assert not any(is_listening(port) for port in ports)
