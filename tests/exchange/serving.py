"""The exchange on a real port, driven by the unmodified SDK. Run as a program it is a process that can be killed."""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from alpaca.trading.client import TradingClient

from services.exchange.api import bare_app
from services.exchange.api.desk import Desk, open_desk
from services.exchange.flow import Conductor, World
from services.exchange.rules.clock import ClockState
from services.exchange.rules.knobs import VenueSettings
from tests.exchange.venues import EXACT, KEY, OHLCV, OPEN, flat_bars, tape_of


def desk_on(bars: dict[int, OHLCV] | None = None, journal: Path | None = None, settings: VenueSettings = EXACT) -> Desk:
    """A desk on a hand-made tape with AAA and BBB, its clock frozen a minute after the open."""
    tape = tape_of({"AAA": flat_bars() | (bars or {}), "BBB": flat_bars(50.0)})
    return open_desk(World(tape, Conductor(ClockState(now=OPEN + 60))), journal, settings)


@dataclass(frozen=True)
class Served:
    """Where it listens, and how to move its clock."""

    url: str
    desk: Desk

    @property
    def stream_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/stream"

    def client(self, key: str = KEY) -> Any:
        """The SDK's own; its return types are unions with raw JSON, which nobody here asks for."""
        return TradingClient(key, "secret", url_override=self.url)

    def advance(self, seconds: float) -> None:
        post(f"{self.url}/_sim/clock/advance", {"seconds": seconds})

    def state(self, key: str = KEY) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.url}/_sim/accounts/{key}").json()
        return found


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = httpx.post(url, json=body)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


@contextlib.contextmanager
def serving(desk: Desk) -> Iterator[Served]:
    """Serve on a free port in a thread of its own; stopped and joined at the end."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        server = uvicorn.Server(config_of(desk))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 60
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        try:
            yield Served(f"http://127.0.0.1:{door.getsockname()[1]}", desk)
        finally:
            server.should_exit = True
            thread.join(10)


def config_of(desk: Desk, port: int = 0) -> uvicorn.Config:
    return uvicorn.Config(
        bare_app(desk.world, desk), port=port, log_level="warning", ws="websockets-sansio", timeout_graceful_shutdown=1
    )


if __name__ == "__main__":
    uvicorn.Server(config_of(desk_on(journal=Path(sys.argv[1])), int(sys.argv[2]))).run()
