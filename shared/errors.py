"""The error tree. Each class has one HTTP meaning, given by the web shell.

CatalystError
├── BadInput          422  the caller sent something that cannot be used
├── Unauthorized      401  no key, or a wrong one
├── Forbidden         403  a known caller who may not do this
├── NotFound          404  no such thing
├── NotNow            409  right question, wrong moment: market closed, halted, already running
├── Unavailable       503  something this service needs does not answer
│   └── OutcomeUnknown  504  asked, no answer: the thing may or may not have happened
├── BrokerRefused     502  the broker answered no, and meant it
└── ConfigError       500  the system is set up in a way that must not run
"""

from datetime import datetime

from shared.domain.order import RefusalCode


class CatalystError(Exception):
    """Something went wrong that has a name."""

    title = "error"

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class BadInput(CatalystError):
    """The caller sent something that cannot be used; `field` names it."""

    title = "bad input"


class Unauthorized(CatalystError):
    """No key was given, or a wrong one."""

    title = "unauthorized"


class Forbidden(CatalystError):
    """The caller is known and may not do this."""

    title = "forbidden"


class NotFound(CatalystError):
    """There is no such thing."""

    title = "not found"


class NotNow(CatalystError):
    """The request makes sense but not at this moment; `possible_at` says when, where that is known.

    `left`: what stands in the way, one typed item each.
    """

    title = "not now"

    def __init__(
        self,
        detail: str,
        *,
        possible_at: datetime | None = None,
        field: str | None = None,
        left: tuple[dict[str, object], ...] = (),
    ) -> None:
        super().__init__(detail, field=field)
        self.possible_at = possible_at
        self.left = left


class Unavailable(CatalystError):
    """Something this service needs does not answer."""

    title = "unavailable"


class OutcomeUnknown(Unavailable):
    """The question was sent and no answer came: look before asking again."""

    title = "outcome unknown"


class BrokerRefused(CatalystError):
    """The broker refused. `refusal` says why, for what decides by it; its own code is reused for many things."""

    title = "refused by the broker"

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        code: int | None,
        extra: dict[str, object] | None = None,
        refusal: RefusalCode = "other",
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.extra = extra or {}
        self.refusal = refusal


class ConfigError(CatalystError):
    """The system is set up in a way that must not run."""

    title = "configuration"
