"""Facts of the risk manager's tests, valid and generous unless a test says otherwise: a Monday, 11:00 in New York."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from services.risk_manager.rules.book import Book, Holding, Limits, Subject
from services.risk_manager.rules.case import Case, case_of
from services.risk_manager.rules.checks import CHECKS
from shared.domain.evidence import Scored
from shared.domain.market import Bars, Floats, Quote, Trade
from shared.domain.order import Check
from shared.domain.session import Session

NOW = datetime(2026, 6, 15, 15, 0, tzinfo=UTC)
SESSION = Session(
    day=date(2026, 6, 15),
    open=datetime(2026, 6, 15, 13, 30, tzinfo=UTC),
    close=datetime(2026, 6, 15, 20, 0, tzinfo=UTC),
)
TOMORROW = Session(
    day=date(2026, 6, 16), open=SESSION.open + timedelta(days=1), close=SESSION.close + timedelta(days=1)
)


def limits(**changes: Any) -> Limits:
    """Those of the files that come with the system."""
    facts: dict[str, Any] = {
        "max_positions": 5,
        "max_position_size": Decimal(5000),
        "min_position_size": Decimal(100),
        "max_risk_per_trade": Decimal(150),
        "max_total_exposure": Decimal(25000),
        "max_daily_loss": Decimal(2000),
        "max_sector_exposure": Decimal(10000),
        "sectors_to_limit": (),
        "max_correlation": 0.7,
        "check_correlation": True,
        "last_minutes_without_entries": 30,
        "max_price_age_seconds": 60,
        "max_spread_pct": 0.5,
        "max_slippage_pct": 0.0,
        "max_share_of_volume_pct": 1.0,
        "loss_cooldown_minutes": 60,
        "decision_ttl_seconds": 60,
        "stop_pct": 2.0,
        "target_pct": 6.0,
        "min_stop_pct": 0.5,
        "max_stop_pct": 5.0,
        "hold_minutes_max": 180,
    }
    return Limits(**(facts | changes))


def book(**changes: Any) -> Book:
    facts: dict[str, Any] = {
        "buying_power": Decimal(100_000),
        "day_pnl": Decimal(0),
        "trading_allowed": True,
        "session": SESSION,
        "opens_at": TOMORROW.open,
    }
    return Book(**(facts | changes))


def trade(symbol: str = "ACME", price: float = 50.0, age: float = 1) -> Trade:
    return Trade(symbol=symbol, price=price, at=NOW - timedelta(seconds=age))


def quote(symbol: str = "ACME", bid: float = 49.99, ask: float = 50.0, age: float = 1) -> Quote:
    return Quote(symbol=symbol, bid=bid, ask=ask, at=NOW - timedelta(seconds=age))


def subject(**changes: Any) -> Subject:
    symbol = changes.get("symbol", "ACME")
    facts: dict[str, Any] = {
        "symbol": symbol,
        "price": 50.0,
        "average_volume": 1_000_000.0,
        "sector": "Technology",
        "trade": trade(symbol),
        "quote": quote(symbol),
    }
    return Subject(**(facts | changes))


def holding(symbol: str = "HELD", value: float = 1000, **changes: Any) -> Holding:
    facts: dict[str, Any] = {"kind": "position", "sector": "Energy", "value": Decimal(str(value)), "risk": Decimal(20)}
    return Holding(symbol=symbol, **(facts | changes))


def case(
    one: Subject | None = None, held: Book | None = None, most: Limits | None = None, factor: str = "1",
    now: datetime = NOW,
) -> Case:  # fmt: skip
    return case_of(one or subject(), held or book(), most or limits(), now, Decimal(factor))


def check(name: str, judged: Case) -> Check:
    """The one check of that name."""
    return next(one for one in (make(judged) for make in CHECKS) if one.name == name)


def scored(symbol: str = "ACME", rank: int = 1, price: float = 50.0, **changes: Any) -> Scored:
    facts: dict[str, Any] = {
        "composite_score": 0.8, "parts": {"news": 0.8}, "weights": {"news": 1.0}, "sector": f"sector of {symbol}",
        "average_volume": 1_000_000.0, "spread_pct": 0.02,
    }  # fmt: skip
    return Scored(symbol=symbol, rank=rank, price=price, **(facts | changes))


def daily(symbol: str, changes: Floats, volume: float = 1_000_000.0) -> Bars:
    """Daily bars whose returns are `changes`, the last one yesterday."""
    close: Floats = np.asarray(50.0 * np.cumprod(np.concatenate(([1.0], 1.0 + changes))), dtype=np.float64)
    start = SESSION.open.timestamp() - 86_400.0 * np.arange(len(close), 0, -1)
    return Bars(symbol, start.astype(np.float64), close, close * 1.01, close * 0.99, close, np.full(len(close), volume))


def moves(seed: int, days: int = 70) -> Floats:
    """Returns of a made-up name; two seeds are two independent names."""
    return np.random.default_rng(seed).normal(0, 0.02, days)


def check_name(make: object) -> str:
    """Checks are named like their functions."""
    return str(getattr(make, "__name__", ""))
