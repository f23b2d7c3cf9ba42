"""Trading as a process of its own that dies where it is told to: its ports count every await and every commit.

The service itself knows nothing of it. What is counted is a step: the flow's function, the port's call, and whether the
call is about to be made or has just been answered.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import asyncpg
import uvicorn

from config.settings import Settings
from services.__main__ import QuietServer
from services.trading.api import create_app
from services.wiring import build_deps
from shared.adapters.alpaca import AlpacaBroker
from shared.deps import Deps
from shared.log import set_up
from shared.ports import Broker, Clock

FLOW = "services/trading/"
READ_SECONDS = 0.4
"""A silent exchange is given up on sooner than in production; nothing else differs."""


@dataclass(frozen=True)
class Kill:
    """Die when `step` is passed for the n-th time."""

    step: str
    occurrence: int = 1


class Tracer:
    """Counts steps; writes each to `notes` when there is such a file; ends the process at the chosen one."""

    def __init__(self, kill: Kill | None, notes: Path | None) -> None:
        self._kill, self._seen = kill, Counter[str]()
        self._notes = notes.open("a", buffering=1) if notes else None

    def pass_by(self, call: str, moment: str) -> None:
        step = f"{_asker()} {call} {moment}"
        self._seen[step] += 1
        if self._notes:
            self._notes.write(f"{step}\n")
        if self._kill and step == self._kill.step and self._seen[step] == self._kill.occurrence:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        async def through(*arguments: Any, **named: Any) -> Any:
            self.pass_by(name, "asked")
            answer = await call(*arguments, **named)
            self.pass_by(name, "answered")
            return answer

        return through


def _asker() -> str:
    """The innermost function of the flow that is waiting for this call."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if FLOW in name and not name.endswith("store.py"):
            return f"{Path(name).stem}.{frame.f_code.co_name.strip('_')}"
        frame = cast("Any", frame.f_back)
    return "outside"


class CountedBroker:
    """The broker; each request is a step."""

    def __init__(self, broker: Broker, tracer: Tracer) -> None:
        self._broker, self._tracer = broker, tracer

    def __getattr__(self, name: str) -> Any:
        return self._tracer.counted(getattr(self._broker, name), f"broker.{name}")


class CountedClock:
    """The clock; only sleeping is a step."""

    def __init__(self, clock: Clock, tracer: Tracer) -> None:
        self._clock, self.now = clock, clock.now
        self.sleep_until = tracer.counted(clock.sleep_until, "clock.sleep")


class CountedDatabase:
    """A pool, or a connection of it; each statement is a step, and a transaction's commit is one."""

    def __init__(self, source: Any, tracer: Tracer) -> None:
        self._source, self._tracer = source, tracer

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._source, name)
        if name not in ("execute", "fetch", "fetchrow", "fetchval"):
            return found

        async def statement(sql: str, *arguments: Any, **named: Any) -> Any:
            verb = sql.lstrip().split(None, 1)[0].lower()
            self._tracer.pass_by(f"sql.{verb}", "asked")
            answer = await found(sql, *arguments, **named)
            if verb != "select":
                self._tracer.pass_by(f"sql.{verb}", "answered")
            return answer

        return statement

    def acquire(self) -> "Lent":
        return Lent(self._source.acquire(), self._tracer)

    def transaction(self) -> "CountedTransaction":
        return CountedTransaction(self._source.transaction(), self._tracer)


class Lent:
    """A connection while it is borrowed."""

    def __init__(self, lending: Any, tracer: Tracer) -> None:
        self._lending, self._tracer = lending, tracer

    async def __aenter__(self) -> CountedDatabase:
        return CountedDatabase(await self._lending.__aenter__(), self._tracer)

    async def __aexit__(self, *error: Any) -> None:
        await self._lending.__aexit__(*error)


class CountedTransaction:
    """A transaction; before and after its commit are steps."""

    def __init__(self, transaction: Any, tracer: Tracer) -> None:
        self._transaction, self._tracer = transaction, tracer

    async def __aenter__(self) -> None:
        await self._transaction.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tracer.pass_by("sql.commit", "asked")
        await self._transaction.__aexit__(kind, error, trace)
        self._tracer.pass_by("sql.commit", "answered")


def _traced(deps: Deps, tracer: Tracer) -> Deps:
    assert deps.broker is not None
    return replace(
        deps,
        pool=cast("asyncpg.Pool", CountedDatabase(deps.pool, tracer)),
        broker=cast("Broker", CountedBroker(deps.broker, tracer)),
        clock=cast("Clock", CountedClock(deps.clock, tracer)),
    )


class WrongClock:
    """A machine's clock that is ahead of the broker's, or behind it."""

    def __init__(self, clock: Clock, ahead: timedelta) -> None:
        self._clock, self._ahead = clock, ahead

    async def now(self) -> datetime:
        return await self._clock.now() + self._ahead

    async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
        return await self._clock.sleep_until(when - self._ahead, or_trade_update=or_trade_update) + self._ahead


async def _live(fate: "Fate", tracer: Tracer) -> None:
    async with build_deps(fate.settings, "trading") as deps:
        broker = AlpacaBroker(fate.settings, deps.cache, read_seconds=fate.read_seconds)
        clock = WrongClock(deps.clock, timedelta(seconds=fate.clock_seconds)) if fate.clock_seconds else deps.clock
        app = create_app(_traced(replace(deps, broker=broker, clock=clock), tracer))
        config = uvicorn.Config(app, host="127.0.0.1", port=fate.port, log_config=None, timeout_graceful_shutdown=1)
        await QuietServer(config).serve()


@dataclass(frozen=True)
class Fate:
    """What a new process is told."""

    settings: Settings
    port: int
    kill: Kill | None
    notes: Path | None
    read_seconds: float
    clock_seconds: float


def fate_of(told: dict[str, Any]) -> Fate:
    """Read one line of the parent's."""
    kill, notes = told["kill"], told["notes"]
    return Fate(
        settings=Settings(**told["settings"]),
        port=told["port"],
        kill=Kill(*kill) if kill else None,
        notes=Path(notes) if notes else None,
        read_seconds=told["read_seconds"],
        clock_seconds=told["clock_seconds"],
    )


def live(fate: Fate) -> None:
    """The life of one process."""
    said = (fate.settings.log_folder / "said").open("ab")
    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    set_up("trading", "INFO", "console", fate.settings.log_folder)
    asyncio.run(_live(fate, Tracer(fate.kill, fate.notes)))


def serve_lives() -> None:
    """Everything is loaded once; for each line of stdin a process is forked off and its id told. All end with stdin."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    children = []
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            live(fate_of(told))
            os._exit(0)
        children.append(child)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    serve_lives()
