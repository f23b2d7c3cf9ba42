"""A service process that crashes comes back, and says so; one that is stopped stays stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from scripts.child import free_ports, inherited, is_listening
from scripts.supervise import Supervised

SERVICE = """
import http.server, pathlib, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        sick = pathlib.Path(sys.argv[2]).exists()
        self.send_response(503 if sick else 200)
        self.end_headers()
        self.wfile.write(b'{"problem": "database: gone"}')
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


class Watched:
    """A supervised service with what was said about it."""

    def __init__(self, folder: Path) -> None:
        self.port, self.sick, self.said = free_ports(1)[0], folder / "sick", list[str]()
        command = [sys.executable, "-c", SERVICE, str(self.port), str(self.sick)]
        url, log = f"http://127.0.0.1:{self.port}", folder / "it.out"
        self.service = Supervised("it", url, log, self.said.append, command=command, environment=inherited())

    async def until(self, trouble: str) -> None:
        async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as http:
            while await self.service.trouble(http) != trouble:  # noqa: ASYNC110 - another process has no event to wait for
                await asyncio.sleep(0.05)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    made = Watched(tmp_path)
    made.service.start()
    keeper = asyncio.create_task(made.service.keep())
    await made.until("")
    yield made
    keeper.cancel()
    made.service.stop(5)


async def test_a_crash_is_said_and_answered_by_a_new_start(watched: Watched) -> None:
    first = watched.service.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await watched.until("it (not answering)")
    await watched.until("")
    assert watched.service.pid not in (None, first)
    assert watched.service.restarts == 1
    assert watched.said[0].startswith("it stopped by itself (exit code -9)")


async def test_a_restart_on_purpose_is_no_crash(watched: Watched) -> None:
    first = watched.service.pid
    await watched.service.restart()
    await watched.until("")
    assert watched.service.pid not in (None, first)
    assert watched.service.restarts == 0
    assert watched.said == []


async def test_what_health_misses_is_named(watched: Watched) -> None:
    watched.sick.touch()
    await watched.until("it (database: gone)")
    assert watched.service.pid is not None


async def test_stopped_is_gone(watched: Watched) -> None:
    watched.service.stop(5)
    assert watched.service.pid is None
    assert not is_listening(watched.port)
