"""What only this service's own routes take and give."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.domain.base import Value
from shared.domain.news import Reading


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
    """How a news source is doing. `resting`: it failed several times in a row and is left alone until `retry_in_s`."""

    name: str
    status: Literal["unused", "ok", "failing", "resting"]
    items: int
    newest_item_at: datetime | None
    last_success_at: datetime | None
    last_error: str | None
    failures_in_a_row: int
    retry_in_s: float
