"""The wired ports: what a service is given. Built once, by services/wiring.py."""

from dataclasses import dataclass

import asyncpg

from config.reload import LiveConfig
from config.settings import Settings
from shared.ports import Broker, BrokerStream, Cache, Calls, Clock, Mailer, MarketData, NewsFeed, Reader


@dataclass(frozen=True)
class Deps:
    """Everything a service may use. A service that does not trade has no broker and no stream."""

    settings: Settings
    config: LiveConfig
    clock: Clock
    pool: asyncpg.Pool
    cache: Cache
    client: Calls
    market: MarketData
    news: tuple[NewsFeed, ...] = ()
    readers: tuple[Reader, ...] = ()
    mailer: Mailer | None = None
    webhook: Mailer | None = None
    broker: Broker | None = None
    stream: BrokerStream | None = None


@dataclass(frozen=True)
class Alone:
    """What the simulated exchange is given: the world outside has neither our database nor our cache."""

    settings: Settings
    pool: None = None
    cache: None = None
