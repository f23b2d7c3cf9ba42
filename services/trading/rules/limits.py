"""The hard limits once more, at the last place before an order leaves: trading trusts no approval blindly."""

from dataclasses import dataclass
from decimal import Decimal

from config.trading import Config
from shared.domain.order import ApprovedOrder


@dataclass(frozen=True, slots=True)
class AtWork:
    """What is held, and what entries on their way may still buy at their limit, USD."""

    symbols: frozenset[str]
    exposure: Decimal


def exceeded(approved: ApprovedOrder, at_work: AtWork, config: Config) -> str | None:
    """The limit that this entry would break at its worst fill, with the figures; None where all hold."""
    limits = config.risk.position_limits
    value = approved.quantity * approved.limit_price
    risk = approved.quantity * (approved.limit_price - approved.stop_price)
    names = len(at_work.symbols | {approved.symbol})
    found: tuple[tuple[str, Decimal | int, Decimal | int], ...] = (
        ("max_positions", names, config.max_positions),
        ("max_position_size", value, config.max_position_size),
        ("max_risk_per_trade", risk, limits.max_risk_per_trade),
        ("max_total_exposure", at_work.exposure + value, limits.max_total_exposure),
    )
    broken = (f"{name}: {Decimal(amount)} against {Decimal(limit)}" for name, amount, limit in found if amount > limit)
    return next(broken, None)
