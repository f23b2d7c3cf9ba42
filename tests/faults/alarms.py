"""Who was told: the alerts that a run made due, held against those that were written."""

from collections import Counter
from collections.abc import Iterator

from tests.faults import day
from tests.faults.breach import Breach
from tests.faults.facts import Facts, purpose_of
from tests.faults.traffic import Request

LATE_SECONDS, SLACK_SECONDS = 60.0, 35.0
PAGE_SECONDS = 120.0
"""Before the close, when what is still held pages."""
FORBIDDEN, REFUSED_TIMES = 403, 2


def alarms(facts: Facts) -> Iterator[Breach]:
    """Alerts that are missing, and critical ones that nothing explains."""
    for kind, symbol, why in due(facts):
        told = [alert for alert in facts.alerts if symbol in alert["message"]]
        if not any(alert["kind"] == kind if kind else alert["severity"] == "critical" for alert in told):
            yield Breach("alert", f"no {kind or 'critical alert'} about {symbol}: {why}")
    if facts.undisturbed:
        for alert in facts.alerts:
            if alert["severity"] == "critical":
                yield Breach("alert", f"{alert['kind']} without a cause: {alert['message']}")


def due(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Kind (any critical one when empty), symbol and cause of each alert that somebody had to get."""
    yield from _foreign(facts)
    yield from _stripped(facts)
    yield from _unprotected(facts)
    yield from _late(facts)
    yield from _refused_for_good(facts)


def _foreign(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """What another hand ordered."""
    for order_id, at in facts.stage.hand_orders.items():
        order = facts.stage.book.orders[order_id]
        if order.side == "buy" and at < day.END:
            yield "foreign_order", order.symbol, "ordered by hand"


def _stripped(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """An entry that the exchange took without its legs."""
    for order in facts.stage.book.orders.values():
        if purpose_of(order.client_order_id) == "entry" and not order.legs:
            yield "bracket_without_legs", order.symbol, "taken without legs"


def _unprotected(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Protection that the exchange turned down while nobody wanted the position gone for another reason."""
    for request in facts.sent:
        asked = facts.wishes(request.symbol, day.END) or request.at + SLACK_SECONDS >= facts.flatten()
        if purpose_of(request.client_id) == "protect" and request.refused and request.held > 0 and not asked:
            yield "unprotected", request.symbol, "its protection was refused"


def _refused_for_good(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """What is held and to go, or to be guarded, while the broker refuses every order for it, is critical at once."""
    refused = Counter(r.symbol for r in facts.sent if r.status == FORBIDDEN and r.held > 0 and _restricted(r))
    for symbol, times in sorted(refused.items()):
        if times >= REFUSED_TIMES:
            yield "", symbol, f"its orders were refused {times} times"


def _restricted(request: Request) -> bool:
    """The account's matter and not the order's: shares that are still held back are waited for."""
    return purpose_of(request.client_id) in ("exit", "protect") and "insufficient qty" not in request.words


def _late(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """A position of ours that was to go, and is still held a minute later, or shortly before the close. Shares bought
    by hand stay, unless the setting sells them.
    """
    staying = set(facts.stage.by_hand) if facts.plan.foreign != "close" else set()
    for symbol in sorted({fill.symbol for fill in facts.stage.book.executions} - staying):
        held, since = 0, 0.0
        moments = [fill for fill in facts.stage.book.executions if fill.symbol == symbol]
        for number, fill in enumerate(moments):
            held += int(fill.qty) if fill.side == "buy" else -int(fill.qty)
            until = moments[number + 1].at if number + 1 < len(moments) else day.END
            asked = [wish.at for wish in facts.wishes(symbol, until) if wish.reason != "by hand"]
            since = min([*asked, facts.flatten()])
            if held <= 0 or until < since + LATE_SECONDS + SLACK_SECONDS + facts.away:
                continue
            begun = max(since, fill.at)
            if until - begun > LATE_SECONDS + SLACK_SECONDS + facts.away:
                kind = "not_flat" if begun + LATE_SECONDS >= day.END - PAGE_SECONDS else "close_late"
                yield kind, symbol, f"to go since {since - day.BEGIN:+.0f} s, held until {until - day.BEGIN:+.0f} s"
