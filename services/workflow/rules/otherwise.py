"""What would have made a stage decide otherwise about a symbol."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.workflow.rules.trace import Component, TraceRow


class Peer(NamedTuple):
    """Another symbol at the same stage of the same scan."""

    symbol: str
    passed: bool
    value: float | None
    rank: int | None


def otherwise(row: TraceRow, peers: Sequence[Peer]) -> str | None:
    """In words, with the numbers that were missing or to spare; None where nothing is known. `peers`: all who stood at
    that stage.
    """
    match row.stage:
        case "universe":
            return _limit(row)
        case "scanner":
            return _place(row)
        case "technical":
            why = row.reason.removeprefix("refused: ")
            return "only a refusal: this stage ranks nobody" if row.passed else f"to be judged at all: {why}"
        case "risk":
            return _checks(row)
        case "execution":
            return "one place more, or a refusal of a better one" if row.reason.startswith("reserve") else None
    if row.stage == "news" and row.rank is None:
        return f"a sentiment above {row.threshold:g}: then its score would have counted"
    return _rank(row, peers)


def _limit(row: TraceRow) -> str | None:
    if row.value is None or row.threshold is None:
        return None
    side = "at least" if row.value < row.threshold else "at most"
    return f"{side} {row.threshold:g} instead of {row.value:g}"


def _place(row: TraceRow) -> str | None:
    if row.threshold is None or row.rank is None:
        return None
    places = f"{row.threshold:.0f}"
    if row.passed:
        return f"a rank behind {places}: the scanner hands on no more"
    return f"rank {places} or better instead of {row.rank}"


def _rank(row: TraceRow, peers: Sequence[Peer]) -> str | None:
    if row.passed and row.threshold is None:
        return "nothing: there was room for everybody"
    if row.value is None or row.threshold is None:
        return None
    rival, gap = _rival(row, peers), round(row.threshold - row.value, 6)
    whose = f", where {rival} stood" if rival else ", the least"
    if not gap:
        return f"a tie at {row.value:.3f}{whose.replace('stood', 'stood too')}: the order of the symbols decided"
    levers = list(_levers(row.components, gap))
    if row.passed:
        alone = f": {' or '.join(levers)}" if levers else "; no single part could have brought it there"
        return f"a value under {row.threshold:.3f}{whose}{alone}"
    alone = f": {' or '.join(levers)}" if levers else "; no single part could have made that up"
    return f"{-row.margin if row.margin else gap:.3f} more, beyond {row.threshold:.3f}{whose}{alone}"


def _rival(row: TraceRow, peers: Sequence[Peer]) -> str | None:
    """Whose place it was about: the first one out for those who stayed, the last one kept for those who fell."""
    others = [one for one in peers if one.passed != row.passed and one.rank is not None and one.value == row.threshold]
    others.sort(key=lambda one: (one.rank or 0) * (1 if row.passed else -1))
    return others[0].symbol if others else None


def _levers(components: Sequence[Component], gap: float) -> Iterator[str]:
    """What each weighted part alone would have had to be, as far as that is possible."""
    for one in components:
        if one.value is None or not one.weight:
            continue
        needed = one.value + gap / one.weight
        if 0 <= needed <= 1:
            yield f"{one.name} {'over' if gap > 0 else 'under'} {needed:.3f} instead of {one.value:.3f}"


def _checks(row: TraceRow) -> str | None:
    failed = [one for one in row.components if not one.passed]
    if failed:
        return "; ".join(_check(one) for one in failed)
    if not row.passed:
        return "a better rank: risk approves only so many at once"
    near = [one for one in row.components if one.threshold and one.margin is not None]
    if not near:
        return None
    closest = min(near, key=lambda one: (one.margin or 0.0) / abs(one.threshold or 1.0))
    return f"the closest limit: {_check(closest)}"


def _check(one: Component) -> str:
    if one.value is None or one.threshold is None:
        return f"{one.name}: {one.note}"
    return f"{one.name} {one.value:.4g} against {one.threshold:.4g}"
