"""Runs with a name: the troubles that systems like this one met, each at the moment where it hurts."""

from typing import Any

from tests.faults import day
from tests.faults.stage import Plan
from tests.faults.victim import Kill

CUT_OFF = "504_after_accept"
PRODUCTION_READ_SECONDS = 10.0
OPTION = {
    "id": "7f0e9ec5-0c1d-4a3c-9f52-7f6c8a7b1a10", "client_order_id": "spread-1", "symbol": "", "side": "",
    "type": "limit",
    "order_class": "mleg", "status": "new", "qty": "1", "filled_qty": "0", "limit_price": "0.6", "legs": None,
    "created_at": "2026-06-15T14:00:00Z", "submitted_at": "2026-06-15T14:00:00Z", "updated_at": "2026-06-15T14:00:00Z",
    "filled_avg_price": None, "stop_price": None, "asset_class": "",
}  # fmt: skip
"""A resting order of several legs: no symbol and no side of its own."""


def holding(symbol: str, quantity: str, asset_class: str, **other: Any) -> dict[str, Any]:
    """A row of /v2/positions as the broker tells it."""
    return {
        "symbol": symbol, "qty": quantity, "qty_available": quantity, "asset_class": asset_class, "side": "long",
        "avg_entry_price": "200", "market_value": "600", "current_price": "200", "unrealized_pl": "0", **other,
    }  # fmt: skip


SHARES, CONTRACT, COIN = (
    holding(symbol, quantity, kind)
    for symbol, quantity, kind in zip(day.STRANGERS, ("3", "1", "2"), ("us_equity", "us_option", "crypto"), strict=True)
)


def _wire(*faults: dict[str, Any], **plan: Any) -> Plan:
    return Plan(faults=faults, **plan)


def _lost(*faults: dict[str, Any], **plan: Any) -> Plan:
    """The first entry's answer is lost, and then something else goes wrong."""
    return _wire({"kind": CUT_OFF, "match": "submit", "times": 1}, *faults, **plan)


def _during(kind: str, since: float, until: float, **fault: Any) -> dict[str, Any]:
    times = {"from": day.moment(day.BEGIN + since).isoformat(), "until": day.moment(day.BEGIN + until).isoformat()}
    return {"kind": kind, **times, **fault}


NAMED: dict[str, Plan] = {
    **{f"day: {name}": Plan(acts=acts) for name, acts in day.DAYS.items()},
    "shares by hand that fill in parts": Plan(acts=(*day.NORMAL[:3], day.Act(60, "by_hand", "EEE", 6))),
    "an answer lost": _lost(),
    "an answer lost, then dead": Plan(kills=(Kill("send.submit broker.submit answered"),), dead_seconds=20.0),
    "dead until the approval has expired": Plan(kills=(Kill("send.submit broker.submit asked"),), dead_seconds=75.0),
    "a request lost, three times": _wire({"kind": "reset_before_accept", "match": "submit", "times": 3}),
    "submits unanswered for long": _wire({"kind": "504_before_accept", "match": "submit", "times": 7}),
    "a look-up refused by a page": _lost({"kind": "html_body", "status": 404, "match": "look_up", "times": 1}),
    "a look-up unauthorized": _lost({"kind": "refused", "status": 401, "match": "look_up", "times": 1}),
    "a look-up forbidden": _lost({"kind": "refused", "status": 403, "code": 40310000, "match": "look_up", "times": 1}),
    "a look-up malformed": _lost({"kind": "refused", "status": 400, "match": "look_up", "times": 1}),
    "look-ups seconds behind": _lost({"kind": "lookup_lag", "match": "look_up", "seconds": 5, "times": 3}),
    "fills told late": _wire({"kind": "activities_lag", "seconds": 10, "times": 6}),
    "the list of orders is behind": _wire({"kind": "orders_lag", "seconds": 10, "times": 4}),
    "positions behind while closing": _wire(_during("positions_lag", 88, 100, seconds=10), acts=day.APP),
    "an option order is unreadable": _wire({"kind": "odd_row", "row": OPTION}, acts=day.HAND),
    "a position without a price": _wire(
        {"kind": "odd_row", "match": "positions", "row": {**CONTRACT, "avg_entry_price": None}}
    ),
    "old shares": _wire({"kind": "odd_row", "match": "positions", "row": SHARES}, foreign="leave"),
    "an option held": _wire({"kind": "odd_row", "match": "positions", "row": CONTRACT}),
    "a coin held": _wire({"kind": "odd_row", "match": "positions", "row": COIN}),
    "the account is restricted while an exit is due": _wire(
        _during("refused", 85, 130, status=403, code=40310000, match="submit", message="account is restricted")
    ),
    "a bracket taken without its legs": _wire({"kind": "stripped_bracket", "times": 1}),
    "an exit hangs": _wire({"kind": "partial_fill", "role": "simple", "fraction": 0.3, "complete": False, "times": 1}),
    "an entry hangs": _wire({"kind": "partial_fill", "role": "entry", "fraction": 0.3, "complete": False, "times": 1}),
    "shares are freed late": _wire({"kind": "late_release", "seconds": 4}),
    "a cancel sticks": _wire({"kind": "stuck_cancel", "seconds": 20, "times": 2}),
    "the stop vanishes": _wire({"kind": "vanished_leg", "role": "stop_loss", "times": 2, "seconds": 5}),
    "the stream flaps": _wire({"kind": "kick", "times": 12}, acts=day.HAND),
    "the stream is mute, something is ordered by hand": _wire({"kind": "mute"}, acts=day.HAND),
    "a pass fails after the stream broke": _wire(
        {"kind": "drop", "times": 1, "after": 4}, {"kind": "500", "match": "positions", "after": 2, "times": 2},
        acts=day.HAND,
    ),
    "slow answers, production's patience": _wire(
        {"kind": "latency", "ms": 1_200, "match": "submit", "times": 2}, read_seconds=PRODUCTION_READ_SECONDS
    ),
    "a hang, production's patience": _wire(
        {"kind": "hang", "seconds": 30, "match": "submit", "times": 1}, read_seconds=PRODUCTION_READ_SECONDS
    ),
    "requests are rationed": Plan(
        acts=day.HAND, settings=day.IN_PARTS.model_copy(update={"trading_requests_per_minute": 200})
    ),
    "the clock is 12 minutes slow": Plan(clock_seconds=-720.0),
    "the clock is 11 minutes fast": Plan(clock_seconds=660.0),
    "the clock is 3 seconds slow": Plan(clock_seconds=-3.0),
    "halted at submit, resumed 30 % higher": _wire(
        _during("halt", 49, 70, symbol="CCC"), _during("gap", 49, 70, symbol="CCC", percent=-30)
    ),
    "the price runs inside the approval's minute": _wire(
        _during("gap", 100, 172, symbol="DDD", percent=-5.5), acts=(*day.NORMAL[:3], day.Act(110, "decide", "DDD", 11),
                                                                 day.Act(125, "late", "DDD"))
    ),
}  # fmt: skip
"""Every one is tried by `make chaos`; the test suite takes those of `SHORT`."""
SHORT = (
    "day: normal",
    "day: halted",
    "day: hand",
    "day: expired",
    "dead until the approval has expired",
    "an answer lost",
    "a request lost, three times",
    "a bracket taken without its legs",
    "an exit hangs",
    "an entry hangs",
    "shares are freed late",
    "the stop vanishes",
    "slow answers, production's patience",
)
