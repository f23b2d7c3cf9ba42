"""Whether the account may send this order now: asset, hours, exits against the price, holdings, buying power.

The second half of validation; the messages are Alpaca's. `base_price` is the last trade, and for a limit entry its
limit too: exits must lie on the right side of both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from services.exchange.rules.book import Book
from services.exchange.rules.orders import ZERO, Order, Refusal, Ticket
from services.exchange.rules.tape import Tape
from services.exchange.rules.validation import against_rule, malformed
from shared.domain.market import PENNY

FORBIDDEN = 40310000
SOLID_PRICE = 5.0
OPG_FROM_SECONDS, OPG_UNTIL_SECONDS, CLS_UNTIL_SECONDS = 14.5 * 3600, 120.0, 600.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A ticket before an account at a moment."""

    ticket: Ticket
    book: Book
    at: float

    @property
    def held(self) -> Decimal:
        return self.book.ledger.qty(self.ticket.symbol)

    @property
    def is_closing(self) -> bool:
        return self.held > 0 if self.ticket.side == "sell" else self.held < 0

    @property
    def price(self) -> Decimal:
        return self.book.price(self.ticket.symbol, self.at)

    @property
    def intent(self) -> str:
        return f"{self.ticket.side}_to_{'close' if self.is_closing else 'open'}"

    @property
    def working(self) -> list[Order]:
        """Open orders of the symbol; held legs do not show."""
        return self.book.open_orders(self.ticket.symbol)


def forbidden(message: str, **extra: object) -> Refusal:
    return Refusal(403, FORBIDDEN, message, extra)


def plain(value: Decimal) -> str:
    """A Decimal as Alpaca prints it: no exponent, no trailing zeros."""
    return f"{value.normalize():f}" if value else "0"


def is_solid(tape: Tape, symbol: str) -> bool:
    """Listed and not cheap: such names trade in fractions and can be sold short, as /v2/assets says."""
    asset = tape.asset(symbol)
    return asset is not None and asset.exchange != "OTC" and (tape.previous_close(symbol) or 0.0) >= SOLID_PRICE


def _authorized(s: Scene) -> Refusal | None:
    blocked = s.book.config.suspend_trade or s.book.trading_blocked or s.book.account_blocked
    return forbidden("account is not authorized to trade") if blocked else None


def _client_order_id(s: Scene) -> Refusal | None:
    taken = s.ticket.client_order_id in s.book.by_client_id
    return malformed("client_order_id must be unique") if taken else None


def _asset(s: Scene) -> Refusal | None:
    symbol, settings = s.ticket.symbol, s.book.settings
    if not s.book.tape.has(symbol):
        return against_rule(f'asset "{symbol}" not found')
    if symbol in settings.inactive:
        return against_rule(f'asset "{symbol}" is not active')
    if symbol in settings.not_tradable or s.book.tape.delisted(symbol, s.at):
        return against_rule(f'asset "{symbol}" is not tradable')
    barred = symbol in settings.not_fractionable or not s.book.config.fractional_trading
    if s.ticket.is_fractional and (barred or not is_solid(s.book.tape, symbol)):
        return forbidden(f'asset "{symbol}" is not fractionable')
    return None


def _auction_window(s: Scene) -> Refusal | None:
    session = s.book.tape.session
    if s.ticket.time_in_force == "opg" and not (
        session.open - OPG_FROM_SECONDS <= s.at < session.open - OPG_UNTIL_SECONDS
    ):
        return forbidden("opg orders must be submitted after 7:00pm and before 9:28am")
    if s.ticket.time_in_force == "cls" and not (
        session.open - OPG_FROM_SECONDS <= s.at < session.close - CLS_UNTIL_SECONDS
    ):
        return forbidden("cls orders must be submitted after 7:00pm and before 3:50pm")
    return None


def _intent(s: Scene) -> Refusal | None:
    stated = s.ticket.position_intent
    if stated is None or stated == s.intent:
        return None
    return Refusal(422, 42210000, f"position intent mismatch, inferred: {s.intent}, specified: {stated}")


def _exits(s: Scene) -> Refusal | None:
    t = s.ticket
    if t.order_class not in {"bracket", "oto", "oco"}:
        return None
    bases = (t.take_profit, s.price) if t.order_class == "oco" else (t.limit_price, s.price)
    long = t.side == "buy" if t.order_class != "oco" else t.side == "sell"
    for base in bases:
        if base is None:
            continue
        extra = {"base_price": plain(base)}
        target = t.take_profit if t.order_class != "oco" else None
        if long and target is not None and target < base + PENNY:
            return against_rule("take_profit.limit_price must be >= base_price + 0.01", **extra)
        if long and t.stop_loss is not None and t.stop_loss > base - PENNY:
            return against_rule("stop_loss.stop_price must be <= base_price - 0.01", **extra)
        if not long and target is not None and target > base - PENNY:
            return against_rule("take_profit.limit_price must be <= base_price - 0.01", **extra)
        if not long and t.stop_loss is not None and t.stop_loss < base + PENNY:
            return against_rule("stop_loss.stop_price must be >= base_price + 0.01", **extra)
    return None


def _entry(s: Scene) -> Refusal | None:
    if s.ticket.order_class == "bracket" and (
        s.is_closing or (s.book.settings.bracket_needs_flat and (s.held or s.working))
    ):
        return against_rule("bracket orders must be entry orders")
    if s.ticket.order_class == "oto" and s.is_closing:
        return against_rule("oto orders must be entry orders")
    if s.ticket.order_class == "oco" and not s.is_closing:
        return against_rule("oco orders must be exit orders")
    return None


def stop_side(side: str, stop: Decimal | None, price: Decimal) -> Refusal | None:
    """A stop must wait on its own side of the market."""
    if stop is None:
        return None
    if side == "sell" and stop >= price:
        return against_rule("stop price must be less than current price")
    if side == "buy" and stop <= price:
        return against_rule("stop price must be greater than current price")
    return None


def _stop_side(s: Scene) -> Refusal | None:
    return stop_side(s.ticket.side, s.ticket.stop_price, s.price)


def _opposite_opening(s: Scene) -> Refusal | None:
    if s.held:
        return None
    opposite = any(order.is_opening and order.side != s.ticket.side for order in s.working)
    if not opposite:
        return None
    long = s.ticket.side == "buy"
    return forbidden(
        "cannot open a long buy while a short sell order is open"
        if long
        else "cannot open a short sell while a long buy order is open"
    )


def _wash_trade(s: Scene) -> Refusal | None:
    t = s.ticket
    if t.is_complex:
        return None
    for order in s.working:
        if order.side == t.side:
            continue
        if order.limit_price is not None and t.limit_price is not None:
            bid, asked = (t.limit_price, order.limit_price) if t.side == "buy" else (order.limit_price, t.limit_price)
            if bid < asked:
                continue
        kind = "limit" if order.carries_limit else "market/stop"
        return forbidden(
            "potential wash trade detected. use complex orders",
            reject_reason=f"opposite side {kind} order exists",
            existing_order_id=order.id,
        )
    return None


def _short(s: Scene) -> Refusal | None:
    if s.ticket.side == "buy" or s.is_closing:
        return None
    if s.ticket.is_fractional:
        return against_rule("fractional orders cannot be sold short")
    if s.book.config.no_shorting or s.book.valuation(s.at).multiplier == 1:
        return forbidden("account is not allowed to short")
    if s.ticket.symbol in s.book.settings.not_shortable or not is_solid(s.book.tape, s.ticket.symbol):
        return against_rule(f'asset "{s.ticket.symbol}" cannot be sold short')
    if s.ticket.symbol in s.book.settings.hard_to_borrow and s.ticket.time_in_force != "day":
        return against_rule("only day orders are allowed for hard-to-borrow asset")
    return None


def _shares(s: Scene) -> Refusal | None:
    t = s.ticket
    if not s.is_closing:
        return None
    wanted = t.qty if t.qty is not None else (t.notional or ZERO) / s.price
    free = s.book.available(t.symbol)
    if wanted <= free:
        return None
    held_back = s.book.held_for_orders(t.symbol)
    return forbidden(
        f"insufficient qty available for order (requested: {plain(wanted)}, available: {plain(free)})",
        available=plain(free), existing_qty=plain(abs(s.held)), held_for_orders=plain(held_back), symbol=t.symbol,
        related_orders=[order.id for order in s.working if s.book.allocates(order)],
    )  # fmt: skip


def _money(s: Scene) -> Refusal | None:
    """Whether buying power covers an order that opens; what is free is what the account shows."""
    t = s.ticket
    if s.is_closing:
        return None
    priced = Order(
        id="", seq=0, client_order_id="", symbol=t.symbol, side=t.side, type=t.type, time_in_force=t.time_in_force,
        order_class=t.order_class, role="simple", status="new", created_at=s.at, updated_at=s.at,
        position_intent=s.intent, qty=t.qty, notional=t.notional, limit_price=t.limit_price, stop_price=t.stop_price,
    )  # fmt: skip
    cost = t.notional or priced.leaves * s.book.reservation_price(priced, s.at)
    free = s.book.valuation(s.at).buying_power
    if cost <= free:
        return None
    return forbidden("insufficient buying power", buying_power=plain(free), cost_basis=plain(cost))


CHECKS: tuple[Callable[[Scene], Refusal | None], ...] = (
    _authorized, _client_order_id, _asset, _intent, _auction_window, _entry, _exits, _opposite_opening, _wash_trade,
    _short, _shares, _stop_side, _money,
)  # fmt: skip


def refuse(scene: Scene) -> Refusal | None:
    """Why the account may not send the ticket now, or None."""
    return next((refusal for check in CHECKS if (refusal := check(scene))), None)
