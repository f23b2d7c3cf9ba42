"""Which type of catalyst a text is: the event of its main clause, if it has happened and is the company's own."""

# ruff: noqa: SIM905 - a list of words reads better as text

import re
from functools import lru_cache
from typing import NamedTuple, Protocol

from services.news.rules.analysts import HOUSE
from services.news.rules.company import VAGUE, marked, short_name
from services.news.rules.plain import words_of
from shared.domain.news import Catalyst

_BACKGROUND = re.compile(r"\b(?:after|following|amid|despite|ahead of|as|while|before)\b")
_BEHIND = 0.6
"""What an event's weight is worth after one of these words: why something else happens, or what is known already."""
_AWAITED = re.compile(
    r"\b(?:could|might|may|can|will|would|potential|possible|expected to|likely to|if|awaits?|before)\W+"
    r"(?:\w+\W+){0,5}$"
)
_WITHOUT = re.compile(r"\bwithout (?:\w+ ){0,4}$")
_BARE = re.compile(r"(?:beat|miss|top|raise|cut|boost|lift|win|approve|acquire|buy|sell|launch|surpass|exceed|hike)\b")
_STUDY = re.compile(
    r"\bcagr\b|delveinsight|\bmarket (?:size|forecast|is (?:expected|projected)|analysis|report|insights"
    r"|to (?:reach|surpass|grow|expand))"
)
"""Studies of a market for sale: no event of any company."""
_GIVING = re.compile(
    r"charit\w+|foundation (?:grant|launch\w*|award\w*|donat\w*)|hunger|scholarship|donat\w+|volunteer\w*|summer camp"
    r"|(?:impact|sustainability|esg) report|survey|non-?profit|research (?:finds|shows|reveals|showing)"
    r"|(?:study|poll) finds|leveraged etf|\b[23]x (?:long|short|leveraged|daily)|fortune 500|anniversary|giveaway"
    r"|military famil|\bnational [\w ]{2,20} (?:day|week|month)\b"
)
"""Good works, surveys, honours, others' funds on the shares: no product is launched there and no customer won."""
_AHEAD = re.compile(
    r"what (?:to expect|wall street expects)"
    r"|earnings (?:preview|around the corner|on deck|next week)|(?:ahead of|before) (?:\w+ ){0,2}earnings"
)
"""Results that are still to come."""
_HOPED = re.compile(r"analysts (?:see|think|believe|expect)\b[^;]{0,60}\b(?:upside|could|rally|surge)\b")
"""What nobody by name thinks of the price to come."""
_EXCUSES = (
    (frozenset({Catalyst.PRODUCT, Catalyst.CONTRACT}), _GIVING),
    (frozenset({Catalyst.EARNINGS, Catalyst.GUIDANCE}), _AHEAD),
    (frozenset({Catalyst.ANALYST}), _HOPED),
)
"""Types that a text does not have where it holds the words beside them."""
_FOR_OTHERS = re.compile(
    r"what (?:it|this|that) (?:could |may |might )?means? for\b|read-?(?:through|across) (?:to|for)\b"
)
"""Before whom another's event may touch."""
_REGISTER = frozenset(
    "the inc corp corporation company companies ltd limited plc llc trust holdings holding group common stock ordinary"
    " share shares class american depositary units unit warrants and each representing new first united national global"
    " international fund series interest beneficial sponsored de".split()
)
"""What registers add to names."""
_STEM = 5


class Hit(NamedTuple):
    """A phrase found: whose sentiment it is, how much it counts, where it stands."""

    catalyst: Catalyst | None
    sentiment: float
    weight: float
    reason: str
    span: tuple[int, int]


class Found(Protocol):
    """What was found in a text: its lower case, where the company is named, the phrases, whether it is a list, question
    or opinion, and whether it only announces a date."""

    @property
    def low(self) -> str: ...
    @property
    def at(self) -> list[int]: ...
    @property
    def hits(self) -> list[Hit]: ...
    @property
    def told(self) -> bool: ...
    @property
    def dated(self) -> bool: ...


def type_of(found: Found, symbol: str | None, company: str | None) -> Catalyst | None:
    """The type of catalyst that a text is for the company; None for a mere date and for another company's event."""
    if (
        (found.dated and "transcript" not in found.low)
        or not found.hits
        or not is_ours(found.low, found.at, symbol, company)
    ):
        return None
    return kind(found.hits, found.low, found.at, is_told=found.told)


def kind(hits: list[Hit], low: str, at: list[int], *, is_told: bool) -> Catalyst | None:
    """The type that `hits` make of `low`, seen from the company named at `at`.

    `is_told`: a list, question or opinion piece; its events count where it states them, not where it asks for them.
    """
    events = [
        (hit.weight, hit.catalyst, hit.span[0])
        for hit in hits
        if hit.catalyst is not None
        and not (is_told and _is_asked(hit, low))
        and not ("without" in low and _WITHOUT.search(low[: hit.span[0]]))
        and not (hit.catalyst == Catalyst.ANALYST and _is_the_house(hit, low, at))
    ]
    if not events or (("market" in low or "cagr" in low) and _STUDY.search(low)):
        return None
    for kinds, words in _EXCUSES:
        if any(event[1] in kinds for event in events) and words.search(low):
            events = [event for event in events if event[1] not in kinds]
    if len(events) > 1 and (background := _BACKGROUND.search(low)):
        events = [(weight * (_BEHIND if at > background.start() else 1.0), kind, at) for weight, kind, at in events]
    return max(events, key=lambda event: event[0])[1] if events else None


def _is_asked(hit: Hit, low: str) -> bool:
    """`Can it beat estimates?` asks; `does its beat change the case?` states."""
    said = low[hit.span[0] : hit.span[1]]
    return bool(_BARE.match(said) and _AWAITED.search(low[max(0, hit.span[0] - 60) : hit.span[0]]))


def _is_the_house(hit: Hit, low: str, at: list[int]) -> bool:
    """True where the company is the broker that rates another."""
    return bool(at) and max(at) <= hit.span[0] and all(HOUSE.match(low, place) for place in at)


def is_ours(low: str, at: list[int], symbol: str | None, company: str | None) -> bool:
    """True where an event told in `low` may be taken for the company's: it is named, or nobody is asked about, or some
    word of its registered name stands there and no other company's ticker does."""
    if at and ("means for" in low or "read" in low) and (other := _FOR_OTHERS.search(low)):
        return min(at) < other.start()
    if at or not (symbol or company):
        return True
    return not (symbol and marked(low)) and (company is None or _has_trace(low, company))


@lru_cache(maxsize=20_000)
def _own_words(company: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words of a registered name: those that point at it alone, and those that many names have."""
    own = {word for word in words_of(short_name(company).lower()) if len(word) > 2 and word not in _REGISTER}
    return frozenset(own - VAGUE), frozenset(own & VAGUE)


def _has_trace(low: str, company: str) -> bool:
    """One telling word of the name (or the five letters it begins with), or two of those that many have."""
    words = set(words_of(low))
    telling, vague = _own_words(company)
    if not telling.isdisjoint(words) or len(vague & words) > 1:
        return True
    stems = {word[:_STEM] for word in telling if len(word) > _STEM}
    return bool(stems) and any(word[:_STEM] in stems for word in words)
