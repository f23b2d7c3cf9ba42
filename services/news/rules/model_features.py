"""What the model looks at: words, pairs of words, which way things go, and all of it seen from the company's place."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from services.news.rules.model_words import BREAKS, CLASS_OF

TARGET = "_t_"
MOST_TOKENS = 80
REACH = 6
"""How many words apart a movement and the quantity that moves may stand."""
NEGATED_WITHIN = 4
_TOKEN = re.compile(r"_t_|[a-z]+(?:['-][a-z]+)*|[$€£]?\d[\d,.]*|[%?!;]| - |--")
_LINK = re.compile(r"https?://\S+|www\.\S+|@\w+")
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("ly", ""))
_FIGURE = r"(?:[a-z]{2,3} ?|[$€£])?(\d[\d,]*(?:\.\d+)?)"
_SCALE = r"(?: ?(?:mn|m|million|bn|b|billion|pct|per ?cent|percent|%|crore|cr|k|thousand))?"
_AGAINST = r"\b[^;]{0,30}?\b(?:compared (?:to|with)|against|versus|vs|from)\b[^;\d]{0,40}?"
_CHANGES = (
    (re.compile(r"\bto " + _FIGURE + _SCALE + r"\b[^;.]{0,40}?\bfrom " + _FIGURE), 1),
    (re.compile(r"\bfrom " + _FIGURE + _SCALE + r"\b[^;.]{0,40}?\bto " + _FIGURE), -1),
    (re.compile(_FIGURE + _SCALE + _AGAINST + _FIGURE), 1),
)
_COMPARED = re.compile(r"\b(?:compared (?:to|with)|against|versus|vs\.?|from) an? (?:[\w-]+ ){0,3}?(profit|loss)")
_COMPARISONS = frozenset(("from", "compared", "against", "versus", "vs"))
_QUANTITIES = ("GOODQ", "BADQ")
_SIGNED = frozenset(("GOOD", "BAD", "M+", "M-", "U", "D"))


class Rules(NamedTuple):
    """What the phrase rules made of the text: their mean, the heaviest phrase's weight and kind; told or dated."""

    sentiment: float | None
    weight: float
    kind: str
    told: bool
    dated: bool


class Seen(NamedTuple):
    """Names of what is seen: words and pairs of them; concepts that mean the same in every source. And the text."""

    words: list[str]
    concepts: list[str]
    text: str = ""


@lru_cache(maxsize=60_000)
def _word(token: str) -> tuple[str, str | None, bool]:
    """A token's stem (a number's is `#`), its class and whether it begins another clause."""
    if token[0] in "0123456789$€£":
        return "#", None, False
    return _stem(token), CLASS_OF.get(token), token in BREAKS or token == " - "


def _stem(token: str) -> str:
    for ending, instead in _ENDINGS:
        if token.endswith(ending) and len(token) - len(ending) >= 3:
            return token[: -len(ending)] + instead
    return token


def masked(low: str, spans: Sequence[tuple[int, int]]) -> str:
    """`low` with the company's mentions replaced by TARGET and without links."""
    if spans:
        parts: list[str] = []
        last = 0
        for first, end in spans:
            if first >= last:
                parts += (low[last:first], " ", TARGET, " ")
                last = end
        low = "".join([*parts, low[last:]])
    return _LINK.sub(" ", low) if "http" in low or "@" in low or "www." in low else low


def seen(low: str, spans: Sequence[tuple[int, int]], rules: Rules) -> Seen:
    """What is seen in a lower-case text about the company named at `spans`; each once, in the order of the text."""
    text = masked(low, spans)
    tokens = _TOKEN.findall(text)[:MOST_TOKENS]
    words = list(map(_word, tokens))
    stems = [word[0] for word in words]
    pairs = [one + " " + other for one, other in pairwise(stems)]
    concepts = _concepts(words, [place for place, stem in enumerate(stems) if stem == TARGET] if spans else [])
    if not _COMPARISONS.isdisjoint(tokens) and (way := change(text)):
        concepts.append(way)
    concepts += _said(rules)
    return Seen(list(dict.fromkeys(stems + pairs)), list(dict.fromkeys(concepts)), text)


def _concepts(words: Sequence[tuple[str, str | None, bool]], at: Sequence[int]) -> list[str]:
    """The classes that occur, twice, next to each other, and on which side of the company (named at `at`)."""
    found: list[tuple[int, str]] = []
    clause: list[int] = []
    number = 0
    for place, (_, kind, breaks) in enumerate(words):
        number += breaks
        clause.append(number)
        if kind:
            found.append((place, kind))
    if not found:
        return []
    marks = _marks(found, clause)
    order = [mark for _, mark in marks]
    out = ["=" + mark for mark in order]
    if len(set(order)) < len(order):
        out += [f"={mark}2" for mark in dict.fromkeys(order) if order.count(mark) > 1]
    out += [f"={one}>{other}" for one, other in pairwise(order)]
    if at:
        first, own = at[0], {clause[place] for place in at}
        out += [("@o" if clause[place] not in own else "@b" if place < first else "@a") + mark for place, mark in marks]
    return out


def _marks(found: Sequence[tuple[int, str]], clause: Sequence[int]) -> list[tuple[int, str]]:
    """Places and what stands there: a word's class, a movement's meaning; `!` before what is denied."""
    quantities = [one for one in found if one[1] in _QUANTITIES]
    denials = [place for place, kind in found if kind == "NOT"]
    marks = []
    for place, kind in found:
        mark = _movement(place, kind, quantities, clause) if kind in ("UP", "DOWN") else kind
        if denials and mark in _SIGNED and any(0 < place - denial <= NEGATED_WITHIN for denial in denials):
            mark = "!" + mark
        marks.append((place, mark))
    return marks


def _movement(place: int, kind: str, quantities: Sequence[tuple[int, str]], clause: Sequence[int]) -> str:
    """`M+` for more of what is good or less of what is bad, `M-` for the contrary; `U`, `D` where nothing is named."""
    nearest, best = REACH + 1, None
    for other, quantity in quantities:
        distance = abs(other - place)
        if distance < nearest and clause[other] == clause[place]:
            nearest, best = distance, quantity
    if best is None:
        return "U" if kind == "UP" else "D"
    return "M+" if (best == "GOODQ") == (kind == "UP") else "M-"


def change(text: str) -> str | None:
    """`=C+`, `=C-` for two figures, or a profit and a loss, set against each other, by what is good; None without."""
    against = _COMPARED.search(text)
    if against is not None:
        before, other = text[: against.start()], against.group(1)
        if ("profit" in before or "loss" not in before) if other == "loss" else "loss" in before:
            return "=C+" if other == "loss" else "=C-"
    for pattern, sign in _CHANGES:
        match = pattern.search(text)
        if match is None:
            continue
        first, second = (float(number.replace(",", "")) for number in match.groups())
        if first == second:
            return "=C="
        is_good = _quantity_before(text[: match.start()]) != "BADQ"
        return "=C+" if ((first > second) == (sign > 0)) == is_good else "=C-"
    return None


def _quantity_before(text: str) -> str | None:
    kinds = (CLASS_OF.get(token) for token in reversed(_TOKEN.findall(text)))
    return next((kind for kind in kinds if kind in _QUANTITIES), None)


def _said(rules: Rules) -> list[str]:
    """What the phrase rules say, in steps."""
    out = ["=TOLD"] if rules.told else []
    if rules.dated:
        out.append("=DATED")
    if rules.sentiment is None:
        return [*out, "=Rnone"]
    said, size = rules.sentiment, abs(rules.sentiment)
    sign = "0" if size < 0.12 else "+" if said > 0 else "-"
    out += [f"=R{sign}", f"=R{sign}{'strong' if size > 0.45 else 'mild'}", f"=R{sign}w{int(rules.weight)}"]
    out.append(f"=K{rules.kind}{sign}")
    if rules.told:
        out.append(f"=TOLD{sign}")
    return out
