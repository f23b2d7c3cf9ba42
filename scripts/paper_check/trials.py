"""The trials: what is asked of the account, in an order that leaves it as it was found."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from scripts.paper_check.wire import CheckError, Paper
from shared.domain.market import to_tick
from shared.domain.session import MARKET_ZONE

FINAL = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})
LOOK_SECONDS, FILL_SECONDS, FREE_SECONDS, LOOK_BACK_DAYS = 0.5, 30.0, 30.0, 7
FAR, WIDE, NARROW = Decimal("0.10"), Decimal("0.05"), Decimal("0.02")
FLOWS = "CSD,CSW,JNLC,FEE"


@dataclass
class Trial:
    """One run of the check: the account, the symbol, its price, and what was seen."""

    paper: Paper
    symbol: str
    patience: float
    price: Decimal = Decimal(0)
    seen: dict[str, str] = field(default_factory=dict)
    why_not: dict[str, str] = field(default_factory=dict)

    def body(self, **more: Any) -> dict[str, Any]:
        return {"symbol": self.symbol, "qty": "1", "type": "market", "time_in_force": "day", **more}

    def bracket(self, target: Decimal, stop: Decimal, **more: Any) -> dict[str, Any]:
        exits = {"take_profit": {"limit_price": str(to_tick(target))}, "stop_loss": {"stop_price": str(to_tick(stop))}}
        return self.body(order_class="bracket", **exits, **more)

    async def read_price(self) -> None:
        """The last trade. Raises CheckError without one."""
        answer = await self.paper.ask("GET", "/v2/stocks/trades/latest", data=True, symbols=self.symbol, feed="iex")
        try:
            self.price = Decimal(str(answer.body["trades"][self.symbol]["p"]))
        except (KeyError, TypeError, ArithmeticError) as error:
            raise CheckError(f"no last trade of {self.symbol} is told ({answer.refusal})") from error

    async def until(self, true: Callable[[], Awaitable[bool]], seconds: float) -> bool:
        """Look until it is so; False when the seconds are over."""
        give_up = asyncio.get_running_loop().time() + seconds
        while not await true():
            if asyncio.get_running_loop().time() > give_up:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True


def legs_of(order: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Target and stop, told apart by type. Raises CheckError when they are not two."""
    legs = order.get("legs") or []
    target, stop = [one for one in legs if one["type"] == "limit"], [one for one in legs if one["type"] != "limit"]
    if len(target) != 1 or len(stop) != 1:
        raise CheckError(f"a bracket came back with {len(legs)} legs")
    return target[0], stop[0]


def statuses(order: dict[str, Any]) -> str:
    target, stop = legs_of(order)
    return f"{target['status']} {stop['status']}"


async def without_orders(trial: Trial) -> None:
    """What costs nothing: headers, assets, daily bars, activities, and the legs of earlier days."""
    paper, symbol = trial.paper, trial.symbol
    listed = await paper.ask("GET", "/v2/orders", status="all", limit="1")
    trial.seen["rate_headers"] = "yes" if any("ratelimit" in name for name in listed.headers) else "no"
    asset = (await paper.ask("GET", f"/v2/assets/{symbol}")).body
    trial.seen["easy_to_borrow"] = "yes" if isinstance(asset, dict) and "easy_to_borrow" in asset else "no"
    flows = await paper.ask("GET", "/v2/account/activities", activity_types=FLOWS, page_size="10")
    trial.seen["activity_kinds"] = str(flows.status)
    if rows := flows.body if isinstance(flows.body, list) else []:
        wanted = ("activity_type", "date", "id", "net_amount")
        trial.seen["activity_keys"] = " ".join(name for name in wanted if name in rows[0])
    else:
        trial.why_not["activity_keys"] = "the account has had no deposit, withdrawal, journal or fee"
    await _days(trial)
    await _earlier_legs(trial)


async def _days(trial: Trial) -> None:
    """The day of dailyBar; before the first trade that is another question."""
    paper = trial.paper
    clock = (await paper.ask("GET", "/v2/clock")).body
    now = datetime.fromisoformat(clock["timestamp"]).astimezone(MARKET_ZONE)
    shown = (await paper.ask("GET", "/v2/stocks/snapshots", data=True, symbols=trial.symbol, feed="iex")).body
    bar = (shown.get(trial.symbol) or {}).get("dailyBar") if isinstance(shown, dict) else None
    early, at = not clock["is_open"], None
    if bar:
        at = datetime.fromisoformat(bar["t"]).astimezone(MARKET_ZONE)
        trial.seen["daily_bar_time"] = "yes" if (at.hour, at.minute) == (0, 0) else f"no: {bar['t']}"
    if not early or now.hour >= 10:
        trial.why_not["daily_bar_early"] = "ask it before the open"
    else:
        whose = "today" if at and at.date() == now.date() else "the day before"
        trial.seen["daily_bar_early"] = whose if at else "none"


async def _earlier_legs(trial: Trial) -> None:
    """DAY brackets of the last days whose legs nobody touched before the close."""
    clock = (await trial.paper.ask("GET", "/v2/clock")).body
    after = (datetime.fromisoformat(clock["timestamp"]) - timedelta(days=LOOK_BACK_DAYS)).isoformat()
    told = await trial.paper.ask("GET", "/v2/orders", status="closed", nested="true", limit="500", after=after)
    for order in told.body if isinstance(told.body, list) else []:
        legs = order.get("legs") or []
        if order.get("status") == "filled" and len(legs) == 2 and any(one.get("expired_at") for one in legs):
            trial.seen["day_legs_after_close"] = statuses(order)
            return
    trial.why_not["day_legs_after_close"] = f"no DAY bracket has lived through a close in {LOOK_BACK_DAYS} days"


async def refused_brackets(trial: Trial) -> None:
    """Brackets that ought to be refused. One that is taken is cancelled at the end."""
    await trial.read_price()
    low = trial.bracket(trial.price * (1 - WIDE / 2), trial.price * (1 - WIDE))
    trial.seen["no_base_price"] = (await trial.paper.buy(low, trial.price * (1 + WIDE))).refusal
    limit = to_tick(trial.price * (1 + 2 * NARROW))
    between = trial.bracket(trial.price * (1 + NARROW), trial.price * (1 - WIDE), type="limit", limit_price=str(limit))
    trial.seen["limit_base_price"] = (await trial.paper.buy(between, limit)).refusal


async def resting_gtc(trial: Trial) -> None:
    """A GTC bracket that cannot fill, and its cancel."""
    limit = to_tick(trial.price * (1 - FAR))
    body = trial.bracket(trial.price * (1 + WIDE), limit * (1 - WIDE), type="limit", limit_price=str(limit))
    answer = await trial.paper.buy(body | {"time_in_force": "gtc"}, limit)
    if answer.status >= 300:
        trial.seen["gtc_legs"] = trial.seen["gtc_cancel"] = answer.refusal
        return
    target, stop = legs_of(answer.body)
    trial.seen["gtc_legs"] = f"{target['time_in_force']} {stop['time_in_force']}"
    await trial.paper.ask("DELETE", f"/v2/orders/{answer.body['id']}")
    trial.seen["gtc_cancel"] = await _legs_at_last(trial, answer.body["id"])


async def _legs_at_last(trial: Trial, parent: str) -> str:
    """The legs once both are final, or as they are when that takes too long."""

    async def are_final() -> bool:
        return all(leg["status"] in FINAL for leg in legs_of(await trial.paper.order(parent)))

    await trial.until(are_final, FREE_SECONDS)
    return statuses(await trial.paper.order(parent))


async def _bought(trial: Trial, body: dict[str, Any]) -> dict[str, Any]:
    """A bracket of one share, sent and filled; as it was told at submission. Raises CheckError."""
    answer = await trial.paper.buy(body, trial.price * (1 + WIDE))
    if answer.status >= 300:
        raise CheckError(f"a plain market bracket was refused: {answer.refusal} {answer.body}")

    async def is_filled() -> bool:
        return bool((await trial.paper.order(answer.body["id"]))["status"] == "filled")

    if not await trial.until(is_filled, FILL_SECONDS):
        raise CheckError(f"a market order for one {trial.symbol} did not fill within {FILL_SECONDS:.0f} s")
    found: dict[str, Any] = answer.body
    return found


async def held_bracket(trial: Trial) -> None:
    """A bracket that is filled and far from its legs: how it is shown, and what it forbids."""
    await trial.read_price()
    paper, price, symbol = trial.paper, trial.price, trial.symbol
    sent = await _bought(trial, trial.bracket(price * (1 + WIDE), price * (1 - WIDE), client_order_id=_name(trial)))
    trial.seen["submit_parent"], trial.seen["submit_legs"] = sent["status"], statuses(sent)
    trial.seen["filled_legs"] = statuses(await paper.order(sent["id"]))
    trial.seen["entry_events"] = " ".join(one for one in paper.events_of(sent["id"]) if one != "accepted")
    target, stop = legs_of(sent)
    nested = (await paper.ask("GET", "/v2/orders", status="open", nested="true", symbols=symbol)).body
    trial.seen["open_nested"] = "yes" if any(one["id"] == sent["id"] for one in nested) else "no"
    flat = (await paper.ask("GET", "/v2/orders", status="open", symbols=symbol)).body
    trial.seen["open_flat_stop"] = "yes" if any(one["id"] == stop["id"] for one in flat) else "no"
    found = await paper.ask("GET", "/v2/orders:by_client_order_id", client_order_id=sent["client_order_id"])
    trial.seen["by_client_id_legs"] = "yes" if (found.body or {}).get("legs") else "no"
    held = (await paper.ask("GET", f"/v2/positions/{symbol}")).body
    trial.seen["shares_held"] = str(held.get("qty_available"))
    over = trial.body(qty="2", type="limit", limit_price=str(to_tick(price * (1 + FAR))))
    intent = {"side": "sell", "position_intent": "sell_to_close"}
    trial.seen["intent_beyond_held"] = (await paper.ask("POST", "/v2/orders", body=over | intent)).refusal
    low = to_tick(price * (1 - FAR))
    second = trial.bracket(price * (1 + WIDE), low * (1 - WIDE), type="limit", limit_price=str(low))
    trial.seen["bracket_while_holding"] = await _taken_back(trial, second, low)
    plain = trial.body(type="limit", limit_price=str(low))
    trial.seen["buy_beside_legs"] = await _taken_back(trial, plain, low)
    await paper.ask("DELETE", f"/v2/orders/{target['id']}")
    trial.seen["cancel_leg"] = await _legs_at_last(trial, sent["id"])
    await close_out(trial)


async def _taken_back(trial: Trial, body: dict[str, Any], price: Decimal) -> str:
    """What an order meets with that must not stay."""
    answer = await trial.paper.buy(body, price)
    if answer.status < 300:
        await trial.paper.ask("DELETE", f"/v2/orders/{answer.body['id']}")
    return answer.refusal


def _name(trial: Trial) -> str:
    """A client order id that the broker has never seen: the check's own beginning and the time."""
    clock = next(one["answer"]["timestamp"] for one in trial.paper.record if one.get("path") == "/v2/clock")
    digits = "".join(one for one in clock if one.isdigit())
    return f"paper-check-{digits}-{len(trial.paper.record)}"


async def filled_parent(trial: Trial) -> None:
    """DELETE of a parent that is filled."""
    await trial.read_price()
    sent = await _bought(trial, trial.bracket(trial.price * (1 + WIDE), trial.price * (1 - WIDE)))
    answer = await trial.paper.ask("DELETE", f"/v2/orders/{sent['id']}")
    legs = await _legs_at_last(trial, sent["id"]) if answer.status < 300 else ""
    trial.seen["cancel_filled_parent"] = f"{answer.status}: {legs}" if legs else answer.refusal
    await close_out(trial)


async def narrow_bracket(trial: Trial) -> None:
    """A bracket with its legs as near as they may be: one of them ends it soon, and its events have an order."""
    await trial.read_price()
    near = max(Decimal("0.02"), to_tick(trial.price * Decimal("0.001")))
    sent = await _bought(trial, trial.bracket(trial.price + near, trial.price - near))
    target, stop = legs_of(sent)

    async def has_ended() -> bool:
        return all(leg["status"] in FINAL for leg in legs_of(await trial.paper.order(sent["id"])))

    if not await trial.until(has_ended, trial.patience):
        trial.why_not["exit_events"] = f"neither leg was reached within {trial.patience:.0f} s; try a livelier symbol"
        return await close_out(trial)
    await asyncio.sleep(LOOK_SECONDS * 2)  # the stream may be behind the order
    names = {target["id"]: "target", stop["id"]: "stop"}
    told = [(names.get(one.get("order", {}).get("id")), one["event"]) for one in trial.paper.events]
    ends = [f"{name} {event}" for name, event in told if name and event in ("fill", "canceled", "new")]
    trial.seen["exit_events"] = ", ".join(ends[1:] if ends[:1] == ["target new"] else ends)
    return await close_out(trial)


async def close_out(trial: Trial) -> None:
    """No order and no position of the symbol. Raises CheckError when one stays."""
    paper, symbol = trial.paper, trial.symbol

    async def is_clean() -> bool:
        working = (await paper.ask("GET", "/v2/orders", status="open", nested="true", symbols=symbol)).body
        held = await paper.ask("GET", f"/v2/positions/{symbol}")
        for order in working or []:
            if not (order["side"] == "sell" and order["type"] == "market"):
                await paper.ask("DELETE", f"/v2/orders/{order['id']}")
        if held.status == 200 and not working:
            await paper.ask("DELETE", f"/v2/positions/{symbol}")
        return held.status == 404 and not working

    if not await trial.until(is_clean, FREE_SECONDS * 2):
        raise CheckError(f"{symbol} is not clean: look at the account in the broker's app, or `make flatten`")


WITH_MONEY = (refused_brackets, resting_gtc, held_bracket, filled_parent, narrow_bracket)
