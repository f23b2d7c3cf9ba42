"""Alpaca's JSON to and from our values: strict on what we need, blind to the rest."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.domain.order import BrokerOrder, Execution, OrderRequest, TradeUpdate
from shared.domain.position import Account, BrokerPosition

Complaint = Callable[[str, object], Exception]
"""Makes the error for an answer that cannot be read: what it was, and the answer."""
BROKEN = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError)


def _decimal(raw: object) -> Decimal:
    return Decimal(str(raw))


def _maybe(raw: object) -> Decimal | None:
    return None if raw in (None, "") else Decimal(str(raw))


def _whole(raw: object) -> int:
    """Whole shares; a fraction that somebody else bought is not ours to sell."""
    return int(Decimal(str(raw)))


def _moment(raw: object) -> datetime:
    at = datetime.fromisoformat(str(raw))
    if at.tzinfo is None:
        raise ValueError(f"a time without an offset: {raw}")
    return at


def _order(raw: dict[str, Any]) -> BrokerOrder:
    submitted = raw.get("submitted_at") or raw["created_at"]
    return BrokerOrder(
        id=str(raw["id"]),
        client_order_id=str(raw["client_order_id"]),
        symbol=str(raw["symbol"]),
        side=raw["side"],
        type=str(raw.get("type") or raw["order_type"]),
        order_class=str(raw.get("order_class") or "simple"),
        status=str(raw["status"]),
        quantity=_whole(raw.get("qty") or 0),
        filled_quantity=_whole(raw["filled_qty"]),
        filled_average_price=_maybe(raw.get("filled_avg_price")),
        limit_price=_maybe(raw.get("limit_price")),
        stop_price=_maybe(raw.get("stop_price")),
        submitted_at=_moment(submitted),
        updated_at=_moment(raw.get("updated_at") or submitted),
        replaced_by=raw.get("replaced_by"),
        legs=tuple(_order(leg) for leg in raw.get("legs") or ()),
    )


def order(raw: Any, complain: Complaint) -> BrokerOrder:
    """One order with its legs."""
    try:
        return _order(raw)
    except BROKEN as error:
        raise complain("order", raw) from error


def orders(raw: Any, complain: Complaint) -> tuple[BrokerOrder, ...]:
    try:
        return tuple(_order(row) for row in raw)
    except BROKEN as error:
        raise complain("orders", raw) from error


def positions(raw: Any, complain: Complaint) -> tuple[BrokerPosition, ...]:
    """What is held, by symbol; `available` is what no order holds back."""
    try:
        rows = sorted(raw, key=lambda row: str(row["symbol"]))
        return tuple(
            BrokerPosition(
                symbol=str(row["symbol"]),
                quantity=_whole(row["qty"]),
                available=_whole(row.get("qty_available", row["qty"])),
                average_entry_price=_decimal(row["avg_entry_price"]),
                market_value=_maybe(row.get("market_value")) or Decimal(0),
                current_price=_maybe(row.get("current_price")) or Decimal(0),
                unrealized_pnl=_maybe(row.get("unrealized_pl")) or Decimal(0),
            )
            for row in rows
        )
    except BROKEN as error:
        raise complain("positions", raw) from error


def account(raw: Any, complain: Complaint) -> Account:
    """The account; trading is allowed when it is active and nothing blocks it."""
    try:
        blocked = any(raw.get(key) for key in ("trading_blocked", "account_blocked", "trade_suspended_by_user"))
        return Account(
            account_number=str(raw["account_number"]),
            status=str(raw["status"]),
            equity=_decimal(raw["equity"]),
            last_equity=_decimal(raw["last_equity"]),
            cash=_decimal(raw["cash"]),
            buying_power=_decimal(raw["buying_power"]),
            trading_allowed=raw["status"] == "ACTIVE" and not blocked,
        )
    except BROKEN as error:
        raise complain("account", raw) from error


def executions(raw: list[Any], complain: Complaint) -> tuple[Execution, ...]:
    """Fills of whole shares, oldest first. An activity's id ends in the id of its execution."""
    try:
        fills = [
            Execution(
                execution_id=str(row["id"]).rpartition("::")[2],
                broker_order_id=str(row["order_id"]),
                symbol=str(row["symbol"]),
                side="buy" if row["side"] == "buy" else "sell",
                quantity=_whole(row["qty"]),
                price=_decimal(row["price"]),
                at=_moment(row["transaction_time"]),
            )
            for row in raw
            if _whole(row["qty"]) > 0
        ]
    except BROKEN as error:
        raise complain("activities", raw) from error
    return tuple(sorted(fills, key=lambda fill: (fill.at, fill.execution_id)))


def trade_update(raw: Any, complain: Complaint) -> TradeUpdate:
    """One event of the account's stream."""
    try:
        told, at = _order(raw["order"]), _moment(raw.get("timestamp") or raw["at"])
        execution = None
        if raw["event"] in ("fill", "partial_fill") and raw.get("execution_id") and _whole(raw["qty"]) > 0:
            execution = Execution(
                execution_id=str(raw["execution_id"]),
                broker_order_id=told.id,
                symbol=told.symbol,
                side=told.side,
                quantity=_whole(raw["qty"]),
                price=_decimal(raw["price"]),
                at=at,
            )
        return TradeUpdate(event=str(raw["event"]), at=at, order=told, execution=execution)
    except BROKEN as error:
        raise complain("trade update", raw) from error


def order_body(request: OrderRequest) -> dict[str, Any]:
    """An order as the API takes it; prices as text, so that no binary fraction gets near them."""
    body: dict[str, Any] = {
        "symbol": request.symbol,
        "qty": str(request.quantity),
        "side": request.side,
        "type": request.type,
        "time_in_force": request.time_in_force,
        "client_order_id": request.client_order_id,
    }
    if request.order_class != "simple":
        body["order_class"] = request.order_class
    if request.limit_price is not None:
        body["limit_price"] = str(request.limit_price)
    if request.stop_price is not None:
        body["stop_price"] = str(request.stop_price)
    if request.take_profit_price is not None:
        body["take_profit"] = {"limit_price": str(request.take_profit_price)}
    if request.stop_loss_price is not None:
        body["stop_loss"] = {"stop_price": str(request.stop_loss_price)}
    return body


def refusal(text: str, status: int) -> tuple[int | None, str, dict[str, object]]:
    """Code, message and further fields of an error body; a page of HTML has only its status."""
    try:
        body = json.loads(text)
    except ValueError:
        return None, f"HTTP {status}", {}
    if not isinstance(body, dict):
        return None, str(body)[:300], {}
    code = body.get("code")
    extra = {key: value for key, value in body.items() if key not in ("code", "message")}
    return code if isinstance(code, int) else None, str(body.get("message", f"HTTP {status}")), extra
