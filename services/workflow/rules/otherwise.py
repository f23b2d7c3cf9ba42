"""What would have made a stage decide otherwise about a symbol."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.workflow.rules.figures import figures
from services.workflow.rules.trace import Component, TraceRow


class Peer(NamedTuple):
    """Another symbol at the same stage of the same scan. `tiebreak`: what ranks it among equals before its name."""

    symbol: str
    passed: bool
    value: float | None
    rank: int | None
    tiebreak: float | None = None


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
            return (
                "only a refusal: this stage ranks nobody"
                if row.passed
                else f"to be judged at all: {row.refused or row.reason}"
            )
        case "risk":
            return _checks(row)
        case "execution":
            return _turn(row)
    if row.stage == "news" and row.rank is None:
        return f"a sentiment above {row.threshold:g}: then its score would have counted"
    return _rank(row, peers)


def _limit(row: TraceRow) -> str | None:
    if row.value is None or row.threshold is None or row.value == row.threshold:
        return None
    return _within(row.value, row.threshold)


def _within(value: float, limit: float) -> str:
    said, allowed = figures(value, limit)
    return f"{'at least' if value < limit else 'at most'} {allowed} instead of {said}"


def _place(row: TraceRow) -> str | None:
    if row.threshold is None or row.rank is None:
        return None
    places = f"{row.threshold:.0f}"
    if row.passed:
        return f"a rank behind {places}: the scanner hands on no more"
    return f"rank {places} or better instead of {row.rank}"


def behind(row: TraceRow, last: Peer | None) -> str | None:
    """Of one that the scanner ranked behind its candidates. `last`: the last of these, with the score it ranks by."""
    if (said := _place(row)) is None or last is None or last.value is None:
        return said
    own = round(sum(one.contribution or 0.0 for one in row.components), 6)
    needed = row.model_copy(update={"value": own, "threshold": last.value, "margin": round(own - last.value, 6)})
    return f"{said}: {_rank(needed, (last,))}"


def _turn(row: TraceRow) -> str | None:
    """Of an approved one: whether its turn came."""
    if row.threshold is None or row.margin is None:
        return None
    if row.passed:
        return f"a place behind {row.threshold:.0f}: there was no room for more"
    more = f"{-row.margin:.0f} more"
    return f"{more} to be sent at once, or {more} of the better ones refused"


def _rank(row: TraceRow, peers: Sequence[Peer]) -> str | None:
    if row.passed and row.threshold is None:
        return "nothing: there was room for everybody"
    if row.value is None or row.threshold is None:
        return None
    rival, gap = _rival(row, peers), round(row.threshold - row.value, 6)
    whose = f", where {rival.symbol} stood" if rival else ", the least"
    if not gap:
        too = " too" if rival else ""
        return f"a tie at {row.value:.3f}{whose}{too}: {_tie(row, rival)}"
    edge, more = figures(row.threshold, gap, row.value)[:2]
    levers = list(_levers(row.components, gap))
    if row.passed:
        alone = f": {_or(levers)}" if levers else "; no single part could have brought it there"
        return f"a value under {edge}{whose}{alone}"
    alone = f": {_or(levers)}" if levers else "; no single part could have made that up"
    return f"{more} more, beyond {edge}{whose}{alone}"


def _or(levers: Sequence[str]) -> str:
    return f"{', '.join(levers[:-1])} or {levers[-1]}" if len(levers) > 1 else levers[0]


def _tie(row: TraceRow, rival: Peer | None) -> str:
    """What decided among equals: momentum at the news stage, and everywhere the order of the symbols."""
    own = next((one.value for one in row.components if one.name == "momentum" and one.weight is None), None)
    if rival is None or own is None or rival.tiebreak is None or own == rival.tiebreak:
        return "the order of the symbols decided"
    said, other = figures(own, rival.tiebreak)
    return f"momentum decided, {said} against {other}"


def _rival(row: TraceRow, peers: Sequence[Peer]) -> Peer | None:
    """Whose place it was about: the first one out for those who stayed, the last one kept for those who fell."""
    others = [one for one in peers if one.passed != row.passed and one.rank is not None and one.value == row.threshold]
    others.sort(key=lambda one: (one.rank or 0) * (1 if row.passed else -1))
    return others[0] if others else None


def _levers(components: Sequence[Component], gap: float) -> Iterator[str]:
    """What each weighted part alone would have had to be, as far as that is possible."""
    for one in components:
        if one.value is None or not one.weight:
            continue
        needed = one.value + gap / one.weight
        if 0 <= needed <= 1:
            said, other = figures(one.value, needed)
            yield f"{one.name} {'over' if gap > 0 else 'under'} {other} instead of {said}"


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
    said, limit = figures(closest.value or 0.0, closest.threshold or 0.0)
    return f"the closest limit: {closest.name} {said} against {limit}"


def _check(one: Component) -> str:
    if one.value is None or one.threshold is None:
        return f"were it not for {one.name}"
    return f"{one.name} {_within(one.value, one.threshold)}"
