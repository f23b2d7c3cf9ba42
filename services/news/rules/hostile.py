"""Texts that speak to a machine rather than of a company. No model is shown them, and they can do nobody any good."""

import re
from functools import lru_cache

from services.news.rules.read import read
from shared.domain.news import Reading

_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|above|previous|prior)|"
    r"\b(?:system|developer) (?:prompt|message)|\byou are (?:now|an?) |"
    r"\bas an ai\b|\b(?:respond|reply|answer|output) with\b|"
    r"\buntrusted_news\b|\bsentiment\W{1,4}-?[01]\b|[\"']confidence[\"']\s*:|<\|[a-z_]+\|>|\[/?inst\]",
    re.IGNORECASE,
)


@lru_cache(maxsize=50_000)
def gives_orders(text: str) -> bool:
    """True for a text that speaks to a machine."""
    return _ORDERS.search(text) is not None


def read_warily(text: str, symbol: str | None = None, company: str | None = None, tagged: int = 1) -> Reading:
    """Our own reading. A text that gives orders is neutral, but for the grave facts in it: those stand."""
    found = read(text, symbol, company, tagged)
    is_grave = found.sentiment < 0 and (found.method == "rules" or found.catalyst is not None)
    if is_grave or not gives_orders(text):
        return found
    return Reading(sentiment=0.0, confidence=0.0, reason="speaks to a machine, not of a company", method="none")
