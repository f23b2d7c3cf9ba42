"""The YAML that the configuration is written in: sections, keys, plain values and lists; everything else is refused.

A value is what it looks like to YAML 1.2: `true` and `false`, decimal numbers, texts. What other readers take for
something else (`yes`, 20:00, 010, 2026-01-05) must be in quotes to be a text. There are no anchors, tags or documents.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml import events

from config.numbers import LONGEST_NUMBER, number_in, shown

MOST_CHARACTERS, MOST_VALUES, DEEPEST, LONGEST_KEY = 64 * 1024, 2_000, 6, 64
Place = tuple[str | int, ...]
Lines = dict[Place, int]
EXAMPLE = "expected sections like 'risk:'"
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
DOUBTFUL = re.compile(
    r"(?P<truth>y|n|yes|no|on|off)"
    r"|(?P<moment>[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*"
    r"|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)"
    r"|(?P<number>[-+]?(?:0[box][0-9a-f_]+|[0-9][0-9_.]*(?:e[-+]?[0-9]+)?|\.[0-9_.]+(?:e[-+]?[0-9]+)?|\.inf|\.nan))",
    re.ASCII | re.IGNORECASE,
)
TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
MEANT = {
    "truth": "write true or false, or put it into quotes if a text is meant",
    "moment": "dates and times are texts: put it into quotes",
    "number": "write a decimal number without leading zeros and separators, or put it into quotes if a text is meant",
}


class Misfit(ValueError):
    """Something that these files may not hold; `line` is where."""

    def __init__(self, line: int, fault: str) -> None:
        super().__init__(fault)
        self.line = line


def read_yaml(text: str) -> tuple[dict[str, Any], Lines]:
    """The sections of a file, and the line of each key. Raises Misfit with the line and the cure."""
    if len(text) > MOST_CHARACTERS:
        raise Misfit(1, f"longer than {MOST_CHARACTERS:,} characters; a configuration has a few thousand")
    if found := CONTROL.search(text.removeprefix("\ufeff")):
        line = text.count("\n", 0, found.start()) + 1
        raise Misfit(line, f"holds the control character U+{ord(found[0]):04X}; save the file as plain UTF-8 text")
    try:
        return _Reading(text).whole()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or "cannot be read"
        raise Misfit(mark.line + 1 if mark else 1, f"not valid YAML ({str(why)[:200]})") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, Misfit):
            raise
        raise Misfit(1, f"not valid YAML ({type(error).__name__})") from error


class _Reading:
    """One pass over a text's events, without a constructor of PyYAML's ever seeing a value."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=yaml.SafeLoader)
        self._left, self._lines = MOST_VALUES, Lines()

    def whole(self) -> tuple[dict[str, Any], Lines]:
        next(self._events)
        first = next(self._events)
        if isinstance(first, events.StreamEndEvent):
            raise Misfit(1, f"{EXAMPLE}, found nothing")
        if first.version or first.tags:
            raise Misfit(_line(first), "directives (%YAML, %TAG) are not used here: take the line out")
        root = next(self._events)
        if not isinstance(root, events.MappingStartEvent):
            what = "a list" if isinstance(root, events.SequenceStartEvent) else "a single value"
            empty = isinstance(root, events.ScalarEvent) and root.value == ""
            raise Misfit(_line(root), f"{EXAMPLE}, found {'nothing' if empty else what}")
        sections = self._mapping(root, ())
        next(self._events)
        after = next(self._events)
        if not isinstance(after, events.StreamEndEvent):
            raise Misfit(_line(after), "a second document begins here (---): one file, one document")
        return sections, self._lines

    def _value(self, event: Any, place: Place) -> Any:
        self._left -= 1
        if self._left < 0:
            raise Misfit(_line(event), f"more than {MOST_VALUES:,} values; a configuration has some sixty")
        if isinstance(event, events.AliasEvent) or event.anchor is not None:
            raise Misfit(_line(event), "anchors and aliases (&, *) are not used here: write the value out")
        if event.tag is not None:
            raise Misfit(_line(event), "tags (!) are not used here: write the plain value")
        if isinstance(event, events.ScalarEvent):
            return _scalar(event)
        if len(place) >= DEEPEST:
            raise Misfit(_line(event), f"nested deeper than {DEEPEST} levels")
        return self._mapping(event, place) if isinstance(event, events.MappingStartEvent) else self._list(place)

    def _mapping(self, start: Any, place: Place) -> dict[str, Any]:
        if start.anchor is not None or start.tag is not None:
            self._value(start, place)
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), events.MappingEndEvent):
            key = self._key(event)
            if key in found:
                first = self._lines[(*place, key)]
                raise Misfit(_line(event), f"{shown(key)} is here twice, first on line {first}: keep one of them")
            self._lines[(*place, key)] = _line(event)
            value = next(self._events)
            found[key] = self._value(value, (*place, key))
            if found[key] is None:
                raise Misfit(_line(event), f"{shown(key)} has no value: give it one, or take the line out")
        return found

    def _key(self, event: Any) -> str:
        if not isinstance(event, events.ScalarEvent):
            raise Misfit(_line(event), "a key must be a plain word")
        if event.value == "<<":
            raise Misfit(_line(event), "merge keys (<<) are not used here: write the keys out")
        key = self._value(event, ())
        if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY:
            raise Misfit(_line(event), f"{shown(event.value)} is no key: a key is a word of letters")
        return key

    def _list(self, place: Place) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), events.SequenceEndEvent):
            self._lines[(*place, len(found))] = _line(event)
            value = self._value(event, (*place, len(found)))
            if value is None:
                raise Misfit(_line(event), "an entry of a list has no value: give it one, or take it out")
            found.append(value)
        return found


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(event: Any) -> Any:
    """A text, number, truth value or None. Raises Misfit for what readers of YAML do not agree upon."""
    text: str = event.value
    if found := BREAK.search(text):
        raise Misfit(_line(event), f"holds a line break or the control character U+{ord(found[0]):04X}: leave it out")
    if event.style is not None:
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in TRUTH:
        return TRUTH[text]
    try:
        number = number_in(text)
    except ValueError as error:
        raise Misfit(_line(event), f"{shown(text)} {error}") from error
    if number is not None:
        return number if isinstance(number, int) else float(number)
    digits = text.lstrip("+-").replace(".", "", 1)
    if len(text) > LONGEST_NUMBER and digits[:LONGEST_NUMBER].isdigit():
        raise Misfit(_line(event), f"{shown(text)} is too long for a number")
    doubt = DOUBTFUL.fullmatch(text)
    if doubt is not None:
        raise Misfit(_line(event), f"{shown(text)} is ambiguous: {MEANT[str(doubt.lastgroup)]}")
    return text
