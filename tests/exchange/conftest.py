"""A small invented tape, and the real exchange served from it over loopback."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from scripts.child import free_ports
from scripts.tapes.synthesize import synthesize
from services.exchange.api import bare_app
from services.exchange.flow import World, open_world

NAMES = 60


@dataclass(frozen=True)
class Served:
    """A running exchange."""

    url: str
    world: World


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The application on a free loopback port, in a thread of its own; the URL once it answers."""
    port = free_ports(1)[0]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    pause = threading.Event()
    for _ in range(1000):
        if server.started:
            break
        pause.wait(0.01)
    assert server.started, "the exchange did not start in ten seconds"
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="session")
def small_tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty names, one session of one-minute bars, written by the generator."""
    folder = tmp_path_factory.mktemp("tape")
    synthesize(folder, seed=11, names=NAMES)
    return folder


@pytest.fixture
def serve(small_tape: Path) -> Iterator[Callable[..., Served]]:
    """Starts exchanges on the small tape; all are stopped after the test."""
    running: list[object] = []

    def start(start: str = "", place: Path | None = None) -> Served:
        world = open_world(small_tape, start=start, place=place)
        context = serving(bare_app(world))
        url = context.__enter__()
        running.append(context)
        return Served(url, world)

    yield start
    for context in running:
        context.__exit__(None, None, None)  # type: ignore[attr-defined]  # a context manager, kept as an object


@pytest.fixture
def exchange(serve: Callable[..., Served]) -> Served:
    """A frozen exchange at the open."""
    return serve()
