"""Texts cut into words, many at once and in arrays: where each word begins, and a number that stands for its stem."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
Numbers = NDArray[np.uint64]
Mask = NDArray[np.bool_]

MOST_CHARACTERS = 640
"""Of a text: the rest is not cut."""
TARGET, TARGET_SIGN = "_t_", "T"
"""The company's name among stems, and the letter that stands for it in texts, which are in lower case."""
NUMBER, MORE, LESS = "#", "+#", "-#"
"""The stem of every number, and of one with a sign before it."""
LINE, BLANK, LETTER, DIGIT, COMMA, POINT, HYPHEN, PLUS, DOLLAR, APOSTROPHE, COLON, MARK, COMPANY = range(1, 14)
_KIND = np.zeros(256, dtype=np.uint8)
for _kind, _letters in (
    (LINE, "\n"),
    (BLANK, " "),
    (LETTER, "abcdefghijklmnopqrstuvwxyz"),
    (DIGIT, "0123456789"),
    (COMMA, ","),
    (POINT, "."),
    (HYPHEN, "-"),
    (PLUS, "+"),
    (DOLLAR, "$"),
    (APOSTROPHE, "'"),
    (COLON, ":"),
    (MARK, "%?!;"),
    (COMPANY, TARGET_SIGN),
):
    _KIND[list(_letters.encode())] = _kind
WORD = r"[a-z]+(?:['-][a-z]+)*"
_WORD = re.compile(WORD.encode())
_BASE, _WHOLE = 0x9E3779B97F4A7C15, (1 << 64) - 1


def _powers(base: int) -> Numbers:
    with np.errstate(over="ignore"):
        return np.cumprod(np.r_[np.uint64(1), np.full(MOST_CHARACTERS + 1, base, dtype=np.uint64)], dtype=np.uint64)


_POWER, _INVERSE = _powers(_BASE), _powers(pow(_BASE, -1, 1 << 64))


def number_of(name: str) -> int:
    """The number of a word: its letters as the digits of a number to an odd base, cut to 64 bits."""
    return sum(code * pow(_BASE, place, 1 << 64) for place, code in enumerate(name.encode())) & _WHOLE


def numbers_of(names: Iterable[str]) -> Numbers:
    return np.array([number_of(name) for name in names], dtype=np.uint64)


_SIGNS = {number_of(name): name for name in (TARGET, NUMBER, MORE, LESS)}
_TARGET, _NUMBER, _MORE, _LESS = (np.uint64(number_of(name)) for name in (TARGET, NUMBER, MORE, LESS))


class Tokens(NamedTuple):
    """Words, numbers and marks in the order of the texts, an entry of each array for each."""

    text: Places
    """Which text."""
    stem: Numbers
    word: Numbers
    """The number of the whole word or mark."""
    first: Places
    end: Places
    """Where it stands in `data`, its ending cut off."""
    commas: Places
    colons: Places
    """Where commas and colons stand in `data` that a blank follows."""
    data: bytes

    def spelled(self, place: int) -> str:
        """The word at this place with its ending."""
        found = _WORD.match(self.data, int(self.first[place]))
        return found.group().decode() if found else self.name(place)

    def name(self, place: int) -> str:
        """The stem at this place."""
        stem = int(self.stem[place])
        if stem in _SIGNS:
            return _SIGNS[stem]
        name = self.data[self.first[place] : self.end[place]].decode()
        return name if stem == number_of(name) else name + "y"


def tokens_of(texts: Sequence[str]) -> Tokens:
    """The words of lower-case ASCII texts without line breaks, of the first MOST_CHARACTERS of each.

    A word may hold hyphens and apostrophes; a number is one token, and so are %, ?, !, ; and the hyphen that stands
    alone between blanks, or doubled. A sign before a number is the number's.
    """
    cut = [text[:MOST_CHARACTERS] for text in texts]
    data = ("\n\n" + "\n".join(cut) + "\n\n").encode("ascii")
    codes = np.frombuffer(data, dtype=np.uint8)
    kind = _KIND[codes]
    word, starts = _words(kind)
    first = np.flatnonzero(starts | _numbers(kind) | (kind == MARK) | _dashes(kind) | (kind == COMPANY))
    is_word = word[first]
    end = first + 1
    end[is_word] = np.flatnonzero(word[:-1] & ~word[1:]) + 1
    end[(kind[first] == HYPHEN) & (kind[end] == HYPHEN)] += 1
    lines = np.flatnonzero(kind == LINE)
    text = np.searchsorted(lines, first) - 2
    sums = _sums(codes, lines)
    shift = _INVERSE[first - lines[text + 1] - 1]
    ending, ends_in_y = _endings(codes, first, end, is_word)
    stem = (sums[end - ending] - sums[first]) * shift
    stem[ends_in_y] += np.uint64(ord("y")) * _POWER[(end - ending - first)[ends_in_y]]
    stem[kind[first] == DIGIT] = _NUMBER
    sign = _signs(kind, first)
    stem[sign == PLUS], stem[sign == HYPHEN] = _MORE, _LESS
    stem[kind[first] == COMPANY] = _TARGET
    whole = (sums[end] - sums[first]) * shift
    commas, colons = (np.flatnonzero((kind[:-1] == mark) & (kind[1:] == BLANK)) for mark in (COMMA, COLON))
    return Tokens(text, stem, whole, first, end - ending, commas, colons, data)


def _sums(codes: NDArray[np.uint8], lines: Places) -> Numbers:
    """Before each byte and after the last: the sum of all bytes times the base to the power of their place in the line.

    The difference of two sums, divided by the power at the first, is the number of the word between.
    """
    place = np.arange(len(codes)) - np.repeat(lines, np.diff(lines, append=len(codes))) - 1
    sums = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum(codes * _POWER[place], out=sums[1:])
    return sums


def _words(kind: NDArray[np.uint8]) -> tuple[Mask, Mask]:
    """Which bytes belong to words, and with which of them one begins: letters, and what joins letters."""
    letter = kind == LETTER
    word = letter.copy()
    word[1:-1] |= ((kind[1:-1] == HYPHEN) | (kind[1:-1] == APOSTROPHE)) & letter[:-2] & letter[2:]
    starts = word.copy()
    starts[1:] &= ~word[:-1]
    return word, starts


def _numbers(kind: NDArray[np.uint8]) -> Mask:
    """The first digit of each run of digits, points and commas."""
    digits = np.flatnonzero(kind == DIGIT)
    runs = np.cumsum((kind != DIGIT) & (kind != POINT) & (kind != COMMA))[digits]
    starts = np.zeros(len(kind), dtype=np.bool_)
    starts[digits[np.r_[True, runs[1:] != runs[:-1]]] if len(digits) else digits] = True
    return starts


def _signs(kind: NDArray[np.uint8], first: Places) -> NDArray[np.uint8]:
    """For each number the plus or hyphen right before it (or its dollar), if nothing that it could join stands before;
    0 for the others and for what is no number."""
    before = first - 1
    before -= kind[before] == DOLLAR
    sign = kind[before]
    other = kind[before - 1]
    joined = np.isin(other, (LETTER, DIGIT, POINT, COMPANY)) | ((sign == HYPHEN) & (other == HYPHEN))
    return np.where((kind[first] == DIGIT) & ((sign == PLUS) | (sign == HYPHEN)) & ~joined, sign, 0)


def _dashes(kind: NDArray[np.uint8]) -> Mask:
    """Hyphens between blanks, and the first of several."""
    hyphen = kind == HYPHEN
    starts = np.zeros(len(kind), dtype=np.bool_)
    blank = kind == BLANK
    starts[1:-1] = hyphen[1:-1] & ((blank[:-2] & blank[2:]) | (hyphen[2:] & ~hyphen[:-2]))
    return starts


def _endings(codes: NDArray[np.uint8], first: Places, end: Places, is_word: Mask) -> tuple[Places, Mask]:
    """How many letters of each word are its ending, and which stems take a y instead (parties, party)."""
    long = np.where(is_word, end - first, 0)
    last, second, third, fourth = (codes[np.maximum(end - back, 0)] for back in (1, 2, 3, 4))
    s, ed = last == ord("s"), (last == ord("d")) & (second == ord("e"))
    es = s & (second == ord("e"))
    ies = es & (third == ord("i")) & (long >= 6)
    sses = es & (third == ord("s")) & (fourth == ord("s")) & (long >= 7)
    ing = (last == ord("g")) & (second == ord("n")) & (third == ord("i"))
    ly = (last == ord("y")) & (second == ord("l"))
    cuts = (
        (ies, 3),
        (sses, 2),
        (ing & (long >= 6), 3),
        ((ed | es | ly) & (long >= 5), 2),
        (s & (long >= 4), 1),
    )
    return np.select([mask for mask, _ in cuts], [size for _, size in cuts], 0), ies
