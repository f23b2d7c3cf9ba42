"""What the loops of one process know, and how a person is told."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from prometheus_client import Gauge

from config.reload import Texts
from services.risk_manager import store
from services.risk_manager.rules.day import DayReading
from services.risk_manager.rules.health import Failing
from services.risk_manager.rules.stop import Notice
from shared.deps import Deps
from shared.domain.position import Account
from shared.domain.session import Session
from shared.journal import Connection, append_event, raise_alert

SERVICE = "risk-manager"
ACCOUNT_DEADLINE_SECONDS = 5.0
HALTED = Gauge("catalyst_halted", "1 while trading is halted")
log = structlog.get_logger()


@dataclass
class Files:
    """What this process knows of the configuration's files: as they were when it started, as it saw them last."""

    stamp: tuple[tuple[int, int], ...] | None = None
    decided: tuple[tuple[int, int], ...] | None = None
    at_start: Texts | None = None
    refused: "Refused | None" = None
    said: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Refused:
    """Files that do not hold, and why; `forcible` when a person may say that they shall."""

    hash: str
    reasons: tuple[str, ...]
    forcible: bool


@dataclass
class Watch:
    """What the loops know: the last reading of the day; a stop to carry out; trading was told of it; a fill; which
    loops fail, the last failure of each until its next round, and which of their troubles a person was told of.
    """

    read_at: datetime | None = None
    reading: DayReading | None = None
    close: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    files: "Files" = field(default_factory=lambda: Files())
    begun_at: datetime | None = None
    sessions: tuple[Session, ...] = ()
    failing: dict[str, Failing] = field(default_factory=dict)
    untold: dict[str, Exception] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)


async def read_account(deps: Deps) -> Account:
    return await deps.client.get("trading", "/api/v1/account", Account, timeout=10, deadline=ACCOUNT_DEADLINE_SECONDS)


async def tell(connection: Connection, notice: Notice, at: datetime) -> None:
    """One risk event, one journal entry and one alert, in the transaction of what they tell about."""
    cycle_id, _ = await store.running_cycle(connection)
    await store.add_risk_event(connection, notice, at, cycle_id)
    await append_event(connection, SERVICE, notice.kind, at, notice.payload, cycle_id)
    if notice.mailed:
        await raise_alert(connection, SERVICE, notice.severity, notice.kind, notice.message, at, cycle_id)
    log.warning(notice.kind, severity=notice.severity, message=notice.message)
