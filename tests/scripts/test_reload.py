"""A developer's service starts again when its source changes, and survives source that cannot start."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from config.services import SERVICES
from scripts.child import free_ports, inherited
from scripts.local import LocalSystem
from scripts.reload import reload_on_change, source_folders
from scripts.supervise import Supervised
from tests.scripts.test_supervise import SERVICE


@dataclass
class Small(LocalSystem):
    """One service that is a file in a folder; no databases."""

    folder: Path
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "main.py").write_text(SERVICE)
        port = free_ports(1)[0]
        command = [sys.executable, str(self.folder / "main.py"), str(port), str(self.folder / "sick")]
        url, log = f"http://127.0.0.1:{port}", self.folder / "it.out"
        self.service = Supervised("it", url, log, self.said.append, command=command, environment=inherited())
        self._services = {"it": self.service}
        self.say = self.said.append

    async def until(self, words: str) -> None:
        async with asyncio.timeout(60):
            while not any(words in line for line in self.said):  # noqa: ASYNC110 - said by another task
                await asyncio.sleep(0.02)

    async def until_healthy(self) -> None:
        async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as http:
            while await self.service.trouble(http):  # noqa: ASYNC110 - another process has no event to wait for
                await asyncio.sleep(0.02)


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Small]:
    made = Small(tmp_path)
    made.service.start()
    tasks = [asyncio.create_task(made.service.keep())]
    await made.until_healthy()
    tasks.append(asyncio.create_task(reload_on_change(made, "it", [tmp_path], made.said.append)))
    await asyncio.sleep(0.5)  # the watch has to be on before a file changes
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    made.service.stop(5)


async def test_a_changed_file_starts_the_service_again(small: Small) -> None:
    first = small.service.pid
    (small.folder / "main.py").write_text(SERVICE + "\n")
    await small.until("it: healthy with the new code")
    assert small.service.pid not in (None, first)
    assert small.service.restarts == 0
    assert small.said[0] == "it: main.py changed, starting again"


async def test_source_that_cannot_start_is_said_and_the_mended_one_runs(small: Small) -> None:
    (small.folder / "main.py").write_text("this is no Python\n")
    await small.until("it: keeps stopping by itself")
    (small.folder / "main.py").write_text(SERVICE)
    await small.until("it: healthy with the new code")
    assert small.service.pid is not None


async def test_a_file_that_is_no_source_starts_nothing(small: Small) -> None:
    first = small.service.pid
    (small.folder / "notes.txt").write_text("nothing")
    (small.folder / "main.py").write_text(SERVICE + "\n")
    await small.until("it: healthy with the new code")
    assert small.service.pid != first
    assert all("notes.txt" not in line for line in small.said)


@pytest.mark.parametrize("service", [one.name for one in SERVICES])
def test_each_service_can_be_reloaded(service: str) -> None:
    assert all(folder.is_dir() for folder in source_folders(service))
