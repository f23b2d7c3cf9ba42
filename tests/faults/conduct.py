"""How trading went about it: look-ups before repeats, refusals that were said, looks and exits in time."""

from collections.abc import Callable, Iterator

from services.exchange.rules.orders import Order
from tests.faults import day
from tests.faults.breach import SETTLE_SECONDS, Breach, held_up, ours, when
from tests.faults.facts import Facts, purpose_of
from tests.faults.traffic import Request

STUCK_SECONDS, UNFILLED_SECONDS, LOOK_SECONDS = 15.0, 120.0, 15.0
"""An exit whose rest does not come, one that nobody fills, and the time until that is seen."""
ON_ITS_WAY_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 5.0
ANSWERS_TO_LOOK_UP = (200, 404)


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
            yield Breach("order", f"{request.client_id} {when(request.at)}: sent again without a look-up")
        elif asked.answered or before.refused:
            yield Breach("order", f"{request.client_id} {when(request.at)}: sent again, though it was answered")


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
    bound = SETTLE_SECONDS + 1 + facts.away + held_up(facts)
    for symbol in sorted({fill.symbol for fill in facts.stage.book.executions}):
        for wish in facts.wishes(symbol, facts.flatten() - bound):
            moment = wish.at + bound
            held = facts.held(symbol, moment)
            asked = any(
                request.symbol == symbol and purpose_of(request.client_id) == "exit" and wish.at <= request.at <= moment
                for request in facts.sent
            )
            bought_later = any(order.symbol == symbol and order.created_at > wish.at for order in ours(facts, "entry"))
            if held > 0 and not asked and not bought_later:
                yield Breach("late", f"{symbol}: to go since {when(wish.at)} ({wish.reason}), {held} still held")


def hanging_exits(facts: Facts) -> Iterator[Breach]:
    """An exit that does not fill is replaced; only a halted name is waited for longer."""
    for order in ours(facts, "exit"):
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
                "late", f"positions were not told {when(request.at)}, asked again {again - request.at:.1f} s on"
            )
    for fill in facts.stage.book.executions:
        again = min((at for at in good if at >= fill.at), default=day.END + SETTLE_SECONDS)
        held = facts.held(fill.symbol, fill.at + SETTLE_SECONDS + 1)
        if held and again - fill.at > SETTLE_SECONDS + 1:
            yield Breach("late", f"{fill.symbol}: {again - fill.at:.1f} s without a look at what is held")


def covered_in_time(facts: Facts) -> Iterator[Breach]:
    """Without faults no share is neither guarded nor on its way out for more than a few seconds."""
    if not facts.undisturbed:
        return
    for spell in facts.spells("idle"):
        if spell.seconds > day.MOST_IDLE_SECONDS:
            yield Breach("late", f"{spell.symbol}: {spell.shares} neither guarded nor sold for {spell.seconds:.1f} s")


CHECKS: tuple[Callable[[Facts], Iterator[Breach]], ...] = (
    repeats, rejections, refusals, closed_in_time, hanging_exits, looks, covered_in_time,
)  # fmt: skip
