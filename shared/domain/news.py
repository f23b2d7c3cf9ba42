"""What the wires say, and what it means for one company."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.domain.base import Value


class Catalyst(StrEnum):
    """Why a headline may move a price."""

    FDA = "FDA"
    MERGER = "M&A"
    EARNINGS = "EARNINGS"
    GUIDANCE = "GUIDANCE"
    OFFERING = "OFFERING"
    CONTRACT = "CONTRACT"
    INSIDER_BUY = "INSIDER_BUY"
    ANALYST = "ANALYST"
    LEGAL = "LEGAL"
    DIVIDEND = "DIVIDEND"
    PERSONNEL = "PERSONNEL"
    PRODUCT = "PRODUCT"
    OTHER = "CATALYST"


class Headline(Value):
    """One item as a source published it, or as it stood since `updated_at`. `id` is the source's own."""

    id: str
    source: str
    published_at: datetime
    headline: str
    summary: str = ""
    url: str | None = None
    symbols: tuple[str, ...] = ()
    updated_at: datetime | None = None

    @property
    def told_at(self) -> datetime:
        """Since when the item reads as it does."""
        return self.updated_at or self.published_at


class Terms(Value):
    """How a source of headlines may be used. `off` says why it is not, where it is not.

    A wire's silence about a symbol means that there is no news; another source's silence means nothing. One question
    names at most `at_once` symbols, and an answer is good enough for `lasts_seconds`.
    """

    off: str | None = None
    is_wire: bool = True
    at_once: int = Field(default=100, ge=1)
    lasts_seconds: float = Field(default=0.0, ge=0)


class Question(Value):
    """A text to be read about a company; `tagged`: how many symbols its item carries."""

    text: str
    symbol: str | None = None
    company: str | None = None
    tagged: int = 1


class Reading(Value):
    """What one text says about one company: sentiment in [-1, 1], confidence in [0, 1], how it was read."""

    sentiment: float = Field(ge=-1, le=1)
    confidence: float = Field(ge=0, le=1)
    catalyst: Catalyst | None = None
    reason: str
    method: str


class NewsEvidence(Value):
    """One symbol's news as of a moment.

    `score` in [0, 1] is the composite's news part (0.5 = no news, or news without direction); `sentiment` in [-1, 1].
    """

    symbol: str
    score: float = Field(ge=0, le=1)
    sentiment: float = Field(ge=-1, le=1)
    confidence: float = Field(ge=0, le=1)
    catalyst: Catalyst | None = None
    items: int = Field(ge=0)
    latest_at: datetime | None = None
    headline: str | None = None
    reason: str = "no news"


class NewsItem(Value):
    """A stored item; items of one story carry the id of its first."""

    item_id: int
    story_id: int | None
    source: str
    published_at: datetime
    received_at: datetime
    headline: str
    summary: str
    url: str | None
    symbols: tuple[str, ...]
