"""The registry: every service, its port, and whom it may call. The one list of services."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """One service of the system.

    `upstreams` are the services it may call over HTTP; a test holds the code to it.
    `owns` are the tables that it alone writes.
    """

    name: str
    port: int
    upstreams: tuple[str, ...] = ()
    owns: tuple[str, ...] = ()

    @property
    def container(self) -> str:
        return f"catalyst-{self.name}"

    @property
    def package(self) -> str:
        return self.name.replace("-", "_")


FUNNEL = ("scanner", "news", "pattern", "technical", "risk-manager", "trading")

SERVICES: tuple[Service, ...] = (
    Service("orchestration", 5000, (*FUNNEL, "workflow", "signals", "reporting")),
    Service("scanner", 5001, owns=("securities", "sectors", "scan_results", "scan_coverage")),
    Service("news", 5002, owns=("news_items", "news_versions", "news_sentiment")),
    Service("pattern", 5003, owns=("pattern_analysis",)),
    Service("technical", 5004, owns=("technical_indicators",)),
    Service(
        "risk-manager",
        5005,
        ("trading",),
        owns=("risk_decisions", "risk_events", "halts", "alert_deliveries", "alert_acknowledgements"),
    ),
    Service(
        "trading",
        5006,
        owns=("orders", "executions", "corrections", "positions", "clock_offset"),
    ),
    Service("workflow", 5007, FUNNEL, owns=("trading_cycles", "scans", "proposals")),
    Service("signals", 5008, owns=("subscribers", "api_keys", "signals", "deliveries", "feedback")),
    Service("reporting", 5009),
    Service("dashboard", 5010, (*FUNNEL, "workflow", "signals", "reporting")),
    Service("exchange", 5020),
)

BY_NAME = {service.name: service for service in SERVICES}
JOURNALS = ("events", "alerts", "time_dimension")
