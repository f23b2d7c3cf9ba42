"""Orders as the broker listed them: a short cut to looking each of them up, and nothing more than that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.trading.rules.orders import OrderRow, is_answer_to
from shared.domain.order import ORDER_TYPES, BrokerOrder

WITH_LEGS = frozenset({"bracket", "oco", "oto"})


@dataclass(frozen=True, slots=True)
class Listing:
    """Orders by the broker's id and by ours, legs among them. What is not in it must be asked for."""

    by_id: Mapping[str, BrokerOrder] = field(default_factory=dict)
    by_client_id: Mapping[str, BrokerOrder] = field(default_factory=dict)

    def find(self, row: OrderRow) -> BrokerOrder | None:
        """The order, where the listing shows all of it. One that should have legs and shows none is asked for."""
        found = self.by_id.get(row.broker_order_id or "")
        if row.broker_order_id is None:
            found = self.by_client_id.get(row.client_order_id)
            if found is not None and not is_answer_to(row, found):
                return None
        if found is None or (row.parent_order_id is None and row.order_class in WITH_LEGS and not found.legs):
            return None
        return found

    def silent_on(self, rows: Sequence[OrderRow]) -> frozenset[str]:
        """Symbols with an order at work that the listing shows neither by itself nor under its parent."""
        shown = {row.order_id for row in rows if self.find(row) is not None}
        return frozenset(
            row.symbol for row in rows if not row.is_final and not shown & {row.order_id, row.parent_order_id}
        )


NOTHING = Listing()


def listing_of(told: Iterable[BrokerOrder]) -> Listing:
    every = [one for order in told for one in (order, *order.legs)]
    return Listing({one.id: one for one in every}, {one.client_order_id: one for one in every})


def can_be_a_row(told: BrokerOrder) -> bool:
    """Whether an order of another hand can stand in our books: of whole shares of a stock, for itself. A leg without
    its parent is somebody's, and not news by itself.
    """
    whole = told.is_equity and told.quantity >= 1 and told.type in ORDER_TYPES
    return whole and (told.order_class == "simple" or bool(told.legs))
