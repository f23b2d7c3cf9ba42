"""`python -m services <name> [<name> ...] | all`: reads the arguments and the settings, and serves.

One process may hold one service (as the containers do) or several.
"""

import asyncio
import signal
import sys
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager

import structlog
import uvicorn
from pydantic import ValidationError

from config.reload import ConfigFileError
from config.services import BY_NAME, SERVICES
from config.settings import Settings, complaints, read_settings, stray_names
from services.wiring import build_deps, create_app
from shared.deps import Alone
from shared.errors import ConfigError, Unavailable
from shared.log import set_up

STOP_SECONDS = 8
KEEP_ALIVE_SECONDS = 75  # longer than our own clients keep an idle connection
log = structlog.get_logger()


class QuietServer(uvicorn.Server):
    """A uvicorn server that leaves signals to the process: several of them live in one."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def serve(service: str, settings: Settings, stop: asyncio.Event) -> None:
    """Run one service until `stop`; work in hand is finished, or given up after eight seconds."""
    async with AsyncExitStack() as stack:
        alone = service == "exchange"
        deps = Alone(settings) if alone else await stack.enter_async_context(build_deps(settings, service))
        config = uvicorn.Config(
            create_app(service, deps),
            host=settings.catalyst_bind,
            port=settings.port_of(service),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=STOP_SECONDS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            ws="websockets-sansio",
            server_header=False,
            proxy_headers=False,  # who asks is the peer; what a proxy says of others is no proof of anything
        )
        server = QuietServer(config)
        running = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await running
        stopping.cancel()
        if not stop.is_set():
            raise ConfigError(f"{service} could not listen on {config.host}:{config.port}: is the port taken?")


async def run(names: list[str], settings: Settings) -> None:
    """Run services until SIGTERM or SIGINT; the end of one ends all."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(serve(name, settings, stop)) for name in names]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


def main(arguments: list[str]) -> int:
    """Parse names, read settings, run. Returns the exit code; says on stderr what to do when it cannot start."""
    names = [service.name for service in SERVICES] if arguments == ["all"] else arguments
    unknown = [name for name in names if name not in BY_NAME]
    if unknown or not names:
        known = ", ".join(BY_NAME)
        sys.stderr.write(f"usage: python -m services <name> [<name> ...] | all\nknown services: {known}\n")
        return 2
    try:
        settings = read_settings()
    except ValidationError as error:
        sys.stderr.writelines(f"configuration: {line}\n" for line in complaints(error))
        return 2
    set_up(names[0] if len(names) == 1 else "all", settings.log_level, settings.log_format, settings.log_folder)
    for one in stray_names():
        log.warning("setting_unknown", setting=one.name, line=one.line, nearest=one.nearest)
    try:
        asyncio.run(run(names, settings))
    except (Unavailable, ConfigError, ConfigFileError) as error:
        log.error("cannot_start", reason=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
