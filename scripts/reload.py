"""Start a service again when its source changes: what `catalyst up --reload` adds for developers."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from watchfiles import PythonFilter, awatch

from config.services import BY_NAME
from scripts.local import LocalError, LocalSystem
from scripts.supervise import Say

ROOT = Path(__file__).parent.parent
SHARED = ("config", "shared")


def source_folders(service: str) -> list[Path]:
    """The folders whose Python files the service is made from: its own, and what all services share."""
    return [ROOT / "services" / BY_NAME[service].package, *(ROOT / name for name in SHARED)]


async def reload_on_change(system: LocalSystem, service: str, folders: Sequence[Path], say: Say) -> None:
    """Watch `folders` until cancelled; each change of a Python file starts `service` again, and says how that went.

    A change during a restart begins the restart anew, so that a mended mistake need not wait for the failing start.
    """
    restart: asyncio.Task[None] | None = None
    try:
        async for changes in awatch(*folders, watch_filter=PythonFilter()):
            names = ", ".join(sorted(Path(path).name for _, path in changes))
            say(f"{service}: {names} changed, starting again")
            await _cancelled(restart)
            restart = asyncio.create_task(_restarted(system, service, say))
    finally:
        await _cancelled(restart)


async def _restarted(system: LocalSystem, service: str, say: Say) -> None:
    try:
        await system.restart(service)
    except LocalError as error:
        say(f"{service}: {error}")
    else:
        say(f"{service}: healthy with the new code")


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
