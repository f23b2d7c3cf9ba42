"""What counts as a number in a setting or in a YAML file, and how a fault of a value is put into words."""

import re
import reprlib
from collections.abc import Iterator
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import Field
from pydantic.fields import FieldInfo

Usd = Annotated[Decimal, Field(ge=Decimal("0.01"), le=Decimal("1e9"))]
Percent = Annotated[float, Field(gt=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]

LONGEST_NUMBER, LONGEST_SHOWN = 40, 60
PLAIN = re.compile(
    r"(?P<whole>[-+]?(?:0|[1-9][0-9]*))|[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?",
    re.ASCII,
)
MOST = Decimal("1e15")
LEAST = Decimal("1e-9")
NO_NUMBER = "must be a plain number like 2000 or 0.5: no separators, currency signs, leading zeros, other notations"
_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = LONGEST_SHOWN
_short.maxlevel, _short.maxdict, _short.maxlist = 2, 3, 3


def shown(value: object) -> str:
    """A value for a message: cut to some sixty characters, on one line."""
    return str(value)[:LONGEST_SHOWN] if isinstance(value, Decimal) else _short.repr(value)


def number_in(text: str) -> int | Decimal | None:
    """The number that a text is, by one grammar for the environment and the YAML files; None when it is none.

    Raises ValueError for a number that no setting can hold.
    """
    found = PLAIN.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if found is None:
        return None
    value = Decimal(text)
    if abs(value) > MOST:
        raise ValueError("is too large for any setting")
    if value != 0 and abs(value) < LEAST:
        raise ValueError("is too small for any setting")
    return int(text) if found["whole"] else Decimal(f"{value:f}")


def kind_of(annotation: Any) -> type | None:
    """int, float, Decimal or bool where a field holds one of them, or nothing; else None."""
    if get_origin(annotation) is Annotated:
        return kind_of(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        kinds = {kind_of(one) for one in get_args(annotation) if one is not type(None)}
        return kinds.pop() if len(kinds) == 1 else None
    return annotation if annotation in (int, float, Decimal, bool) else None


def as_number(value: Any, kind: type) -> int | float | Decimal:
    """A number for a field of a kind. Raises ValueError for truth values, texts, infinities and fractions of an int."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(NO_NUMBER)
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) > MOST:
        raise ValueError("must be finite and of a sensible size")
    if kind is int and number != int(number):
        raise ValueError("must be a whole number")
    return int(number) if kind is int else number if kind is Decimal else float(number)


def _metadata(field: FieldInfo) -> Iterator[Any]:
    yield from field.metadata
    for one in get_args(field.annotation):
        if get_origin(one) is Annotated:
            for part in get_args(one)[1:]:
                yield from part.metadata if isinstance(part, FieldInfo) else (part,)


def bounds_of(field: FieldInfo) -> str:
    """A field's bounds for people, as "from 1 to 50"; empty where it has none."""
    said = {
        name: getattr(one, name)
        for one in _metadata(field)
        for name in ("ge", "gt", "le", "lt")
        if getattr(one, name, None) is not None
    }
    least = f"from {_plain(said['ge'])}" if "ge" in said else f"above {_plain(said['gt'])}" if "gt" in said else ""
    return " ".join(filter(None, (least, f"to {_plain(said['le'])}" if "le" in said else "")))


def _plain(bound: Any) -> str:
    """A bound without an exponent."""
    return f"{Decimal(str(bound)):f}"


def fault_of(item: Any) -> str:
    """What is wrong with one value, of pydantic's account of it; the value itself is not repeated."""
    said = {name: _plain(one) if name in ("gt", "ge", "lt", "le") else one for name, one in item.get("ctx", {}).items()}
    plain = {
        "missing": "is missing",
        "extra_forbidden": "is not known",
        "greater_than": f"must be more than {said.get('gt')}",
        "greater_than_equal": f"must be at least {said.get('ge')}",
        "less_than": f"must be less than {said.get('lt')}",
        "less_than_equal": f"must be at most {said.get('le')}",
        "bool_parsing": "must be true or false",
        "bool_type": "must be true or false",
        "literal_error": f"must be {said.get('expected')}",
        "model_type": "must be a section with keys of its own",
        "tuple_type": "must be a list",
        "string_type": "must be a text",
        "string_pattern_mismatch": "is not of the form that .env.template shows",
        "dict_type": "must be a JSON object of names and addresses",
        "string_too_long": f"must have at most {said.get('max_length')} characters",
        "too_long": f"must have at most {said.get('max_length')} entries",
    }
    return plain.get(item["type"]) or str(item["msg"]).removeprefix("Value error, ")
