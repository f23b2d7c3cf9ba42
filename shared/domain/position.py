"""What is held, what it is worth, and what protects it."""

from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import Field

from shared.domain.base import Value


class Account(Value):
    """The broker's account in USD. Day P&L = equity - last_equity (equity at the previous close)."""

    account_number: str
    status: str
    equity: Decimal
    last_equity: Decimal
    cash: Decimal
    buying_power: Decimal
    trading_allowed: bool

    @property
    def day_pnl(self) -> Decimal:
        return self.equity - self.last_equity


class BrokerPosition(Value):
    """A holding as the broker tells it; negative quantity is a short."""

    symbol: str
    quantity: int
    available: int
    average_entry_price: Decimal
    market_value: Decimal
    current_price: Decimal
    unrealized_pnl: Decimal


class PositionView(Value):
    """A position as trading's API and the operator see it: what is held, what protects it, what it earned."""

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
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    protected_quantity: int = 0
    locked: bool = False


class Disagreement(Value):
    """A symbol of which our books and the broker say different quantities (negative: short). Locked once confirmed."""

    symbol: str
    ours: int
    theirs: int
    since: datetime
    locked: bool


class Reconciliation(Value):
    """How our books and the broker's compare. Nothing is sent before `ready`; `flat` is the broker's word."""

    ready: bool
    reconciled_at: datetime | None
    flat: bool
    open_positions: int
    unsettled_orders: int
    disagreements: tuple[Disagreement, ...] = ()


class CloseRequest(Value):
    """Why positions shall be closed, in a word that becomes their exit reason."""

    reason: str = Field(default="manual", pattern=r"^[a-z][a-z_]{1,39}$")
