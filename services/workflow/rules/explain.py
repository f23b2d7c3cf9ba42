"""What became of a symbol, in words and numbers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from services.workflow.rules import fate
from services.workflow.rules.facts import SCANNER_SHARES, Term, terms
from services.workflow.rules.figures import figures
from services.workflow.rules.otherwise import Peer, behind, otherwise
from services.workflow.rules.trace import Component, Explanation, NearMiss, TraceRow
from shared.domain.cycle import Proposal
from shared.domain.evidence import Standing

STAGES = {
    "universe": "the market's filters",
    "scanner": "the scanner",
    "news": "news",
    "pattern": "pattern",
    "technical": "technical",
    "score": "the total score",
    "risk": "risk",
    "execution": "the order",
}
"""The stages from the first to the last, and their names in a sentence."""
ORDER = tuple(STAGES)
Trace = Mapping[str, Any]
"""A scan's trace as it is stored: `rows`, `counts`, `weights` of the composite, `facts` by symbol; what was `degraded`,
why it `failed` if it did, the hash of its `config`.
"""
MISSING = "missing: its weight went to the others"


class Stand(NamedTuple):
    """One stage of one scan: everybody who stood there, and the values of each number that it looked at, by name."""

    peers: tuple[Peer, ...]
    values: dict[str, list[float]]


def stand_of(stage: str, trace: Trace) -> Stand:
    """A stage as the trace tells it."""
    rows = [row for row in trace.get("rows", ()) if row["stage"] == stage]
    peers = (
        Peer(row["symbol"], row["passed"], row.get("value"), row.get("rank"), _tiebreak(stage, row["symbol"], trace))
        for row in rows
    )
    values = dict[str, list[float]]()
    for row in rows:
        checks = [(one["name"], one.get("value")) for one in row.get("components", ())]
        for name, value in checks or [(name, value) for name, value, _ in _terms(stage, row["symbol"], trace)]:
            if value is not None:
                values.setdefault(name, []).append(value)
    return Stand(tuple(peers), values)


def _tiebreak(stage: str, symbol: str, trace: Trace) -> float | None:
    if stage != "news" or not (facts := trace.get("facts", {}).get(symbol)):
        return None
    momentum: float = facts["scanner"]["momentum_score"]
    return momentum


def way_of(symbol: str, trace: Trace) -> tuple[TraceRow, ...]:
    """One symbol's rows with all that led to them, in the order of the stages."""
    own = (TraceRow.model_validate(row) for row in trace.get("rows", ()) if row["symbol"] == symbol)
    ordered = sorted(own, key=lambda row: ORDER.index(row.stage))
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
    """What follows from the scan's facts; risk's checks stand in the row itself. Bad news is out by its sentiment."""
    is_bad_news = row.stage == "news" and row.rank is None
    for name, value, share in _terms(row.stage, row.symbol, trace):
        weight = {"sentiment": 1.0, "news": None}.get(name, share) if is_bad_news else share
        part = None if value is None or weight is None else round(value * weight, 6)
        note = MISSING if value is None and weight is not None else ""
        yield Component(name=name, value=value, weight=weight, contribution=part, note=note)


def _terms(stage: str, symbol: str, trace: Trace) -> list[Term]:
    everybody = trace.get("facts", {})
    if not (facts := everybody.get(symbol)):
        return []
    return terms(stage, facts, trace.get("weights", {}), heard=any(stage in one for one in everybody.values()))


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


def never_seen(symbol: str, trace: Trace, standing: Standing | None) -> TraceRow:
    """Why a symbol was not among the scanner's candidates; without the scanner's word, as far as the counts tell."""
    counts = trace["counts"]
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
            margin=None if standing.margin is None else -abs(standing.margin),
            of=counts.get("universe"),
        )
        return row.model_copy(update={"otherwise": otherwise(row, ())})
    return _ranked(symbol, trace, standing)


def _ranked(symbol: str, trace: Trace, standing: Standing) -> TraceRow:
    """A symbol that the scanner ranked behind its candidates; its scores are percentiles of the whole market."""
    places, rank = trace["counts"].get("candidates"), standing.rank
    known = None not in (places, rank)
    scores = (_score(name, value) for name, value in standing.scores.items() if value is not None)
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
    return row.model_copy(update={"otherwise": behind(row, _last_candidate(trace))})


def _score(name: str, value: float) -> Component:
    weight = SCANNER_SHARES.get(name)
    if weight is None:
        return Component(name=name, value=value)
    return Component(name=name, value=value, percentile=value, weight=weight, contribution=round(value * weight, 6))


def _last_candidate(trace: Trace) -> Peer | None:
    """The last one that the scanner handed on, with the score that it was ranked by."""
    rows = [row for row in trace.get("rows", ()) if row["stage"] == "scanner" and row["passed"]]
    if not rows or (last := max(rows, key=lambda row: int(row["rank"])))["symbol"] not in trace.get("facts", {}):
        return None
    facts = trace["facts"][last["symbol"]]["scanner"]
    value = round(sum(facts[name] * share for name, share in SCANNER_SHARES.items()), 6)
    return Peer(last["symbol"], True, value, last["rank"])


def sentence(number: int, way: Sequence[TraceRow], trace: Trace) -> str:
    """One scan in one line: the last stage reached and why, the figures there, and what would have changed it."""
    change = f"; to decide otherwise: {way[-1].otherwise}" if way and way[-1].otherwise else ""
    return outline(number, way, trace) + change


def outline(number: int, way: Sequence[TraceRow], trace: Trace) -> str:
    """One scan in one line: the last stage reached and why, and the figures there."""
    if not way:
        return f"scan {number} failed and looked at nobody: {trace['failed']}"
    last = way[-1]
    numbers, what = "", "picked" if last.stage == "execution" else f"came through {STAGES[last.stage]}"
    if last.stage == "execution":
        numbers = f" (place {last.rank} of {last.of} approved)"
    elif (
        last.value is not None
        and last.threshold is not None
        and last.margin is not None
        and (last.margin or last.stage != "universe")
    ):
        value, threshold, room = figures(last.value, last.threshold, last.margin)
        numbers = f" ({value} against {threshold}, margin {'+' * (last.margin > 0)}{room})"
    if not last.passed:
        what = f"fell out at {STAGES[last.stage]}"
    cut_short = trace.get("failed") and (last.passed or last.stage == "execution")
    ended = f"; the scan failed there: {trace['failed']}" if cut_short else ""
    return f"scan {number}: {what}: {last.reason}{numbers}{ended}"


def told(
    cycle_id: str,
    symbol: str,
    traces: Mapping[int, Trace],
    standings: Mapping[int, Standing],
    proposals: Mapping[int, Proposal],
) -> Explanation:
    """The explanation from the stored traces and, where the symbol was no candidate, the scanner's word. `proposals` of
    this symbol by scan, as they stand by now.
    """
    ways, said, outlines = dict[int, tuple[TraceRow, ...]](), dict[int, str](), dict[int, str]()
    for number, trace in sorted(traces.items()):
        if trace.get("counts"):
            way = way_of(symbol, trace) or (never_seen(symbol, trace, standings.get(number)),)
            ways[number] = tuple(fate.of_row(row, proposals.get(number)) for row in way)
        if trace.get("counts") or trace.get("failed"):
            said[number] = sentence(number, ways.get(number, ()), trace)
            outlines[number] = outline(number, ways.get(number, ()), trace)
    return Explanation(
        cycle_id=cycle_id,
        symbol=symbol,
        summary="; ".join(said.values()) or "no scan of this cycle has looked at the market yet",
        scans=ways,
        sentences=said,
        outlines=outlines,
        degraded={number: tuple(lost) for number in ways if (lost := traces[number].get("degraded"))},
        config={number: held for number in ways if (held := traces[number].get("config"))},
    )


def near_misses(traces: Mapping[int, Trace], limit: int) -> tuple[NearMiss, ...]:
    """Symbols that fell by the smallest share of their threshold, each where it came nearest; later stages first among
    equals.
    """
    fallen = [
        (abs(row["margin"]) / max(abs(row["threshold"]), 1e-9), -ORDER.index(row["stage"]), row["symbol"], number, row)
        for number, trace in traces.items()
        for row in trace.get("rows", ())
        if not row["passed"] and row.get("margin") is not None and row.get("threshold") is not None
    ]
    fallen.sort(key=lambda entry: entry[:4])
    nearest = dict[str, tuple[int, TraceRow]]()
    for *_, symbol, number, row in fallen:
        if symbol not in nearest and len(nearest) < limit:
            nearest[symbol] = number, TraceRow.model_validate(row)
    missed = list(nearest.values())
    stands = {
        (number, stage): stand_of(stage, traces[number]) for number, stage in {(n, row.stage) for n, row in missed}
    }
    told = ((number, deepened(row, stands[number, row.stage], traces[number])) for number, row in missed)
    return tuple(NearMiss(scan=number, **dict(row)) for number, row in told)
