"""The story of symbols in a scan, as it is stored and told."""

from pydantic import Field

from shared.domain.base import Value
from shared.domain.evidence import Stage
from shared.domain.news import Catalyst


class Component(Value):
    """One number that a stage looked at.

    `percentile`: the share of the others at that stage that it beats, ties counting half, in [0, 1]. `weight` times
    `value` is the `contribution` to the stage's own value (at the scanner: to the score that it ranks by); without a
    weight it only informed, with the weight 0 it was missing. `threshold` and `margin`
    belong to a limit of its own (risk's checks); a negative margin missed by so much.
    """

    name: str
    value: float | None = None
    percentile: float | None = None
    weight: float | None = None
    contribution: float | None = None
    threshold: float | None = None
    margin: float | None = None
    passed: bool = True
    note: str = ""


class TraceRow(Value):
    """One symbol at one stage of one scan. `margin` is the room to `threshold`: negative missed by so much.

    `rank` 1 is the best of the `of` symbols that the stage looked at; `otherwise` says what would have made it decide
    otherwise. `refused`: why a stage would not judge it at all; `catalyst`: the event for which it is out at news.
    """

    symbol: str
    stage: Stage
    passed: bool
    reason: str
    value: float | None = None
    threshold: float | None = None
    margin: float | None = None
    rank: int | None = None
    of: int | None = None
    components: tuple[Component, ...] = ()
    otherwise: str | None = None
    refused: str | None = None
    catalyst: Catalyst | None = None


class Explanation(Value):
    """A symbol's way through each scan of a cycle: where it fell out and by how much.

    `sentences`: each scan in one line, also one that failed before it looked at anybody; `outlines`: the same without
    what would have made it decide otherwise; `degraded`: what a scan had to
    do without; `config`: the hash of the configuration that it went by, beside the one of `config_now`.
    """

    cycle_id: str
    symbol: str
    summary: str
    scans: dict[int, tuple[TraceRow, ...]]
    sentences: dict[int, str] = Field(default_factory=dict)
    outlines: dict[int, str] = Field(default_factory=dict)
    degraded: dict[int, tuple[str, ...]] = Field(default_factory=dict)
    config: dict[int, str] = Field(default_factory=dict)
    config_now: str | None = None


class NearMiss(TraceRow):
    """A symbol that fell out of one scan by little."""

    scan: int
