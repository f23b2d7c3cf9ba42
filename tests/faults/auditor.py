"""An auditor who believes nothing: every order that reached the exchange, held against what allowed it."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from services.exchange.rules.orders import Order
from shared.domain.order import OrderRequest
from tests.faults import day
from tests.faults.facts import CENT, Facts, purpose_of
from tests.faults.traffic import Request

Kind = Literal["order", "price", "short", "others", "late", "alert"]
SETTLE_SECONDS = 30.0
STUCK_SECONDS, UNFILLED_SECONDS, LOOK_SECONDS = 15.0, 120.0, 15.0
"""An exit whose rest does not come, one that nobody fills, and the time until that is seen."""
EXPIRED_SECONDS = 5.0
"""From an approval's end until its unfilled order is asked to go."""
ON_ITS_WAY_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 5.0
ANSWERS_TO_LOOK_UP = (200, 404)
ABOUT_PRICES = ("base_price", "stop price must be", "take_profit.limit_price must be")
HELD_BACK = frozenset(
    {"positions_lag", "orders_lag", "lookup_lag", "activities_lag", "late_release", "stuck_cancel", "refused"}
)
"""With these the exchange shows us something else than it holds; what we then ask may be refused."""


class Breach(NamedTuple):
    """What is wrong, under the heading of the table that counts it."""

    kind: Kind
    words: str


def audit(facts: Facts) -> list[Breach]:
    """Everything that was wrong with the orders of a run."""
    return [breach for check in CHECKS for breach in check(facts)]


def _when(at: float) -> str:
    return f"at +{at - day.BEGIN:.1f} s"


def entries(facts: Facts) -> Iterator[Breach]:
    """Each entry against the decision that allowed it: there, in time, and exactly as decided."""
    for request in facts.sent:
        if purpose_of(request.client_id) != "entry":
            if not purpose_of(request.client_id):
                yield Breach("order", f"an order under an id that is not ours: {request.body}")
            continue
        decision, name = facts.decisions.get(request.client_id), f"{request.client_id} {_when(request.at)}"
        if decision is None or decision["verdict"] != "approved":
            yield Breach("order", f"{name}: nothing approved it")
            continue
        if request.at >= decision["expires_at"].timestamp():
            yield Breach("order", f"{name}: its approval had expired")
        if request.at >= facts.flatten():
            yield Breach("order", f"{name}: an entry while closing for the day")
        since = decision["decided_at"].timestamp()
        if any(wish.at < request.at and wish.at >= since for wish in facts.stage.wishes if not wish.symbol):
            yield Breach("order", f"{name}: approved before everything was closed")
        wanted = {"symbol": decision["symbol"], "side": "buy", "qty": str(decision["quantity"]), **_terms(decision)}
        if unlike := {key: request.body.get(key) for key in wanted if request.body.get(key) != wanted[key]}:
            yield Breach("order", f"{name}: {unlike}, approved was {wanted}")
        exits = (request.price("stop_loss", "stop_price"), request.price("take_profit", "limit_price"))
        allowed = (decision["stop_price"].quantize(CENT), decision["take_profit_price"].quantize(CENT))
        if exits != allowed:
            yield Breach("price", f"{name}: exits {exits}, decided were {allowed}")
        worst = decision.get("limit_price")
        if worst is not None and request.price("limit_price") != worst.quantize(CENT):
            yield Breach("price", f"{name}: limit {request.price('limit_price')}, approved was {worst}")


def _terms(decision: dict[str, object]) -> dict[str, str]:
    """A bracket for the day: at the worst price that the approval names, at market where it names none."""
    kind = "limit" if decision.get("limit_price") is not None else "market"
    return {"type": kind, "order_class": "bracket", "time_in_force": "day"}


def bought_within_bounds(facts: Facts) -> Iterator[Breach]:
    """No share is bought beyond the approved price, past the decided exits, or long after the approval."""
    for fill in facts.stage.book.executions:
        order = facts.stage.book.orders[fill.order_id]
        decision = facts.decisions.get(order.client_order_id)
        if decision is None or fill.side != "buy":
            continue
        most = decision.get("limit_price") or decision["take_profit_price"]
        if not decision["stop_price"] < fill.price <= most:
            yield Breach("price", f"{order.client_order_id}: bought at {fill.price}, approved up to {most}")
    for order in _ours(facts, "entry"):
        decision = facts.decisions.get(order.client_order_id)
        if decision is None or decision.get("limit_price") is None:
            continue
        late = facts.ends(order) - decision["expires_at"].timestamp()
        if late > EXPIRED_SECONDS + facts.away + _held_up(facts):
            yield Breach("late", f"{order.client_order_id}: works {late:.1f} s after its approval expired")


def protection(facts: Facts) -> Iterator[Breach]:
    """Each protective order: the position's own stop and target, and no more than is held."""
    for request in facts.sent:
        if purpose_of(request.client_id) != "protect":
            continue
        name, guard = f"{request.client_id} {_when(request.at)}", facts.guard(request.symbol, request.at)
        paired = request.body.get("order_class") == "oco"
        stop = request.price(*(("stop_loss", "stop_price") if paired else ("stop_price",)))
        target = request.price("take_profit", "limit_price") if paired else None
        if guard is None or request.body.get("side") != "sell":
            yield Breach("order", f"{name}: nothing of it was bought, or it does not sell")
        elif (stop, target) != guard:
            yield Breach("price", f"{name}: stop and target {stop} {target}, they belong at {guard}")
        if not paired and request.body.get("type") != "stop":
            yield Breach("order", f"{name}: a {request.body.get('type')} guards nothing")
        yield from _no_more_than_held(facts, request, name)


def exits(facts: Facts) -> Iterator[Breach]:
    """Each exit: at market, for a reason that was due, and no more than is held and not on sale already."""
    for request in facts.sent:
        if purpose_of(request.client_id) != "exit":
            continue
        name, body = f"{request.client_id} {_when(request.at)}", request.body
        if (body.get("type"), body.get("time_in_force"), body.get("order_class")) != ("market", "day", None):
            yield Breach("order", f"{name}: no plain market order: {body}")
        if body.get("side") == "buy":
            if request.held >= 0 or int(body["qty"]) > -request.held:
                yield Breach("order", f"{name}: buys back {body['qty']} with {request.held} held")
            continue
        if not facts.exit_due(request.symbol, request.at):
            yield Breach("order", f"{name}: nobody wanted this position to go")
        yield from _no_more_than_held(facts, request, name)


def _no_more_than_held(facts: Facts, request: Request, name: str) -> Iterator[Breach]:
    quantity, free = int(request.body.get("qty", 0)), request.held - request.selling
    if quantity > free and facts.taken(request.client_id) is not None:
        yield Breach("short", f"{name}: sells {quantity}, {request.held} held and {request.selling} on sale")
    if "position_intent" in OrderRequest.model_fields and request.body.get("side") == "sell":
        intent = request.body.get("position_intent")
        if intent != "sell_to_close":
            yield Breach("short", f"{name}: position_intent {intent}")


def shorts(facts: Facts) -> Iterator[Breach]:
    """Never sold short, but for a moment and bought back; never more for sale than held for longer than a moment."""
    hand = {facts.stage.book.orders[order_id].symbol for order_id in facts.stage.hand_orders}
    for spell in facts.spells("shorts"):
        if spell.symbol not in hand or spell.seconds > SETTLE_SECONDS + facts.away:
            yield Breach("short", f"{spell.symbol}: short of {spell.shares} for {spell.seconds:.1f} s")
    bound = 0.0 if facts.undisturbed else SETTLE_SECONDS + facts.away + _held_up(facts)
    for spell in facts.spells("oversold"):
        if spell.seconds > bound + 1:
            yield Breach("short", f"{spell.symbol}: {spell.shares} more for sale than held, {spell.seconds:.1f} s")


def needless_refusals(facts: Facts) -> Iterator[Breach]:
    """The exchange refuses nothing of ours but for a price that moved, where it shows us what it has."""
    if facts.plan.kinds & HELD_BACK or facts.stage.outages:
        return
    for request in facts.sent:
        if request.refused and request.words and not any(words in request.words for words in ABOUT_PRICES):
            yield Breach("order", f"{request.client_id} {_when(request.at)}: refused, {request.words}")


def cancels(facts: Facts) -> Iterator[Breach]:
    """Nobody's sale is cancelled but ours, and no stop over every share without a reason."""
    for request in facts.requests:
        order = facts.stage.book.orders.get(request.cancels)
        if order is None:
            continue
        if order.id in facts.stage.hand_orders and order.side == "sell":
            yield Breach("others", f"{order.symbol}: another hand's sale was cancelled {_when(request.at)}")
        if 0 < request.held <= request.guarded and not facts.exit_due(request.symbol, request.at):
            yield Breach("order", f"{request.symbol}: its stop was cancelled {_when(request.at)}, nothing was due")


def strangers(facts: Facts) -> Iterator[Breach]:
    """What was there before us is neither sold nor closed."""
    for request in facts.requests:
        named = {request.symbol, request.path.rpartition("/")[2]}
        if request.method in ("POST", "DELETE") and named & set(day.STRANGERS):
            yield Breach("others", f"{request.method} {request.path} {request.body} {_when(request.at)}")
        if request.method == "DELETE" and request.path in ("/v2/orders", "/v2/positions"):
            yield Breach("others", f"{request.method} {request.path} {_when(request.at)}: everybody's")


def repeats(facts: Facts) -> Iterator[Breach]:
    """An id is sent again only after a look-up has said that the broker does not know it."""
    open_question: dict[str, Request] = {}
    looked_up: dict[str, Request] = {}
    for request in facts.requests:
        if request.method == "GET" and request.client_id:
            looked_up[request.client_id] = request
        if not request.submits:
            continue
        before, asked = open_question.get(request.client_id), looked_up.pop(request.client_id, None)
        open_question[request.client_id] = request
        if before is None:
            continue
        if asked is None or asked.status not in ANSWERS_TO_LOOK_UP:
            yield Breach("order", f"{request.client_id} {_when(request.at)}: sent again without a look-up")
        elif asked.answered or before.refused:
            yield Breach("order", f"{request.client_id} {_when(request.at)}: sent again, though it was answered")


def rejections(facts: Facts) -> Iterator[Breach]:
    """`rejected` in our books is the exchange's own no to that very order; given up is only what cannot arrive."""
    for client_id, row in facts.orders.items():
        tries = [request for request in facts.sent if request.client_id == client_id]
        taken = facts.taken(client_id)
        said = any(request.refused for request in tries) if taken is None else _was_rejected(facts, taken)
        if client_id in facts.turned_down and purpose_of(client_id) and not said:
            yield Breach("order", f"{client_id}: rejected in our books, and the exchange never said so")
        if row["status"] == "canceled" and row["broker_order_id"] is None and tries:
            waited = row["updated_at"].timestamp() - facts.plan.clock_seconds - tries[-1].at
            if waited < ON_ITS_WAY_SECONDS and not tries[-1].refused:
                yield Breach("order", f"{client_id}: given up {waited:.1f} s after it was sent")


def _was_rejected(facts: Facts, order: Order) -> bool:
    return any(told.order.id == order.id and told.event == "rejected" for told in facts.stage.book.updates)


def refusals(facts: Facts) -> Iterator[Breach]:
    """An approved order is turned away for a reason that held, and an undisturbed day turns nothing away."""
    for client_id, (code, body) in facts.stage.answers.items():
        if code == 200:
            continue
        order, at = facts.stage.sent[client_id], facts.stage.answered_at[client_id]
        over = at >= order.expires_at.timestamp() or at >= facts.flatten() or facts.wishes("", at)
        held = any(fill.symbol == order.symbol and fill.at <= at for fill in facts.stage.book.executions)
        doubt = any("lock" in str(alert["kind"]) for alert in facts.alerts) or facts.plan.clock_seconds
        if not (over or held or doubt):
            yield Breach("order", f"{client_id}: turned away, {code} {body.get('detail')}")


def closed_in_time(facts: Facts) -> Iterator[Breach]:
    """What somebody wanted gone is on its way out by the next settle, whatever filled in between."""
    bound = SETTLE_SECONDS + 1 + facts.away + _held_up(facts)
    for symbol in sorted({fill.symbol for fill in facts.stage.book.executions}):
        for wish in facts.wishes(symbol, facts.flatten() - bound):
            moment = wish.at + bound
            held = sum(
                int(fill.qty) * (1 if fill.side == "buy" else -1)
                for fill in facts.stage.book.executions
                if fill.symbol == symbol and fill.at <= moment
            )
            asked = any(
                request.symbol == symbol and purpose_of(request.client_id) == "exit" and wish.at <= request.at <= moment
                for request in facts.sent
            )
            bought_later = any(order.symbol == symbol and order.created_at > wish.at for order in _ours(facts, "entry"))
            if held > 0 and not asked and not bought_later:
                yield Breach("late", f"{symbol}: to go since {_when(wish.at)} ({wish.reason}), {held} still held")


def hanging_exits(facts: Facts) -> Iterator[Breach]:
    """An exit that does not fill is replaced; only a halted name is waited for longer."""
    for order in _ours(facts, "exit"):
        moments = [order.created_at, *facts.fills(order)]
        hung = facts.ends(order) - moments[-1]
        patience = STUCK_SECONDS if len(moments) > 1 else UNFILLED_SECONDS
        if order.status != "filled" and hung > patience + LOOK_SECONDS + facts.away:
            yield Breach("late", f"{order.client_order_id}: hung for {hung:.1f} s")


def looks(facts: Facts) -> Iterator[Breach]:
    """What failed is asked again soon, and while anything is held nobody looks away for longer than a settle."""
    told = [request for request in facts.requests if (request.method, request.path) == ("GET", "/v2/positions")]
    good = [request.at for request in told if request.answered]
    if facts.stage.deaths or facts.plan.jump is not None or facts.stage.outages:
        return
    for request in told:
        again = min((at for at in good if at >= request.at), default=day.END)
        if not request.answered and again - request.at > LOOK_AGAIN_SECONDS and request.at < day.END:
            yield Breach(
                "late", f"positions were not told {_when(request.at)}, asked again {again - request.at:.1f} s on"
            )
    for fill in facts.stage.book.executions:
        again = min((at for at in good if at >= fill.at), default=day.END + SETTLE_SECONDS)
        if again - fill.at > SETTLE_SECONDS + 1:
            yield Breach("late", f"{fill.symbol}: {again - fill.at:.1f} s without a look at what is held")


def covered_in_time(facts: Facts) -> Iterator[Breach]:
    """Without faults no share is neither guarded nor on its way out for more than a few seconds."""
    if not facts.undisturbed:
        return
    for spell in facts.spells("idle"):
        if spell.seconds > day.MOST_IDLE_SECONDS:
            yield Breach("late", f"{spell.symbol}: {spell.shares} neither guarded nor sold for {spell.seconds:.1f} s")


def _ours(facts: Facts, purpose: str) -> list[Order]:
    return [order for order in facts.stage.book.orders.values() if purpose_of(order.client_order_id) == purpose]


def _held_up(facts: Facts) -> float:
    """For so long the exchange itself lets nobody act."""
    return sum(day.HELD_UP_SECONDS.get(fault["kind"], 0.0) for fault in facts.plan.faults)


CHECKS: tuple[Callable[[Facts], Iterator[Breach]], ...] = (
    entries, bought_within_bounds, protection, exits, shorts, needless_refusals, cancels, strangers, repeats,
    rejections, refusals, closed_in_time, hanging_exits, looks, covered_in_time,
)  # fmt: skip
