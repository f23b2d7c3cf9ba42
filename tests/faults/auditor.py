"""An auditor who believes nothing: every order that reached the exchange, held against what allowed it."""

from collections.abc import Callable, Iterator

from shared.domain.order import OrderRequest
from tests.faults import conduct, day
from tests.faults.breach import SETTLE_SECONDS, Breach, held_up, ours, when
from tests.faults.facts import CENT, Facts, purpose_of
from tests.faults.traffic import Request

EXPIRED_SECONDS = 5.0
"""From an approval's end until its unfilled order is asked to go."""
ABOUT_PRICES = ("base_price", "stop price must be", "take_profit.limit_price must be")
HELD_BACK = frozenset({"positions_lag", "orders_lag", "lookup_lag", "activities_lag", "refused"})
"""With these the exchange shows us something else than it holds; what we then ask may be refused."""


def audit(facts: Facts) -> list[Breach]:
    """Everything that was wrong with the orders of a run."""
    return [breach for check in CHECKS for breach in check(facts)]


def entries(facts: Facts) -> Iterator[Breach]:
    """Each entry against the decision that allowed it: there, in time, and exactly as decided."""
    for request in facts.sent:
        if purpose_of(request.client_id) != "entry":
            if not purpose_of(request.client_id):
                yield Breach("order", f"an order under an id that is not ours: {request.body}")
            continue
        decision, name = facts.decisions.get(request.client_id), f"{request.client_id} {when(request.at)}"
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
    for order in ours(facts, "entry"):
        decision = facts.decisions.get(order.client_order_id)
        if decision is None or decision.get("limit_price") is None:
            continue
        late = facts.ends(order) - decision["expires_at"].timestamp()
        if late > EXPIRED_SECONDS + facts.away + held_up(facts):
            yield Breach("late", f"{order.client_order_id}: works {late:.1f} s after its approval expired")


def protection(facts: Facts) -> Iterator[Breach]:
    """Each protective order: the position's own stop and target, and no more than is held."""
    for request in facts.sent:
        if purpose_of(request.client_id) != "protect":
            continue
        name, guard = f"{request.client_id} {when(request.at)}", facts.guard(request.symbol, request.at)
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
        name, body = f"{request.client_id} {when(request.at)}", request.body
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
        if spell.symbol not in hand:  # what another hand has sold short is his, told and left
            yield Breach("short", f"{spell.symbol}: short of {spell.shares} for {spell.seconds:.1f} s")
    bound = 0.0 if facts.undisturbed else SETTLE_SECONDS + facts.away + held_up(facts)
    for spell in facts.spells("oversold"):
        if spell.seconds > bound + 1 and spell.symbol not in hand:
            yield Breach("short", f"{spell.symbol}: {spell.shares} more for sale than held, {spell.seconds:.1f} s")


def needless_refusals(facts: Facts) -> Iterator[Breach]:
    """The exchange refuses nothing of ours but for a price that moved, where it shows us what it has."""
    if facts.plan.kinds & HELD_BACK or facts.stage.outages:
        return
    sold_by_hand = {facts.stage.book.orders[key].symbol for key in facts.stage.hand_orders}
    for request in facts.sent:
        if request.symbol in sold_by_hand and "wash trade" in request.words:
            continue
        if request.refused and request.words and not any(words in request.words for words in ABOUT_PRICES):
            yield Breach("order", f"{request.client_id} {when(request.at)}: refused, {request.words}")


def cancels(facts: Facts) -> Iterator[Breach]:
    """Nobody's sale is cancelled but ours, and no stop over every share without a reason."""
    for request in facts.requests:
        order = facts.stage.book.orders.get(request.cancels)
        if order is None:
            continue
        if order.id in facts.stage.hand_orders and order.side == "sell":
            yield Breach("others", f"{order.symbol}: another hand's sale was cancelled {when(request.at)}")
        if 0 < request.held <= request.guarded and not facts.exit_due(request.symbol, request.at):
            yield Breach("order", f"{request.symbol}: its stop was cancelled {when(request.at)}, nothing was due")


def strangers(facts: Facts) -> Iterator[Breach]:
    """What was there before us is neither sold nor closed."""
    for request in facts.requests:
        named = {request.symbol, request.path.rpartition("/")[2]}
        if request.method in ("POST", "DELETE") and named & set(day.STRANGERS):
            yield Breach("others", f"{request.method} {request.path} {request.body} {when(request.at)}")
        if request.method == "DELETE" and request.path in ("/v2/orders", "/v2/positions"):
            yield Breach("others", f"{request.method} {request.path} {when(request.at)}: everybody's")


CHECKS: tuple[Callable[[Facts], Iterator[Breach]], ...] = (
    entries, bought_within_bounds, protection, exits, shorts, needless_refusals, cancels, strangers, *conduct.CHECKS,
)  # fmt: skip
