"""What words amount to, whatever the source: which way things go, whether that is good, and for whom. In arrays."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from services.news.rules.lexicon import everyday
from services.news.rules.model_tokens import LESS, MORE, TARGET, Places, Tokens, number_of
from services.news.rules.model_words import BREAKS, CLASS_OF, MOODLESS

REACH = 6
"""How many words apart a movement and the quantity that moves may stand."""
NEGATED_WITHIN = 4
BESIDE = 2
"""How near a class stands beside the company."""
VALENT = 1.3
"""From this size on VADER's scale of 4 a word that no class lists speaks for good or bad."""
_MOODS = {word: size for word, size in everyday().items() if abs(size) >= VALENT and word not in MOODLESS}
_CLASS_OF = {word: "V+" if size > 0 else "V-" for word, size in _MOODS.items()} | CLASS_OF
_KINDS = ("", *dict.fromkeys(CLASS_OF.values()), "V+", "V-")
_SIGNED = ("GOOD", "BAD", "M+", "M-", "U", "D")
MARKS = (*_KINDS, *_SIGNED[2:], *("!" + mark for mark in _SIGNED))
"""What a word with a class means: the class; for a movement `M+`, more of what is good or less of what is bad, `M-` the
contrary, `U` and `D` where nothing is named that moves; `!` before what is denied."""
FAMILIES = ("={}", "={}2", "@o{}", "@b{}", "@a{}", "@s{}", "@>{}", "@>>{}", "@<{}", "@<<{}", "={}>{}", "=C{}", "@{}")
"""Names of concepts: a mark occurs, occurs twice; stands in another clause than the company, before it, after it,
between the same commas, next after it and right beside it, next before it and right beside it; a mark comes before
another; one figure is better than that which it is set against; where the company is named."""
_ONCE, _TWICE, _OTHER, _BEFORE, _AFTER, _WITH, _NEXT, _RIGHT, _LAST, _LEFT = range(10)
_PAIR, _CHANGE, _ROLE = range(10, len(FAMILIES))
ROLES = ("first", "mid", "last", "SPK0", "SPK1", "SPKend")
"""The company is named first, later, as the last word; after a colon, where who stands at the end mostly speaks: right
after it, later, and at the end."""
_TO_BEGIN, _AMID, _TO_END, _SPEAKS, _SPEAKS_LATER, _SPEAKS_LAST = range(len(ROLES))
CHANGES = ("+", "-", "=")
_FAMILY, _FIRST = 1 << 12, 1 << 6
CODES = len(FAMILIES) * _FAMILY
_AT = {mark: place for place, mark in enumerate(MARKS)}
_UP, _DOWN, _NOT = _AT["UP"], _AT["DOWN"], _AT["NOT"]
_QUANTITY = np.zeros(len(MARKS), dtype=np.int64)
_QUANTITY[[_AT["GOODQ"], _AT["BADQ"]]] = (1, -1)
_MOVED = np.array([[_AT["U"], _AT["M+"], _AT["M-"]], [_AT["D"], _AT["M-"], _AT["M+"]]])
"""By the way it goes, and by the quantity that moves: none, good, bad."""
_DENIED = np.arange(len(MARKS))
_DENIED[[_AT[mark] for mark in _SIGNED]] = [_AT["!" + mark] for mark in _SIGNED]
_CLASSED = sorted((number_of(word), _AT[_CLASS_OF.get(word, "")], word in BREAKS) for word in {*_CLASS_OF, *BREAKS})
_NUMBERS = np.array([number for number, _, _ in _CLASSED], dtype=np.uint64)
_KIND_OF, _BREAKS = np.array([kind for _, kind, _ in _CLASSED]), np.array([breaks for *_, breaks in _CLASSED])
_TARGET, _MORE, _LESS = (np.uint64(number_of(name)) for name in (TARGET, MORE, LESS))
_NOWHERE = -1


class Concepts(NamedTuple):
    """The concepts of several texts: the text and the code of each; some come twice."""

    text: Places
    code: Places


class _Words(NamedTuple):
    """Tokens: the text of each; its class, 0 for none; its clause, and its part between commas."""

    text: Places
    kind: Places
    clause: Places
    part: Places


class _Company(NamedTuple):
    """Where texts name the company: all the tokens, and each text's first and last (_NOWHERE for none). And the tokens
    before which a colon begins a clause: right after the company it only says whose news follow."""

    at: Places
    first: Places
    last: Places
    colons: Places


def _names() -> dict[int, str]:
    names: dict[int, str] = {}
    for family, ways in ((_CHANGE, CHANGES), (_ROLE, ROLES)):
        names |= {family * _FAMILY + place: FAMILIES[family].format(way) for place, way in enumerate(ways)}
    for first, mark in enumerate(MARKS):
        for family in range(_PAIR):
            names[family * _FAMILY + first * _FIRST] = FAMILIES[family].format(mark)
        for second, other in enumerate(MARKS):
            names[_PAIR * _FAMILY + first * _FIRST + second] = FAMILIES[_PAIR].format(mark, other)
    return names


NAMES = _names()
"""Every concept's name by its code."""


def change_code(way: str) -> int:
    """The code of one of CHANGES."""
    return _CHANGE * _FAMILY + CHANGES.index(way)


def concepts_of(tokens: Tokens, texts: int) -> Concepts:
    """The concepts that the words' classes make, and how they stand to the company, in so many texts."""
    company = _company(tokens, texts)
    words = _classes(tokens, company)
    classed = np.flatnonzero(words.kind)
    text, marks = words.text[classed], _marks(words, classed)
    same = text[:-1] == text[1:]
    code = marks * _FIRST
    order = np.lexsort((marks, text))
    twice = order[1:][(np.diff(text[order]) == 0) & (np.diff(marks[order]) == 0)]
    found = [
        Concepts(text, code),
        Concepts(text[twice], _TWICE * _FAMILY + code[twice]),
        Concepts(text[:-1][same], _PAIR * _FAMILY + code[:-1][same] + marks[1:][same]),
        _roles(tokens, company, texts),
        *(
            Concepts(text[which], families * _FAMILY + code[which])
            for which, families in _sides(words, classed, company)
        ),
    ]
    return Concepts(np.concatenate([one.text for one in found]), np.concatenate([one.code for one in found]))


def _company(tokens: Tokens, texts: int) -> _Company:
    """Where the company is named."""
    at = np.flatnonzero(tokens.stem == _TARGET)
    first, last = np.full(texts, _NOWHERE), np.full(texts, _NOWHERE)
    first[tokens.text[at][::-1]], last[tokens.text[at]] = at[::-1], at
    starts = np.searchsorted(tokens.first, tokens.colons)
    mine = tokens.text[np.minimum(starts, len(tokens.text) - 1)] if len(tokens.text) else starts
    since = starts - first[mine]
    opens = (since <= 0) | (since > BESIDE) | (first[mine] == _NOWHERE)
    return _Company(at, first, last, starts[opens])


def _classes(tokens: Tokens, company: _Company) -> _Words:
    at = np.minimum(np.searchsorted(_NUMBERS, tokens.word), len(_NUMBERS) - 1)
    is_listed = _NUMBERS[at] == tokens.word
    kind = np.where(is_listed, _KIND_OF[at], 0)
    kind[tokens.stem == _MORE], kind[tokens.stem == _LESS] = _UP, _DOWN
    begins = is_listed & _BREAKS[at]
    begins[1:] |= tokens.text[1:] != tokens.text[:-1]
    begins[company.colons[company.colons < len(begins)]] = True
    clause = np.cumsum(begins)
    commas = np.searchsorted(tokens.commas, tokens.first)
    return _Words(tokens.text, kind, clause, clause + commas)


def _roles(tokens: Tokens, company: _Company, texts: int) -> Concepts:
    """Where each text names the company."""
    borders = np.searchsorted(tokens.text, np.arange(texts + 1))
    start, end = borders[:-1], borders[1:]
    number = np.arange(texts)
    named = company.first != _NOWHERE
    role = np.select([company.first == start, company.last == end - 1], [_TO_BEGIN, _TO_END], _AMID)
    colon = np.full(texts, _NOWHERE)
    inside = company.colons[company.colons < len(tokens.text)]
    colon[tokens.text[inside]] = inside
    speaks = named & (colon > start) & (colon <= company.first)
    ends = speaks & (end - company.last <= BESIDE + 1)
    near = np.where(company.first - colon < BESIDE, _SPEAKS, _SPEAKS_LATER)
    return Concepts(
        np.concatenate((number[named], number[speaks], number[ends])),
        _ROLE * _FAMILY + np.concatenate((role[named], near[speaks], np.full(int(ends.sum()), _SPEAKS_LAST))),
    )


def _marks(words: _Words, classed: Places) -> Places:
    """What the words with a class mean."""
    marks = words.kind[classed]
    moves = (marks == _UP) | (marks == _DOWN)
    moving = classed[moves]
    marks[moves] = _MOVED[(marks[moves] == _DOWN).astype(np.int64), _nearest(words, moving)]
    denials = np.maximum.accumulate(np.where(words.kind == _NOT, np.arange(len(words.kind)), -1))[classed]
    is_near = (denials >= 0) & (classed - denials <= NEGATED_WITHIN)
    is_denied = is_near & (words.text[denials] == words.text[classed])
    return np.where(is_denied, _DENIED[marks], marks)


def _nearest(words: _Words, moving: Places) -> Places:
    """The quantity nearest to each movement in its clause (good 1, bad -1), the one before it where two are as near; 0
    where there is none within REACH."""
    found = np.zeros(len(moving), dtype=np.int64)
    last = len(words.kind) - 1
    for distance in range(REACH, 0, -1):
        for other in (np.minimum(moving + distance, last), np.maximum(moving - distance, 0)):
            quantity = _QUANTITY[words.kind[other]]
            found = np.where((quantity != 0) & (words.clause[other] == words.clause[moving]), quantity, found)
    return found


def _sides(words: _Words, classed: Places, company: _Company) -> Iterator[tuple[Places, Places]]:
    """Which of the classed words stand so to the company, named in their text, and the families that say how."""
    first = company.first[words.text[classed]]
    named = np.flatnonzero(first != _NOWHERE)
    place, first = classed[named], first[named]
    is_own = np.isin(words.clause[place], words.clause[company.at])
    yield named, np.where(is_own, np.where(place < first, _BEFORE, _AFTER), _OTHER)
    yield (near := named[np.isin(words.part[place], words.part[company.at])]), np.full(len(near), _WITH)
    text = words.text[place]
    for is_side, step, family in ((place > first, 1, _NEXT), (place < first, -1, _LAST)):
        side = np.flatnonzero(is_side)[::step]
        _, nearest = np.unique(text[side], return_index=True)
        chosen = side[nearest]
        yield named[chosen], np.full(len(chosen), family)
        beside = chosen[np.abs(place[chosen] - first[chosen]) <= BESIDE]
        yield named[beside], np.full(len(beside), family + 1)
