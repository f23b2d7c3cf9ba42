"""What became of a symbol, in words and numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.workflow.rules.trace import Explanation, NearMiss, TraceRow
from shared.domain.evidence import Standing

STAGES = ("universe", "scanner", "news", "pattern", "technical", "score", "risk", "execution")


def rows_of(trace: Mapping[str, Any]) -> list[TraceRow]:
    """The rows of a stored trace."""
    return [TraceRow.model_validate(row) for row in trace.get("rows", ())]


def way_of(symbol: str, rows: Sequence[TraceRow]) -> tuple[TraceRow, ...]:
    """One symbol's rows, in the order of the stages."""
    own = (row for row in rows if row.symbol == symbol)
    return tuple(sorted(own, key=lambda row: STAGES.index(row.stage)))


def strangers(symbol: str, traces: Mapping[int, Mapping[str, Any]]) -> list[int]:
    """The scans that looked at the market and did not have the symbol among their candidates."""
    return [number for number, trace in traces.items() if trace.get("counts") and not way_of(symbol, rows_of(trace))]


def never_seen(symbol: str, counts: Mapping[str, Any], standing: Standing | None) -> TraceRow:
    """Why a symbol was not among the scanner's candidates; without the scanner's word, as far as the counts tell."""
    if standing is not None:
        return TraceRow(
            symbol=symbol,
            stage="universe" if standing.reached == "universe" else "scanner",
            passed=False,
            reason=standing.reason,
            value=standing.value,
            threshold=standing.threshold,
            margin=standing.margin,
            rank=standing.rank,
        )
    dropped = ", ".join(f"{count} {why}" for why, count in sorted(counts.get("dropped", {}).items()))
    seen = f"{counts.get('candidates', 0)} candidates of {counts.get('scanned', 0)} scanned"
    reason = f"not among the {seen} ({counts.get('universe', 0)} in the universe; dropped: {dropped or 'none'})"
    return TraceRow(symbol=symbol, stage="scanner", passed=False, reason=reason)


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


def told(
    cycle_id: str, symbol: str, traces: Mapping[int, Mapping[str, Any]], standings: Mapping[int, Standing]
) -> Explanation:
    """The explanation from the stored traces and, where the symbol was no candidate, the scanner's word."""
    ways = {}
    for number, trace in traces.items():
        if trace.get("counts"):
            stranger = never_seen(symbol, trace["counts"], standings.get(number))
            ways[number] = way_of(symbol, rows_of(trace)) or (stranger,)
    return explanation(cycle_id, symbol, ways)


def near_misses(traces: Mapping[int, Mapping[str, Any]], limit: int) -> tuple[NearMiss, ...]:
    """Symbols that fell by the smallest share of their threshold, later stages first among equals."""
    fallen = [
        (abs(row.margin) / max(abs(row.threshold), 1e-9), -STAGES.index(row.stage), row.symbol, number, row)
        for number, trace in traces.items()
        for row in rows_of(trace)
        if not row.passed and row.margin is not None and row.threshold is not None
    ]
    fallen.sort(key=lambda entry: entry[:4])
    return tuple(NearMiss(scan=number, **row.model_dump()) for *_, number, row in fallen[:limit])
