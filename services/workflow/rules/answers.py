"""Whether an answer is one to what was asked: for this scan and its moment, one word about each symbol.

What cannot be used is a reason in words; the flow raises it where the stage's own failure would be raised.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from shared.domain.cycle import ScanAnswer, ScanRequest
from shared.domain.evidence import AssessRequest, NewsAssessment, PatternAssessment, TechnicalAssessment
from shared.domain.order import Verdict

A = TypeVar("A", NewsAssessment, PatternAssessment, TechnicalAssessment)


def why_not_this_scan(answer: ScanAnswer, asked: ScanRequest) -> str | None:
    """The scanner's candidates go by nothing but their scan and moment, and each may come only once."""
    if (answer.cycle_id, answer.scan) != (asked.cycle_id, asked.scan):
        return f"answered for scan {answer.scan} of {answer.cycle_id}"
    if asked.as_of is not None and answer.as_of != asked.as_of:
        return _other_moment(answer.as_of, asked.as_of)
    twice = sorted(name for name, count in Counter(one.symbol for one in answer.candidates).items() if count > 1)
    return f"named {', '.join(twice)} more than once" if twice else None


def why_not_this_moment(answer: A, asked: AssessRequest) -> str | None:
    """Evidence of another moment is none, and neither is an answer that says nothing about anybody."""
    if answer.as_of != asked.as_of:
        return _other_moment(answer.as_of, asked.as_of)
    return None if about(asked.symbols, answer).evidence else f"said nothing about any of {len(asked.symbols)} symbols"


def _other_moment(answered: datetime, asked: datetime) -> str:
    return f"answered for {answered.isoformat()}, asked was {asked.isoformat()}"


def about(symbols: Sequence[str], answer: A) -> A:
    """The answer about those asked, in the order asked. Of a symbol on which it says two things none is believed."""
    said: dict[str, object] = {}
    torn = set[str]()
    for one in answer.evidence:
        if said.setdefault(one.symbol, one) != one:
            torn.add(one.symbol)
    kept = tuple(said[symbol] for symbol in symbols if symbol in said and symbol not in torn)
    return answer.model_copy(update={"evidence": kept})


def usable_verdicts(symbols: Sequence[str], verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """One verdict on each symbol asked about, in that order, as far as there is one to go by.

    Two that differ are none, and neither is an approval whose order is another symbol's: in doubt nothing is sent.
    """
    found, torn = dict[str, Verdict](), set[str]()
    for one in verdicts:
        if found.setdefault(one.symbol, one) != one or (one.order is not None and one.order.symbol != one.symbol):
            torn.add(one.symbol)
    return tuple(found[symbol] for symbol in symbols if symbol in found and symbol not in torn)
