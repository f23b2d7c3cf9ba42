"""Keep one service process running: start it, wait for its /health, start it again when it crashes, and say so."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from scripts.child import Child, spawn

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
CALM_SECONDS = 60.0
LOOK_SECONDS = 0.2
Say = Callable[[str], None]


class Supervised:
    """One service as a process. `restarts` counts the crashes it came back from."""

    def __init__(
        self, name: str, url: str, log: Path, say: Say, *, command: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self.name, self.url, self.restarts = name, url, 0
        self._command, self._environment, self._log, self._say = command, environment, log, say
        self._child: Child | None = None
        self._changing = asyncio.Lock()
        self._wanted = asyncio.Event()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and self._child.exit_code is None else None

    def start(self) -> None:
        """Must be called from the thread that runs the system: the process lives as long as that thread."""
        self._child = spawn(self.name, self._command, self._log, env=self._environment)

    async def keep(self) -> None:
        """Watch for ever; a crash is answered by a new start after a pause that doubles while it keeps crashing."""
        loop = asyncio.get_running_loop()
        pause, since = FIRST_PAUSE, loop.time()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            async with self._changing:
                if self._child is None or (code := self._child.exit_code) is None:
                    continue
                pause = FIRST_PAUSE if loop.time() - since > CALM_SECONDS else min(pause * 2, LONGEST_PAUSE)
                self._say(f"{self.name} stopped by itself (exit code {code}); starting it again in {pause:.0f} s")
                self._say(f"{self.name} said last: {self._child.last_words(1)} ({self._log})")
                if await self._is_wanted_within(pause):
                    pause = FIRST_PAUSE
                since = loop.time()
                self.restarts += 1
                self.start()

    async def restart(self) -> None:
        """Stop it as an operator would, and start it again. Returns when the new process runs (not yet healthy).

        The pause after a crash ends at once: what is asked for by hand does not wait for it.
        """
        self._wanted.set()
        async with self._changing:
            self._wanted.clear()
            if self._child is not None:
                await asyncio.to_thread(self._child.stop)
            self.start()

    async def _is_wanted_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._wanted.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def ask_to_stop(self) -> None:
        if self._child is not None:
            self._child.ask_to_stop()

    def stop(self, seconds: float) -> None:
        if self._child is not None:
            self._child.stop(seconds)

    async def trouble(self, http: httpx.AsyncClient) -> str:
        """What is still missing until it can do its job; empty when it is healthy."""
        try:
            answer = await http.get(f"{self.url}/health")
        except httpx.HTTPError:
            return f"{self.name} (not answering)"
        if answer.status_code == httpx.codes.OK:
            return ""
        try:
            return f"{self.name} ({answer.json().get('problem', answer.status_code)})"
        except ValueError:
            return f"{self.name} ({answer.status_code})"

    def last_words(self) -> str:
        return self._child.last_words() if self._child else ""
