"""A list of the broker's, read row by row: what could be read, and an account of what could not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from shared.domain.base import Value

T = TypeVar("T")
TICKER = re.compile(r"[A-Z][A-Z0-9.]{0,11}")
"""The symbol of a stock, as our books can hold it."""


class Unreadable(Value):
    """A row of the broker's that could not be read. `id` (an order's) and `symbol` where those could be.

    `name` is what a person accepts it by; `problem` says for people which field is at fault.
    """

    kind: Literal["order", "position"]
    id: str | None
    symbol: str | None
    problem: str

    @property
    def name(self) -> str:
        return f"{self.kind}:{(self.id if self.kind == 'order' else self.symbol) or 'unknown'}"

    @property
    def obscures(self) -> bool:
        """Whether it could be of ours. A position in an option or a coin is not."""
        return self.kind == "order" or self.symbol is None or TICKER.fullmatch(self.symbol) is not None


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """The readable rows, in the broker's order, and the others. Iterating gives the readable ones."""

    rows: tuple[T, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        """Of all rows, readable or not."""
        return len(self.rows) + len(self.unreadable)
