"""The story of symbols in a scan, as it is stored and told."""

from shared.domain.base import Value
from shared.domain.evidence import Stage


class TraceRow(Value):
    """One symbol at one stage of one scan. `margin` = value - threshold: negative missed by so much."""

    symbol: str
    stage: Stage
    passed: bool
    reason: str
    value: float | None = None
    threshold: float | None = None
    margin: float | None = None
    rank: int | None = None


class Explanation(Value):
    """A symbol's way through each scan of a cycle: where it fell out and by how much."""

    cycle_id: str
    symbol: str
    summary: str
    scans: dict[int, tuple[TraceRow, ...]]


class NearMiss(TraceRow):
    """A symbol that fell out of one scan by little."""

    scan: int
