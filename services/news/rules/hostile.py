"""Texts that speak to a machine, or cry a share up. No model is shown the first, and neither does anybody any good."""

import re
from functools import lru_cache

from services.news.rules.read import read
from shared.domain.news import Reading

MOST_READ = 5_000
"""Characters of a text that are searched for what its writer wants of the reader."""
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|above|previous|prior)|"
    r"\b(?:system|developer) (?:prompt|message)|\byou are (?:now|an?) |\b(?:drop|alter|truncate) table\b|"
    r"\bas an ai\b|\b(?:respond|reply|answer|output) with\b|"
    r"\buntrusted_news\b|\bsentiment\W{1,4}-?[01]\b|[\"']confidence[\"']\s*:|<\|[a-z_]+\|>|\[/?inst\]",
    re.IGNORECASE,
)

_TOUTS = re.compile(
    r"\b(?:guaranteed|risk[- ]?free)\b.{0,25}\b(?:returns?|profits?|gains?|money)\b|(?:\bbuy\b\W+){2,}"
    r"|\bcan(?:'|no)?t (?:lose|go wrong)\b|\bget rich\b|\b(?:easy|free) money\b|\bbefore it'?s too late\b"
    r"|\bto the moon\b|\btrust me\b|\bthank me later\b|\b\d{2,}x\b.{0,15}\bgem\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=50_000)
def gives_orders(text: str) -> bool:
    """True for a text that speaks to a machine."""
    return _ORDERS.search(text) is not None


def read_warily(text: str, symbol: str | None = None, company: str | None = None, tagged: int = 1) -> Reading:
    """Our own reading. A text that gives orders is neutral, but for the grave facts in it: those stand. One that cries
    a share up and tells no event is neutral too."""
    found = read(text, symbol, company, tagged)
    if found.sentiment > 0 and found.catalyst is None and _TOUTS.search(text[:MOST_READ]):
        return Reading(sentiment=0.0, confidence=0.0, reason="cries a share up and tells nothing", method="none")
    is_grave = found.sentiment < 0 and (found.method == "rules" or found.catalyst is not None)
    if is_grave or not gives_orders(text):
        return found
    return Reading(sentiment=0.0, confidence=0.0, reason="speaks to a machine, not of a company", method="none")
