"""Trading keeps its hands off while flatten works: the account's lock in the database, or services that are stopped."""

import asyncio
import json
from contextlib import suppress
from datetime import datetime
from enum import Enum
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

import asyncpg

from config.settings import Settings
from shared import account_lock
from shared.journal import append_event

CONNECT_SECONDS, LOCK_SECONDS, HALT_SECONDS, HEALTH_SECONDS, AGAIN_AFTER_LOOKS = 3.0, 3.0, 2.0, 3.0, 4
LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError)
HOW_TO_STOP = (
    "Stop trading first, then run this again:\n"
    "    make down                      (started with `make up`)\n"
    "    docker compose stop trading    (Docker Compose), or let it run where the database is:\n"
    "    docker compose exec trading python -m scripts.flatten\n"
    "With --force it goes on at once; trading may then renew the stops that are cancelled here."
)


class Trading(Enum):
    """What answers at trading's address."""

    AWAY = "does not answer"
    WITHOUT_DATABASE = "runs without its database and sends nothing"
    AT_WORK = "is at work"


class AccountLock:
    """The account, taken from trading where the database can be reached. Nothing here stops the closing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: asyncpg.Connection | None = None
        self._looks = 0
        self.is_ours = self.is_anothers = False

    async def open(self) -> bool:
        """Connect; False when the database does not answer in time."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                self._connection = await asyncpg.connect(self._settings.dsn, timeout=CONNECT_SECONDS, command_timeout=5)
                await self._connection.set_type_codec(
                    "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
                )
        except LOST:
            self._connection = None
        return self._connection is not None

    async def our_shares(self) -> dict[str, int] | None:
        """Shares by symbol in our own books; None when the database does not say."""
        query = "SELECT symbol, CASE side WHEN 'long' THEN quantity ELSE -quantity END AS n FROM positions"
        if self._connection is None:
            return None
        with suppress(*LOST):
            return {row["symbol"]: row["n"] for row in await self._connection.fetch(f"{query} WHERE status = 'open'")}
        return None

    async def take(self, at: datetime | None) -> bool:
        """Take the account and write down that everything is closed; the risk manager halts on it. False without."""
        if self._connection is None:
            return False
        try:
            self.is_ours = await account_lock.take(self._connection, LOCK_SECONDS)
            self.is_anothers = not self.is_ours
            when = at or await self._connection.fetchval("SELECT now()")
            facts = {"reason": "flattened by hand"}
            await append_event(self._connection, "flatten", account_lock.FLATTENING, when, facts)
        except LOST:
            await self.close()
        return self.is_ours

    async def keep(self, at: datetime | None) -> bool:
        """Say that we are alive; where the database was away, try again now and then. True: the account is ours."""
        self._looks += 1
        if self._connection is None and self._looks % AGAIN_AFTER_LOOKS == 0 and await self.open():
            return await self.take(at)
        if self._connection is not None:
            try:
                await self._connection.fetchval("SELECT 1")
            except LOST:
                await self.close()
        return self.is_ours

    async def wait_for_halt(self) -> bool:
        """True once the risk manager has halted because of the entry; it may not be running."""
        query = "SELECT EXISTS (SELECT 1 FROM halts WHERE released_at IS NULL)"
        give_up = asyncio.get_running_loop().time() + HALT_SECONDS
        with suppress(*LOST):
            while self._connection is not None and asyncio.get_running_loop().time() < give_up:
                if await self._connection.fetchval(query):
                    return True
                await asyncio.sleep(0.2)
        return False

    async def close(self) -> None:
        """Let go; trading looks after the account again."""
        connection, self._connection, self.is_ours = self._connection, None, False
        if connection is not None:
            connection.terminate()


async def trading_now(settings: Settings) -> Trading:
    """What trading's own /health says of it."""
    return await asyncio.to_thread(_trading_now, settings.url_of("trading"))


def _trading_now(url: str) -> Trading:
    try:
        with build_opener(ProxyHandler({})).open(f"{url}/health", timeout=HEALTH_SECONDS):
            return Trading.AT_WORK
    except HTTPError as answer:
        try:
            said = json.loads(answer.read())
        except (OSError, ValueError):
            return Trading.AT_WORK
        # Every service names its database in this answer, or answers nothing but that it is gone.
        away = answer.code == 503 and isinstance(said, dict) and said.get("database") != "connected"
        return Trading.WITHOUT_DATABASE if away else Trading.AT_WORK
    except URLError as error:
        refused = isinstance(error.reason, ConnectionRefusedError | OSError) and not isinstance(
            error.reason, TimeoutError
        )
        return Trading.AWAY if refused else Trading.AT_WORK
    except (OSError, ValueError) as error:
        return Trading.AWAY if isinstance(error, ConnectionError) else Trading.AT_WORK
