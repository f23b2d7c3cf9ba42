"""How the system trades: the typed contents of trading_config.yaml and risk_parameters.yaml."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from config.numbers import Percent, Share, Usd, as_number, kind_of

Text = Annotated[str, Field(min_length=1, max_length=64)]
StopPercent = Annotated[float, Field(gt=0, le=50)]
"""At 100 a stop would lie at a price of nothing, which no broker takes."""
Seconds = Annotated[float, Field(gt=0, le=3600)]
Minutes = Annotated[int, Field(ge=0, le=10_080)]
StockPrice = Annotated[float, Field(gt=0, le=1e7)]
Names = Annotated[int, Field(ge=1, le=10_000)]


MARKET, MARKET_CITY = "US/Eastern", "New_York"


class Part(BaseModel):
    """A section of a file. Unknown keys are refused: a typo must not become a default. Nothing is turned into a number
    or a truth value that is not written as one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _as_written(cls, value: Any, info: ValidationInfo) -> Any:
        kind = kind_of(cls.model_fields[str(info.field_name)].annotation)
        if kind is bool:
            if not isinstance(value, bool):
                raise ValueError("must be true or false")
            return value
        return as_number(value, kind) if kind is not None and value is not None else value


class SessionPart(Part):
    """The hours come from the broker's calendar, half days included: what stands here may only agree with them."""

    mode: Literal["supervised", "autonomous"]
    timezone: Text = MARKET
    market_open: Literal["09:30"] = "09:30"
    market_close: Literal["16:00"] = "16:00"

    @field_validator("timezone")
    @classmethod
    def _is_the_markets(cls, name: str) -> str:
        if name != MARKET and name.rpartition("/")[2] != MARKET_CITY:
            raise ValueError(f"the market's hours are New York's, nothing else can be set: write {MARKET}")
        return name


class RiskPart(Part):
    max_daily_loss: Usd
    max_position_size: Usd
    max_positions: int = Field(ge=1, le=50)
    max_sector_exposure_pct: Percent
    max_correlation: Share


class PositionsPart(Part):
    default_stop_loss_pct: StopPercent
    default_take_profit_pct: Percent
    max_hold_time_minutes: int = Field(ge=1, le=390)
    close_all_at_market_close: bool = True
    close_before_minutes: int = Field(default=10, ge=2, le=120)
    foreign_positions: Literal["protect", "close", "leave"] = "protect"
    """What becomes of shares that somebody bought past this system: the default stop and target, sold, or left."""


class WorkflowPart(Part):
    auto_execute: bool
    scan_frequency_minutes: float = Field(ge=1, le=390)
    execute_top_n: int = Field(ge=1, le=50)
    first_scan_delay_minutes: float = Field(default=5, ge=0, le=120)
    proposal_expiry_seconds: int = Field(default=300, ge=10, le=3600)
    proposal_max_drift_pct: float = Field(default=0.5, gt=0, le=10)
    stage_deadline_seconds: float = Field(default=60, gt=0, le=600)


class ScannerPart(Part):
    min_price: StockPrice = 1.0
    max_price: StockPrice = 500.0
    min_average_dollar_volume: float = Field(default=2_000_000, ge=0, le=1e12)
    max_spread_pct: Percent = 1.0
    min_history_days: int = Field(default=20, ge=1, le=1000)
    stale_after_seconds: Seconds = 120
    min_range_of_target: Share = 0.5
    """A name must usually range, or range today, over this part of default_take_profit_pct; 0 asks nothing."""
    store_top: int = Field(default=200, ge=1, le=1000)


class Weights(Part):
    news: Share
    technical: Share
    momentum: Share
    volume: Share


class FunnelPart(Part):
    """How many symbols each stage lets through, and the weights of the composite score."""

    scanner: Names = 100
    news: Names = 35
    pattern: Names = 20
    technical: Names = 10
    risk: int = Field(default=5, ge=0, le=10_000)
    min_composite_score: Share = 0.55
    weights: Weights = Weights(news=0.3, technical=0.3, momentum=0.2, volume=0.2)


class TradingFile(Part):
    """trading_config.yaml."""

    session: SessionPart
    risk: RiskPart
    positions: PositionsPart
    workflow: WorkflowPart
    scanner: ScannerPart = ScannerPart()
    funnel: FunnelPart = FunnelPart()


class DailyLimits(Part):
    max_loss: Usd
    warning_threshold_pct: Percent = 75
    emergency_stop_at_100: bool = True


class PositionLimits(Part):
    max_positions: int = Field(ge=1, le=50)
    max_position_size: Usd
    min_position_size: Usd = Decimal(100)
    max_risk_per_trade: Usd = Decimal(150)
    max_total_exposure: Usd = Decimal(25_000)


class SectorLimits(Part):
    max_exposure_pct: Percent
    sectors_to_limit: tuple[Text, ...] = Field(default=(), max_length=100)


class Correlation(Part):
    max_correlation: Share
    check_enabled: bool = True


class EntryLimits(Part):
    last_minutes_without_entries: int = Field(default=30, ge=0, le=390)
    max_quote_age_seconds: Seconds = 60
    max_spread_pct: Percent = 0.5
    max_slippage_pct: Annotated[float, Field(ge=0, le=2)] = 0.3
    """Percent above the reference (or the ask, where that is dearer) at which an entry is still bought."""
    max_share_of_average_volume_pct: Percent = 1.0
    loss_cooldown_minutes: Minutes = 60
    max_entries_per_day: int = Field(default=0, ge=0, le=1000)
    decision_ttl_seconds: int = Field(default=60, ge=5, le=600)
    min_stop_pct: StopPercent = 0.5
    max_stop_pct: StopPercent = Field(default=5.0, validate_default=True)

    @field_validator("max_stop_pct")
    @classmethod
    def _not_below_the_least(cls, most: float, info: ValidationInfo) -> float:
        """A stop cannot lie farther away than the one bound and nearer than the other."""
        least = info.data.get("min_stop_pct")
        if least is not None and most < least:
            raise ValueError(f"must be at least min_stop_pct, which is {least:g}: raise this one, or lower that one")
        return most


class EmergencyActions(Part):
    close_all_positions_on_limit: bool = True
    send_email_alert: bool = True
    halt_new_trades: bool = True
    cooldown_period_minutes: Minutes = 60

    @field_validator("halt_new_trades")
    @classmethod
    def _always_halts(cls, halts: bool) -> bool:
        """A halt that lets entries through would be none: the switch can only say what is done."""
        if not halts:
            raise ValueError(
                "a halt always refuses new trades, so false cannot be honoured: write true, or take the line out"
            )
        return halts


class WatchPart(Part):
    """When a person is called."""

    no_scan_minutes: float | None = Field(default=None, ge=1, le=390)
    """Minutes of an open market without a scan; above scan_frequency_minutes, one and a half of it when unset."""
    page_again_minutes: float = Field(default=15, ge=1, le=1440)
    """A critical alert that nobody has acknowledged is sent again after so many minutes."""


class RiskFile(Part):
    """risk_parameters.yaml."""

    daily_limits: DailyLimits
    position_limits: PositionLimits
    sector_limits: SectorLimits
    correlation: Correlation
    entry: EntryLimits = EntryLimits()
    emergency_actions: EmergencyActions = EmergencyActions()
    watch: WatchPart = WatchPart()


class HeldLimit(Part):
    """One limit: what holds, and what each source says, None where it says nothing. USD, counts, percent or a share."""

    name: str
    holds: Decimal
    trading_config: Decimal
    risk_parameters: Decimal
    environment: Decimal | None


class Config(Part):
    """Both files, the environment's limits folded in: where two disagree the stricter holds, and `warnings` says so."""

    trading: TradingFile
    risk: RiskFile
    max_positions: int
    max_position_size: Decimal
    max_daily_loss: Decimal
    max_sector_exposure_pct: float
    max_correlation: float
    autonomous: bool
    hash: str
    limits: tuple[HeldLimit, ...] = ()
    warnings: tuple[str, ...] = ()
