"""What a cycle may do: its name, its limits, its mode. Where two sources disagree the safer one holds."""

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal

from config.settings import Settings
from config.trading import Config
from shared.domain.cycle import SIZE_FACTORS, CycleRequest, CycleView, SessionMode
from shared.domain.session import MARKET_ZONE, trading_day

HALF = Decimal("0.5")


def cycle_name(now: datetime, taken: Collection[str]) -> str:
    """The cycle's id: market time as 20251122-143022; a second later where that one exists."""
    while (name := now.astimezone(MARKET_ZONE).strftime("%Y%m%d-%H%M%S")) in taken:
        now += timedelta(seconds=1)
    return name


def session_mode(asked: SessionMode | None, config: Config) -> SessionMode:
    """Autonomous only when every switch agrees; a person may always ask for less."""
    return "autonomous" if config.autonomous and asked != "supervised" else "supervised"


def mode_warnings(asked: SessionMode | None, config: Config, settings: Settings) -> tuple[str, ...]:
    """Which switches disagree, for whoever asked for more than they allow."""
    said = list(config.warnings)
    if asked == "autonomous" and not config.autonomous:
        if not any("autonomous" in warning for warning in said):
            said.append(
                "autonomous trading is off: session.mode, workflow.auto_execute and ENABLE_AUTONOMOUS_TRADING"
                " would have to be switched on"
            )
        said.append("the cycle is supervised: each trade waits for POST /api/v1/proposals/{id}/approve")
    return (*said, *workflow_warnings(config, settings))


def scan_frequency_seconds(config: Config, settings: Settings) -> int:
    """The slower of the file's and the environment's."""
    minutes = max(config.trading.workflow.scan_frequency_minutes, settings.workflow_scan_frequency_minutes or 0)
    return round(minutes * 60)


def execute_top_n(config: Config, settings: Settings) -> int:
    """The smaller of the file's and the environment's."""
    said = config.trading.workflow.execute_top_n
    return max(0, min(said, said if settings.workflow_execute_top_n is None else settings.workflow_execute_top_n))


def workflow_warnings(config: Config, settings: Settings) -> tuple[str, ...]:
    """Where the environment's WORKFLOW_* and the file disagree, and what holds."""
    pairs = (
        (
            "scan_frequency_minutes",
            config.trading.workflow.scan_frequency_minutes,
            settings.workflow_scan_frequency_minutes,
            scan_frequency_seconds(config, settings) / 60,
        ),
        (
            "execute_top_n",
            config.trading.workflow.execute_top_n,
            settings.workflow_execute_top_n,
            execute_top_n(config, settings),
        ),
    )
    return tuple(
        f"{name}: trading_config.yaml says {said:g}, the environment {other:g}; {holds:g} holds"
        for name, said, other, holds in pairs
        if other is not None and other != said
    )


def new_cycle(
    name: str, request: CycleRequest, *, by_hand: bool, config: Config, settings: Settings, now: datetime
) -> CycleView:
    """A cycle with the stricter of the limits asked for and those of the configuration."""
    frequency = scan_frequency_seconds(config, settings)
    return CycleView(
        cycle_id=name,
        mode=request.mode,
        session_mode=session_mode(request.session_mode, config),
        status="running",
        trading_day=trading_day(now),
        driven_by="hand" if by_hand else "schedule",
        max_positions=min(request.max_positions or config.max_positions, config.max_positions),
        max_daily_loss=min(request.max_daily_loss or config.max_daily_loss, config.max_daily_loss),
        scan_frequency_seconds=request.scan_frequency or frequency,
        config_hash=config.hash,
        started_at=now,
    )


def size_factor(mode: str, degraded: bool) -> Decimal:
    """How sizes are scaled: by the cycle's mode, and halved while a part of the evidence is lost."""
    return SIZE_FACTORS[mode] * (HALF if degraded else 1)


def in_the_way(running: CycleView) -> str:
    """Why no other cycle may be opened, and what to do."""
    who, cure = f"cycle {running.cycle_id} is running, driven by {running.driven_by}", "POST /api/v1/workflow/stop"
    return f"{who}; end it with {cure} first"
