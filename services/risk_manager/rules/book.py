"""What risk knows when it judges: the limits, the book they are held against, and one subject with its prices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from config.trading import Config
from services.risk_manager.rules.correlation import Returns, measured
from services.risk_manager.rules.day import DayReading
from shared.domain.base import Value
from shared.domain.cycle import Cap
from shared.domain.evidence import Scored
from shared.domain.market import BarTable, Quote, Trade
from shared.domain.position import Account
from shared.domain.session import Session

HUNDRED, VOLUME_DAYS = Decimal(100), 20


class Limits(Value):
    """Every limit of one request; money in USD, `*_pct` in percent."""

    max_positions: int
    max_position_size: Decimal
    min_position_size: Decimal
    max_risk_per_trade: Decimal
    max_total_exposure: Decimal
    max_daily_loss: Decimal
    max_sector_exposure: Decimal
    sectors_to_limit: tuple[str, ...]
    max_correlation: float
    check_correlation: bool
    last_minutes_without_entries: int
    max_price_age_seconds: float
    max_spread_pct: float
    max_slippage_pct: float
    max_share_of_volume_pct: float
    loss_cooldown_minutes: int
    max_entries_per_day: int = 0
    decision_ttl_seconds: int
    stop_pct: float
    target_pct: float
    min_stop_pct: float
    max_stop_pct: float
    hold_minutes_max: int


class Holding(Value):
    """Money at work or promised: a position, an entry on its way, or an approval that may still be used.

    `value` is USD at the price paid or expected, `risk` what its stop would lose from there.
    """

    symbol: str
    kind: Literal["position", "entry", "approval"]
    sector: str | None = None
    value: Decimal
    risk: Decimal


class Exposure(Value):
    """Money at work or promised, USD, with its limits; `risk` is what the stops would lose of it."""

    total: Decimal
    limit: Decimal
    risk: Decimal
    by_sector: dict[str, Decimal]
    sector_limit: Decimal
    holdings: tuple[Holding, ...]


def exposure_of(holdings: Sequence[Holding], limits: Limits) -> Exposure:
    """The sums over what is held; names without a sector count as the sector "unknown"."""
    by_sector: dict[str, Decimal] = {}
    for one in holdings:
        sector = one.sector or "unknown"
        by_sector[sector] = by_sector.get(sector, Decimal(0)) + one.value
    return Exposure(
        total=sum((one.value for one in holdings), Decimal(0)),
        limit=limits.max_total_exposure,
        risk=sum((one.risk for one in holdings), Decimal(0)),
        by_sector=by_sector,
        sector_limit=limits.max_sector_exposure,
        holdings=tuple(holdings),
    )


@dataclass(frozen=True, slots=True)
class Book:
    """The account and everything that counts against a limit, at one moment. `day_pnl` is the day's result that
    entries are held against; `day_known`: somebody knows it. `clock_apart`: seconds by which our clock is surely off
    the broker's, None before the first comparison.
    """

    buying_power: Decimal
    day_pnl: Decimal
    trading_allowed: bool
    holdings: tuple[Holding, ...] = ()
    halted: str | None = None
    session: Session | None = None
    opens_at: datetime | None = None
    last_losses: Mapping[str, datetime] = field(default_factory=dict)
    approvals: int = 0
    entries_today: int = 0
    approve_max: int | None = None
    day_known: bool = True
    clock_apart: float | None = None

    def approve(self, holding: Holding) -> "Book":
        """The book once an approval counts."""
        approvals, entries = self.approvals + 1, self.entries_today + 1
        return replace(self, holdings=(*self.holdings, holding), approvals=approvals, entries_today=entries)

    @property
    def symbols(self) -> frozenset[str]:
        return frozenset(holding.symbol for holding in self.holdings)

    @property
    def exposure(self) -> Decimal:
        return sum((holding.value for holding in self.holdings), Decimal(0))

    @property
    def risk(self) -> Decimal:
        return sum((holding.risk for holding in self.holdings), Decimal(0))

    @property
    def day_loss(self) -> Decimal:
        return max(Decimal(0), -self.day_pnl)

    @property
    def free_buying_power(self) -> Decimal:
        """The broker has taken off what its open orders need; approvals on their way to it are taken off here."""
        promised = (holding.value for holding in self.holdings if holding.kind == "approval")
        return self.buying_power - sum(promised, Decimal(0))

    def sector_exposure(self, sector: str | None) -> Decimal:
        """Names without a sector count as one sector: what nobody has classified is not thereby spread."""
        return sum((holding.value for holding in self.holdings if holding.sector == sector), Decimal(0))


@dataclass(frozen=True, slots=True)
class Subject:
    """One symbol that is judged: what the funnel said of it, and what the market says now.

    `correlations` with everything that is held or asked about beside it; None where two cannot be compared.
    """

    symbol: str
    price: float
    average_volume: float
    sector: str | None = None
    spread_pct: float | None = None
    atr: float | None = None
    stop: float | None = None
    target: float | None = None
    trade: Trade | None = None
    quote: Quote | None = None
    cap: Cap | None = None
    correlations: Mapping[str, float | None] = field(default_factory=dict)


class Outside(NamedTuple):
    """What a request has asked others for."""

    book: Book
    trades: Mapping[str, Trade]
    quotes: Mapping[str, Quote]
    bars: BarTable
    returns: Mapping[str, Returns]


def subjects_of(
    scored: Sequence[Scored],
    sectors: Mapping[str, str],
    outside: Outside,
    beside: frozenset[str],
    caps: Iterable[Cap] = (),
) -> tuple[Subject, ...]:
    """Candidates with their prices. One name has one sector everywhere: that of our own records, where they know it.

    `beside`: the symbols that are held, promised or asked about together with them.
    """
    capped = {cap.symbol: cap for cap in caps}
    return tuple(
        Subject(
            symbol=one.symbol,
            price=one.price,
            average_volume=one.average_volume,
            sector=sectors.get(one.symbol) or one.sector or None,
            spread_pct=one.spread_pct,
            atr=one.atr,
            stop=one.stop,
            target=one.target,
            trade=outside.trades.get(one.symbol),
            quote=outside.quotes.get(one.symbol),
            cap=capped.get(one.symbol),
            correlations=measured(one.symbol, beside, outside.returns),
        )
        for one in scored
    )


def subject_as_asked(
    symbol: str, price: Decimal, sectors: Mapping[str, str], outside: Outside, beside: frozenset[str]
) -> Subject:
    """A symbol that somebody asks about by hand; its average day is that of the last twenty."""
    history = outside.bars.get(symbol)
    return Subject(
        symbol=symbol,
        price=float(price),
        average_volume=float(history.tail(VOLUME_DAYS).volume.mean()) if history else 0.0,
        sector=sectors.get(symbol),
        trade=outside.trades.get(symbol),
        quote=outside.quotes.get(symbol),
        correlations=measured(symbol, beside, outside.returns),
    )


def book_of(account: Account, day: DayReading, session: Session | None, upcoming: Session | None) -> Book:
    """What others say of the account and the market; holdings, halts and losses are added from the database."""
    return Book(
        buying_power=account.buying_power,
        day_pnl=-day.entry_loss if day.entry_loss is not None else Decimal(0),
        day_known=day.entry_loss is not None,
        trading_allowed=account.trading_allowed,
        session=session,
        opens_at=upcoming.open if upcoming else None,
    )


def limits_of(config: Config, max_positions: int | None = None, max_daily_loss: Decimal | None = None) -> Limits:
    """The configured limits; a cycle's own may only tighten them."""
    risk, entry, positions = config.risk, config.risk.entry, config.trading.positions
    slots = min(config.max_positions, max_positions) if max_positions is not None else config.max_positions
    loss = min(config.max_daily_loss, max_daily_loss) if max_daily_loss is not None else config.max_daily_loss
    sector_share = Decimal(str(config.max_sector_exposure_pct)) / HUNDRED
    return Limits(
        max_positions=slots,
        max_position_size=config.max_position_size,
        min_position_size=risk.position_limits.min_position_size,
        max_risk_per_trade=risk.position_limits.max_risk_per_trade,
        max_total_exposure=risk.position_limits.max_total_exposure,
        max_daily_loss=loss,
        max_sector_exposure=sector_share * config.max_positions * config.max_position_size,
        sectors_to_limit=risk.sector_limits.sectors_to_limit,
        max_correlation=config.max_correlation,
        check_correlation=risk.correlation.check_enabled,
        last_minutes_without_entries=entry.last_minutes_without_entries,
        max_price_age_seconds=entry.max_quote_age_seconds,
        max_spread_pct=entry.max_spread_pct,
        max_slippage_pct=entry.max_slippage_pct,
        max_share_of_volume_pct=entry.max_share_of_average_volume_pct,
        loss_cooldown_minutes=entry.loss_cooldown_minutes,
        max_entries_per_day=entry.max_entries_per_day,
        decision_ttl_seconds=entry.decision_ttl_seconds,
        stop_pct=positions.default_stop_loss_pct,
        target_pct=positions.default_take_profit_pct,
        min_stop_pct=entry.min_stop_pct,
        max_stop_pct=entry.max_stop_pct,
        hold_minutes_max=positions.max_hold_time_minutes,
    )
