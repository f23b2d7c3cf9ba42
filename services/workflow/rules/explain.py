"""What became of a symbol, in words and numbers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from services.workflow.rules.facts import Term, terms
from services.workflow.rules.otherwise import Peer, otherwise
from services.workflow.rules.trace import Component, Explanation, NearMiss, TraceRow
from shared.domain.evidence import Standing

STAGES = ("universe", "scanner", "news", "pattern", "technical", "score", "risk", "execution")
Trace = Mapping[str, Any]
"""A scan's trace as it is stored: `rows`, `counts`, `weights` of the composite, `facts` by symbol."""


class Stand(NamedTuple):
    """One stage of one scan: everybody who stood there, and the values of each number that it looked at, by name."""

    peers: tuple[Peer, ...]
    values: dict[str, list[float]]


def stand_of(stage: str, trace: Trace) -> Stand:
    """A stage as the trace tells it."""
    rows = [row for row in trace.get("rows", ()) if row["stage"] == stage]
    peers = (Peer(row["symbol"], row["passed"], row.get("value"), row.get("rank")) for row in rows)
    values = dict[str, list[float]]()
    for row in rows:
        checks = [(one["name"], one.get("value")) for one in row.get("components", ())]
        for name, value in checks or [(name, value) for name, value, _ in _terms(stage, row["symbol"], trace)]:
            if value is not None:
                values.setdefault(name, []).append(value)
    return Stand(tuple(peers), values)


def way_of(symbol: str, trace: Trace) -> tuple[TraceRow, ...]:
    """One symbol's rows with all that led to them, in the order of the stages."""
    own = (TraceRow.model_validate(row) for row in trace.get("rows", ()) if row["symbol"] == symbol)
    ordered = sorted(own, key=lambda row: STAGES.index(row.stage))
    return tuple(deepened(row, stand_of(row.stage, trace), trace) for row in ordered)


def deepened(row: TraceRow, stand: Stand, trace: Trace) -> TraceRow:
    """The row with its components, its place among all that the stage looked at, and what would have changed it."""
    own = tuple(
        one.model_copy(update={"percentile": percentile(one.value, stand.values.get(one.name, ()))})
        for one in (*row.components, *_components(row, trace))
    )
    told = row.model_copy(update={"of": len(stand.peers), "components": own})
    return told.model_copy(update={"otherwise": otherwise(told, stand.peers)})


def _components(row: TraceRow, trace: Trace) -> Iterator[Component]:
    """What follows from the scan's facts; risk's checks stand in the row itself."""
    for name, value, weight in _terms(row.stage, row.symbol, trace):
        part = None if value is None or weight is None else round(value * weight, 6)
        yield Component(name=name, value=value, weight=weight, contribution=part)


def _terms(stage: str, symbol: str, trace: Trace) -> list[Term]:
    facts = trace.get("facts", {}).get(symbol)
    return terms(stage, facts, trace.get("weights", {})) if facts else []


def percentile(value: float | None, values: Sequence[float]) -> float | None:
    """The share of the others that a value beats, ties counting half, in [0, 1]; None where there are no others."""
    if value is None or len(values) < 2:
        return None
    below, equal = sum(one < value for one in values), sum(one == value for one in values)
    return round((below + (equal - 1) / 2) / (len(values) - 1), 6)


def strangers(symbol: str, traces: Mapping[int, Trace]) -> list[int]:
    """The scans that looked at the market and did not have the symbol among their candidates."""
    return [
        number
        for number, trace in traces.items()
        if trace.get("counts") and all(row["symbol"] != symbol for row in trace.get("rows", ()))
    ]


def never_seen(symbol: str, counts: Mapping[str, Any], standing: Standing | None) -> TraceRow:
    """Why a symbol was not among the scanner's candidates; without the scanner's word, as far as the counts tell."""
    if standing is None:
        dropped = ", ".join(f"{count} {why}" for why, count in sorted(counts.get("dropped", {}).items()))
        seen = f"{counts.get('candidates', 0)} candidates of {counts.get('scanned', 0)} scanned"
        reason = f"not among the {seen} ({counts.get('universe', 0)} in the universe; dropped: {dropped or 'none'})"
        return TraceRow(symbol=symbol, stage="scanner", passed=False, reason=reason)
    if standing.reached == "universe":
        row = TraceRow(
            symbol=symbol,
            stage="universe",
            passed=False,
            reason=standing.reason,
            value=standing.value,
            threshold=standing.threshold,
            margin=standing.margin,
            of=counts.get("universe"),
        )
        return row.model_copy(update={"otherwise": otherwise(row, ())})
    return _ranked(symbol, counts, standing)


def _ranked(symbol: str, counts: Mapping[str, Any], standing: Standing) -> TraceRow:
    """A symbol that the scanner ranked behind its candidates; its scores are percentiles of the whole market."""
    places, rank = counts.get("candidates"), standing.rank
    known = None not in (places, rank)
    scores = (
        Component(name=name, value=value, percentile=value if name in ("momentum_score", "volume_score") else None)
        for name, value in standing.scores.items()
        if value is not None
    )
    row = TraceRow(
        symbol=symbol,
        stage="scanner",
        passed=False,
        reason=standing.reason,
        value=rank,
        threshold=places,
        margin=(places or 0) - (rank or 0) if known else None,
        rank=rank,
        of=standing.survivors,
        components=tuple(scores),
    )
    return row.model_copy(update={"otherwise": otherwise(row, ())})


def sentence(number: int, way: Sequence[TraceRow]) -> str:
    """One scan in one line: the last stage reached, and the margin there."""
    last = way[-1]
    what = "passed" if last.passed else "fell out at"
    numbers = ""
    if last.value is not None and last.threshold is not None and last.margin is not None:
        numbers = f" ({last.value:.4g} against {last.threshold:.4g}, margin {last.margin:+.4g})"
    return f"scan {number}: {what} {last.stage}: {last.reason}{numbers}"


def told(cycle_id: str, symbol: str, traces: Mapping[int, Trace], standings: Mapping[int, Standing]) -> Explanation:
    """The explanation from the stored traces and, where the symbol was no candidate, the scanner's word."""
    ways = {}
    for number, trace in sorted(traces.items()):
        if trace.get("counts"):
            stranger = never_seen(symbol, trace["counts"], standings.get(number))
            ways[number] = way_of(symbol, trace) or (stranger,)
    said = [sentence(number, way) for number, way in ways.items()]
    summary = "; ".join(said) or "no scan of this cycle has looked at the market yet"
    return Explanation(cycle_id=cycle_id, symbol=symbol, summary=summary, scans=ways)


def near_misses(traces: Mapping[int, Trace], limit: int) -> tuple[NearMiss, ...]:
    """Symbols that fell by the smallest share of their threshold, later stages first among equals."""
    fallen = [
        (abs(row["margin"]) / max(abs(row["threshold"]), 1e-9), -STAGES.index(row["stage"]), row["symbol"], number, row)
        for number, trace in traces.items()
        for row in trace.get("rows", ())
        if not row["passed"] and row.get("margin") is not None and row.get("threshold") is not None
    ]
    fallen.sort(key=lambda entry: entry[:4])
    missed = [(number, TraceRow.model_validate(row)) for *_, number, row in fallen[:limit]]
    stands = {
        (number, stage): stand_of(stage, traces[number]) for number, stage in {(n, row.stage) for n, row in missed}
    }
    told = ((number, deepened(row, stands[number, row.stage], traces[number])) for number, row in missed)
    return tuple(NearMiss(scan=number, **dict(row)) for number, row in told)
