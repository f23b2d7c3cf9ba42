"""What may go wrong at the exchange when asked to, and when: the kinds of fault, and the roster of those in force.

A fault strikes on the matches of its `match`, `symbol` and `account` that fall in [from, until) of market time: the
first `after` of them pass unharmed, then up to `times` are hit (all, when null), each with `probability`, drawn from
(seed, id, number of the match), so the same requests meet the same faults.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, field_validator

from shared.domain.base import Value

STEPS: dict[str, tuple[str, str]] = {
    "submit": ("POST", "/v2/orders"),
    "orders": ("GET", "/v2/orders"),
    "order": ("GET", "/v2/orders(/.*|:by_client_order_id)"),
    "replace": ("PATCH", "/v2/orders/.*"),
    "cancel": ("DELETE", "/v2/orders/.*"),
    "cancel_all": ("DELETE", "/v2/orders"),
    "positions": ("GET", "/v2/positions(/.*)?"),
    "close": ("DELETE", "/v2/positions/.*"),
    "close_all": ("DELETE", "/v2/positions"),
    "account": ("GET", "/v2/account"),
    "activities": ("GET", "/v2/account/activities(/.*)?"),
    "clock": ("GET", "/v2/clock"),
    "calendar": ("GET", "/v2/calendar"),
    "assets": ("GET", "/v2/assets(/.*)?"),
    "data": ("GET", "/v2/stocks/.*|/v1beta1/.*|/v1/.*"),
    "news": ("GET", "/v1beta1/news"),
    "trading": (".*", "/v2/(orders|positions|account).*"),
    "stream": ("CONNECT", "/stream"),
    "data_stream": ("CONNECT", "/v2/(iex|sip|delayed_sip)|/v1beta1/news"),
}
"""Named steps: method and path, both whole expressions. A WebSocket's handshake has the method CONNECT."""
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Role = Literal["take_profit", "stop_loss"]


class Request(Value):
    """Requests by regular expressions that must fit the whole method and the whole path."""

    method: str = ".*"
    path: str = ".*"

    @field_validator("method", "path")
    @classmethod
    def _compiles(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return text


class _Fault(Value):
    """What every kind has. `match` is a named step or {"method", "path"}; null fits everything the kind can hit."""

    model_config = ConfigDict(populate_by_name=True)

    id: Annotated[str, Field(max_length=64)] = ""
    match: str | Request | None = None
    symbol: str | None = None
    account: str | None = None
    after: Annotated[int, Field(ge=0)] = 0
    times: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: int = 0
    since: AwareDatetime | None = Field(None, alias="from")
    until: AwareDatetime | None = None

    @field_validator("match")
    @classmethod
    def _known_step(cls, match: str | Request | None) -> str | Request | None:
        if isinstance(match, str) and match not in STEPS:
            raise ValueError(f"no such step; there are {', '.join(STEPS)}")
        return match


class Latency(_Fault):
    """The answer comes `ms` wall milliseconds late; the request is carried out after them."""

    kind: Literal["latency"]
    ms: Annotated[float, Field(gt=0, le=600_000)]


class Hang(_Fault):
    """Accepted and never answered: until the fault is cleared, the client hangs up or `seconds` of wall time passed,
    then the connection is dropped. `executed`: the request is carried out first."""

    kind: Literal["hang"]
    seconds: Annotated[float, Field(gt=0, le=600)] = 60.0
    executed: bool = False


class Status(_Fault):
    """Answered with an error. Only `504_after_accept` carries the request out."""

    kind: Literal["429", "500", "502", "503", "504_after_accept", "504_before_accept"]
    retry_after: Annotated[int, Field(ge=0, le=3600)] = 1


class Reset(_Fault):
    """The connection is reset at the socket without an answer, before or after the request was carried out."""

    kind: Literal["reset_before_accept", "reset_after_accept"]


class Garble(_Fault):
    """`html_body`: a page instead of JSON with `status`, the request not carried out. `garbage`: the answer's JSON cut
    off in the middle, the request carried out. `executed` overrides either."""

    kind: Literal["html_body", "garbage"]
    status: Annotated[int, Field(ge=200, le=599)] = 200
    executed: bool | None = None

    @property
    def carries_out(self) -> bool:
        return self.kind == "garbage" if self.executed is None else self.executed


WIRE = Latency | Hang | Status | Reset | Garble
Fault = Annotated[WIRE, Field(discriminator="kind")]
FAULT: TypeAdapter[Fault] = TypeAdapter(Fault)


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

    fault: Fault
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


def fits(fault: Fault, occasion: Occasion) -> bool:
    """Whether the occasion is one of those the fault is about."""
    if fault.account is not None and fault.account != occasion.account:
        return False
    if fault.symbol is not None and fault.symbol not in occasion.symbols:
        return False
    if not _within(occasion.at, fault.since, fault.until):
        return False
    if fault.match is None or not occasion.method:
        return True
    method, path = STEPS[fault.match] if isinstance(fault.match, str) else (fault.match.method, fault.match.path)
    return bool(re.fullmatch(method, occasion.method) and re.fullmatch(path, occasion.path))


def _within(at: float, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or at >= since.timestamp()) and (until is None or at < until.timestamp())


def drawn(fault: Fault, number: int) -> bool:
    """The draw of the number-th match."""
    if fault.probability >= 1:
        return True
    digest = blake2b(f"{fault.seed}/{fault.id}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 < fault.probability


@dataclass
class Roster:
    """The faults in force, in the order in which they were added."""

    standing: dict[str, Standing] = field(default_factory=dict)

    def add(self, fault: Fault) -> None:
        """One of the same id is replaced."""
        self.standing[fault.id] = Standing(fault)

    def clear(self, fault_id: str = "") -> list[Fault]:
        """Remove one, or all when none is named; what was removed."""
        gone = [s.fault for key, s in self.standing.items() if not fault_id or key == fault_id]
        for fault in gone:
            del self.standing[fault.id]
        return gone

    def struck(self, occasion: Occasion, *kinds: type[Any]) -> Iterator[Any]:
        """Faults of these kinds that hit the occasion."""
        for standing in tuple(self.standing.values()):
            if isinstance(standing.fault, kinds) and standing.strikes(occasion):
                yield standing.fault


def numbered(fault: Fault, taken: frozenset[str]) -> Fault:
    """With an id: its own, or the first f<n> that is free."""
    if fault.id:
        return fault
    number = next(n for n in range(1, len(taken) + 2) if f"f{n}" not in taken)
    return fault.model_copy(update={"id": f"f{number}"})


def plain_fault(fault: Fault) -> dict[str, Any]:
    """As it was given: what was left out stays out."""
    return fault.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=False)
