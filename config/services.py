"""The registry: every service, its port, and whom it may call. The one list of services."""

from dataclasses import dataclass
from typing import Literal

Need = Literal["broker", "calls", "clock", "config", "mail", "market", "news", "readers"]
"""A port, or a pair of them, that a service is given when it names it. Settings, database and cache all are given."""


@dataclass(frozen=True)
class Service:
    """One service of the system.

    `upstreams` are the services it may call over HTTP; a test holds the code to it.
    `needs` are the ports that it is given besides settings, database and cache, no more; a test holds the code to it.
    `owns` are the tables that it alone writes.
    """

    name: str
    port: int
    upstreams: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    owns: tuple[str, ...] = ()

    @property
    def container(self) -> str:
        return f"catalyst-{self.name}"

    @property
    def package(self) -> str:
        return self.name.replace("-", "_")


FUNNEL = ("scanner", "news", "pattern", "technical", "risk-manager", "trading")

SERVICES: tuple[Service, ...] = (
    Service("orchestration", 5000, (*FUNNEL, "workflow", "signals", "reporting"), needs=("calls",)),
    Service(
        "scanner",
        5001,
        needs=("clock", "config", "market", "news"),
        owns=("securities", "sectors", "scan_results", "scan_coverage"),
    ),
    Service(
        "news",
        5002,
        needs=("clock", "market", "news", "readers"),
        owns=("news_items", "news_versions", "news_sentiment"),
    ),
    Service("pattern", 5003, needs=("clock", "market"), owns=("pattern_analysis",)),
    Service("technical", 5004, needs=("clock", "market"), owns=("technical_indicators",)),
    Service(
        "risk-manager",
        5005,
        ("trading",),
        needs=("calls", "clock", "config", "mail", "market"),
        owns=("risk_decisions", "risk_events", "halts", "alert_deliveries", "alert_acknowledgements"),
    ),
    Service(
        "trading",
        5006,
        needs=("broker", "clock", "config", "market"),
        owns=("orders", "executions", "corrections", "positions", "clock_offset", "fee_charges"),
    ),
    Service(
        "workflow",
        5007,
        FUNNEL,
        needs=("calls", "clock", "config", "market"),
        owns=("trading_cycles", "scans", "proposals"),
    ),
    Service("signals", 5008, owns=("subscribers", "api_keys", "signals", "deliveries", "feedback")),
    Service("reporting", 5009),
    Service("dashboard", 5010, (*FUNNEL, "workflow", "signals", "reporting")),
    Service("exchange", 5020),
)

BY_NAME = {service.name: service for service in SERVICES}
JOURNALS = ("events", "alerts", "time_dimension")
