"""The day's profit and loss: what the broker says, what our own books say, and what follows from both."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

from services.risk_manager.rules.stop import Notice
from shared.domain.base import Value
from shared.domain.position import Account
from shared.domain.price import MarketPrice

HUNDRED, ZERO, MOST_PCT = Decimal(100), Decimal(0), Decimal(1_000_000)
TOLERANCE_SHARE, LEAST_TOLERANCE = Decimal("0.1"), Decimal(50)
Level = Literal["calm", "warning", "emergency"]
SILENT = "trading_silent"


class OpenPosition(Value):
    """What the monitor needs of one position; `realized` is what partial exits have earned, less all its fees."""

    symbol: str
    side: Literal["long", "short"]
    quantity: int
    entry_price: Decimal
    realized: Decimal
    stop_price: Decimal | None = None
    entry_time: datetime | None = None


class HeldOver(Value):
    """A position of an earlier day, and what of it was sold (bought back, of a short) on this one, `fees` apart."""

    symbol: str
    side: Literal["long", "short"]
    exited_quantity: int
    exited_value: Decimal
    fees: Decimal = ZERO

    def realized(self, previous_close: Decimal) -> Decimal:
        """What the day's exits earned, from the previous close on: what was lost before is no loss of the day."""
        gain = self.exited_value - previous_close * self.exited_quantity
        return (gain if self.side == "long" else -gain) - self.fees


class Realized(Value):
    """What executions of the day have earned, net of fees, USD. `closed`: positions closed today. `own`: all that
    counts by itself, parts of open positions among it, and without what another hand bought.
    """

    closed: Decimal = ZERO
    own: Decimal = ZERO


class DayReading(Value):
    """The day so far, USD.

    `pnl` is the broker's: the change of equity less `cash_flows` (None: not known; then none are taken off) and less
    the fees of the day that are still to be charged; None
    without an equity of the previous close. `books_pnl` is None when a held name has no price. `loss` is the one that
    may stop everything, and `counts` says where it comes from. `entry_loss` is the one that entries are held against;
    None when nobody knows it, and then nothing is entered.
    """

    level: Level
    pnl: Decimal | None
    cash_flows: Decimal | None
    books_pnl: Decimal | None
    realized_pnl: Decimal
    loss: Decimal
    counts: Literal["broker", "smaller", "realized"]
    entry_loss: Decimal | None
    limit: Decimal
    used_pct: float
    disagrees: bool


def on_todays_base(
    positions: Sequence[OpenPosition], earlier: Sequence[HeldOver], closes: Mapping[str, Decimal]
) -> tuple[OpenPosition, ...]:
    """Positions of earlier days as if they had been entered at the previous close, where that is known."""
    over = {one.symbol: one for one in earlier if one.symbol in closes}
    return tuple(
        one.model_copy(
            update={"entry_price": closes[one.symbol], "realized": over[one.symbol].realized(closes[one.symbol])}
        )
        if one.symbol in over
        else one
        for one in positions
    )


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


def read_day(
    account: Account | None, books: Decimal | None, limit: Decimal, warning_pct: float, realized: Decimal = ZERO
) -> DayReading:
    """Where broker and books agree the broker's figure counts. Where they do not, the smaller loss may stop everything
    and the larger one is held against entries: one wrong answer of an account once liquidated a whole book, and a
    deposit once hid the loss of a day. What our own executions have `realized` is the venue's word, which counts by
    itself, whether or not anybody can say more (no account: it could not be read).
    """
    limit = _room(limit)
    pnl, flows = (account.day_pnl, account.cash_flows) if account is not None else (None, None)
    tolerance = max(LEAST_TOLERANCE, limit * TOLERANCE_SHARE)
    broker_loss, books_loss = _loss(pnl), _loss(books)
    apart = books is None or pnl is None or abs(pnl - books) > tolerance
    agreed = min(broker_loss, books_loss) if apart else broker_loss
    loss = max(agreed, _loss(realized))
    worst = max(loss, broker_loss, books_loss) if apart else loss
    is_known = pnl is not None and not (books is None and flows is None)
    warning = limit * Decimal(str(warning_pct)) / HUNDRED
    level: Level = "emergency" if _spent(loss, limit) else "warning" if loss >= warning > 0 else "calm"
    return DayReading(
        level=level,
        pnl=pnl,
        cash_flows=flows,
        books_pnl=books,
        realized_pnl=realized,
        loss=loss,
        counts="realized" if loss > agreed else "smaller" if apart else "broker",
        entry_loss=worst if is_known else None,
        limit=limit,
        used_pct=_used_pct(loss, limit),
        disagrees=apart and max(broker_loss, books_loss) >= warning,
    )


def _loss(pnl: Decimal | None) -> Decimal:
    return max(ZERO, -pnl) if pnl is not None else ZERO


def reason_of(reading: DayReading) -> str:
    return f"the day's loss of {reading.loss:.2f} USD reached the limit of {reading.limit:.2f} USD"


def notices_of(reading: DayReading) -> tuple[Notice, ...]:
    """What a person must know of a reading."""
    facts, found = reading.model_dump(mode="json"), []
    if reading.disagrees:
        ours = f"{reading.books_pnl:.2f} USD" if reading.books_pnl is not None else "nothing: a held name has no price"
        theirs = f"{reading.pnl:.2f} USD" if reading.pnl is not None else "nothing"
        message = (
            f"The broker says {theirs} for the day, our books say {ours}. Entries are held against the larger loss;"
            " nothing is closed unless both sides say so, or our own executions do."
        )
        found.append(Notice(severity="warning", kind="pnl_disagrees", message=message, payload=facts))
    if reading.pnl is None:
        message = (
            "The broker names no equity of the previous close (a new account, or one that was reset): the day's result"
            " is known from our own books alone, and nothing is entered until the next session."
        )
        found.append(Notice(severity="warning", kind="previous_equity_missing", message=message, payload=facts))
    if reading.level != "calm":
        message = f"{reading.loss:.2f} USD lost today, {reading.used_pct:g} % of the limit of {reading.limit:.2f} USD."
        found.append(Notice(severity="warning", kind="daily_loss_warning", message=message, payload=facts))
    return tuple(found)


def silent(detail: str) -> Notice:
    """Nobody answers for the account while the market is open: positions may be held that nobody watches."""
    message = f"trading or its data do not answer while the market is open: {detail}"
    return Notice(severity="critical", kind=SILENT, message=message)
