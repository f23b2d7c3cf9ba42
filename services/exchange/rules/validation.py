"""What Alpaca refuses, in its own words: the request's form first, then the asset, then the account.

`parse` reads a request body into a Ticket; `refuse` looks at a ticket in the light of the account. Each check is one
function and one reason; the first that speaks decides.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from services.exchange.rules.orders import Refusal, Ticket
from shared.domain.market import tick_size

FORM, RULE = 40010001, 42210000
TYPES = frozenset({"market", "limit", "stop", "stop_limit"})
TRAILING = "trailing_stop"
TIMES_IN_FORCE = frozenset({"day", "gtc", "opg", "cls", "ioc", "fok"})
CLASSES = frozenset({"", "simple", "bracket", "oco", "oto"})
MAX_CLIENT_ORDER_ID = 128
LARGEST = Decimal(10) ** 12


def malformed(message: str) -> Refusal:
    return Refusal(422, FORM, message)


def against_rule(message: str, **extra: Any) -> Refusal:
    return Refusal(422, RULE, message, extra)


def number(raw: Any, name: str) -> Decimal | Refusal | None:
    """A JSON number or a numeric string as Decimal; absent stays None."""
    if raw is None:
        return None
    try:
        value = Decimal(str(raw)) if not isinstance(raw, bool) else Decimal("nan")
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite():
        return malformed(f"{name} must be a number")
    return value.normalize() + 0 if abs(value) < LARGEST else malformed(f"{name} is too large")


def boolean(raw: Any) -> bool:
    """JSON or query booleans; Python's own spelling too, which the SDK sends."""
    return raw if isinstance(raw, bool) else str(raw).lower() in {"true", "1"}


def _section(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = body.get(name)
    return section if isinstance(section, Mapping) else {}


def _no_trailing(body: Mapping[str, Any], tif: str, order_class: str) -> Refusal:
    """Trailing stops are not played here: they are refused, first for what Alpaca would refuse them for as well."""
    if (body.get("trail_price") is None) == (body.get("trail_percent") is None):
        return malformed("trailing stop orders require either trail_price or trail_percent")
    if order_class not in {"", "simple"}:
        return against_rule("trailing stop orders must be simple orders")
    if tif not in {"day", "gtc"}:
        return against_rule(f"invalid time_in_force {tif} for {TRAILING} orders")
    return against_rule("trailing stop orders are not supported by this venue")


def parse(body: Mapping[str, Any]) -> Ticket | Refusal:
    """The ticket a body asks for, or why it cannot be read."""
    kind, tif = str(body.get("type", "")), str(body.get("time_in_force", ""))
    side, order_class = str(body.get("side", "")), str(body.get("order_class") or "")
    if kind == TRAILING:
        return _no_trailing(body, tif, order_class)
    for name, given, known in (
        ("side", side, {"buy", "sell"}),
        ("order type", kind, TYPES),
        ("time_in_force", tif, TIMES_IN_FORCE),
        ("order_class", order_class, CLASSES),
    ):
        if given not in known:
            return malformed(f"invalid {name}" if given else f"{name} is required")
    if not body.get("symbol"):
        return malformed("symbol is required")
    target, stop = _section(body, "take_profit"), _section(body, "stop_loss")
    raw = {
        "qty": body.get("qty"), "notional": body.get("notional"), "limit_price": body.get("limit_price"),
        "stop_price": body.get("stop_price"), "take_profit": target.get("limit_price"),
        "stop_loss": stop.get("stop_price"), "stop_loss_limit": stop.get("limit_price"),
    }  # fmt: skip
    numbers: dict[str, Decimal | None] = {}
    for name, value in raw.items():
        read = number(value, name)
        if isinstance(read, Refusal):
            return read
        numbers[name] = read
    intent, client_id = body.get("position_intent"), body.get("client_order_id")
    return Ticket(
        symbol=str(body["symbol"]), side=side, type=kind, time_in_force=tif,
        order_class="" if order_class == "simple" else order_class,
        extended_hours=boolean(body.get("extended_hours", False)),
        client_order_id=str(client_id) if client_id else None, position_intent=str(intent) if intent else None,
        **numbers,
    )  # fmt: skip


def _quantity(t: Ticket) -> Refusal | None:
    if t.qty is None and t.notional is None:
        return malformed("qty or notional is required")
    if t.qty is not None and t.notional is not None:
        return malformed("only one of qty or notional is accepted")
    if t.qty is not None and t.qty <= 0:
        return malformed("qty must be > 0")
    if t.notional is not None and t.notional < 1:
        return malformed("notional must be >= 1.00")
    return None


def _prices_for_type(t: Ticket) -> Refusal | None:
    if t.type == "market" and (t.limit_price is not None or t.stop_price is not None):
        return malformed("market orders require no stop or limit price")
    if t.type == "limit" and t.limit_price is None and t.order_class != "oco":
        return malformed("limit orders require a limit price")
    if t.type == "stop" and t.stop_price is None:
        return malformed("stop orders require a stop price")
    if t.type == "stop_limit" and (t.stop_price is None or t.limit_price is None):
        return malformed("stop limit orders require both stop and limit price")
    return None


def sub_penny(name: str, price: Decimal | None) -> Refusal | None:
    """Prices from $1 take two decimals, below it four."""
    if price is None:
        return None
    if price <= 0:
        return malformed(f"{name} must be > 0")
    if price % tick_size(price) == 0:
        return None
    return against_rule(f"invalid {name} {price:f}. sub-penny increment does not fulfill minimum pricing criteria")


def _ticks(t: Ticket) -> Refusal | None:
    priced = (
        ("limit_price", t.limit_price), ("stop_price", t.stop_price), ("take_profit.limit_price", t.take_profit),
        ("stop_loss.stop_price", t.stop_loss), ("stop_loss.limit_price", t.stop_loss_limit),
    )  # fmt: skip
    return next((found for name, price in priced if (found := sub_penny(name, price))), None)


def _client_order_id(t: Ticket) -> Refusal | None:
    if t.client_order_id is not None and len(t.client_order_id) > MAX_CLIENT_ORDER_ID:
        return malformed("client_order_id must be no more than 128 characters")
    return None


def _fractional(t: Ticket) -> Refusal | None:
    if not t.is_fractional:
        return None
    if t.order_class:
        return against_rule("fractional orders must be simple orders")
    if t.time_in_force != "day":
        return against_rule("fractional orders must be DAY orders")
    return None


def _extended_hours(t: Ticket) -> Refusal | None:
    if not t.extended_hours:
        return None
    if t.type != "limit" or t.time_in_force not in {"day", "gtc"}:
        return against_rule("extended hours order must be DAY or GTC limit orders")
    return against_rule("complex orders not supported for extended hours") if t.order_class else None


def _time_in_force(t: Ticket) -> Refusal | None:
    limited = t.type in {"stop", "stop_limit"} or bool(t.order_class)
    if limited and t.time_in_force not in {"day", "gtc"}:
        return against_rule(f"invalid time_in_force {t.time_in_force} for {t.order_class or t.type} orders")
    return None


def _legs(t: Ticket) -> Refusal | None:
    if t.order_class in {"bracket", "oco"}:
        if t.take_profit is None:
            return malformed(f"{t.order_class} orders require take_profit.limit_price")
        if t.stop_loss is None:
            return malformed(f"{t.order_class} orders require stop_loss.stop_price")
    if t.order_class == "oto" and (t.take_profit is None) == (t.stop_loss is None):
        return malformed("oto orders require take_profit.limit_price or stop_loss.stop_price")
    if t.order_class == "oco" and t.type != "limit":
        return malformed("oco orders must be limit orders")
    return None


def _crossed_legs(t: Ticket) -> Refusal | None:
    if t.take_profit is None or t.stop_loss is None:
        return None
    bought = t.side == "buy" if t.order_class != "oco" else t.side == "sell"
    if bought and t.take_profit <= t.stop_loss:
        return against_rule("take_profit.limit_price must be > stop_loss.stop_price")
    if not bought and t.take_profit >= t.stop_loss:
        return against_rule("take_profit.limit_price must be < stop_loss.stop_price")
    return None


FORM_CHECKS: tuple[Callable[[Ticket], Refusal | None], ...] = (
    _quantity, _prices_for_type, _client_order_id, _legs, _ticks, _fractional, _extended_hours, _time_in_force,
    _crossed_legs,
)  # fmt: skip


def refuse_form(ticket: Ticket) -> Refusal | None:
    """What is wrong with the request by itself."""
    return next((refusal for check in FORM_CHECKS if (refusal := check(ticket))), None)
