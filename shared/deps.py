"""The wired ports: what a service is given. Built once, by services/wiring.py."""

from dataclasses import dataclass
from typing import NoReturn

import asyncpg

from config.reload import LiveConfig
from config.settings import Settings
from shared.errors import ConfigError
from shared.ports import Broker, BrokerStream, Cache, Calls, Clock, Mailer, MarketData, NewsFeed, Reader


@dataclass(frozen=True)
class Deps:
    """Everything a service may use: what its registry entry (config/services.py) names under `needs`, and settings,
    database and cache. The rest is NotGiven, empty or None.
    """

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


class NotGiven:
    """Stands in Deps for a port that a service does not name: using it is a ConfigError."""

    def __init__(self, service: str, need: str) -> None:
        self._what = f"{service} uses {need}: name it under needs in its entry of config/services.py"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ConfigError(self._what, field="needs")
