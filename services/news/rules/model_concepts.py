"""What words amount to, whatever the source: which way things go, whether that is good, and for whom. In arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.news.rules.model_tokens import TARGET, Places, Tokens, number_of
from services.news.rules.model_words import BREAKS, CLASS_OF

REACH = 6
"""How many words apart a movement and the quantity that moves may stand."""
NEGATED_WITHIN = 4
_KINDS = ("", *dict.fromkeys(CLASS_OF.values()))
_SIGNED = ("GOOD", "BAD", "M+", "M-", "U", "D")
MARKS = (*_KINDS, *_SIGNED[2:], *("!" + mark for mark in _SIGNED))
"""What a word with a class means: the class; for a movement `M+`, more of what is good or less of what is bad, `M-` the
contrary, `U` and `D` where nothing is named that moves; `!` before what is denied."""
FAMILIES = ("={}", "={}2", "={}>{}", "@o{}", "@b{}", "@a{}", "=C{}")
"""Names of concepts: a mark occurs, occurs twice, comes before another; stands in another clause than the company,
before it, or after it; one figure is better than that which it is set against."""
_ONCE, _TWICE, _NEXT, _OTHER, _BEFORE, _AFTER, _CHANGE = range(len(FAMILIES))
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
_CLASSED = sorted((number_of(word), _AT[CLASS_OF.get(word, "")], word in BREAKS) for word in {*CLASS_OF, *BREAKS})
_NUMBERS = np.array([number for number, _, _ in _CLASSED], dtype=np.uint64)
_KIND_OF, _BREAKS = np.array([kind for _, kind, _ in _CLASSED]), np.array([breaks for *_, breaks in _CLASSED])
_TARGET = np.uint64(number_of(TARGET))


class Concepts(NamedTuple):
    """The concepts of several texts: the text and the code of each; some come twice."""

    text: Places
    code: Places


class _Words(NamedTuple):
    """Tokens: the text, the class and the clause of each, the classes of what stands in no class being 0."""

    text: Places
    kind: Places
    clause: Places


def _names() -> dict[int, str]:
    names = {_CHANGE * _FAMILY + place: FAMILIES[_CHANGE].format(way) for place, way in enumerate(CHANGES)}
    for first, mark in enumerate(MARKS):
        for family in (_ONCE, _TWICE, _OTHER, _BEFORE, _AFTER):
            names[family * _FAMILY + first * _FIRST] = FAMILIES[family].format(mark)
        for second, other in enumerate(MARKS):
            names[_NEXT * _FAMILY + first * _FIRST + second] = FAMILIES[_NEXT].format(mark, other)
    return names


NAMES = _names()
"""Every concept's name by its code."""


def change_code(way: str) -> int:
    """The code of one of CHANGES."""
    return _CHANGE * _FAMILY + CHANGES.index(way)


def concepts_of(tokens: Tokens) -> Concepts:
    """The concepts that the words' classes make, and which side of the company they stand on."""
    words = _classes(tokens)
    classed = np.flatnonzero(words.kind)
    text, marks = words.text[classed], _marks(words, classed)
    same = text[:-1] == text[1:]
    code = marks * _FIRST
    order = np.lexsort((marks, text))
    twice = order[1:][(np.diff(text[order]) == 0) & (np.diff(marks[order]) == 0)]
    named, sides = _sides(tokens, words, classed)
    return Concepts(
        np.concatenate((text, text[twice], text[:-1][same], text[named])),
        np.concatenate(
            (
                code,
                _TWICE * _FAMILY + code[twice],
                _NEXT * _FAMILY + code[:-1][same] + marks[1:][same],
                sides * _FAMILY + code[named],
            )
        ),
    )


def _classes(tokens: Tokens) -> _Words:
    at = np.minimum(np.searchsorted(_NUMBERS, tokens.word), len(_NUMBERS) - 1)
    is_listed = _NUMBERS[at] == tokens.word
    begins = is_listed & _BREAKS[at]
    begins[1:] |= tokens.text[1:] != tokens.text[:-1]
    return _Words(tokens.text, np.where(is_listed, _KIND_OF[at], 0), np.cumsum(begins))


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


def _sides(tokens: Tokens, words: _Words, classed: Places) -> tuple[NDArray[np.bool_], Places]:
    """Which of the classed words stand in a text that names the company, and on which side of it they do."""
    targets = np.flatnonzero(tokens.stem == _TARGET)
    texts, first = np.unique(words.text[targets], return_index=True)
    if not len(texts):
        return np.zeros(len(classed), dtype=np.bool_), np.zeros(0, dtype=np.int64)
    at = np.minimum(np.searchsorted(texts, words.text[classed]), len(texts) - 1)
    named = texts[at] == words.text[classed]
    mine = classed[named]
    is_own = np.isin(words.clause[mine], words.clause[targets])
    is_before = mine < targets[first][at[named]]
    return named, np.where(is_own, np.where(is_before, _BEFORE, _AFTER), _OTHER)
