"""Who was told: the alerts that a run made due, held against those that were written."""

from collections.abc import Iterator

from tests.faults import day
from tests.faults.breach import Breach
from tests.faults.facts import Facts, purpose_of

LATE_SECONDS, SLACK_SECONDS = 60.0, 35.0
PAGE_SECONDS = 120.0
"""Before the close, when what is still held pages."""
UNKNOWN_SECONDS = 30.0


def alarms(facts: Facts) -> Iterator[Breach]:
    """Alerts that are missing, and critical ones that nothing explains."""
    for kind, symbol, why in due(facts):
        if not any(alert["kind"] == kind and symbol in alert["message"] for alert in facts.alerts):
            yield Breach("alert", f"no {kind} about {symbol}: {why}")
    if facts.undisturbed:
        for alert in facts.alerts:
            if alert["severity"] == "critical":
                yield Breach("alert", f"{alert['kind']} without a cause: {alert['message']}")


def due(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Kind, symbol and cause of each alert that somebody had to get."""
    yield from _foreign(facts)
    yield from _stripped(facts)
    yield from _unprotected(facts)
    yield from _late(facts)


def _foreign(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """What another hand ordered. A process that died between taking it in and telling it has told nobody."""
    if facts.stage.deaths:
        return
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


def _late(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """A position that was to go, and is still held a minute later, or shortly before the close."""
    for symbol in sorted({fill.symbol for fill in facts.stage.book.executions}):
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
