"""What is held, what it is worth, and what protects it."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import Field

from shared.domain.base import Value
from shared.domain.listing import TICKER, Unreadable

US_EQUITY = "us_equity"
Origin = Literal["system", "foreign"]
"""Whose shares: bought by this system, or by anybody else."""


def is_equity(asset_class: str, symbol: str) -> bool:
    """Whether this is a US stock: an option (18 letters), a coin or anything else is nothing that we trade."""
    return asset_class == US_EQUITY and TICKER.fullmatch(symbol) is not None


CLOSE_CODE = re.compile(r"[a-z][a-z_]{1,39}")


class Account(Value):
    """The broker's account in USD. `last_equity` is the equity at the previous close, 0 where the broker has none.

    `cash_flows` is what the owner has moved in since then (out: negative); None when that could not be read.
    `accrued_fees` is what today's executions will still be charged, by our own books.
    """

    account_number: str
    status: str
    equity: Decimal
    last_equity: Decimal
    cash: Decimal
    buying_power: Decimal
    trading_allowed: bool
    cash_flows: Decimal | None = None
    accrued_fees: Decimal = Decimal(0)

    @property
    def day_pnl(self) -> Decimal | None:
        """The change of equity since the previous close, less the owner's deposits and withdrawals as far as they are
        known and the fees that are still to be charged; None without an equity of the previous close.
        """
        if self.last_equity <= 0:
            return None
        return self.equity - self.last_equity - (self.cash_flows or Decimal(0)) - self.accrued_fees


class BrokerPosition(Value):
    """A holding as the broker tells it; negative quantity is a short.

    `quantity` are whole shares, towards zero, `fraction` is the rest of them. `available`: held back by no order.
    """

    symbol: str
    asset_class: str = US_EQUITY
    quantity: int
    fraction: Decimal = Decimal(0)
    available: int
    average_entry_price: Decimal | None
    market_value: Decimal
    current_price: Decimal
    unrealized_pnl: Decimal

    @property
    def exact(self) -> Decimal:
        return self.quantity + self.fraction

    @property
    def is_equity(self) -> bool:
        return is_equity(self.asset_class, self.symbol)


class PositionView(Value):
    """A position as trading's API and the operator see it: what is held, what protects it, what it earned.

    `realized_pnl` is gross, USD; `net_pnl` is that less what its executions bear of fees, charged and expected.
    """

    position_id: UUID
    cycle_id: str | None
    symbol: str
    side: Literal["long", "short"]
    status: Literal["open", "closed"]
    quantity: int
    entry_price: Decimal
    entry_time: datetime
    exit_price: Decimal | None = None
    exit_time: datetime | None = None
    exit_reason: str | None = None
    realized_pnl: Decimal
    fees_charged: Decimal = Decimal(0)
    fees_accrued: Decimal = Decimal(0)
    net_pnl: Decimal | None = None
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    protected_quantity: int = 0
    locked: bool = False
    origin: Origin = "system"


class Disagreement(Value):
    """A symbol of which our books and the broker say different quantities (negative: short). Locked once confirmed."""

    symbol: str
    ours: int
    theirs: int
    since: datetime
    locked: bool


class OtherOrder(Value):
    """An open order at the broker that this system did not send. `opens`: it may buy, or sell what nobody has; another
    one only gives up what is not ours. `quantity` is what is still open, 0 for an amount of money."""

    order_id: str
    symbol: str
    side: Literal["buy", "sell"]
    quantity: Decimal
    opens: bool


class ForeignHolding(Value):
    """Held at the broker and not bought by this system: what it holds less what our books say. Negative: short."""

    symbol: str
    asset_class: str
    quantity: Decimal
    average_price: Decimal | None
    since: datetime


class OpenOrder(Value):
    """An order of ours of which more may come."""

    client_order_id: str
    symbol: str
    status: str


class Reconciliation(Value):
    """How our books and the broker's compare. Nothing is sent before `ready`.

    `flat`: nothing of ours is held, by our books and by the broker's list, with its list of orders read as well. What
    is not ours (`foreign`, `other_orders`) does not count; a row that cannot be read counts where it could be ours.
    """

    ready: bool
    reconciled_at: datetime | None
    flat: bool
    orders_read: bool = True
    positions_read: bool = True
    open_positions: int
    unsettled_orders: int
    unsettled: tuple[OpenOrder, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    other_orders: tuple[OtherOrder, ...] = ()
    foreign: tuple[ForeignHolding, ...] = ()


def _exit_reason(given: str) -> str:
    """What a caller gives is his own code, in snake_case, or anything that a person typed."""
    return given if CLOSE_CODE.fullmatch(given) else "manual"


class CloseRequest(Value):
    """Why positions shall be closed: a code such as emergency_stop, or a person's words.

    `code` becomes their exit reason: the code itself, `manual` for words. No wording keeps anything from being closed.
    """

    reason: str = Field(default="manual", min_length=1, max_length=300)

    @property
    def code(self) -> str:
        return _exit_reason(self.reason)
