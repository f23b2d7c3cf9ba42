"""From a sifted, ranked market to rows, candidates and explanations."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from pydantic import Field

from services.scanner.rules.reasons import told
from services.scanner.rules.score import Ranks
from services.scanner.rules.sift import Sifted
from services.scanner.rules.story import NewsAsked, said_of
from shared.domain.base import Value
from shared.domain.evidence import Candidate, Standing

FACTS = (
    "price", "previous_close", "change_pct", "gap_pct", "return_5d_pct", "return_20d_pct", "vwap_distance_pct",
    "high_distance_pct", "rvol", "dollar_volume", "average_volume", "spread_pct",
)  # fmt: skip
COMPONENTS = ("return_5d_pct", "return_20d_pct", "vwap_distance_pct", "high_distance_pct")
COLUMNS = ("symbol", "rank", "volume", *FACTS, "momentum_score", "volume_score", "remark")
Row = dict[str, Any]


class Basis(Value):
    """What a scan rested on besides the prices: with it, relative volumes and pardons can be worked out again.

    `lessons`: the sessions behind the measured curve, oldest first (none: the measured curve alone); `expected`: the
    part of an average day's volume due by then, of each band of dollar volume; `feed_share`: the part of the market
    that the feed sees; `news`: what was asked for names that only news keeps, None where there were none.
    """

    lessons: tuple[date, ...]
    expected: tuple[float, ...]
    feed_share: float
    news: NewsAsked | None = None

    def said_of(self, symbol: str) -> str | None:
        """What the news said of a name that was asked about."""
        return said_of(self.news).get(symbol)


class Coverage(Value):
    """What became of a whole universe in one scan.

    `dropped` by reason: the threshold and each symbol's value; `ranked`: all that stayed, best first, with both scores;
    `basis` is None for scans that were stored before it was.
    """

    universe: int
    scanned: int
    dropped: dict[str, dict[str, Any]]
    ranked: dict[str, list[Any]]
    basis: Basis | None = None

    @property
    def counts(self) -> dict[str, int]:
        return {reason: len(entry["symbols"]) for reason, entry in self.dropped.items()}


class ScanResult(Candidate):
    """A stored row of scan_results: the candidate and what the rest of the funnel said about it."""

    id: int
    news_score: float | None = None
    pattern_score: float | None = None
    technical_score: float | None = None
    composite_score: float | None = None
    stage: str
    outcome: str | None = None
    scanned_at: datetime


class ScanResults(Value):
    """One scan's stored rows in order of rank, how many symbols each reason dropped, and what the scan rested on."""

    cycle_id: str
    scan: int
    scanned_at: datetime
    universe: int
    scanned: int
    dropped: dict[str, int] = Field(default_factory=dict)
    basis: Basis | None = None
    candidates: tuple[ScanResult, ...]


class UniverseReport(Value):
    """Which securities are looked at, and how many were left out for which reason."""

    refreshed_at: datetime
    universe: int
    sectors: int
    history_days: int
    excluded: dict[str, int] = Field(default_factory=dict)


def rows_of(sifted: Sifted, ranks: Ranks, count: int, remarks: Mapping[str, str] | None = None) -> list[Row]:
    """The best `count` symbols as rows under the names of scan_results; plain numbers, None for what is not known.

    `remarks` by symbol: why a name is here although a rule would have dropped it.
    """
    best = ranks.order[:count]
    places = sifted.kept[best]
    table: dict[str, list[Any]] = {name: sifted.columns[name][places].tolist() for name in FACTS}
    table["symbol"] = sifted.symbols[places].tolist()
    table["rank"] = list(range(1, len(places) + 1))
    table["volume"] = np.rint(sifted.columns["volume"][places]).astype(np.int64).tolist()
    table["momentum_score"], table["volume_score"] = ranks.momentum[best].tolist(), ranks.volume[best].tolist()
    table["remark"] = [(remarks or {}).get(symbol) for symbol in table["symbol"]]
    return [
        {name: _finite(value) for name, value in zip(COLUMNS, values, strict=True)}
        for values in zip(*(table[name] for name in COLUMNS), strict=True)
    ]


def coverage_of(sifted: Sifted, ranks: Ranks, basis: Basis | None = None) -> Coverage:
    """What scan_coverage keeps."""
    dropped: dict[str, dict[str, Any]] = {}
    for place, reason in enumerate(sifted.reasons):
        hit = np.flatnonzero(sifted.reason == place)
        if len(hit):
            values = [_finite(value) for value in sifted.value[hit].tolist()]
            symbols = dict(zip(sifted.symbols[hit].tolist(), values, strict=True))
            dropped[reason] = {"threshold": sifted.thresholds[place], "symbols": symbols}
    ranked: dict[str, list[Any]] = {
        "symbols": sifted.symbols[sifted.kept[ranks.order]].tolist(),
        "momentum": ranks.momentum[ranks.order].round(6).tolist(),
        "volume": ranks.volume[ranks.order].round(6).tolist(),
    }
    scanned = int(np.isfinite(sifted.columns["price"]).sum())
    return Coverage(universe=len(sifted.symbols), scanned=scanned, dropped=dropped, ranked=ranked, basis=basis)


def candidate_of(row: Mapping[str, Any]) -> Candidate:
    """The candidate that a row of scan_results describes; `row` may carry a sector."""
    return Candidate(**_candidate_fields(row))


def result_of(row: Mapping[str, Any]) -> ScanResult:
    """A stored row as the API shows it."""
    names = ("id", "news_score", "pattern_score", "technical_score", "composite_score", "stage", "outcome")
    return ScanResult(**_candidate_fields(row), **{name: row[name] for name in names}, scanned_at=row["scanned_at"])


def _candidate_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    names = [name for name in COLUMNS if name not in COMPONENTS]
    components = {name: row[name] for name in COMPONENTS}
    return {name: row[name] for name in names} | {"sector": row.get("sector"), "components": components}


def standing_of(
    coverage: Coverage, cycle_id: str, scan: int, symbol: str, stored: Mapping[str, Any] | None
) -> Standing | None:
    """Where a symbol stood; None when it was not in that scan's universe. `stored` is its row of scan_results."""
    ranked: Sequence[str] = coverage.ranked["symbols"]
    said = coverage.basis.said_of(symbol) if coverage.basis else None
    common: dict[str, Any] = {"cycle_id": cycle_id, "scan": scan, "symbol": symbol, "survivors": len(ranked)}
    if symbol in ranked:
        place = ranked.index(symbol)
        names = [f"{part}_score" for part in ("momentum", "volume")]
        scores = {name: coverage.ranked[name.removesuffix("_score")][place] for name in names}
        reason = f"ranked {place + 1} of {len(ranked)}"
        if stored is None:
            reached, reason = "ranked", f"{reason}, behind those that were stored"
        else:
            more = ("news_score", "pattern_score", "technical_score", "composite_score")
            reached, reason = "scanner", stored["outcome"] or reason
            scores = {name: stored[name] for name in (*names, *more)}
        reason = f"{reason}; kept for {said}" if said else reason
        return Standing(**common, reached=reached, reason=reason, rank=place + 1, scores=scores)
    for reason, entry in coverage.dropped.items():
        if symbol in entry["symbols"]:
            value, threshold = entry["symbols"][symbol], entry["threshold"]
            margin = None if value is None or threshold is None else value - threshold
            missed: dict[str, float | None] = {"value": value, "threshold": threshold, "margin": margin}
            return Standing(**common, reached="universe", reason=told(reason, said), **missed)
    return None


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
