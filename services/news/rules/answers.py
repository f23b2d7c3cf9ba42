"""What only this service's own routes take and give."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.domain.base import Value
from shared.domain.news import Reading


class ReaderHealth(Value):
    """How a rung of the ladder above our own reading is doing; counts since the start."""

    name: str
    status: Literal["off", "unused", "ok", "waiting", "failing", "resting"]
    detail: str | None
    read: int
    stepped_down: int
    retry_in_s: float


class ClassifyItem(Value):
    """A text to be read, about a company where one is named."""

    text: str
    symbol: str | None = None
    company: str | None = None


class ClassifyRequest(Value):
    items: tuple[ClassifyItem, ...] = Field(min_length=1, max_length=1000)


class Classified(Reading):
    """A reading with its label."""

    label: Literal["positive", "neutral", "negative"]


class ClassifyAnswer(Value):
    """One reading for each text, in the order given."""

    items: tuple[Classified, ...]


class SourceHealth(Value):
    """How a news source is doing; `detail` says why where it is not `ok`.

    `off`: not in use. `waiting`: its budget is used up, or it has nothing to say at this hour. `resting`: it failed
    several times in a row and is left alone for `retry_in_s`. `dropped`: items that could not be read, since the
    start. Without a wire that answers there is no assessment.
    """

    name: str
    kind: Literal["wire", "other"]
    status: Literal["off", "unused", "ok", "waiting", "failing", "resting"]
    detail: str | None
    items: int
    dropped: int
    newest_item_at: datetime | None
    last_success_at: datetime | None
    last_error: str | None
    failures_in_a_row: int
    retry_in_s: float
