"""Lists from outside: read whole where possible, and one by one where a row is odd, so that it costs only itself."""

import json
from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec
import structlog
from prometheus_client import Counter

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
# What decoding raises: another form, bytes that are no UTF-8, numbers without end, nesting without end.
UNREADABLE = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
LEFT_OUT = Counter("catalyst_rows_left_out_total", "Rows of foreign lists that could not be read", ["list"])
_BY_NAME = msgspec.json.Decoder(dict[str, msgspec.Raw])
log = structlog.get_logger()


class Decoding(Protocol[T_co]):
    """What makes a value of JSON."""

    def decode(self, body: bytes, /) -> T_co: ...


class Rows(NamedTuple, Generic[T]):
    """The rows that could be read, and how many could not."""

    read: list[T]
    bad: int


def mended(text: bytes | msgspec.Raw) -> bytes:
    """The same JSON without what breaks its text: bytes that are no UTF-8, halves of surrogate pairs, a byte order
    mark, numbers that are none. Raises what decoding raises.
    """
    found = json.loads(bytes(text).decode("utf-8-sig", "replace"), parse_constant=lambda _: None)
    return json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")


def decoded(body: bytes, decoder: Decoding[T]) -> T:
    """The answer as it came, or mended where its text alone is what is odd. Raises one of UNREADABLE."""
    try:
        return decoder.decode(body)
    except UNREADABLE:
        return decoder.decode(mended(body))


def row_of(raw: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """One row, mended where its text alone is what is odd. Raises what decoding raises."""
    try:
        return decoder.decode(raw)
    except UNREADABLE:
        return decoder.decode(mended(raw))


def rows_of(raws: Sequence[msgspec.Raw], decoder: msgspec.json.Decoder[T], name: str) -> Rows[T]:
    """Each row that can be read. Raises msgspec.ValidationError when there are rows and none can be."""
    read, troubles = list[T](), list[str]()
    for raw in raws:
        try:
            read.append(row_of(raw, decoder))
        except UNREADABLE as error:
            troubles.append(f"{error}"[:200])
    left_out(name, len(raws), troubles)
    return Rows(read, len(troubles))


def left_out(name: str, rows: int, troubles: Sequence[str]) -> None:
    """Count and log the rows that could not be read. Raises msgspec.ValidationError when none of them could be."""
    if troubles:
        LEFT_OUT.labels(name).inc(len(troubles))
        log.warning("rows_left_out", list=name, rows=rows, left_out=len(troubles), first=troubles[0])
        if len(troubles) == rows:
            raise msgspec.ValidationError(f"malformed: none of {rows} {name} can be read, the first for: {troubles[0]}")


class Table(Generic[T]):
    """Decodes an object with a row for each name, a missing row being null; with `key`, the object of that key."""

    def __init__(
        self, name: str, whole: "msgspec.json.Decoder[dict[str, T | None]]", row: "msgspec.json.Decoder[T | None]",
        key: str = "",
    ) -> None:  # fmt: skip
        self._name, self._key, self._whole, self._row = name, key, whole, row

    def decode(self, body: bytes) -> dict[str, T | None]:
        """The rows by name, those that cannot be read left out. Raises what decoding raises."""
        text: bytes | msgspec.Raw = body
        if self._key:
            outer = _BY_NAME.decode(body)
            if self._key not in outer:
                raise msgspec.ValidationError(f"there is no `{self._key}`")
            text = outer[self._key]
        try:
            return self._whole.decode(text)
        except UNREADABLE:
            return self._one_by_one(_BY_NAME.decode(text))

    def _one_by_one(self, raws: dict[str, msgspec.Raw]) -> dict[str, T | None]:
        found, troubles = dict[str, T | None](), list[str]()
        for name, raw in raws.items():
            try:
                found[name] = row_of(raw, self._row)
            except UNREADABLE as error:
                troubles.append(f"{name[:20]}: {error}"[:200])
        left_out(self._name, len(raws), troubles)
        return found
