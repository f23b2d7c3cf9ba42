"""The day's profit and loss: what the broker says, what our own books say, and what follows from both."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

from services.risk_manager.rules.stop import Notice
from shared.domain.base import Value
from shared.domain.position import Account
from shared.domain.price import MarketPrice

HUNDRED, MOST_PCT = Decimal(100), Decimal(1_000_000)
TOLERANCE_SHARE, LEAST_TOLERANCE = Decimal("0.1"), Decimal(50)
Level = Literal["calm", "warning", "emergency"]
SILENT = "trading_silent"


class OpenPosition(Value):
    """What the monitor needs of one position; `realized` is what partial exits have earned."""

    symbol: str
    side: Literal["long", "short"]
    quantity: int
    entry_price: Decimal
    realized: Decimal
    stop_price: Decimal | None = None
    entry_time: datetime | None = None


class DayReading(Value):
    """The day so far, USD. `books_pnl` is None when a held name has no price."""

    level: Level
    pnl: Decimal
    books_pnl: Decimal | None
    loss: Decimal
    limit: Decimal
    used_pct: float
    disagrees: bool


def books_pnl(
    realized: Decimal, positions: Sequence[OpenPosition], prices: Mapping[str, MarketPrice]
) -> Decimal | None:
    """Realised today plus what the open positions would earn at the market's price; None when a name has none."""
    total = realized
    for position in positions:
        known = prices.get(position.symbol)
        if known is None:
            return None
        gain = (Decimal(str(known.price)) - position.entry_price) * position.quantity
        total += position.realized + (gain if position.side == "long" else -gain)
    return total


def _room(limit: Decimal) -> Decimal:
    """A limit as an amount that may be lost; what is no positive amount allows none."""
    return limit if limit.is_finite() and limit > 0 else Decimal(0)


def _spent(loss: Decimal, limit: Decimal) -> bool:
    """True when the limit is reached. A limit that allows nothing is reached by a loss, not by a day without one."""
    return loss >= limit if limit > 0 else loss > 0


def _used_pct(loss: Decimal, limit: Decimal) -> float:
    """The part of the limit that is lost, in percent, a million at most; a limit of nothing is used up by any loss."""
    used = loss / limit * HUNDRED if limit > 0 else HUNDRED if loss > 0 else Decimal(0)
    return round(float(min(used, MOST_PCT)), 2)


def read_day(account: Account, books: Decimal | None, limit: Decimal, warning_pct: float) -> DayReading:
    """Where they agree the broker's figure counts. Where they do not, the smaller loss does: one wrong answer of an
    account once liquidated a whole book, so nothing is tripped that both sides do not say.
    """
    limit = _room(limit)
    broker_loss = max(Decimal(0), -account.day_pnl)
    books_loss = max(Decimal(0), -books) if books is not None else Decimal(0)
    tolerance = max(LEAST_TOLERANCE, limit * TOLERANCE_SHARE)
    apart = books is None or abs(account.day_pnl - books) > tolerance
    loss = min(broker_loss, books_loss) if apart else broker_loss
    warning = limit * Decimal(str(warning_pct)) / HUNDRED
    level: Level = "emergency" if _spent(loss, limit) else "warning" if loss >= warning > 0 else "calm"
    return DayReading(
        level=level,
        pnl=account.day_pnl,
        books_pnl=books,
        loss=loss,
        limit=limit,
        used_pct=_used_pct(loss, limit),
        disagrees=apart and max(broker_loss, books_loss) >= warning,
    )


def reason_of(reading: DayReading) -> str:
    return f"the day's loss of {reading.loss:.2f} USD reached the limit of {reading.limit:.2f} USD"


def notices_of(reading: DayReading) -> tuple[Notice, ...]:
    """What a person must know of a reading."""
    facts, found = reading.model_dump(mode="json"), []
    if reading.disagrees:
        ours = f"{reading.books_pnl:.2f} USD" if reading.books_pnl is not None else "nothing: a held name has no price"
        message = f"The broker says {reading.pnl:.2f} USD for the day, our books say {ours}. The smaller loss counts."
        found.append(Notice(severity="warning", kind="pnl_disagrees", message=message, payload=facts))
    if reading.level != "calm":
        message = f"{reading.loss:.2f} USD lost today, {reading.used_pct:g} % of the limit of {reading.limit:.2f} USD."
        found.append(Notice(severity="warning", kind="daily_loss_warning", message=message, payload=facts))
    return tuple(found)


def silent(detail: str) -> Notice:
    """Nobody answers for the account while the market is open: positions may be held that nobody watches."""
    message = f"trading or its data do not answer while the market is open: {detail}"
    return Notice(severity="critical", kind=SILENT, message=message)
