"""What the stages said of a symbol, in numbers: kept with the scan, so that it can be explained for ever."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.workflow.rules.funnel import NO_NEWS, PATTERN_SHARE, Lead, is_bad
from services.workflow.rules.score import PARTS, redistribute

Facts = dict[str, dict[str, Any]]
"""By stage, then by name; a stage that was not heard is absent."""
Term = tuple[str, float | None, float | None]
"""Name, value, weight; without a weight it only informed."""
SCANNER = ("momentum_score", "volume_score", "change_pct", "gap_pct", "rvol", "dollar_volume", "spread_pct")
SCANNER_SHARES = {"momentum_score": 0.5, "volume_score": 0.5}
"""What the scanner ranks by; a test holds it against the scanner's own."""
NEWS = ("score", "sentiment", "confidence", "items")
DIGITS = 9
"""Significant digits that are kept: more than anybody reads, half of what a float takes in the database."""


def facts_of(lead: Lead) -> Facts:
    """Everything that led to a lead's values. What the cuts go by is kept in full, so that they can be made again."""
    seen = {name: getattr(lead.candidate, name) for name in SCANNER} | lead.candidate.components
    found: Facts = {"scanner": _short(seen)}
    if news := lead.news:
        found["news"] = {name: getattr(news, name) for name in NEWS} | {"catalyst": news.catalyst}
        if is_bad(news):
            found["news"]["reason"] = news.reason
    if pattern := lead.pattern:
        best = pattern.best.confidence if pattern.best else None
        found["pattern"] = {"score": pattern.score} | _short({"confidence": best})
    if technical := lead.technical:
        parts, weights = _short(technical.parts), _short(technical.weights)
        found["technical"] = {"score": technical.score, "parts": parts, "weights": weights}
    return found


def _short(numbers: Mapping[str, float | None]) -> dict[str, Any]:
    return {name: None if value is None else float(f"{value:.{DIGITS}g}") for name, value in numbers.items()}


def terms(stage: str, facts: Facts, weights: Mapping[str, float], *, heard: bool) -> list[Term]:
    """What a stage's value is made of for one symbol, the heaviest first, then by name; a part with the weight 0 was
    missing. `heard`: whether the stage answered about anybody.
    """
    found: list[Term] = []
    match stage:
        case "scanner":
            found += ((name, value, SCANNER_SHARES.get(name)) for name, value in facts["scanner"].items())
        case "news":
            found += _news(facts, heard)
        case "pattern":
            found += _pattern(facts, weights)
        case "technical":
            found += _technical(facts)
        case "score":
            found += _score(parts_of(facts), weights)
    return sorted(found, key=lambda term: (term[2] is None, -(term[2] or 0.0), term[0]))


def parts_of(facts: Facts) -> dict[str, float | None]:
    """The parts of the composite score, as far as they are known."""
    known = {name: facts.get(name, {}).get("score") for name in ("news", "technical")}
    return known | {name: facts["scanner"][f"{name}_score"] for name in ("momentum", "volume")}


def _news(facts: Facts, heard: bool) -> Iterator[Term]:
    """The news score; momentum breaks its ties, and stands in for it where nothing was heard at all."""
    news = facts.get("news")
    yield "momentum", facts["scanner"]["momentum_score"], None if heard else 1.0
    if not heard:
        yield "news", None, 0.0
    elif news is None:
        yield "news", NO_NEWS, 1.0
    else:
        yield "news", news["score"], 1.0
        yield from ((name, news[name], None) for name in ("sentiment", "confidence", "items"))


def _pattern(facts: Facts, weights: Mapping[str, float]) -> Iterator[Term]:
    """The pattern's score and, at this stage, everything known before it."""
    before = parts_of(facts) | {"technical": None}
    heard = facts.get("pattern")
    yield ("pattern", None, 0.0) if heard is None else ("pattern", heard["score"], PATTERN_SHARE)
    share = 1.0 if heard is None else 1 - PATTERN_SHARE
    for name, weight in redistribute(weights, before).items():
        if name != "technical":
            yield name, before[name], weight * share
    if heard is not None:
        yield "confidence", heard["confidence"], None


def _technical(facts: Facts) -> Iterator[Term]:
    heard = facts.get("technical", {})
    parts, weights = heard.get("parts", {}), heard.get("weights", {})
    yield from ((name, parts.get(name), weight) for name, weight in weights.items())
    yield from ((name, value, None) for name, value in parts.items() if name not in weights)


def _score(parts: Mapping[str, float | None], weights: Mapping[str, float]) -> Iterator[Term]:
    shares = redistribute(weights, parts)
    yield from ((name, parts[name], shares[name]) for name in PARTS)
