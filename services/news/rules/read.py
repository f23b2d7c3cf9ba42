"""What one text says about one company. Text is data: it is matched against tables and never obeyed."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from services.news.rules import hits as phrases
from services.news.rules import manner
from services.news.rules.company import marked, mentions
from services.news.rules.hits import phrases_in, said_by
from services.news.rules.kind import Hit, type_of
from services.news.rules.lexicon import mood
from services.news.rules.model import Model, trained
from services.news.rules.model_features import Seen, masked, seen, steps_of
from services.news.rules.model_verdict import TOLD_OFF, Given, Said, verdict
from services.news.rules.plain import clean, words_of
from shared.domain.news import Reading

_KNOWN = manner.KNOWN | phrases.KNOWN
"""The words that some table asks for: the few of them in a text stand for all its words."""
AT_ONCE, MOST_KEPT = 500, 50_000
NOTHING = Reading(sentiment=0.0, confidence=0.0, reason="nothing that can be read", method="none")
DATED_UP_TO = 1.9
"""A phrase of this weight is an event, whatever date is announced beside it."""
Asked = tuple[str, str | None, str | None, int]
"""A text, the symbol and the company that it is read for, and how many symbols it carries."""
_kept: dict[Asked, Reading] = {}


class Look(NamedTuple):
    """A text as the rules see it: plain, in lower case, with the company's mentions and what the phrases found say."""

    original: str
    low: str
    spans: list[tuple[int, int]]
    at: list[int]
    hits: list[Hit]
    said: Said | None
    told: bool
    dated: bool


def look(text: str, symbol: str | None = None, company: str | None = None, tagged: int = 1) -> Look | None:
    """What there is to see in a text about a company; None where there is nothing to read, or not in English."""
    return look_all([(text, symbol, company, tagged)])[0]


def look_all(asked: Sequence[Asked]) -> list[Look | None]:
    """What there is to see in each text."""
    originals = [clean(one[0]) for one in asked]
    lows = [text.lower() for text in originals]
    words = [_KNOWN.intersection(words_of(low)) for low in lows]
    tolds = [manner.is_told(low, known) for low, known in zip(lows, words, strict=True)]
    dates = [manner.is_dated(low, known) for low, known in zip(lows, words, strict=True)]
    found: list[Look | None] = []
    for (_, symbol, company, tagged), original, low, known, told, dated in zip(
        asked, originals, lows, words, tolds, dates, strict=True
    ):
        if manner.is_foreign(known) or not (known or words_of(low)):
            found.append(None)
            continue
        spans = mentions(low, original, symbol, company)
        at = [start for start, _ in spans]
        hits = phrases_in(low, known, at, alone=tagged <= 1, told=told)
        said = said_by(hits) if hits else None
        is_event = dated and any(hit.weight >= DATED_UP_TO for hit in hits)
        found.append(Look(original, low, spans, at, hits, said, told, dated and not is_event))
    return found


def seen_in(looks: Sequence[Look]) -> Seen:
    """What the model is given."""
    return seen([masked(found.low, found.spans) for found in looks], [_steps(found) for found in looks])


def _steps(found: Look) -> tuple[str, ...]:
    said, kind = found.said, found.hits[0].catalyst if found.hits else None
    return steps_of(said and said.sentiment, said.weight if said else 0.0, kind, found.told, found.dated)


def read(text: str, symbol: str | None = None, company: str | None = None, tagged: int = 1) -> Reading:
    """Sentiment of `text` about the company, its catalyst and why. `tagged`: how many symbols the item carries."""
    asked = (text, symbol, company, tagged)
    return _kept.get(asked) or read_all([asked])[0]


def read_all(asked: Iterable[Asked]) -> list[Reading]:
    """Each text's reading, in order; remembered, so that `read` answers at once.

    Hundreds of texts go through a step before the next step begins: its tables stay at hand, which takes a quarter off.
    """
    wanted = list(asked)
    fresh = [one for one in dict.fromkeys(wanted) if one not in _kept]
    if len(_kept) + len(fresh) > MOST_KEPT:
        _kept.clear()
        fresh = list(dict.fromkeys(wanted))
    found: dict[Asked, Reading] = {}
    for start in range(0, len(fresh), AT_ONCE):
        chunk = fresh[start : start + AT_ONCE]
        found |= zip(chunk, judged(look_all(chunk), chunk, trained()), strict=True)
    if len(found) <= MOST_KEPT:
        _kept.update(found)
    return [found.get(one) or _kept[one] for one in wanted]


def forget() -> None:
    """As if no text had been read."""
    _kept.clear()


def judged(looks: Sequence[Look | None], asked: Sequence[Asked], model: Model | None) -> list[Reading]:
    """The readings of what was found in the texts asked about, by the rules and the given model; by rules and lexicon
    without one."""
    given = [(found, _given(found, *one[1:])) for found, one in zip(looks, asked, strict=True) if found]
    if model is None:
        told = iter([_by_lexicon(found, one) for found, one in given])
    else:
        sight = seen_in([found for found, _ in given])
        known = model.known(sight)
        leans = enumerate(zip(model.leans(sight, known), given, strict=True))
        told = iter(
            [verdict(one, lean, partial(model.telling, sight, known, number)) for number, (lean, (_, one)) in leans]
        )
    return [next(told) if found else NOTHING for found in looks]


def _given(found: Look, symbol: str | None, company: str | None, tagged: int) -> Given:
    share, note = share_of(found, symbol, company, tagged)
    return Given(found.said, type_of(found, symbol, company), found.told, found.dated, share, note)


def share_of(found: Look, symbol: str | None, company: str | None, tagged: int) -> tuple[float, str]:
    """How much of the text can be the company's, and what to say of it."""
    note = "a list, question or opinion" if found.told else ""
    if found.spans or not (symbol or company):
        return 1.0, note
    joined = f"{note}; " if note else ""
    if symbol and marked(found.low):
        return 0.25, joined + "about another company"
    if tagged >= 4:
        return 0.4, f"{joined}about {tagged} companies"
    return (0.5, joined + "the company is not named") if company else (1.0, note)


def _by_lexicon(found: Look, given: Given) -> Reading:
    """Without the model: the phrases, or the words' mood, halved, with little confidence."""
    said, catalyst, told, dated, share, note = given
    if dated:
        return Reading(sentiment=0.0, confidence=0.6, reason="an announcement of a date", method="rules")
    compound = mood(found.original.capitalize() if found.original.isupper() else found.original)
    sentiment = said.sentiment if said else 0.5 * compound if abs(compound) >= 0.2 else 0.0
    share *= TOLD_OFF if told else 1.0
    reason = said.reason if said else "its words' mood" if sentiment else "no words of direction"
    return Reading(
        sentiment=round(max(-1.0, min(1.0, share * sentiment)), 4),
        confidence=round((min(0.9, 0.5 + 0.13 * said.weight) if said else 0.3) * max(share, 0.4), 4),
        catalyst=catalyst,
        reason=f"{reason} ({note})" if note else reason,
        method="rules" if said else "lexicon",
    )
