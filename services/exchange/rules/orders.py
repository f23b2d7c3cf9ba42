"""Orders of the simulated exchange: what a client asks (Ticket), the record kept (Order), refusals, legal transitions.

Times are epoch seconds UTC, money and quantities Decimal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

Role = Literal["simple", "entry", "take_profit", "stop_loss"]
ZERO = Decimal(0)

WORKING = frozenset({"new", "partially_filled", "pending_cancel", "pending_replace"})
OPEN = WORKING | {"accepted", "pending_new"}
LIVE = OPEN | {"held"}
FINAL = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})

_ENDS = {"canceled", "expired", "rejected", "filled"}
TRANSITIONS: dict[str, frozenset[str]] = {
    "pending_new": frozenset({"accepted", "new", "pending_cancel", "replaced", *_ENDS}),
    "accepted": frozenset({"new", "pending_cancel", *_ENDS}),
    "held": frozenset({"new", "canceled", "expired", "replaced", "pending_cancel", "filled", "rejected"}),
    "new": frozenset({"partially_filled", "pending_cancel", "pending_replace", "replaced", *_ENDS}),
    "partially_filled": frozenset({"partially_filled", "pending_cancel", "pending_replace", "replaced", *_ENDS}),
    "pending_cancel": frozenset({"pending_cancel", "canceled", "filled", "expired"}),
    "pending_replace": frozenset(
        {"pending_replace", "replaced", "filled", "new", "partially_filled", "pending_cancel", "canceled", "expired"}
    ),
    **{status: frozenset() for status in FINAL},
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request the venue turns down, as Alpaca's error body says it."""

    http: int
    code: int | None
    message: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        head = {} if self.code is None else {"code": self.code}
        return {**head, "message": self.message, **self.extra}


@dataclass(frozen=True, slots=True)
class Ticket:
    """A parsed order request; absent fields are None."""

    symbol: str
    side: str
    type: str
    time_in_force: str
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    order_class: str = ""
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_limit: Decimal | None = None
    extended_hours: bool = False
    client_order_id: str | None = None
    position_intent: str | None = None

    @property
    def is_fractional(self) -> bool:
        return self.notional is not None or (self.qty is not None and self.qty != self.qty.to_integral_value())

    @property
    def is_complex(self) -> bool:
        return self.order_class in {"bracket", "oco", "oto"}


@dataclass(frozen=True, slots=True)
class Order:
    """One order. Legs are orders of their own; `parent` points up, `legs` down (ids).

    `qty` of a notional order is None until its fill sets it. `elected` is true once a stop has triggered.
    """

    id: str
    seq: int
    client_order_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    order_class: str
    role: Role
    status: str
    created_at: float
    updated_at: float
    position_intent: str
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    extended_hours: bool = False
    filled_qty: Decimal = ZERO
    filled_value: Decimal = ZERO
    expires_at: float | None = None
    filled_at: float | None = None
    canceled_at: float | None = None
    expired_at: float | None = None
    failed_at: float | None = None
    replaced_at: float | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    parent: str | None = None
    legs: tuple[str, ...] = ()
    elected: bool = False
    revision: int = 0

    @property
    def leaves(self) -> Decimal:
        return ZERO if self.qty is None else self.qty - self.filled_qty

    @property
    def filled_avg_price(self) -> Decimal | None:
        return self.filled_value / self.filled_qty if self.filled_qty else None

    @property
    def is_open(self) -> bool:
        """Shown by `status=open`; a held leg is not."""
        return self.status in OPEN

    @property
    def is_live(self) -> bool:
        """Not final: open or held."""
        return self.status in LIVE

    @property
    def is_opening(self) -> bool:
        return self.position_intent.endswith("_to_open")

    @property
    def carries_limit(self) -> bool:
        return self.limit_price is not None


_STAMPS = {
    "filled": "filled_at",
    "canceled": "canceled_at",
    "expired": "expired_at",
    "rejected": "failed_at",
    "replaced": "replaced_at",
}


def move(order: Order, status: str, at: float, **changes: Any) -> Order:
    """`order` in its next status, stamped. Raises ValueError on a transition the status machine does not have."""
    if status not in TRANSITIONS[order.status]:
        raise ValueError(f"an order cannot go from {order.status} to {status}")
    stamp = {_STAMPS[status]: at} if status in _STAMPS else {}
    return replace(order, status=status, updated_at=at, revision=order.revision + 1, **{**stamp, **changes})


def venue_id(*parts: object) -> str:
    """A UUID that is the same whenever the same account does the same thing for the same time."""
    return str(uuid5(NAMESPACE_URL, "exchange/" + "/".join(str(part) for part in parts)))


def as_uuid_text(text: str) -> str | None:
    """`text` in canonical UUID form, or None when it is not a UUID."""
    try:
        return str(UUID(text))
    except ValueError:
        return None
