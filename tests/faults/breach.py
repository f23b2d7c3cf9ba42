"""What an auditor writes down, and for how long the exchange itself may hold everybody up."""

from typing import Literal, NamedTuple

from services.exchange.rules.orders import Order
from tests.faults import day
from tests.faults.facts import Facts, purpose_of

Kind = Literal["order", "price", "short", "others", "late", "alert"]
SETTLE_SECONDS = 30.0


class Breach(NamedTuple):
    """What is wrong, under the heading of the table that counts it."""

    kind: Kind
    words: str


def when(at: float) -> str:
    return f"at +{at - day.BEGIN:.1f} s"


def ours(facts: Facts, purpose: str) -> list[Order]:
    """Our orders of a purpose, as the exchange has them."""
    return [order for order in facts.stage.book.orders.values() if purpose_of(order.client_order_id) == purpose]


def held_up(facts: Facts) -> float:
    """For so long the exchange itself lets nobody act."""
    return sum(day.HELD_UP_SECONDS.get(fault["kind"], 0.0) for fault in facts.plan.faults)
