"""The composition root: `python -m services <name> [<name> ...] | all`.

The only file that knows every adapter. One process may hold one service (as the containers do) or several.
"""

import asyncio
import importlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import orjson
import structlog
import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from config.reload import ConfigFileError, LiveConfig, Texts
from config.services import BY_NAME, SERVICES
from config.settings import Settings, complaints, read_settings, stray_names
from shared.adapters.alpaca_data import AlpacaData
from shared.adapters.http_calls import HttpCalls
from shared.adapters.redis_cache import RedisCache
from shared.adapters.simulated_clock import SimulatedClock
from shared.adapters.smtp import SmtpMailer
from shared.adapters.system_clock import SystemClock
from shared.adapters.webhook import WebhookMailer
from shared.deps import Alone, Deps
from shared.errors import ConfigError, Unavailable
from shared.log import set_up
from shared.ports import Clock
from shared.runtime.database import bounded_pool, migrations, missing_migrations

STOP_SECONDS = 8
FOLLOW_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 75  # longer than our own clients keep an idle connection
log = structlog.get_logger()


async def _prepare(connection: asyncpg.Connection) -> None:
    """JSONB columns carry Python values both ways."""
    await connection.set_type_codec(
        "jsonb",
        encoder=lambda value: b"\x01" + orjson.dumps(value, default=str, option=orjson.OPT_SERIALIZE_NUMPY),
        decoder=lambda data: orjson.loads(data[1:]),
        schema="pg_catalog",
        format="binary",
    )


async def _as_it_is(_connection: asyncpg.Connection) -> None:
    """Nobody leaves state in a session (locks are a transaction's, listeners have connections of their own), so the
    pool's own reset, a round trip to the server after every statement, would undo nothing."""


@asynccontextmanager
async def database_pool(dsn: str, wait_seconds: float) -> AsyncIterator[asyncpg.Pool]:
    """Connections to the database and its schema, waited for until a deadline. Raises Unavailable."""
    loop = asyncio.get_running_loop()
    give_up, pause, said, known = loop.time() + wait_seconds, 0.1, False, migrations()
    while True:
        try:
            pool = await bounded_pool(dsn, init=_prepare, reset=_as_it_is)
            try:
                if not (missing := await missing_migrations(pool, known)):
                    break
                named = f"{missing[0]} and {len(missing) - 1} more" if len(missing) > 1 else missing[0]
                trouble = f"the schema is behind this version: {named} not applied (python -m database.migrate)"
            except BaseException:
                await pool.close()
                raise
            await pool.close()
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            trouble = f"{type(error).__name__}: {error}"
        if loop.time() > give_up:
            raise Unavailable(f"the database did not answer within {wait_seconds:.0f} s: {trouble}")
        if not said:
            log.warning("waiting_for_database", trouble=trouble)
            said = True
        await asyncio.sleep(pause)
        pause = min(1.0, pause * 1.5)
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), 3)
        except TimeoutError:
            pool.terminate()


def _clock(settings: Settings, service: str, stack: AsyncExitStack) -> Clock:
    if settings.broker != "simulated":
        return SystemClock()
    clock = SimulatedClock(settings.trading_url, service)
    stack.push_async_callback(clock.close)
    return clock


async def _accepted(pool: asyncpg.Pool, after: int) -> tuple[int, Texts | None]:
    """The configuration that risk accepted last, if that was after an event; the journal keeps each with its text."""
    sql = "SELECT event_id, payload FROM events WHERE kind = 'config.accepted' AND event_id > $1"
    row = await pool.fetchrow(sql + " ORDER BY event_id DESC LIMIT 1", after)
    return (row["event_id"], row["payload"]["files"]) if row else (after, None)


async def _follow(config: LiveConfig, pool: asyncpg.Pool, seen: int) -> None:
    """Hold what risk accepts, within a second or so. What holds goes on holding while nobody can be asked."""
    while True:
        await asyncio.sleep(FOLLOW_SECONDS)
        try:
            seen, texts = await _accepted(pool, seen)
            if texts is not None:
                config.hold(texts)
                log.info("config_held", hash=config.current().hash)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ConfigFileError) as error:
            log.warning("config_not_followed", error=f"{type(error).__name__}: {error}")


@asynccontextmanager
async def following(settings: Settings, pool: asyncpg.Pool, service: str) -> AsyncIterator[LiveConfig]:
    """What risk accepted last, else the files; and from then on whatever it accepts. Risk itself is who decides."""
    seen, accepted = await _accepted(pool, 0)
    try:
        config = LiveConfig(settings.config_folder, settings, accepted)
    except ConfigFileError as error:
        if accepted is None:
            raise
        log.warning("accepted_config_unusable", error=str(error))
        config = LiveConfig(settings.config_folder, settings)
    task = asyncio.create_task(_follow(config, pool, seen)) if service != "risk-manager" else None
    try:
        yield config
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def build_deps(settings: Settings, service: str) -> AsyncIterator[Deps]:
    """Everything that one service is given, closed again at the end. Raises Unavailable, ConfigFileError."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(database_pool(settings.dsn, settings.database_wait_seconds))
        cache = RedisCache(settings.redis_url)
        stack.push_async_callback(cache.close)
        client = HttpCalls(settings)
        stack.push_async_callback(client.close)
        budget = None if settings.broker == "simulated" else cache
        market, clock = AlpacaData(settings, budget), _clock(settings, service, stack)
        stack.push_async_callback(market.close)
        news: tuple[Any, ...] = ()
        readers: tuple[Any, ...] = ()
        if service == "news":
            # Its vendors bring its reading rules with them, which the other processes have no use for.
            from services.news.sources import wired

            news, readers = wired.feeds(settings, clock, cache, market), wired.readers(settings, clock, cache)
        elif service == "scanner":
            # Its pump rule asks the wire alone, about a handful of names.
            from services.news.sources.alpaca import AlpacaNews

            news = (AlpacaNews(settings, budget),)
        for vendor in (*news, *readers):
            stack.push_async_callback(vendor.close)
        broker: Any = None
        stream: Any = None
        if service == "trading":
            # alpaca-py is heavy to load, and this service alone speaks to the account.
            from shared.adapters.alpaca import AlpacaBroker
            from shared.adapters.alpaca_stream import AlpacaStream

            broker, stream = AlpacaBroker(settings, cache), AlpacaStream(settings)
            stack.callback(broker.close)
        yield Deps(
            settings=settings,
            config=await stack.enter_async_context(following(settings, pool, service)),
            clock=clock,
            pool=pool,
            cache=cache,
            client=client,
            market=market,
            news=news,
            readers=readers,
            webhook=WebhookMailer(settings.alert_webhook_url) if settings.alert_webhook_url else None,
            mailer=SmtpMailer(settings) if settings.enable_email_alerts and settings.smtp_host else None,
            broker=broker,
            stream=stream,
        )


def create_app(service: str, deps: Deps | Alone) -> FastAPI:
    """The application of one service."""
    module = importlib.import_module(f"services.{BY_NAME[service].package}.api")
    create: Callable[[Deps | Alone], FastAPI] = module.create_app
    return create(deps)


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
