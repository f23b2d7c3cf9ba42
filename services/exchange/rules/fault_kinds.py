"""The kinds of fault, as they are asked for. Those of the wire and the view leave the book alone; those of the book are
journaled, so that a restarted exchange lives through them again."""

import re
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, field_validator, model_validator

from shared.domain.base import Value

STEPS: dict[str, tuple[str, str]] = {
    "submit": ("POST", "/v2/orders"),
    "orders": ("GET", "/v2/orders"),
    "order": ("GET", "/v2/orders(/.*|:by_client_order_id)"),
    "look_up": ("GET", "/v2/orders:by_client_order_id"),
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


class Refused(_Fault):
    """Answered with a 4xx of the gateway, as JSON, and not carried out. For a page see html_body."""

    kind: Literal["refused"]
    status: Annotated[int, Field(ge=400, le=499)] = 403
    code: int | None = None
    message: str = "forbidden."


class OddRow(_Fault):
    """A list's answer has one more row, whatever that is: an option order, a holding of another kind."""

    kind: Literal["odd_row"]
    row: dict[str, Any]


class StrippedBracket(_Fault):
    """A bracket is taken as a simple order: its legs, their prices and its class are lost on the way."""

    kind: Literal["stripped_bracket"]


class EquityGlitch(_Fault):
    """GET /v2/account tells an equity multiplied by `factor`; nothing else of the answer changes."""

    kind: Literal["equity_glitch"]
    factor: Annotated[float, Field(gt=-10, le=10)] = 0.77


class Lag(_Fault):
    """Positions, the list of orders, the look-up of one order, or fills are shown as they stood `seconds` of market
    time ago."""

    kind: Literal["positions_lag", "orders_lag", "lookup_lag", "activities_lag"]
    seconds: Seconds = 10.0


class Tangle(_Fault):
    """What becomes of an event of a stream. mute: lost. drop: the connection is reset instead. duplicate: sent twice.
    reorder: sent after the one that follows. delay: sent `ms` of wall or `seconds` of market time late, and what
    follows waits for it."""

    kind: Literal["mute", "drop", "duplicate", "reorder", "delay"]
    ms: Annotated[float, Field(ge=0, le=600_000)] = 0.0
    seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.0


class HangUp(_Fault):
    """Open connections of a stream are reset at once; later ones are not."""

    kind: Literal["hang_up"]


class Kick(_Fault):
    """A trading stream is closed (1008) as soon as it has begun to listen."""

    kind: Literal["kick"]


class StuckCancel(_Fault):
    """A cancel stays pending `seconds` of market time longer; null: until the fault is cleared."""

    kind: Literal["stuck_cancel"]
    seconds: Seconds | None = None


class LateRelease(_Fault):
    """The shares of a canceled order stay held `seconds` of market time longer."""

    kind: Literal["late_release"]
    seconds: Seconds = 5.0


class PartialFill(_Fault):
    """An order's first fill takes `fraction` of it, or each takes `slice` shares, `gap_seconds` apart; not `complete`:
    nothing follows the first until the fault is cleared."""

    kind: Literal["partial_fill"]
    role: Role | Literal["entry", "simple"] | None = None
    fraction: Annotated[float, Field(gt=0, lt=1)] | None = None
    slice: Annotated[int, Field(ge=1)] | None = None
    complete: bool = True
    gap_seconds: Seconds | None = None

    @model_validator(mode="after")
    def _one_measure(self) -> "PartialFill":
        if (self.fraction is None) == (self.slice is None):
            raise ValueError("give either fraction or slice")
        return self


class AsyncReject(_Fault):
    """An order that POST has taken is rejected: instead of `new`, or `seconds` of market time after it."""

    kind: Literal["async_reject"]
    stage: Literal["pending_new", "new"] = "pending_new"
    seconds: Seconds = 0.05


class Halt(_Fault):
    """Trading of `symbol` stops in [from, until): from now on when `from` is left out, to the close without `until`.
    Clearing it opens trading again."""

    kind: Literal["halt"]
    symbol: str


class Gap(_Fault):
    """From the next bar on that begins after now (or `from`), `symbol` trades `percent` below what the tape says; a
    negative one is a gap upwards. It stays when the fault is cleared."""

    kind: Literal["gap"]
    symbol: str
    percent: Annotated[float, Field(gt=-400, lt=95)]


class VanishedLeg(_Fault):
    """A live exit is gone, as canceled, `seconds` of market time after it was armed (or now), told or not."""

    kind: Literal["vanished_leg"]
    role: Role | None = "stop_loss"
    event: bool = False
    seconds: Annotated[float, Field(ge=0, le=86_400)] = 0.0


ENDING_KINDS = (Hang, Status, Reset, Garble, Refused, OddRow, EquityGlitch)
"""Of these, the first that strikes a request decides about its answer."""
BookFault = StuckCancel | LateRelease | PartialFill | AsyncReject | Halt | Gap | VanishedLeg
WireFault = Latency | Hang | Status | Reset | Garble | Refused | OddRow | StrippedBracket | EquityGlitch | Lag
AnyFault = WireFault | Tangle | HangUp | Kick | BookFault
Fault = Annotated[AnyFault, Field(discriminator="kind")]
FAULT: TypeAdapter[AnyFault] = TypeAdapter(Fault)
USUAL_STEP = {
    "equity_glitch": "account",
    "positions_lag": "positions",
    "orders_lag": "orders",
    "lookup_lag": "order",
    "activities_lag": "activities",
    "odd_row": "orders",
    "stripped_bracket": "submit",
    **dict.fromkeys(("mute", "drop", "duplicate", "reorder", "delay", "hang_up", "kick"), "stream"),
}
"""What a kind is about when `match` is left out, where that is not everything."""
