"""How a text speaks: in which language, of an event, of somebody's view, or of a date to come."""
# ruff: noqa: E501, SIM905 - tables of words and expressions read better unbroken

import re
from collections.abc import Set

_QUESTION = re.compile(r"^(?:is|are|should|can|could|will|would|does|do|has|did|how|what|which|where|buy,? sell)\b.*")
_CROWD = re.compile(
    r"^(?:the )?(?:top |best |worst )?(?:\d+|two|three|four|five) [\w' &,-]*\b(?:stocks?|companies|picks|reasons|etfs|reits|names|growth|things|cash-\w+)\b|"
    r"stocks? to (?:buy|watch|sell|avoid|consider|own)|(?:gainers|losers|movers)\b|sector update|stocks? (?:moving|that)|"
    r"vs\. |better (?:value|buy)|what you (?:should|need to) know|facts to know|investment (?:story|narrative|case)|"
    r"fair value|undervalu|overvalu|good (?:stock|choice)|great (?:stock|choice|momentum)|zacks|cramer|if you (?:had )?invested|"
    r"wall street's favorite|trending stock|valuation|top stock reports|outlook for|market (?:size|forecast|analysis|report|insights)|penny stock|"
    r"\bnarrative|the case for|should (?:you|investors)|since last earnings|ex-dividend|growth stock|expected to (?:beat|miss)|is (?:a|an|one of) [\w -]{0,25}stocks?\b"
)
_QUIET = re.compile(
    r"(?<!likely )(?<!expected )\bto (?:present|participate|attend|host|speak|webcast|report|announce|release|hold|showcase|exhibit|join the)\b|"
    r"conference call|webcast|transcript|annual (?:general )?meeting|inducement (?:grants?|award)|\bform (?:8\.\d|8-k|10-[kq]|13[dfg]|6-k|4\b)|sustainability report|"
    r"investor (?:day|conference|presentation)|employment inducement|fireside chat|sets date|(?<!ahead of )(?<!on )\bschedules?\b|earnings preview|previews?\b"
)
_ENGLISH = frozenset(
    "the of to and for in on with by as its after from at is are has will says amid over up down".split()
)
_FOREIGN = frozenset(
    "le la les du une est dans pour sur avec au aux der das und ist nicht mit fur ein eine im von zu auf el los las del"
    " una por para que en het een niet voor il che sono nel della y se su".split()
)
"""Little words of the languages in whose press companies are most often named."""
_CROWD_WORDS = frozenset(
    "stock stocks companies picks reasons etfs reits names growth things cash gainers losers movers update vs better need"
    " should know facts investment choice momentum zacks cramer invested favorite outlook market narrative case since ex".split()
)
"""One of these is in every text that _CROWD finds, but for what is said of values."""
_QUIET_WORDS = frozenset(
    "present participate attend host speak webcast report announce release hold showcase exhibit join conference"
    " transcript meeting inducement form sustainability investor fireside sets schedule schedules preview previews".split()
)
"""One of these is in every text that _QUIET finds."""
KNOWN = _ENGLISH | _FOREIGN | _CROWD_WORDS | _QUIET_WORDS
"""Every word that is asked for here."""


def is_foreign(known: Set[str]) -> bool:
    """True where little words of other languages outnumber the English ones. `known`: those of KNOWN in the text."""
    foreign = len(known & _FOREIGN)
    return foreign > 1 and foreign > 1 + 2 * len(known & _ENGLISH)


def is_told(low: str, known: Set[str]) -> bool:
    """True for lists, questions and opinion pieces: somebody's view, not an event."""
    if low.endswith("?") and _QUESTION.match(low):
        return True
    may_be = not known.isdisjoint(_CROWD_WORDS) or "valu" in low
    return may_be and _CROWD.search(low) is not None


def is_dated(low: str, known: Set[str]) -> bool:
    """True for the announcement of a date, a call or a paper."""
    return not known.isdisjoint(_QUIET_WORDS) and _QUIET.search(low) is not None
