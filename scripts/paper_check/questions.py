"""The questions, and the answers that the simulated exchange gives and the system relies on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["as expected", "DIFFERENT", "not asked"]
NOT_ASKED: Verdict = "not asked"


@dataclass(frozen=True)
class Question:
    """`expected`: every answer that the system is known to be safe under, the exchange's own first."""

    key: str
    text: str
    expected: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """A question with what was seen; `seen` is why it was not asked where it was not."""

    question: Question
    seen: str
    verdict: Verdict


QUESTIONS = (
    Question("rate_headers", "Do answers of /v2/orders carry rate-limit headers?", ("no", "yes")),
    Question("easy_to_borrow", "Does an asset still say easy_to_borrow?", ("no", "yes")),
    Question("daily_bar_time", "Is `t` of dailyBar midnight in New York?", ("yes",)),
    Question("daily_bar_early", "Whose day is dailyBar before the first trade?", ("the day before", "none")),
    Question("activity_kinds", "Can CSD, CSW, JNLC and FEE be asked for?", ("200",)),
    Question("activity_keys", "What does a cash flow carry?", ("activity_type date id net_amount",)),
    Question("no_base_price", "A bracket whose target lies below the market", ("422 42210000 with base_price",)),
    Question(
        "limit_base_price",
        "A marketable limit bracket whose target lies between market and limit",
        ("422 42210000 with base_price",),
    ),
    Question("gtc_legs", "What time in force do the legs of a GTC bracket have?", ("gtc gtc",)),
    Question("gtc_cancel", "Legs after the cancel of an unfilled parent", ("canceled canceled",)),
    Question("submit_parent", "Status of a market bracket at submission", ("pending_new", "accepted", "new")),
    Question("submit_legs", "Status of its legs (target, stop) at submission", ("held held",)),
    Question("filled_legs", "Their status once the entry is filled", ("new held",)),
    Question("entry_events", "Events of the entry, in order", ("pending_new new fill", "new fill", "fill")),
    Question("open_nested", "status=open&nested=true lists the filled parent", ("yes", "no")),
    Question("open_flat_stop", "status=open lists the held stop", ("no", "yes")),
    Question("by_client_id_legs", "by_client_order_id shows the legs", ("yes", "no")),
    Question("shares_held", "qty_available beside a bracket", ("0",)),
    Question(
        "intent_beyond_held",
        "A sell of two shares as sell_to_close, one being held and not free",
        ("403 40310000", "422 40310000", "422 42210000"),
    ),
    Question("bracket_while_holding", "A second bracket in a symbol that is held", ("422 42210000",)),
    Question("buy_beside_legs", "A plain limit buy far below, beside resting legs", ("accepted", "403 40310000")),
    Question("cancel_leg", "Legs after the DELETE of the target", ("canceled canceled",)),
    Question("cancel_filled_parent", "DELETE of a filled parent", ("204: canceled canceled", "422 42210000")),
    Question(
        "exit_events",
        "Events of the legs when one of them ends the trade, in order",
        ("target fill, stop canceled", "target canceled, stop new, stop fill", "stop fill, target canceled",
         "target canceled, stop fill"),
    ),
    Question("day_legs_after_close", "DAY legs (target, stop) after a close they lived through", ("expired canceled",)),
)  # fmt: skip
BY_KEY = {one.key: one for one in QUESTIONS}


def findings(seen: Mapping[str, str], why_not: Mapping[str, str]) -> tuple[Finding, ...]:
    """Every question with its verdict, in order; what nobody saw is not asked, never as expected."""
    found = []
    for one in QUESTIONS:
        if one.key in seen:
            fits = seen[one.key] in one.expected
            found.append(Finding(one, seen[one.key], "as expected" if fits else "DIFFERENT"))
        else:
            found.append(Finding(one, why_not.get(one.key, "the check ended before it"), NOT_ASKED))
    return tuple(found)
