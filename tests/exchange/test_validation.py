"""What the venue refuses: one case for each row of Alpaca's table, status, code, words and extra fields."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from services.exchange.rules.knobs import VenueSettings
from services.exchange.rules.orders import Order, Refusal
from tests.exchange.venues import CLOSE, KEY, Floor, floor

Prepare = Callable[[Floor], object]
FORM, RULE, FORBIDDEN = 40010001, 42210000, 40310000
LIMIT = {"type": "limit", "limit_price": 99}
BRACKET: dict[str, Any] = {
    "order_class": "bracket",
    "take_profit": {"limit_price": 106},
    "stop_loss": {"stop_price": 98},
}
SUB_PENNY = "sub-penny increment does not fulfill minimum pricing criteria"


def nothing(place: Floor) -> None:
    pass


def long(place: Floor) -> None:
    place.submit()
    place.advance(2)


def late(place: Floor) -> None:
    place.go_to(CLOSE - 500)


def settings(**knobs: Any) -> Prepare:
    return lambda place: place.do("settings", **knobs)


def configured(**config: Any) -> Prepare:
    return lambda place: place.do("configure", **config)


def resting(**body: Any) -> Prepare:
    def prepare(place: Floor) -> None:
        place.submit(**body)
        place.advance(1)

    return prepare


def long_and(**body: Any) -> Prepare:
    def prepare(place: Floor) -> None:
        long(place)
        resting(**body)(place)

    return prepare


FORM_CASES: list[tuple[str, Prepare, dict[str, Any], int, int, str]] = [
    ("no quantity", nothing, {"qty": None}, 422, FORM, "qty or notional is required"),
    ("both", nothing, {"notional": 100}, 422, FORM, "only one of qty or notional is accepted"),
    ("zero", nothing, {"qty": 0}, 422, FORM, "qty must be > 0"),
    ("limit", nothing, {"type": "limit"}, 422, FORM, "limit orders require a limit price"),
    ("stop", nothing, {"type": "stop"}, 422, FORM, "stop orders require a stop price"),
    ("stop limit", nothing, {"type": "stop_limit", "stop_price": 101}, 422, FORM,
     "stop limit orders require both stop and limit price"),
    ("market", nothing, {"limit_price": 99}, 422, FORM, "market orders require no stop or limit price"),
    ("tick", nothing, {**LIMIT, "limit_price": 99.123}, 422, RULE, f"invalid limit_price 99.123. {SUB_PENNY}"),
    ("tick below a dollar", nothing, {**LIMIT, "limit_price": "0.12345"}, 422, RULE,
     f"invalid limit_price 0.12345. {SUB_PENNY}"),
    ("tick of a stop", nothing, {"type": "stop", "stop_price": 101.001}, 422, RULE,
     f"invalid stop_price 101.001. {SUB_PENNY}"),
    ("tick of a leg", nothing, {**BRACKET, "take_profit": {"limit_price": 106.001}}, 422, RULE,
     f"invalid take_profit.limit_price 106.001. {SUB_PENNY}"),
    ("id twice", resting(client_order_id="one", **LIMIT), {"client_order_id": "one"}, 422, FORM,
     "client_order_id must be unique"),
    ("long id", nothing, {"client_order_id": "x" * 129}, 422, FORM,
     "client_order_id must be no more than 128 characters"),
    ("fractional bracket", nothing, {**BRACKET, "qty": 1.5}, 422, RULE, "fractional orders must be simple orders"),
    ("fractional gtc", nothing, {"qty": 1.5, "time_in_force": "gtc"}, 422, RULE,
     "fractional orders must be DAY orders"),
    ("fractional short", nothing, {"qty": 1.5, "side": "sell"}, 422, RULE, "fractional orders cannot be sold short"),
    ("small notional", nothing, {"qty": None, "notional": 0.5}, 422, FORM, "notional must be >= 1.00"),
    ("extended hours", nothing, {"extended_hours": True}, 422, RULE,
     "extended hours order must be DAY or GTC limit orders"),
    ("bracket without target", nothing, {**BRACKET, "take_profit": None}, 422, FORM,
     "bracket orders require take_profit.limit_price"),
    ("bracket without stop", nothing, {**BRACKET, "stop_loss": {}}, 422, FORM,
     "bracket orders require stop_loss.stop_price"),
    ("crossed", nothing, {**BRACKET, "stop_loss": {"stop_price": 107}}, 422, RULE,
     "take_profit.limit_price must be > stop_loss.stop_price"),
    ("crossed short", nothing, {**BRACKET, "side": "sell"}, 422, RULE,
     "take_profit.limit_price must be < stop_loss.stop_price"),
    ("side", nothing, {"side": "hold"}, 422, FORM, "invalid side"),
    ("no type", nothing, {"type": None}, 422, FORM, "invalid order type"),
    ("trailing by nothing", nothing, {"type": "trailing_stop"}, 422, FORM,
     "trailing stop orders require either trail_price or trail_percent"),
    ("trailing bracket", nothing, {**BRACKET, "type": "trailing_stop", "trail_price": 1}, 422, RULE,
     "trailing stop orders must be simple orders"),
    ("trailing at the close", nothing, {"type": "trailing_stop", "trail_price": 1, "time_in_force": "cls"}, 422, RULE,
     "invalid time_in_force cls for trailing_stop orders"),
    ("trailing", nothing, {"type": "trailing_stop", "trail_percent": 2}, 422, RULE,
     "trailing stop orders are not supported by this venue"),
    ("beyond reason", nothing, {**LIMIT, "limit_price": 1e30}, 422, FORM, "limit_price is too large"),
    ("not a number", nothing, {"qty": "ten"}, 422, FORM, "qty must be a number"),
    ("bracket at the open only", nothing, {**BRACKET, "time_in_force": "opg"}, 422, RULE,
     "invalid time_in_force opg for bracket orders"),
]  # fmt: skip

ACCOUNT_CASES: list[tuple[str, Prepare, dict[str, Any], int, int, str]] = [
    ("unknown", nothing, {"symbol": "XYZ"}, 422, RULE, 'asset "XYZ" not found'),
    ("not tradable", settings(not_tradable=["AAA"]), {}, 422, RULE, 'asset "AAA" is not tradable'),
    ("not fractionable", settings(not_fractionable=["AAA"]), {"qty": 1.5}, 403, FORBIDDEN,
     'asset "AAA" is not fractionable'),
    ("bracket while long", long, BRACKET, 422, RULE, "bracket orders must be entry orders"),
    ("bracket that sells a long", long, {**BRACKET, "side": "sell", "take_profit": {"limit_price": 94},
     "stop_loss": {"stop_price": 106}}, 422, RULE, "bracket orders must be entry orders"),
    ("one triggers another, while long", long,
     {"order_class": "oto", "side": "sell", "stop_loss": {"stop_price": 106}}, 422, RULE,
     "oto orders must be entry orders"),
    ("bracket beside an order", resting(**LIMIT), BRACKET, 422, RULE, "bracket orders must be entry orders"),
    ("stop above the market", long, {"side": "sell", "type": "stop", "stop_price": 101}, 422, RULE,
     "stop price must be less than current price"),
    ("buy beside a short sale", resting(side="sell", type="limit", limit_price=105), {**LIMIT}, 403, FORBIDDEN,
     "cannot open a long buy while a short sell order is open"),
    ("no shorting", configured(no_shorting=True), {"side": "sell"}, 403, FORBIDDEN,
     "account is not allowed to short"),
    ("not shortable", settings(not_shortable=["AAA"]), {"side": "sell"}, 422, RULE, 'asset "AAA" cannot be sold short'),
    ("hard to borrow", settings(hard_to_borrow=["AAA"]), {"side": "sell", "time_in_force": "gtc"}, 422, RULE,
     "only day orders are allowed for hard-to-borrow asset"),
    ("suspended", configured(suspend_trade=True), {}, 403, FORBIDDEN, "account is not authorized to trade"),
    ("at the open, too late", nothing, {"time_in_force": "opg"}, 403, FORBIDDEN,
     "opg orders must be submitted after 7:00pm and before 9:28am"),
    ("at the close, too late", late, {"time_in_force": "cls"}, 403, FORBIDDEN,
     "cls orders must be submitted after 7:00pm and before 3:50pm"),
    ("intent", nothing, {"position_intent": "buy_to_close"}, 422, RULE,
     "position intent mismatch, inferred: buy_to_open, specified: buy_to_close"),
]  # fmt: skip

EXTRA_CASES: list[tuple[str, Prepare, dict[str, Any], int, dict[str, Any]]] = [
    ("target too low", nothing, {**BRACKET, "take_profit": {"limit_price": 100}}, 422,
     {"code": RULE, "message": "take_profit.limit_price must be >= base_price + 0.01", "base_price": "100"}),
    ("stop too high", nothing, {**BRACKET, "stop_loss": {"stop_price": 100}}, 422,
     {"code": RULE, "message": "stop_loss.stop_price must be <= base_price - 0.01", "base_price": "100"}),
    ("stop above the entry's limit", nothing, {**BRACKET, **LIMIT, "limit_price": 97}, 422,
     {"code": RULE, "message": "stop_loss.stop_price must be <= base_price - 0.01", "base_price": "97"}),
    ("stop of a short too low", nothing,
     {**BRACKET, "side": "sell", "take_profit": {"limit_price": 95}, "stop_loss": {"stop_price": 100}}, 422,
     {"code": RULE, "message": "stop_loss.stop_price must be >= base_price + 0.01", "base_price": "100"}),
    ("buying power", nothing, {"qty": 4000}, 403,
     {"code": FORBIDDEN, "message": "insufficient buying power", "buying_power": "400000", "cost_basis": "400040"}),
]  # fmt: skip


def refusal_of(prepare: Prepare, body: dict[str, Any]) -> Refusal:
    place = floor()
    prepare(place)
    full = {"symbol": "AAA", "qty": 10, "side": "buy", "type": "market", "time_in_force": "day", **body}
    before = place.venue.book(KEY).seq
    outcome = place.do("submit", **{k: v for k, v in full.items() if v is not None or k == "type"})
    assert isinstance(outcome, Refusal), outcome
    assert place.venue.book(KEY).seq == before
    return outcome


@pytest.mark.parametrize(
    ("prepare", "body", "http", "code", "message"),
    [case[1:] for case in FORM_CASES + ACCOUNT_CASES],
    ids=[case[0] for case in FORM_CASES + ACCOUNT_CASES],
)
def test_a_refusal_in_alpacas_words(prepare: Prepare, body: dict[str, Any], http: int, code: int, message: str) -> None:
    refusal = refusal_of(prepare, body)
    assert (refusal.http, refusal.body()) == (http, {"code": code, "message": message})


@pytest.mark.parametrize(
    ("prepare", "body", "http", "answer"), [case[1:] for case in EXTRA_CASES], ids=[case[0] for case in EXTRA_CASES]
)
def test_a_refusal_with_the_figures(prepare: Prepare, body: dict[str, Any], http: int, answer: dict[str, Any]) -> None:
    refusal = refusal_of(prepare, body)
    assert (refusal.http, refusal.body()) == (http, answer)


def test_shares_held_by_an_exit() -> None:
    place = floor()
    parent = place.bracket()
    place.advance(2)
    target = place.leg(parent, "take_profit")
    refusal = place.do("close", symbol="AAA")
    assert isinstance(refusal, Refusal)
    assert refusal.http == 403
    assert refusal.body() == {
        "code": FORBIDDEN,
        "message": "insufficient qty available for order (requested: 10, available: 0)",
        "available": "0",
        "existing_qty": "10",
        "held_for_orders": "10",
        "symbol": "AAA",
        "related_orders": [target.id],
    }


def test_a_long_is_not_flipped_in_one_order() -> None:
    refusal = refusal_of(long, {"side": "sell", "qty": 15})
    assert (refusal.http, refusal.body()["available"]) == (403, "10")


MARKET: dict[str, Any] = {"type": "market"}
SELL_LIMIT: dict[str, Any] = {"side": "sell", "type": "limit", "limit_price": 105, "qty": 5}
SELL_STOP: dict[str, Any] = {"side": "sell", "type": "stop", "stop_price": 95, "qty": 5}
SELL_STOP_LIMIT: dict[str, Any] = {
    "side": "sell", "type": "stop_limit", "stop_price": 95, "limit_price": 94, "qty": 5
}  # fmt: skip


@pytest.mark.parametrize(
    ("existing", "new", "reason"),
    [
        (SELL_LIMIT, MARKET, "opposite side limit order exists"),
        (SELL_LIMIT, {"type": "stop", "stop_price": 104}, "opposite side limit order exists"),
        (SELL_LIMIT, {"type": "limit", "limit_price": 105}, "opposite side limit order exists"),
        (SELL_LIMIT, {"type": "limit", "limit_price": 104.99}, None),
        (SELL_STOP, MARKET, "opposite side market/stop order exists"),
        (SELL_STOP, {"type": "limit", "limit_price": 90}, "opposite side market/stop order exists"),
        (SELL_STOP_LIMIT, {"type": "limit", "limit_price": 95}, "opposite side limit order exists"),
        (SELL_STOP_LIMIT, {"type": "limit", "limit_price": 93}, None),
    ],
)
def test_wash_trades(existing: dict[str, Any], new: dict[str, Any], reason: str | None) -> None:
    place = floor()
    long_and(**existing)(place)
    outcome = place.do("submit", **{"symbol": "AAA", "qty": 5, "side": "buy", "time_in_force": "day", **new})
    if reason is None:
        assert isinstance(outcome, Order)
        return
    assert isinstance(outcome, Refusal)
    resting_id = place.venue.book(KEY).open_orders()[0].id
    assert (outcome.http, outcome.body()) == (403, {
        "code": FORBIDDEN, "message": "potential wash trade detected. use complex orders",
        "reject_reason": reason, "existing_order_id": resting_id,
    })  # fmt: skip


def test_cancelling_what_is_finished() -> None:
    place = floor()
    filled, unfilled = place.submit(), place.submit(**LIMIT)
    place.advance(2)
    refusal = place.do("cancel", order_id=filled.id)
    assert isinstance(refusal, Refusal)
    assert (refusal.http, refusal.message) == (422, 'order is already in "filled" state')
    for _ in range(3):
        assert isinstance(place.do("cancel", order_id=unfilled.id), Order)
        place.advance(1)
    unknown = place.do("cancel", order_id="nothing")
    assert isinstance(unknown, Refusal)
    assert (unknown.http, unknown.body()) == (404, {"code": 40410000, "message": "order not found for nothing"})


def test_a_small_account_has_no_margin() -> None:
    place = floor(settings=VenueSettings(spread_bps=0, starting_cash=Decimal(1500)))
    short = place.do("submit", symbol="AAA", qty=1, side="sell", type="market", time_in_force="day")
    dear = place.do("submit", symbol="AAA", qty=20, side="buy", type="market", time_in_force="day")
    assert isinstance(short, Refusal)
    assert isinstance(dear, Refusal)
    assert short.message == "account is not allowed to short"
    assert dear.body()["buying_power"] == "1500"


def test_open_orders_reserve_buying_power() -> None:
    place = floor()
    place.submit(qty=1000, **LIMIT)
    assert place.venue.book(KEY).valuation(place.now).buying_power == 400_000 - 99_000
    place.submit(qty=100, **{**LIMIT, "limit_price": 98})
    place.do("cancel_all")
    place.advance(1)
    assert place.venue.book(KEY).valuation(place.now).buying_power == 400_000
