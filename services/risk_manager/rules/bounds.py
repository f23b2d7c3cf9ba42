"""What a new configuration would put out of bounds that is within them now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from config.trading import Config
from services.risk_manager.rules.book import Book, Holding, Limits, limits_of
from services.risk_manager.rules.day import OpenPosition
from shared.domain.session import Session


@dataclass(frozen=True, slots=True)
class Standing:
    """What is held or promised at one moment; `loss` is the day's in USD."""

    now: datetime
    holdings: tuple[Holding, ...]
    positions: tuple[OpenPosition, ...]
    loss: Decimal = Decimal(0)
    session: Session | None = None

    @property
    def book(self) -> Book:
        return Book(Decimal(0), Decimal(0), True, self.holdings)


def out_of_bounds(old: Config, new: Config, standing: Standing) -> tuple[str, ...]:
    """One line for each limit that was tightened past what stands. What was out of bounds before is no reason."""
    was, will = limits_of(old), limits_of(new)
    found = [*_money(was, will, standing), *_sectors(was, will, standing), *_closed_at_once(old, new, standing)]
    if was.max_daily_loss > standing.loss >= will.max_daily_loss:
        found.append(
            f"max_daily_loss {will.max_daily_loss:.2f}: {standing.loss:.2f} is lost today, all would be closed"
        )
    return tuple(found)


def _money(was: Limits, will: Limits, standing: Standing) -> Iterator[str]:
    book = standing.book
    count, names = len(book.symbols), ", ".join(sorted(book.symbols))
    if was.max_positions > will.max_positions < count:
        yield f"max_positions {will.max_positions}: {count} are held or on their way ({names})"
    if was.max_position_size > will.max_position_size:
        for one in _largest(standing.holdings):
            if one.value > will.max_position_size:
                yield f"max_position_size {will.max_position_size:.2f}: {one.symbol} ({one.kind}) is {one.value:.2f}"
    if was.max_total_exposure > will.max_total_exposure < book.exposure:
        yield f"max_total_exposure {will.max_total_exposure:.2f}: {book.exposure:.2f} is held or on its way"


def _largest(holdings: Sequence[Holding]) -> list[Holding]:
    return sorted(holdings, key=lambda one: (-one.value, one.symbol))


def _limited(limits: Limits, sector: str | None) -> bool:
    return not limits.sectors_to_limit or sector in limits.sectors_to_limit


def _sectors(was: Limits, will: Limits, standing: Standing) -> Iterator[str]:
    for sector in sorted({one.sector for one in standing.holdings}, key=str):
        value = standing.book.sector_exposure(sector)
        before = was.max_sector_exposure if _limited(was, sector) else Decimal("Infinity")
        after = will.max_sector_exposure if _limited(will, sector) else Decimal("Infinity")
        if before > after < value:
            yield f"sector exposure {after:.2f}: {value:.2f} is in {sector or 'names of unknown sector'}"


def _closed_at_once(old: Config, new: Config, standing: Standing) -> Iterator[str]:
    """A shorter time to hold, or an earlier end of the day, would close what is fine now."""
    was, will = old.trading.positions, new.trading.positions
    for one in standing.positions:
        held = (standing.now - one.entry_time).total_seconds() / 60 if one.entry_time else 0.0
        if was.max_hold_time_minutes > held >= will.max_hold_time_minutes:
            yield f"max_hold_time_minutes {will.max_hold_time_minutes}: {one.symbol} is held for {held:.0f} minutes"
    before = was.close_before_minutes if was.close_all_at_market_close else 0
    after = will.close_before_minutes if will.close_all_at_market_close else 0
    left = standing.session.minutes_to_close(standing.now) if standing.session else None
    if standing.positions and left is not None and before < left <= after:
        yield f"close_before_minutes {after}: the market closes in {left:.0f}, all would be closed"
