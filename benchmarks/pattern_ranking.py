"""Would anything that a figure tells rank names better than the pattern score does? Run: `make pattern-ranking`.

At seven moments of each recorded session the names that a scan would look at (the best 100 by change and volume, see
benchmarks/technical_outcomes.py) are read as the service would, from nothing later. Each is bought at the next bar's
open and sold at a stop 2 % below, a target 6 % above or the session's close; no costs. Ranked against what came of it,
less the mean of the moment's crowd: the score as it stands, and of the names with a confirmed long 5-minute figure its
volume confirmation, freshness, reward for risk, and the room to its target. Room is told in percent and in ranges of
the last bars, since a lively name's figures are tall: what is only liveliness the technical score weighs already.

The 19 sessions show what one would fit, the three later ones are held out. Intervals: 95 %, by drawing whole moments
with replacement. Moments of one day share its market, and three days are few: they are narrower than the truth.

What it found: nothing that a figure tells ranks names on both parts of the days. Volume confirmation was worse than
none while fitting (-0.10) and better after (+0.08); reward for risk and freshness are within their intervals of zero.
Room in percent is worse the more there is of it, on both (-0.07, -0.27), and so is liveliness itself (-0.10, -0.26);
in ranges of the last bars nothing is left of it (+0.01, -0.12, zero within both). So the score stands as it is.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import numpy as np

from benchmarks.technical_outcomes import TAPES, correlation, gain, movers, read, sessions_of
from services.pattern.flow import DAILY_DAYS, DAILY_SECONDS, INTRADAY_DAYS, INTRADAY_SECONDS
from services.pattern.rules.read import Charts, read_charts
from shared.domain.evidence import Detection, PatternEvidence
from shared.domain.market import Bars, BarTable
from shared.domain.session import Session, at_market_time

MOMENTS = (time(10), time(10, 30), time(11), time(12), time(13), time(14), time(15))
HELD_OUT_FROM = date(2026, 6, 15)
HISTORY_SESSIONS, DRAWS, SEED, FEWEST, RANGE_BARS = 2, 1000, 1, 50, 20


class Seen(NamedTuple):
    """One name at one moment: what its charts told, the mean range of its last bars as a part of the price, and basis
    points above the mean of the moment's crowd."""

    evidence: PatternEvidence
    at: float
    lively: float
    came: float

    @property
    def figure(self) -> Detection | None:
        """The newest confirmed long figure on 5-minute bars."""
        found = [
            one
            for one in self.evidence.detections
            if (one.timeframe, one.direction, one.status) == ("5Min", "long", "confirmed") and one.stop is not None
        ]
        return max(found, key=lambda one: (one.ended_at, one.confidence), default=None)


Moment = list[Seen]


def _of_figure(value: Callable[[Detection, Seen], float]) -> Callable[[Seen], float | None]:
    return lambda seen: value(seen.figure, seen) if seen.figure is not None else None


def _room(one: Detection) -> float:
    return (one.target or 0.0) / (one.entry or 1.0) - 1


def _risk(one: Detection) -> float:
    return 1 - (one.stop or 0.0) / (one.entry or 1.0)


TOLD: Mapping[str, Callable[[Seen], float | None]] = {
    "score, all names": lambda seen: seen.evidence.score,
    "a figure or none": lambda seen: float(seen.figure is not None),
    "confidence": _of_figure(lambda one, _: one.confidence),
    "volume confirmed": _of_figure(lambda one, _: float(one.volume_confirmed)),
    "freshness": _of_figure(lambda one, seen: one.ended_at.timestamp() - seen.at),
    "reward for risk": _of_figure(lambda one, _: _room(one) / _risk(one)),
    "room in percent": _of_figure(lambda one, _: _room(one)),
    "room in ranges": _of_figure(lambda one, seen: _room(one) / seen.lively),
    "liveliness": _of_figure(lambda _, seen: seen.lively),
    "liveliness, all names": lambda seen: seen.lively,
}


def window(bars: Bars | None, at: datetime, days: int, step: float) -> Bars | None:
    """The bars that the service would have: from a midnight so many days before, complete at the moment."""
    if bars is None:
        return None
    begin = datetime.combine(at.date() - timedelta(days=days), time(), UTC).timestamp()
    known = bars.before(at.timestamp(), step)
    return known.slice(int(np.searchsorted(known.start, begin)), len(known))


def moment(days: BarTable, minutes: BarTable, session: Session, wall: time) -> Moment:
    """All names of one moment that have both an answer and an outcome."""
    as_of = (at_market_time(session.day, wall) + timedelta(seconds=20)).astimezone(UTC)
    at, close = as_of.timestamp(), session.close.timestamp()
    charts = [
        Charts(
            name,
            window(minutes[name], as_of, INTRADAY_DAYS, INTRADAY_SECONDS),
            window(days.get(name), as_of, DAILY_DAYS, DAILY_SECONDS),
        )
        for name in movers(days, minutes, session.open.timestamp(), at)
    ]
    came = [(one, gain(minutes[one.symbol], at, close, guarded=True)) for one in read_charts(charts)]
    told = [(one, points) for one, points in came if points is not None and one.refused is None]
    mean = sum(points for _, points in told) / max(1, len(told))
    return [Seen(one, at, _lively(minutes[one.symbol], at), points - mean) for one, points in told]


def _lively(bars: Bars, at: float) -> float:
    last = bars.before(at, INTRADAY_SECONDS).tail(RANGE_BARS)
    return float(np.mean((last.high - last.low) / last.close))


def ranked(moments: Sequence[Moment], value: Callable[[Seen], float | None]) -> tuple[int, float | None]:
    """How many names had the value, and its rank correlation with what came of them."""
    pairs = [(number, seen.came) for part in moments for seen in part if (number := value(seen)) is not None]
    return len(pairs), correlation(pairs) if len(pairs) >= FEWEST else None


def interval(moments: Sequence[Moment], value: Callable[[Seen], float | None]) -> tuple[float, float]:
    """95 % interval of the rank correlation, whole moments drawn with replacement."""
    rng = np.random.default_rng(SEED)
    pairs = [[(number, seen.came) for seen in part if (number := value(seen)) is not None] for part in moments]
    found = []
    for _ in range(DRAWS):
        drawn = rng.integers(0, len(pairs), len(pairs)).tolist()
        if (one := correlation([pair for place in drawn for pair in pairs[place]])) is not None:
            found.append(one)
    low, high = np.quantile(found, [0.025, 0.975]) if found else (np.nan, np.nan)
    return float(low), float(high)


def main() -> int:
    if not all(tape.is_dir() for tape in TAPES):
        sys.stdout.write("pattern-ranking: no recorded days beside the checkout, nothing to measure\n")
        return 0
    days, minutes = read(TAPES)
    played: dict[bool, list[Moment]] = {False: [], True: []}
    for session in sessions_of(minutes)[HISTORY_SESSIONS:]:
        for wall in MOMENTS:
            played[session.day >= HELD_OUT_FROM].append(moment(days, minutes, session, wall))
    sys.stdout.write(
        f"{'':<24}{'fitted n':>10}{'rank corr. (95 %)':>26} |{'held out n':>12}{'rank corr. (95 %)':>26}\n"
    )
    for name, value in TOLD.items():
        cells = []
        for moments in (played[False], played[True]):
            count, found = ranked(moments, value)
            low, high = interval(moments, value)
            cells.append(f"{count:>10}" + (f"{found:>+10.3f} ({low:+.3f} {high:+.3f})" if found is not None else "-"))
        sys.stdout.write(f"{name:<24}{' | '.join(cells)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
