"""What became of a symbol, in words and numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.domain.cycle import Explanation, NearMiss, TraceRow

STAGES = ("universe", "scanner", "news", "pattern", "technical", "score", "risk", "execution")


def rows_of(trace: Mapping[str, Any]) -> list[TraceRow]:
    """The rows of a stored trace."""
    return [TraceRow.model_validate(row) for row in trace.get("rows", ())]


def way_of(symbol: str, rows: Sequence[TraceRow]) -> tuple[TraceRow, ...]:
    """One symbol's rows, in the order of the stages."""
    own = (row for row in rows if row.symbol == symbol)
    return tuple(sorted(own, key=lambda row: STAGES.index(row.stage)))


def never_seen(symbol: str, counts: Mapping[str, Any], reason: str | None) -> TraceRow:
    """Why a symbol was not among the scanner's candidates, as far as the counts tell."""
    dropped = ", ".join(f"{count} {why}" for why, count in sorted(counts.get("dropped", {}).items()))
    said = reason or (
        f"not among the {counts.get('candidates', 0)} candidates of {counts.get('scanned', 0)} scanned"
        f" ({counts.get('universe', 0)} in the universe; dropped: {dropped or 'none'})"
    )
    return TraceRow(symbol=symbol, stage="scanner", passed=False, reason=said)


def sentence(number: int, way: Sequence[TraceRow]) -> str:
    """One scan in one line: the last stage reached, and the margin there."""
    last = way[-1]
    what = "passed" if last.passed else "fell out at"
    numbers = ""
    if last.value is not None and last.threshold is not None and last.margin is not None:
        numbers = f" ({last.value:.4g} against {last.threshold:.4g}, margin {last.margin:+.4g})"
    return f"scan {number}: {what} {last.stage}: {last.reason}{numbers}"


def explanation(cycle_id: str, symbol: str, ways: Mapping[int, tuple[TraceRow, ...]]) -> Explanation:
    """All scans of a cycle for one symbol."""
    said = [sentence(number, way) for number, way in sorted(ways.items()) if way]
    summary = "; ".join(said) or "no scan of this cycle has looked at the market yet"
    return Explanation(cycle_id=cycle_id, symbol=symbol, summary=summary, scans=dict(ways))


def told(cycle_id: str, symbol: str, traces: Mapping[int, Mapping[str, Any]]) -> Explanation:
    """The explanation from the stored traces; for a symbol that was no candidate, why."""
    ways = {}
    for number, trace in traces.items():
        if trace.get("counts"):
            ways[number] = way_of(symbol, rows_of(trace)) or (never_seen(symbol, trace["counts"], None),)
    return explanation(cycle_id, symbol, ways)


def near_misses(traces: Mapping[int, Sequence[TraceRow]], limit: int) -> tuple[NearMiss, ...]:
    """Symbols that fell by the smallest share of their threshold, later stages first among equals."""
    fallen = [
        (abs(row.margin) / max(abs(row.threshold), 1e-9), -STAGES.index(row.stage), row.symbol, number, row)
        for number, rows in traces.items()
        for row in rows
        if not row.passed and row.margin is not None and row.threshold is not None
    ]
    fallen.sort(key=lambda entry: entry[:4])
    return tuple(NearMiss(scan=number, **row.model_dump()) for *_, number, row in fallen[:limit])
