"""Alpaca's JSON: orders, positions, account, activities, trade updates. Money as strings, times RFC 3339 in UTC."""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from services.exchange.rules.book import Book, Update
from services.exchange.rules.commands import Part
from services.exchange.rules.fees import pending
from services.exchange.rules.ledger import Execution, Position, Transfer
from services.exchange.rules.orders import ZERO, Order, venue_id
from services.exchange.rules.permission import plain
from shared.domain.session import MARKET_ZONE

FILL = "FILL"
OPTION, COIN = re.compile(r"[A-Z]{1,6}\d{6}[CP]\d{8}"), re.compile(r"[A-Z]{3,5}USD")
CENTS, SIX = Decimal("0.01"), Decimal("0.000001")


def rfc3339(at: float | None) -> str | None:
    """Microseconds and a Z, or None."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def text(value: Decimal | None, step: Decimal = SIX) -> str | None:
    """A Decimal to at most six places, no trailing zeros, or None."""
    return None if value is None else plain(value.quantize(step, ROUND_HALF_UP))


def money(value: Decimal) -> str:
    return plain(value.quantize(CENTS, ROUND_HALF_UP))


def quantity(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def asset_id(symbol: str) -> str:
    """The id of an asset, the same in orders, positions and /v2/assets."""
    return venue_id("asset", symbol)


def asset_class(book: Book, symbol: str) -> str:
    """Of what is on the tape, us_equity; of other symbols by their form."""
    if book.tape.has(symbol):
        return "us_equity"
    return "us_option" if OPTION.fullmatch(symbol) else "crypto" if COIN.fullmatch(symbol) else "us_equity"


def order_json(order: Order, legs: tuple[Order, ...] = ()) -> dict[str, Any]:
    """An order object; `legs` is null for a leg and for a simple order."""
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": rfc3339(order.created_at),
        "updated_at": rfc3339(order.updated_at),
        "submitted_at": rfc3339(order.created_at),
        "filled_at": rfc3339(order.filled_at),
        "expired_at": rfc3339(order.expired_at),
        "expires_at": rfc3339(order.expires_at),
        "canceled_at": rfc3339(order.canceled_at),
        "failed_at": rfc3339(order.failed_at),
        "replaced_at": rfc3339(order.replaced_at),
        "replaced_by": order.replaced_by,
        "replaces": order.replaces,
        "asset_id": asset_id(order.symbol),
        "symbol": order.symbol,
        "asset_class": "us_equity",
        "notional": quantity(order.notional),
        "qty": None if order.notional is not None else quantity(order.qty),
        "filled_qty": quantity(order.filled_qty),
        "filled_avg_price": text(order.filled_avg_price),
        "order_class": order.order_class,
        "order_type": order.type,
        "type": order.type,
        "side": order.side,
        "position_intent": order.position_intent,
        "time_in_force": order.time_in_force,
        "limit_price": quantity(order.limit_price),
        "stop_price": quantity(order.stop_price),
        "status": order.status,
        "extended_hours": order.extended_hours,
        "legs": [order_json(leg) for leg in legs] or None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "subtag": None,
        "source": None,
    }


def order_with_legs(book: Book, order: Order) -> dict[str, Any]:
    return order_json(order, tuple(book.legs_of(order)))


def update_json(update: Update) -> dict[str, Any]:
    """The `data` of a trade update; fills carry this execution's price and quantity."""
    fill = update.execution
    data: dict[str, Any] = {
        "event": update.event,
        "event_id": f"{update.number:026d}",
        "at": rfc3339(update.at),
        "timestamp": rfc3339(update.at),
        "order": order_json(update.order, update.legs),
    }
    if fill is not None:
        data |= {
            "execution_id": fill.id,
            "price": plain(fill.price),
            "qty": plain(fill.qty),
            "position_qty": plain(fill.position_qty),
        }
    return data


def position_json(book: Book, held: Position, at: float) -> dict[str, Any]:
    """A holding with its value now. Intraday figures count from the entry: positions do not outlive the day's tape."""
    price = book.price(held.symbol, at)
    before = book.tape.previous_close(held.symbol)
    last_day = price if before is None else Decimal(str(before)).quantize(SIX)
    worth, gain = held.qty * price, held.qty * price - held.cost
    asset = book.tape.asset(held.symbol)
    share = gain / abs(held.cost) if held.cost else ZERO
    free = book.available(held.symbol)
    return {
        "asset_id": asset_id(held.symbol),
        "symbol": held.symbol,
        "exchange": asset.exchange if asset else "",
        "asset_class": asset_class(book, held.symbol),
        "asset_marginable": True,
        "qty": plain(held.qty),
        "qty_available": plain(free if held.qty > 0 else -free),
        "side": "long" if held.qty > 0 else "short",
        "avg_entry_price": text(held.average),
        "cost_basis": text(held.cost),
        "market_value": text(worth),
        "current_price": plain(price),
        "lastday_price": text(last_day),
        "change_today": text((price - last_day) / last_day if last_day else ZERO),
        "unrealized_pl": text(gain),
        "unrealized_plpc": text(share),
        "unrealized_intraday_pl": text(gain),
        "unrealized_intraday_plpc": text(share),
    }


def account_json(book: Book, at: float) -> dict[str, Any]:
    """The account after July 2026: no pattern-day-trader fields."""
    v = book.valuation(at)
    cash, due = book.ledger.cash, pending(book)
    return {
        "id": book.id,
        "account_number": "PA" + book.id.replace("-", "")[:10].upper(),
        "status": "ACTIVE",
        "crypto_status": "INACTIVE",
        "currency": "USD",
        "cash": money(cash),
        "equity": money(v.equity),
        "portfolio_value": money(v.equity),
        "last_equity": money(book.ledger.last_equity),
        "buying_power": money(v.buying_power),
        "regt_buying_power": money(min(v.buying_power, max(ZERO, 2 * v.equity - v.long_value + v.short_value))),
        "non_marginable_buying_power": money(v.non_marginable),
        "options_buying_power": money(v.non_marginable),
        "multiplier": str(v.multiplier),
        "long_market_value": money(v.long_value),
        "short_market_value": money(v.short_value),
        "position_market_value": money(v.long_value - v.short_value),
        "initial_margin": money((v.long_value - v.short_value) / 2),
        "maintenance_margin": money(v.maintenance),
        "last_maintenance_margin": "0",
        "sma": money(v.equity),
        "accrued_fees": money(sum(due.values(), ZERO)),
        "pending_reg_taf_fees": money(due.get("REG", ZERO) + due.get("TAF", ZERO)),
        "intraday_adjustments": "0",
        "balance_asof": datetime.fromtimestamp(at, MARKET_ZONE).date().isoformat(),
        "shorting_enabled": v.multiplier > 1 and not book.config.no_shorting,
        "trading_blocked": book.trading_blocked,
        "transfers_blocked": False,
        "account_blocked": book.account_blocked,
        "trade_suspended_by_user": book.config.suspend_trade,
        "options_approved_level": 0,
        "options_trading_level": 0,
        "created_at": rfc3339(book.tape.session.open - 86_400),
    }


def activity_time(row: Execution | Transfer) -> float:
    """When it is listed."""
    return row.listed_at if isinstance(row, Transfer) else row.at


def activity_id(row: Execution | Transfer) -> str:
    """`<New York local time to the millisecond>::<execution id>`: sorts by time."""
    local = datetime.fromtimestamp(activity_time(row), MARKET_ZONE)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}::{row.id}"


def transfer_json(row: Transfer) -> dict[str, Any]:
    return {
        "id": activity_id(row),
        "activity_type": row.kind,
        **({"activity_sub_type": row.sub_kind} if row.sub_kind else {}),
        "date": (row.day or datetime.fromtimestamp(row.at, MARKET_ZONE).date()).isoformat(),
        "created_at": rfc3339(row.listed_at),
        "net_amount": plain(row.amount),
        "currency": "USD",
        "status": "executed",
    }


def activity_json(fill: Execution | Transfer) -> dict[str, Any]:
    if isinstance(fill, Transfer):
        return transfer_json(fill)
    return {
        "id": activity_id(fill),
        "activity_type": FILL,
        "type": fill.kind,
        "order_id": fill.order_id,
        "symbol": fill.symbol,
        "side": fill.side,
        "qty": plain(fill.qty),
        "price": plain(fill.price),
        "cum_qty": plain(fill.cumulative),
        "leaves_qty": plain(fill.leaves),
        "order_status": fill.order_status,
        "transaction_time": rfc3339(fill.at),
    }


def cancel_part(part: Part) -> dict[str, Any]:
    return {"id": part.subject, "status": part.http, "body": part.refusal.body() if part.refusal else None}


def close_part(part: Part) -> dict[str, Any]:
    body = part.refusal.body() if part.refusal else order_json(part.order) if part.order else None
    return {"symbol": part.subject, "status": part.http, "body": body}
