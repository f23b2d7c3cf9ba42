"""Orders: what risk allows, what trading sends, what the broker answers. Money, prices and quantities are Decimal."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import Field

from shared.domain.base import Value
from shared.domain.position import US_EQUITY, is_equity

Side = Literal["buy", "sell"]
OrderType = Literal["market", "limit", "stop", "stop_limit", "trailing_stop"]
OrderClass = Literal["simple", "bracket", "oco", "oto"]
TimeInForce = Literal["day", "gtc", "opg", "cls", "ioc", "fok"]
Purpose = Literal["entry", "take_profit", "stop_loss", "exit", "protect", "foreign"]

TIMES_IN_FORCE: frozenset[str] = frozenset(get_args(TimeInForce))
AUCTION_ONLY: frozenset[TimeInForce] = frozenset({"opg", "cls"})
"""Filled in the opening or the closing auction, and at no other time."""
ORDER_TYPES: frozenset[str] = frozenset(get_args(OrderType))
RefusalCode = Literal[
    "price_moved",
    "client_order_id_taken",
    "shares_not_available",
    "buying_power",
    "not_tradable",
    "account_restricted",
    "wash_trade",
    "other",
]
"""Why the broker turned an order down. `price_moved`: stop or target lie on the wrong side of its own price by now."""
PositionIntent = Literal["buy_to_open", "sell_to_close", "buy_to_close"]

FINAL_STATUSES = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})
BOUGHT_BY: dict[str, Side] = {"long": "buy", "short": "sell"}

Price = Annotated[Decimal, Field(gt=0, max_digits=14, decimal_places=4)]
Quantity = Annotated[int, Field(gt=0, le=10_000_000)]


def client_order_id(day: str, symbol: str, intent: str, attempt: int) -> str:
    """The deterministic key of an order, `cat-<yyyymmdd>-<symbol>-<intent>-<n>`; recovery hangs on it."""
    return f"cat-{day}-{symbol}-{intent}-{attempt}"


class Check(Value):
    """One limit looked at: its value, the limit, and the room left (negative: missed by so much)."""

    name: str
    passed: bool
    value: float | None = None
    limit: float | None = None
    margin: float | None = None
    note: str = ""


class ApprovedOrder(Value):
    """A bracket entry that risk has approved, to be sent as it stands before `expires_at`.

    Raises nothing; trading sends it only when the same decision stands in the database (composite foreign key).
    """

    decision_id: UUID
    cycle_id: str
    scan: int
    client_order_id: str = Field(min_length=5, max_length=128)
    symbol: str
    side: Literal["long"]
    quantity: Quantity
    reference_price: Price
    limit_price: Price
    """The worst price the approval allows, USD a share: every limit holds at a fill there."""
    stop_price: Price
    take_profit_price: Price
    expires_at: datetime


class Verdict(Value):
    """Risk's answer for one symbol. `order` is present exactly when approved; the reason always."""

    symbol: str
    approved: bool
    decision_id: UUID
    reason: str
    risk_score: float = Field(ge=0, le=1)
    risk_amount: Decimal
    checks: tuple[Check, ...]
    order: ApprovedOrder | None = None


class OrderRequest(Value):
    """What is sent to the broker. A bracket carries both exit prices; simple orders carry neither."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: Quantity
    type: OrderType
    order_class: OrderClass = "simple"
    time_in_force: TimeInForce = "day"
    position_intent: PositionIntent | None = None
    """With `sell_to_close` the broker itself refuses to sell more than is held."""
    limit_price: Price | None = None
    stop_price: Price | None = None
    take_profit_price: Price | None = None
    stop_loss_price: Price | None = None


class BrokerOrder(Value):
    """An order as the broker tells it; legs are orders of their own."""

    id: str
    client_order_id: str
    symbol: str
    asset_class: str = US_EQUITY
    side: Side
    type: str
    order_class: str
    status: str
    quantity: int
    filled_quantity: int
    filled_average_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce = "day"
    submitted_at: datetime
    updated_at: datetime
    replaced_by: str | None = None
    legs: "tuple[BrokerOrder, ...]" = ()

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    @property
    def is_equity(self) -> bool:
        return is_equity(self.asset_class, self.symbol)


class Execution(Value):
    """One fill, keyed by the venue's own id."""

    execution_id: str
    broker_order_id: str
    symbol: str
    side: Side
    quantity: int = Field(gt=0)
    price: Decimal = Field(gt=0)
    at: datetime


class TradeUpdate(Value):
    """One event of the broker's stream; `execution` is set for fills and partial fills."""

    event: str
    at: datetime
    order: BrokerOrder
    execution: Execution | None = None


class OrderView(Value):
    """An order as trading's API shows it."""

    order_id: UUID
    client_order_id: str
    broker_order_id: str | None
    parent_order_id: UUID | None
    decision_id: UUID | None
    cycle_id: str | None
    symbol: str
    side: Side
    purpose: Purpose
    type: str
    status: str
    quantity: int
    filled_quantity: int
    filled_average_price: Decimal | None
    limit_price: Decimal | None
    stop_price: Decimal | None
    reason: str | None
    refusal: RefusalCode | None = None
    created_at: datetime
    submitted_at: datetime | None
    updated_at: datetime
