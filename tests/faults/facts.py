"""What an auditor has before him after a run: the exchange's journal, our books, and what people asked for."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from services.exchange.rules.orders import Order
from tests.faults import day
from tests.faults.stage import Stage, Wish
from tests.faults.traffic import Request
from tests.faults.watcher import Spell

CENT = Decimal("0.01")
FOREIGN_STOP, FOREIGN_TARGET = Decimal("0.98"), Decimal("1.06")
"""Of what was paid by hand: the default stop and target of config/trading_config.yaml."""
Row = dict[str, Any]


def purpose_of(client_id: str) -> str:
    """`entry`, `exit` or `protect`, from an id of ours; nothing for the ids of legs and of other hands."""
    parts = client_id.split("-")
    return parts[3] if len(parts) == 5 and parts[0] == "cat" else ""


@dataclass(frozen=True)
class Facts:
    """One run. Times are seconds of the exchange's clock."""

    stage: Stage
    orders: dict[str, Row]
    decisions: dict[str, Row]
    alerts: list[Row]
    turned_down: frozenset[str]
    """Ids that our books called rejected, then or for a while."""

    @property
    def plan(self) -> Any:
        return self.stage.plan

    @property
    def undisturbed(self) -> bool:
        plan = self.stage.plan
        quiet = not plan.faults and not plan.kills and plan.jump is None and not plan.clock_seconds
        sold_by_hand = any(self.stage.book.orders[key].side == "sell" for key in self.stage.hand_orders)
        return quiet and not self.stage.outages and not sold_by_hand

    @property
    def requests(self) -> list[Request]:
        return self.stage.traffic.requests

    @property
    def sent(self) -> list[Request]:
        """Every order that reached the exchange, taken or not."""
        return [request for request in self.requests if request.submits]

    @property
    def away(self) -> float:
        """Seconds in which nobody could act: the process was down, the clock jumped, or positions were not told."""
        out = sum(until - since for since, until in self.stage.outages)
        return self.stage.plan.dead_seconds * self.stage.deaths + self.stage.plan.jump_seconds + out

    def taken(self, client_id: str) -> Order | None:
        """The order under this id, where the exchange took it."""
        book = self.stage.book
        found: Order | None = book.orders.get(book.by_client_id.get(client_id, ""))
        return found

    def ends(self, order: Order) -> float:
        """When an order was final, or asked by us to go; the end of the day otherwise."""
        family = {order.id, order.parent, *order.legs}
        asked = [request.at for request in self.requests if request.cancels in family]
        over = [order.updated_at] if not order.is_live else []
        return min([*asked, *over, day.END])

    def held(self, symbol: str, at: float) -> int:
        """Shares that the account held then."""
        fills = (fill for fill in self.stage.book.executions if fill.symbol == symbol and fill.at <= at)
        return sum(int(fill.qty) * (1 if fill.side == "buy" else -1) for fill in fills)

    def fills(self, order: Order) -> list[float]:
        return [fill.at for fill in self.stage.book.executions if fill.order_id == order.id]

    def flatten(self) -> float:
        """When closing for the day begins."""
        return day.END - day.CLOSE_BEFORE_SECONDS

    def wishes(self, symbol: str, until: float) -> list[Wish]:
        """Who had asked for the end of this position by then."""
        return [wish for wish in self.stage.wishes if wish.symbol in ("", symbol) and wish.at <= until]

    def is_foreign(self, symbol: str) -> bool:
        return symbol in self.stage.by_hand

    def exit_due(self, symbol: str, at: float) -> bool:
        """Whether the position had to go by then: asked for, the day ends, set so, or nobody would guard it."""
        early = max(0.0, self.stage.plan.clock_seconds)
        if at >= self.flatten() - early or self.wishes(symbol, at):
            return True
        if self.is_foreign(symbol) and self.stage.plan.foreign == "close":
            return True
        return any(purpose_of(r.client_id) == "protect" and self._turned_down(r) for r in self.sent if r.at <= at)

    def _turned_down(self, request: Request) -> bool:
        taken = self.taken(request.client_id)
        return request.refused or (taken is not None and taken.status == "rejected")

    def guard(self, symbol: str, at: float) -> tuple[Decimal, Decimal] | None:
        """Where the stop and target of what is held belong: the decision's, or the default ones for another hand's."""
        bought = [fill for fill in self.stage.book.executions if (fill.symbol, fill.side) == (symbol, "buy")]
        before = [fill for fill in bought if fill.at <= at]
        if not before:
            return None
        entry = self.stage.book.orders[before[-1].order_id]
        decision = self.decisions.get(entry.client_order_id)
        if decision is not None:
            return decision["stop_price"].quantize(CENT), decision["take_profit_price"].quantize(CENT)
        paid = before[-1].price
        stop = (paid * FOREIGN_STOP).quantize(CENT, ROUND_FLOOR)
        return stop, (paid * FOREIGN_TARGET).quantize(CENT, ROUND_CEILING)

    def spells(self, name: str) -> list[Spell]:
        found: list[Spell] = getattr(self.stage.watcher, name)
        return found


async def facts_of(stage: Stage) -> Facts:
    """Read our books."""
    pool = stage.pool
    orders = [dict(row) for row in await pool.fetch("SELECT * FROM orders ORDER BY created_at, client_order_id")]
    decisions = [dict(row) for row in await pool.fetch("SELECT * FROM risk_decisions WHERE kind = 'order'")]
    alerts = [dict(row) for row in await pool.fetch("SELECT * FROM alerts ORDER BY alert_id")]
    sql = "SELECT DISTINCT payload->>'client_order_id' FROM events WHERE kind = 'order.changed' AND {}"
    turned_down = await pool.fetch(sql.format("payload->>'status' = 'rejected'"))
    return Facts(
        stage=stage,
        orders={row["client_order_id"]: row for row in orders},
        decisions={row["client_order_id"]: row for row in decisions},
        alerts=alerts,
        turned_down=frozenset(str(row[0]) for row in turned_down),
    )
