"""An ASGI app on a port of its own, in the test's process."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from services.__main__ import QuietServer

ATTEMPTS, PAUSE_SECONDS = 1000, 0.01


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Its address, from when it listens until the block is left."""
    # Named as TCP, so that asyncio sends small answers at once.
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=1)
    server = QuietServer(config)
    running = asyncio.create_task(server.serve(sockets=[door]))
    for _ in range(ATTEMPTS):
        if server.started:
            break
        await asyncio.sleep(PAUSE_SECONDS)
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        door.close()
