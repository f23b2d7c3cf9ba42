"""Alpaca's JSON to and from our values: strict on what we need, blind to the rest."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar, cast

import structlog

from shared.domain.listing import Listed, Unreadable
from shared.domain.money.flows import CashFlow
from shared.domain.order import (
    TIMES_IN_FORCE,
    BrokerOrder,
    Execution,
    OrderRequest,
    RefusalCode,
    TimeInForce,
    TradeUpdate,
)
from shared.domain.position import US_EQUITY, Account, BrokerPosition
from shared.domain.session import MarketClock

log = structlog.get_logger()
T = TypeVar("T")
MOST, MOST_SHARES, MOST_PRICE = 10**15, 2_000_000_000, 10**9
"""Beyond these no amount, shares or price of a stock can be stored."""
Complaint = Callable[[str, object], Exception]
"""Makes the error for an answer that cannot be read: what it was, and the answer."""
IN_KIND = frozenset({"JNLS", "ACATS", "FOPT", "OCT"})
"""Activities that move securities: an amount of nothing says that it is not known."""
BROKEN = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError)


def _text(raw: object, longest: int = 128) -> str:
    """A name or an id, as a database can keep it. Raises ValueError for anything else."""
    text = str(raw)
    if not text or len(text) > longest or not text.isprintable():
        raise ValueError(f"not a name of at most {longest} printable characters: {text[:40]!r}")
    return text


def _decimal(raw: object) -> Decimal:
    """A number that our tables can hold. Raises ValueError or ArithmeticError for anything else."""
    number = Decimal(str(raw))
    if not number.is_finite() or abs(number) >= MOST:
        raise ValueError(f"not a number below {MOST:,}: {str(raw)[:40]}")
    return number


def _maybe(raw: object) -> Decimal | None:
    return None if raw in (None, "") else _decimal(raw)


def _price(raw: object) -> Decimal | None:
    """A price above nothing; None where there is none, or none that can be one: what is held is known without it."""
    try:
        price = _maybe(raw)
    except BROKEN:
        price = Decimal(-1)
    if price is not None and (price < 0 or price >= MOST_PRICE):
        log.warning("price_unreadable", price=str(raw)[:40])
        return None
    return price


def _whole(raw: object) -> int:
    """Whole shares, towards zero; a fraction that somebody else bought is not ours to sell."""
    return int(_decimal(raw))


def _storable(shares: int, *prices: Decimal | None) -> None:
    """Raises ValueError where our books could not hold shares of a stock or a price of it."""
    if abs(shares) >= MOST_SHARES:
        raise ValueError(f"{shares} shares are more than can be held")
    if odd := [price for price in prices if price is not None and not 0 < price < MOST_PRICE]:
        raise ValueError(f"{odd[0]:g} is no price of a share")


def _symbol(raw: object) -> str:
    """A pair of coins is BTC/USD in orders and BTCUSD in positions: one name for both."""
    if not isinstance(raw, str) or not raw:
        raise ValueError("no symbol")
    return _text(raw.replace("/", ""), 32)


def _moment(raw: object) -> datetime:
    at = datetime.fromisoformat(str(raw))
    if at.tzinfo is None:
        raise ValueError(f"a time without an offset: {raw}")
    return at


def _order(raw: dict[str, Any]) -> BrokerOrder:
    submitted = raw.get("submitted_at") or raw["created_at"]
    told = BrokerOrder(
        id=_text(raw["id"]),
        client_order_id=_text(raw["client_order_id"]),
        symbol=_symbol(raw["symbol"]),
        asset_class=_text(raw.get("asset_class") or US_EQUITY),
        side=raw["side"],
        type=_text(raw.get("type") or raw["order_type"]),
        order_class=_text(raw.get("order_class") or "simple"),
        status=_text(raw["status"]),
        quantity=_whole(raw.get("qty") or 0),
        filled_quantity=_whole(raw["filled_qty"]),
        filled_average_price=_maybe(raw.get("filled_avg_price")),
        limit_price=_maybe(raw.get("limit_price")),
        stop_price=_maybe(raw.get("stop_price")),
        time_in_force=_time_in_force(raw.get("time_in_force")),
        submitted_at=_moment(submitted),
        updated_at=_moment(raw.get("updated_at") or submitted),
        replaced_by=_text(raw["replaced_by"]) if raw.get("replaced_by") else None,
        legs=tuple(_order(leg) for leg in raw.get("legs") or ()),
    )
    if told.is_equity:
        _storable(told.quantity, told.limit_price, told.stop_price)
    return told


def _position(raw: dict[str, Any]) -> BrokerPosition:
    """Symbol and quantity must be there; a price that is missing is no reason not to know what is held."""
    held = _decimal(raw["qty"])
    told = BrokerPosition(
        symbol=_symbol(raw["symbol"]),
        asset_class=_text(raw.get("asset_class") or US_EQUITY),
        quantity=int(held),
        fraction=held - int(held),
        available=_whole(raw.get("qty_available", raw["qty"])),
        average_entry_price=_price(raw.get("avg_entry_price")),
        market_value=_maybe(raw.get("market_value")) or Decimal(0),
        current_price=_maybe(raw.get("current_price")) or Decimal(0),
        unrealized_pnl=_maybe(raw.get("unrealized_pl")) or Decimal(0),
    )
    if told.is_equity:
        _storable(told.quantity)
    return told


def _account(raw: dict[str, Any]) -> Account:
    blocked = any(raw.get(key) for key in ("trading_blocked", "account_blocked", "trade_suspended_by_user"))
    money = {name: _decimal(raw[name]) for name in ("equity", "cash", "buying_power")}
    money["last_equity"] = _maybe(raw.get("last_equity")) or Decimal(0)
    allowed = raw["status"] == "ACTIVE" and not blocked
    return Account(
        account_number=str(raw["account_number"]), status=str(raw["status"]), trading_allowed=allowed, **money
    )


def _time_in_force(raw: object) -> TimeInForce:
    """How long an order is good for; a word that is not known is taken for the day."""
    return cast("TimeInForce", raw) if isinstance(raw, str) and raw in TIMES_IN_FORCE else "day"


def _fill(execution_id: object, broker_order_id: object, raw: dict[str, Any], about: dict[str, Any]) -> Execution:
    return Execution(
        execution_id=_text(execution_id),
        broker_order_id=_text(broker_order_id),
        symbol=_symbol(about["symbol"]),
        side="buy" if about["side"] == "buy" else "sell",
        quantity=_whole(raw["qty"]),
        price=_decimal(raw["price"]),
        at=_moment(raw.get("transaction_time") or raw.get("timestamp") or raw["at"]),
    )


def _update(raw: dict[str, Any]) -> TradeUpdate:
    told, execution = _order(raw["order"]), None
    if raw["event"] in ("fill", "partial_fill") and raw.get("execution_id") and _whole(raw["qty"]) > 0:
        execution = _fill(raw["execution_id"], told.id, raw, raw["order"])
    return TradeUpdate(
        event=str(raw["event"]), at=_moment(raw.get("timestamp") or raw["at"]), order=told, execution=execution
    )


def _read(what: str, raw: Any, build: Callable[[Any], T], complain: Complaint) -> T:
    try:
        return build(raw)
    except BROKEN as error:
        raise complain(what, raw) from error


def order(raw: Any, complain: Complaint) -> BrokerOrder:
    """One order with its legs."""
    return _read("order", raw, _order, complain)


def _rows(kind: Literal["order", "position"], raw: Any, build: Callable[[Any], T], complain: Complaint) -> Listed[T]:
    """Row by row: one that cannot be read loses itself, never the list."""
    if not isinstance(raw, list):
        raise complain(f"{kind}s", raw)
    read, lost = [], []
    for row in raw:
        try:
            read.append(build(row))
        except BROKEN as error:
            lost.append(_unreadable(kind, row, error))
    return Listed(tuple(read), tuple(lost))


def _printable(raw: object) -> str:
    """For people and for the database, which takes no control characters and no halves of characters."""
    return "".join(one if one.isprintable() else "?" for one in str(raw))


def _unreadable(kind: Literal["order", "position"], row: Any, error: Exception) -> Unreadable:
    known = row if isinstance(row, dict) else {}
    named = {key: _printable(known[key])[:64] if known.get(key) else None for key in ("id", "symbol")}
    problem = _printable(f"{type(error).__name__}: {error}")[:200]
    log.error("broker_row_unreadable", kind=kind, problem=problem, row=str(row)[:300])
    return Unreadable(kind=kind, problem=problem, **named)


def orders(raw: Any, complain: Complaint) -> Listed[BrokerOrder]:
    """Orders with their legs, in the order told."""
    return _rows("order", raw, _order, complain)


def positions(raw: Any, complain: Complaint) -> Listed[BrokerPosition]:
    """What is held, by symbol; `available` is what no order holds back."""
    found = _rows("position", raw, _position, complain)
    return Listed(tuple(sorted(found.rows, key=lambda one: one.symbol)), found.unreadable)


def account(raw: Any, complain: Complaint) -> Account:
    """The account; trading is allowed when it is active and nothing blocks it."""
    return _read("account", raw, _account, complain)


def executions(raw: list[Any]) -> tuple[Execution, ...]:
    """Fills of whole shares, oldest first. An activity's id ends in the id of its execution.

    A row that cannot be read is left out and logged: the order it belongs to stays filled beyond what is booked.
    """
    found = []
    for row in raw:
        try:
            if _whole(row["qty"]) > 0:
                found.append(_fill(str(row["id"]).rpartition("::")[2], row["order_id"], row, row))
        except BROKEN as error:
            log.error("broker_row_unreadable", kind="activity", problem=repr(error)[:200], row=str(row)[:300])
    return tuple(sorted(found, key=lambda fill: (fill.at, fill.execution_id)))


def cash_flows(raw: list[Any], complain: Complaint) -> tuple[CashFlow, ...]:
    """Activities that are no trades, in the order given."""
    return _read("activities", raw, lambda rows: tuple(_flow(row) for row in rows), complain)


def _flow(raw: dict[str, Any]) -> CashFlow:
    """An undone activity moves nothing. Of securities the worth is quantity times price, where no amount is named."""
    amount, quantity, price = (_maybe(raw.get(name)) for name in ("net_amount", "qty", "price"))
    if not amount:
        in_kind = str(raw["activity_type"]) in IN_KIND
        amount = quantity * price if quantity is not None and price is not None else None if in_kind else amount
    if raw.get("currency") not in (None, "", "USD"):
        amount = None
    if raw.get("status") == "canceled":
        amount = Decimal(0)
    listed = raw.get("created_at")
    return CashFlow(
        id=str(raw["id"]),
        kind=str(raw["activity_type"]),
        amount=amount,
        day=date.fromisoformat(str(raw["date"])[:10]),
        listed_at=_moment(listed) if listed else None,
        sub_kind=str(raw.get("activity_sub_type") or ""),
    )


def market_clock(raw: Any, complain: Complaint) -> MarketClock:
    """The broker's time and hours."""

    def build(told: dict[str, Any]) -> MarketClock:
        opens, closes = _moment(told["next_open"]), _moment(told["next_close"])
        now, is_open = _moment(told["timestamp"]), told["is_open"]
        return MarketClock(now=now, is_open=is_open, next_open=opens, next_close=closes)

    return _read("clock", raw, build, complain)


def trade_update(raw: Any, complain: Complaint) -> TradeUpdate:
    """One event of the account's stream."""
    return _read("trade update", raw, _update, complain)


def order_body(request: OrderRequest) -> dict[str, Any]:
    """An order as the API takes it; prices as text, so that no binary fraction gets near them."""
    target, guard = request.take_profit_price, request.stop_loss_price
    body = {
        "symbol": request.symbol,
        "qty": str(request.quantity),
        "side": request.side,
        "type": request.type,
        "time_in_force": request.time_in_force,
        "position_intent": request.position_intent,
        "client_order_id": request.client_order_id,
        "order_class": None if request.order_class == "simple" else request.order_class,
        "limit_price": request.limit_price and str(request.limit_price),
        "stop_price": request.stop_price and str(request.stop_price),
        "take_profit": target and {"limit_price": str(target)},
        "stop_loss": guard and {"stop_price": str(guard)},
    }
    return {key: value for key, value in body.items() if value is not None}


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


def refusal_code(message: str, extra: Mapping[str, object]) -> RefusalCode:
    """Why an order was turned down: by the further fields of the answer, else by its words.

    Alpaca's own codes do not tell: 40310000 and 42210000 stand for a dozen reasons each. This is the one place that
    reads its words.
    """
    fields: dict[str, RefusalCode] = {
        "base_price": "price_moved",
        "available": "shares_not_available",
        "reject_reason": "wash_trade",
        "buying_power": "buying_power",
    }
    if found := next((refusal for field, refusal in fields.items() if field in extra), None):
        return found
    words: dict[str, RefusalCode] = {
        "base_price": "price_moved",
        "client_order_id must be unique": "client_order_id_taken",
        "insufficient qty available": "shares_not_available",
        "insufficient buying power": "buying_power",
        "wash trade": "wash_trade",
        "is not tradable": "not_tradable",
        "not authorized to trade": "account_restricted",
        "account is restricted": "account_restricted",
    }
    return next((refusal for said, refusal in words.items() if said in message), "other")
