"""Where the symbols of a scan ended, and why, in one line each."""

from collections.abc import Iterator, Mapping, Sequence

from services.workflow.rules.explain import ORDER, STAGES
from services.workflow.rules.trace import TraceRow
from shared.domain.base import Value
from shared.domain.evidence import Stage

ASKED = {stage: f"the {stage} stage" for stage in STAGES} | {"risk": "risk"}


class Ending(Value):
    """Where a symbol's way ended, and the line that says why."""

    stage: Stage
    passed: bool
    known: bool = True
    why: str


def endings(rows: Sequence[TraceRow], unknown: Mapping[str, Stage]) -> dict[str, Ending]:
    """The last stage of each symbol."""
    last: dict[str, TraceRow] = {}
    for row in sorted(rows, key=lambda row: ORDER.index(row.stage)):
        last[row.symbol] = row
    found = {symbol: Ending(stage=row.stage, passed=row.passed, why=told(row)) for symbol, row in last.items()}
    for symbol, stage in unknown.items():
        why = f"not known: {ASKED[stage]} never saw it"
        found[symbol] = Ending(stage=stage, passed=False, known=False, why=why)
    return found


def told(row: TraceRow) -> str:
    """A row in one line, with its figures."""
    if row.stage == "risk" or row.value is None or row.threshold is None:
        return row.reason
    return f"{row.reason} ({row.value:.3f} against {row.threshold:.3f})"


def moved(was: Mapping[str, Ending], would: Mapping[str, Ending]) -> Iterator[str]:
    """Symbols whose way would have ended elsewhere. A symbol that no scan handed on fell out at the scanner."""
    unseen = Ending(stage="scanner", passed=False, why="not among the scanner's candidates")
    for symbol in sorted({*was, *would}):
        before, after = was.get(symbol, unseen), would.get(symbol, unseen)
        if (before.stage, before.passed, before.known) != (after.stage, after.passed, after.known):
            yield symbol
