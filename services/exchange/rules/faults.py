"""Which faults are in force, and which of them strikes when.

A fault strikes on the matches of its `match`, `symbol` and `account` that fall in [from, until) of market time: the
first `after` of them pass unharmed, then up to `times` are hit (all, when null), each with `probability`, drawn from
(seed, id, number of the match), so the same requests meet the same faults.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from services.exchange.rules.fault_kinds import STEPS, USUAL_STEP, AnyFault

K = TypeVar("K", bound=AnyFault)


class Occasion(NamedTuple):
    """Something a fault might strike: a request (method, path) or an order of the book (both empty)."""

    at: float
    account: str = ""
    method: str = ""
    path: str = ""
    symbols: frozenset[str] = frozenset()


@dataclass
class Standing:
    """A fault in force: how many matches it has seen, and how many it has hit."""

    fault: AnyFault
    seen: int = 0
    hits: int = 0

    def strikes(self, occasion: Occasion) -> bool:
        """Whether this occasion is hit; counts it."""
        if not fits(self.fault, occasion) or (self.fault.times is not None and self.hits >= self.fault.times):
            return False
        self.seen += 1
        if self.seen <= self.fault.after or not drawn(self.fault, self.seen):
            return False
        self.hits += 1
        return True


def fits(fault: AnyFault, occasion: Occasion) -> bool:
    """Whether the occasion is one of those the fault is about."""
    if fault.account is not None and fault.account != occasion.account:
        return False
    if fault.symbol is not None and fault.symbol not in occasion.symbols:
        return False
    if not _within(occasion.at, fault.since, fault.until):
        return False
    match = fault.match or USUAL_STEP.get(fault.kind)
    if match is None or not occasion.method:
        return True
    method, path = STEPS[match] if isinstance(match, str) else (match.method, match.path)
    return bool(re.fullmatch(method, occasion.method) and re.fullmatch(path, occasion.path))


def _within(at: float, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or at >= since.timestamp()) and (until is None or at < until.timestamp())


def drawn(fault: AnyFault, number: int) -> bool:
    """The draw of the number-th match."""
    if fault.probability >= 1:
        return True
    digest = blake2b(f"{fault.seed}/{fault.id}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 < fault.probability


@dataclass
class Roster:
    """The faults in force, in the order in which they were added."""

    standing: dict[str, Standing] = field(default_factory=dict)

    def add(self, fault: AnyFault) -> None:
        """One of the same id is replaced."""
        self.standing[fault.id] = Standing(fault)

    def clear(self, fault_id: str = "") -> list[AnyFault]:
        """Remove one, or all when none is named; what was removed."""
        gone = [s.fault for key, s in self.standing.items() if not fault_id or key == fault_id]
        for fault in gone:
            del self.standing[fault.id]
        return gone

    def struck(self, occasion: Occasion, *kinds: type[K]) -> Iterator[K]:
        """Faults of these kinds that hit the occasion."""
        for standing in tuple(self.standing.values()):
            if isinstance(standing.fault, kinds) and standing.strikes(occasion):
                yield standing.fault


def numbered(fault: AnyFault, taken: frozenset[str]) -> AnyFault:
    """With an id: its own, or the first f<n> that is free."""
    if fault.id:
        return fault
    number = next(n for n in range(1, len(taken) + 2) if f"f{n}" not in taken)
    return fault.model_copy(update={"id": f"f{number}"})


def plain_fault(fault: AnyFault) -> dict[str, Any]:
    """As it was given: what was left out stays out."""
    return fault.model_dump(mode="json", by_alias=True, exclude_unset=True)
