"""The embedded run: a private PostgreSQL and Valkey, the migrations, then exactly what the containers run.

`async with LocalSystem(...) as system:` starts everything and returns when every service is healthy; leaving the block,
Ctrl-C, SIGTERM or a failure stops everything. If this process is killed, the kernel stops the rest.
"""

import asyncio
import fcntl
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import asyncpg
import httpx

from config.services import SERVICES
from database.migrate import migrate
from scripts.child import free_ports, inherited, is_listening
from scripts.embedded import DATABASE, Server, address, secret, start_postgres, start_valkey
from scripts.supervise import Say, Supervised

HEALTHY_SECONDS = 90.0
CRASHES = 3
STOP_SECONDS = 7.0
TELL_EVERY_SECONDS = 5.0
NAMES = tuple(service.name for service in SERVICES)
REGISTRY_PORTS = {service.name: service.port for service in SERVICES} | {"postgres": 5432, "redis": 6379}
SIMULATED = {
    "ALPACA_API_KEY": "SIMULATED",
    "ALPACA_SECRET_KEY": "SIMULATED",
    "TRADING_MODE": "paper",
    "ENABLE_PAPER_TRADING": "true",
    "ENABLE_LIVE_TRADING": "false",
}


class LocalError(RuntimeError):
    """The embedded run cannot start; the text says what to do."""


def say_on_stderr(text: str) -> None:
    sys.stderr.write(text + "\n")


def running_pid(folder: Path) -> int | None:
    """The process that runs the system in `folder` now; None when nobody holds its lock, whatever the file says."""
    try:
        with (folder / "run.pid").open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read())
    except FileNotFoundError:
        pass
    return None


class LocalSystem:
    """All services as processes of their own on loopback.

    `ports` gives ports by service name (and "postgres", "redis"); what it does not name gets a free one.
    `environment` adds to what each service is told; with the service `exchange` the broker is the simulated one.
    Raises LocalError and scripts.embedded.StartError.
    """

    def __init__(
        self,
        folder: Path = Path(".local"),
        *,
        services: Sequence[str] = NAMES,
        ports: Mapping[str, int] | None = None,
        environment: Mapping[str, str] | None = None,
        say: Say = say_on_stderr,
    ) -> None:
        self.folder, self.say = folder.absolute(), say
        self.database_url = self.admin_database_url = self.redis_url = ""
        self.urls: dict[str, str] = {}
        self._names, self._ports, self._given = tuple(services), dict(ports or {}), dict(environment or {})
        self._services: dict[str, Supervised] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the services that run right now."""
        return {name: service.pid for name, service in self._services.items() if service.pid is not None}

    @property
    def restarts(self) -> dict[str, int]:
        """How often each service crashed and was started again."""
        return {name: service.restarts for name, service in self._services.items()}

    async def restart(self, name: str) -> None:
        """Stop one service, start it again, wait until it is healthy."""
        await self._services[name].restart()
        await self._until_healthy([name])

    async def __aenter__(self) -> "LocalSystem":
        try:
            self._stop_on_sigterm()
            self._hold_folder()
            self._check_ports()
            postgres = start_postgres(self.folder, self._ports.get("postgres"))
            self._stack.callback(postgres.stop)
            valkey = start_valkey(self.folder, self._ports.get("redis"))
            self._stack.callback(valkey.stop)
            self.redis_url = valkey.url
            self.database_url = await self._prepare_database(postgres)
            self._start_services()
            await self._until_healthy(self._names)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _stop_on_sigterm(self) -> None:
        """SIGTERM does what Ctrl-C does: cancels the task that runs the system, which then leaves its block."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        self._stack.callback(loop.remove_signal_handler, signal.SIGTERM)

    def _hold_folder(self) -> None:
        """One run at a time in one folder; the lock falls with the process, the file tells `down` whom to stop."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self._stack.enter_context((self.folder / "run.pid").open("a+"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise LocalError(
                f"process {lock.read().strip()} already runs the system in {self.folder}: `make down` stops it"
            ) from None
        self._stack.callback(lock.truncate, 0)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()

    def _check_ports(self) -> None:
        wanted = [name for name in (*self._names, "postgres", "redis") if name in self._ports]
        taken = [f"{self._ports[name]} ({name})" for name in wanted if is_listening(self._ports[name])]
        if taken:
            raise LocalError(f"these ports are taken: {', '.join(taken)}; stop what listens there or choose others")

    async def _prepare_database(self, postgres: Server) -> str:
        """Create and migrate; returns the address that the services use, whose role may not delete."""
        admin = await asyncpg.connect(postgres.url)
        try:
            if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await admin.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await admin.close()
        password = secret(self.folder, "catalyst_app")
        self.admin_database_url = address(postgres.url, database=DATABASE)
        await migrate(self.admin_database_url, password, secret(self.folder, "catalyst_readonly"))
        return address(self.admin_database_url, user="catalyst_app", password=password)

    def _start_services(self) -> None:
        missing = [name for name in self._names if name not in self._ports]
        self._ports |= dict(zip(missing, free_ports(len(missing)), strict=True))
        self.urls = {name: f"http://127.0.0.1:{self._ports[name]}" for name in self._names}
        environment = self.environment()
        self._write_addresses()
        for old in (self.folder / "logs").glob("*.out"):
            old.unlink()
        self._stack.push_async_callback(self._stop_services)
        for name in self._names:
            log = self.folder / "logs" / f"{name}.out"
            command = [sys.executable, "-m", "services", name]
            service = Supervised(name, self.urls[name], log, self._tell, command=command, environment=environment)
            self._services[name] = service
            service.start()
        self._keepers = [asyncio.create_task(service.keep()) for service in self._services.values()]

    def environment(self) -> dict[str, str]:
        """All that a service of this run is told: this process's own environment, then the run's addresses."""
        redis = urlsplit(self.redis_url)
        told = {
            "DATABASE_URL": self.database_url,
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(redis.port),
            "REDIS_PASSWORD": redis.password or "",
            "SERVICE_URLS": json.dumps(self.urls),
            "CATALYST_BIND": "127.0.0.1",
            "LOG_FOLDER": str(self.folder / "logs"),
        }
        if "exchange" in self._names:
            told |= SIMULATED | dict.fromkeys(("ALPACA_BASE_URL", "ALPACA_DATA_URL"), self.urls["exchange"])
        return inherited() | told | self._given

    def _write_addresses(self) -> None:
        """For people and for the command line: where this run's database, cache and services are."""
        path = self.folder / "addresses.json"
        path.touch(0o600)
        where = {"database_url": self.database_url, "redis_url": self.redis_url, "services": self.urls}
        path.write_text(json.dumps(where, indent=2))
        self._stack.callback(path.unlink, missing_ok=True)

    def _tell(self, text: str) -> None:
        self.say(text)
        with (self.folder / "logs" / "supervisor.log").open("a") as log:
            log.write(text + "\n")

    async def _until_healthy(self, names: Sequence[str]) -> None:
        loop = asyncio.get_running_loop()
        deadline, tell_at = loop.time() + HEALTHY_SECONDS, loop.time() + TELL_EVERY_SECONDS
        most = {name: count + CRASHES for name, count in self.restarts.items()}
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            while missing := [
                trouble
                for trouble in await asyncio.gather(*(self._services[name].trouble(http) for name in names))
                if trouble
            ]:
                crashing = [one for one in map(self._services.get, names) if one and one.restarts >= most[one.name]]
                if crashing:
                    told = "; ".join(f"{service.name}: {service.last_words()}" for service in crashing)
                    raise LocalError(f"keeps stopping by itself: {told}")
                if loop.time() > deadline:
                    waited = f"not healthy after {HEALTHY_SECONDS:.0f} s"
                    raise LocalError(f"{waited}: {', '.join(missing)}; see {self.folder}/logs")
                if loop.time() > tell_at:
                    self.say(f"waiting for {', '.join(missing)}")
                    tell_at += TELL_EVERY_SECONDS
                await asyncio.sleep(0.1)

    async def _stop_services(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for service in self._services.values():
            service.ask_to_stop()
        await asyncio.gather(*(asyncio.to_thread(one.stop, STOP_SECONDS) for one in self._services.values()))
