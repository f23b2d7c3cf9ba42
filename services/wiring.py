"""The composition root: the only file that names every adapter. What a service is given is built, and closed, here."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI

from config.reload import ConfigFileError, LiveConfig, Texts
from config.services import BY_NAME, Need
from config.settings import Settings
from shared.adapters.alpaca_data import AlpacaData
from shared.adapters.http_calls import HttpCalls
from shared.adapters.redis_cache import RedisCache
from shared.adapters.simulated_clock import SimulatedClock
from shared.adapters.smtp import SmtpMailer
from shared.adapters.system_clock import SystemClock
from shared.adapters.webhook import WebhookMailer
from shared.deps import Alone, Deps, NotGiven
from shared.ports import Cache, Clock
from shared.runtime.database import database_pool
from shared.runtime.loops import Loop, running

FOLLOW_SECONDS = 1.0
log = structlog.get_logger()


async def _accepted(pool: asyncpg.Pool, after: int) -> tuple[int, Texts | None]:
    """The configuration that risk accepted last, if that was after an event; the journal keeps each with its text."""
    sql = "SELECT event_id, payload FROM events WHERE kind = 'config.accepted' AND event_id > $1"
    row = await pool.fetchrow(sql + " ORDER BY event_id DESC LIMIT 1", after)
    return (row["event_id"], row["payload"]["files"]) if row else (after, None)


class _Follower:
    """Which accepted configuration was seen last."""

    def __init__(self, config: LiveConfig, pool: asyncpg.Pool, seen: int) -> None:
        self._config, self._pool, self._seen = config, pool, seen

    async def look(self) -> None:
        """Hold what risk has accepted since the last look. Raises ConfigFileError for what cannot be used, once."""
        self._seen, texts = await _accepted(self._pool, self._seen)
        if texts is not None:
            self._config.hold(texts)
            log.info("config_held", hash=self._config.current().hash)
        await asyncio.sleep(FOLLOW_SECONDS)


@asynccontextmanager
async def following(settings: Settings, pool: asyncpg.Pool, service: str) -> AsyncIterator[LiveConfig]:
    """What risk accepted last, else the files; and from then on what it accepts, within a second or so.

    What holds goes on holding while the journal cannot be read. The risk manager decides, and follows nothing.
    Raises ConfigFileError without either.
    """
    seen, accepted = await _accepted(pool, 0)
    try:
        config = LiveConfig(settings.config_folder, settings, accepted)
    except ConfigFileError as error:
        if accepted is None:
            raise
        log.warning("accepted_config_unusable", error=str(error))
        config = LiveConfig(settings.config_folder, settings)
    if service == "risk-manager":
        yield config
        return
    follow = _Follower(config, pool, seen)
    async with running(Loop(service, "config", follow.look, FOLLOW_SECONDS, FOLLOW_SECONDS)):
        yield config


def _clock(settings: Settings, service: str, stack: AsyncExitStack) -> Clock:
    if settings.broker != "simulated":
        return SystemClock()
    clock = SimulatedClock(settings.trading_url, service)
    stack.push_async_callback(clock.close)
    return clock


@asynccontextmanager
async def build_deps(settings: Settings, service: str) -> AsyncIterator[Deps]:
    """What one service is given: settings, database, cache, and the ports that its registry entry names; closed again
    at the end. Raises Unavailable, ConfigFileError.
    """
    needs = BY_NAME[service].needs
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(database_pool(settings.dsn, settings.database_wait_seconds))
        cache = RedisCache(settings.redis_url)
        stack.push_async_callback(cache.close)
        ports: dict[str, Any] = {one: NotGiven(service, one) for one in ("clock", "config", "calls", "market")}
        if "calls" in needs:
            ports["calls"] = HttpCalls(settings)
            stack.push_async_callback(ports["calls"].close)
        if "clock" in needs:
            ports["clock"] = _clock(settings, service, stack)
        if "market" in needs:
            ports["market"] = AlpacaData(settings, _budget(settings, cache))
            stack.push_async_callback(ports["market"].close)
        if "config" in needs:
            ports["config"] = await stack.enter_async_context(following(settings, pool, service))
        client = ports.pop("calls")
        yield Deps(
            settings=settings,
            pool=pool,
            cache=cache,
            client=client,
            **ports,
            **_mail(settings, needs),
            **_news(settings, service, ports, cache, stack),
            **_broker(settings, needs, cache, stack),
        )


def _budget(settings: Settings, cache: Cache) -> Cache | None:
    """Where the requests to Alpaca are counted; the simulated exchange does not ration them."""
    return None if settings.broker == "simulated" else cache


def _mail(settings: Settings, needs: tuple[Need, ...]) -> dict[str, Any]:
    if "mail" not in needs:
        return {}
    return {
        "webhook": WebhookMailer(settings.alert_webhook_url) if settings.alert_webhook_url else None,
        "mailer": SmtpMailer(settings) if settings.enable_email_alerts and settings.smtp_host else None,
    }


def _news(
    settings: Settings, service: str, ports: dict[str, Any], cache: Cache, stack: AsyncExitStack
) -> dict[str, Any]:
    needs = BY_NAME[service].needs
    if "readers" in needs:
        # Its vendors bring its reading rules with them, which the other processes have no use for.
        from services.news.sources import wired

        feeds = wired.feeds(settings, ports["clock"], cache, ports["market"])
        given = {"news": feeds, "readers": wired.readers(settings, ports["clock"], cache)}
    elif "news" in needs:
        # The wire alone, which is asked about a handful of names.
        from services.news.sources.alpaca import AlpacaNews

        given = {"news": (AlpacaNews(settings, _budget(settings, cache)),)}
    else:
        return {}
    for vendor in (one for vendors in given.values() for one in vendors):
        stack.push_async_callback(vendor.close)
    return given


def _broker(settings: Settings, needs: tuple[Need, ...], cache: Cache, stack: AsyncExitStack) -> dict[str, Any]:
    if "broker" not in needs:
        return {}
    # alpaca-py is heavy to load, and one service alone speaks to the account.
    from shared.adapters.alpaca import AlpacaBroker
    from shared.adapters.alpaca_stream import AlpacaStream

    broker = AlpacaBroker(settings, cache)
    stack.callback(broker.close)
    return {"broker": broker, "stream": AlpacaStream(settings)}


def create_app(service: str, deps: Deps | Alone) -> FastAPI:
    """The application of one service."""
    module = importlib.import_module(f"services.{BY_NAME[service].package}.api")
    create: Callable[[Deps | Alone], FastAPI] = module.create_app
    return create(deps)
