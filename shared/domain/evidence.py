"""What each stage of the funnel hands to the next, and what a stage refused."""

import re
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationInfo, field_validator

from shared.domain.base import Value
from shared.domain.news import Catalyst, NewsEvidence

Stage = Literal["universe", "scanner", "news", "pattern", "technical", "score", "risk", "execution"]
Direction = Literal["long", "short", "neutral"]
SYMBOL = re.compile(r"[A-Z][A-Z0-9./-]{0,11}", re.ASCII)


class Candidate(Value):
    """A symbol that the scanner found worth a look. `remark`: why it is here although a rule would have dropped it.

    Scores are cross-sectional percentiles in [0, 1]; prices in USD; `*_pct` in percent; volumes in shares.
    """

    symbol: str
    rank: int = Field(ge=1)
    price: float = Field(gt=0)
    volume: int = Field(ge=0)
    previous_close: float = Field(gt=0)
    change_pct: float
    gap_pct: float
    rvol: float = Field(ge=0)
    dollar_volume: float = Field(ge=0)
    average_volume: float = Field(ge=0)
    spread_pct: float | None = None
    sector: str | None = None
    momentum_score: float = Field(ge=0, le=1)
    volume_score: float = Field(ge=0, le=1)
    remark: str | None = None
    components: dict[str, float | None] = Field(default_factory=dict)


class AssessRequest(Value):
    """Ask a stage for its opinion. Nothing later than `as_of` may be used."""

    symbols: tuple[str, ...] = Field(min_length=1, max_length=1000)
    as_of: AwareDatetime
    cycle_id: str | None = None
    scan: int | None = Field(default=None, validate_default=True)

    @field_validator("symbols")
    @classmethod
    def _are_symbols(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        if odd := [symbol for symbol in symbols if not SYMBOL.fullmatch(symbol)]:
            raise ValueError(f"not a symbol: {odd[0][:20]!r}")
        return symbols

    @field_validator("scan")
    @classmethod
    def _goes_with_its_cycle(cls, scan: int | None, known: ValidationInfo) -> int | None:
        if (scan is None) != (known.data.get("cycle_id") is None):
            raise ValueError("cycle_id and scan come together or not at all")
        return scan


class NewsAssessment(Value):
    """Answer of the news stage: one entry for each symbol asked, in the order asked."""

    as_of: datetime
    evidence: tuple[NewsEvidence, ...]


class Pivot(Value):
    """A turning point: bar's opening time and price in USD."""

    at: datetime
    price: float
    kind: Literal["high", "low"]


class Detection(Value):
    """One pattern seen in one symbol's bars. Levels in USD; confidence in [0, 1]; `reason` for the status, in words."""

    name: str
    timeframe: Literal["5Min", "1Day"]
    direction: Direction
    status: Literal["forming", "confirmed", "failed"]
    confidence: float = Field(ge=0, le=1)
    started_at: datetime
    ended_at: datetime
    breakout: float | None = None
    entry: float | None = None
    stop: float | None = None
    target: float | None = None
    volume_confirmed: bool = False
    reason: str = ""
    pivots: tuple[Pivot, ...] = ()


class PatternEvidence(Value):
    """One symbol's patterns. `score` in [0, 1]: 0.5 = nothing seen; above speaks for a long entry, below against."""

    symbol: str
    score: float = Field(ge=0, le=1)
    best: Detection | None = None
    detections: tuple[Detection, ...] = ()
    support: tuple[float, ...] = ()
    resistance: tuple[float, ...] = ()
    rests_on: str = ""
    refused: str | None = None


class PatternAssessment(Value):
    as_of: datetime
    evidence: tuple[PatternEvidence, ...]


class TechnicalEvidence(Value):
    """One symbol's indicators. `score` in [0, 1] or None when refused; a null indicator had too little history.

    `atr` is the 14-bar average true range of daily bars in USD; `parts` times `weights` are the score.
    """

    symbol: str
    score: float | None = Field(default=None, ge=0, le=1)
    atr: float | None = None
    support: float | None = None
    resistance: float | None = None
    parts: dict[str, float | None] = Field(default_factory=dict)
    weights: dict[str, float] = Field(default_factory=dict)
    indicators: dict[str, dict[str, float | None]] = Field(default_factory=dict)
    rests_on: str = ""
    refused: str | None = None


class TechnicalAssessment(Value):
    as_of: datetime
    evidence: tuple[TechnicalEvidence, ...]


class Scored(Value):
    """A candidate with its composite score in [0, 1] and everything that led to it: what risk is asked about."""

    symbol: str
    rank: int = Field(ge=1)
    composite_score: float = Field(ge=0, le=1)
    parts: dict[str, float | None]
    weights: dict[str, float]
    price: float = Field(gt=0)
    sector: str | None = None
    average_volume: float = Field(ge=0)
    spread_pct: float | None = None
    atr: float | None = None
    stop: float | None = None
    target: float | None = None
    catalyst: Catalyst | None = None
    pattern: str | None = None
    degraded: bool = False


class ScoreUpdate(Value):
    """What workflow tells the scanner to store beside a scan result once the funnel has run."""

    symbol: str
    stage: Stage
    composite_score: float | None = None
    news_score: float | None = None
    pattern_score: float | None = None
    technical_score: float | None = None
    outcome: str


class ScoreUpdates(Value):
    cycle_id: str
    scan: int
    scores: tuple[ScoreUpdate, ...]


class Standing(Value):
    """Where a symbol stood in one scan's first stage.

    `reached` scanner: stored among the best (`rank` of `survivors`); ranked: good enough for a rank, not to be stored;
    universe: dropped for `reason`, its `value` missing `threshold` by `margin`. `scores` as far as they were known.
    """

    cycle_id: str
    scan: int
    symbol: str
    reached: Literal["scanner", "ranked", "universe"]
    reason: str
    rank: int | None = None
    survivors: int
    value: float | None = None
    threshold: float | None = None
    margin: float | None = None
    scores: dict[str, float | None] = Field(default_factory=dict)
