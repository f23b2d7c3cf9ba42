"""What the technical score was worth on recorded days. Run: `make technical-outcomes`.

At three moments of each recorded session the names that a scan would look at (liquid, 1 to 500 dollars, the best 100 by
change and by volume so far) are assessed as the service would, from nothing later than the moment. Each is then bought
at the next bar's open and held to the session's end, or sold before at a stop 2 % below or a target 6 % above, the stop
first where one bar touches both. No costs.

Both halves of the days were looked at when the weight and the map of volatility were chosen: neither is a hold-out,
they only show whether a figure holds up from one half to the other. Names of one moment move together: rank
correlations are averaged within a day, and only days count as observations.
"""

import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from services.technical.flow import INTRADAY_SESSIONS
from services.technical.rules.assess import assess
from services.technical.rules.score import WEIGHTS
from shared.domain.evidence import TechnicalEvidence
from shared.domain.market import Bars, BarTable, Floats
from shared.domain.session import Session, at_market_time, session_from_hours

TAPES = (Path("../shared/market/2026-05-18_06-12"), Path("../shared/market/2026-06-15_17"))
MOMENTS = (time(10, 30), time(12, 0), time(14, 0))
CROWD, FIFTHS, HISTORY_SESSIONS, FEWEST = 100, 5, 2, 20
LEAST_DOLLARS, LEAST_PRICE, MOST_PRICE, AVERAGE_DAYS = 5e6, 1.0, 500.0, 20
STOP, TARGET, HALF_DAY = 0.02, 0.06, 43_200.0
PARTS = ("score", *WEIGHTS, "agreement")
Entry = tuple[TechnicalEvidence, float]


@dataclass
class Seen:
    """By part and day the rank correlations with what came of the entries, and every (day, score, gain, relative)."""

    correlations: dict[str, dict[date, list[float]]] = field(default_factory=lambda: {name: {} for name in PARTS})
    entries: list[tuple[date, float, float, float]] = field(default_factory=list)


def by_symbol(rows: pl.DataFrame) -> BarTable:
    """Rows with a column `at` as bars of each symbol."""
    found = {}
    for (name,), part in rows.unique(["symbol", "at"]).sort("symbol", "at").group_by("symbol", maintain_order=True):
        columns = (part[one].cast(pl.Float64).to_numpy() for one in ("at", "open", "high", "low", "close", "volume"))
        start, opened, high, low, close, volume = (np.array(column) for column in columns)
        found[str(name)] = Bars(str(name), start, opened, high, low, close, volume)
    return found


def read(tapes: Sequence[Path]) -> tuple[BarTable, BarTable]:
    """Daily and 5-minute bars of the names that are liquid on the first tape."""
    daily = pl.read_parquet(tapes[0] / "daily.parquet")
    dollars = daily.group_by("symbol").agg((pl.col("close") * pl.col("volume")).tail(AVERAGE_DAYS * 2).median())
    liquid = pl.col("symbol").is_in(dollars.filter(pl.col("close") >= LEAST_DOLLARS)["symbol"].to_list())
    days = pl.concat(pl.read_parquet(tape / "daily.parquet").filter(liquid) for tape in tapes)
    midnights = {day: at_market_time(day, time()).timestamp() for day in days["date"].unique()}
    days = days.with_columns(pl.col("date").replace_strict(midnights, return_dtype=pl.Float64).alias("at"))
    minutes = pl.concat(pl.scan_parquet(tape / "bars.parquet").filter(liquid).collect() for tape in tapes)
    return by_symbol(days), by_symbol(minutes.with_columns(pl.col("start").dt.epoch("ms").truediv(1000).alias("at")))


def sessions_of(minutes: BarTable) -> list[Session]:
    """Regular hours of every day on the tapes, as the busiest name shows them."""
    longest = max(minutes.values(), key=len)
    days = sorted({datetime.fromtimestamp(at, UTC).date() for at in longest.start.tolist()})
    return [session_from_hours(day, time(9, 30), time(16)) for day in days]


def movers(days: BarTable, minutes: BarTable, opened: float, at: float) -> list[str]:
    """The best of the liquid names by change since the last close and by volume against an average day."""
    names, change, pace = list[str](), list[float](), list[float]()
    for name, five in minutes.items():
        past = days[name].before(opened, HALF_DAY).tail(AVERAGE_DAYS) if name in days else None
        first, last = np.searchsorted(five.start, [opened - 1, at - 300.0], side="right")
        if past is None or len(past) < AVERAGE_DAYS or last - first < 3 or not past.volume.mean():
            continue
        price = float(five.close[last - 1])
        if LEAST_PRICE <= price <= MOST_PRICE and price * past.volume.mean() >= LEAST_DOLLARS:
            names.append(name)
            change.append(price / float(past.close[-1]))
            pace.append(float(five.volume[first:last].sum() / past.volume.mean()))
    both = ranks(np.array(change)) + ranks(np.array(pace))
    return [names[place] for place in np.argsort(-both, kind="stable")[:CROWD]]


def ranks(values: Floats) -> Floats:
    """Places from 0 up, ties sharing their average."""
    _, place, ties = np.unique(values, return_inverse=True, return_counts=True)
    average: Floats = (np.cumsum(ties) - (ties + 1) / 2)[place]
    return average


def correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Spearman's rank correlation; None where there is too little to rank."""
    if len(pairs) < FEWEST:
        return None
    first, second = (ranks(np.array(line)) for line in zip(*pairs, strict=True))
    return float(np.corrcoef(first, second)[0, 1]) if first.std() and second.std() else None


def gain(five: Bars, at: float, close: float, *, guarded: bool) -> float | None:
    """Basis points from the next bar's open to the session's last close, or to stop or target; None without a bar."""
    first, last = (int(place) for place in np.searchsorted(five.start, [at, close], side="left"))
    if first >= last:
        return None
    entry = float(five.open[first])
    for bar in range(first, last) if guarded else ():
        if five.low[bar] <= entry * (1 - STOP):
            return (min(float(five.open[bar]), entry * (1 - STOP)) / entry - 1) * 1e4
        if five.high[bar] >= entry * (1 + TARGET):
            return TARGET * 1e4
    return (float(five.close[last - 1]) / entry - 1) * 1e4


def note(seen: Seen, day: date, entries: Sequence[Entry]) -> None:
    """One moment's entries."""
    crowd = statistics.fmean(came for _, came in entries)
    seen.entries += [(day, one.score or 0.0, came, came - crowd) for one, came in entries]
    for name in PARTS:
        values = ((one.score if name == "score" else one.parts[name], came) for one, came in entries)
        if (found := correlation([(value, came) for value, came in values if value is not None])) is not None:
            seen.correlations[name].setdefault(day, []).append(found)


def play(days: BarTable, minutes: BarTable, sessions: Sequence[Session]) -> Mapping[bool, Seen]:
    """All moments of all sessions but the first ones, which are history; by whether stop and target hold."""
    seen = defaultdict[bool, Seen](Seen)
    for number, session in enumerate(sessions[HISTORY_SESSIONS:], HISTORY_SESSIONS):
        recent = sessions[max(0, number + 1 - INTRADAY_SESSIONS) : number + 1]
        for moment in MOMENTS:
            as_of = at_market_time(session.day, moment) + timedelta(seconds=20)
            at, close = as_of.timestamp(), session.close.timestamp()
            crowd = movers(days, minutes, session.open.timestamp(), at)
            judged = [one for one in assess(crowd, days, minutes, recent, as_of).values() if one.score is not None]
            for guarded in (False, True):
                came = ((one, gain(minutes[one.symbol], at, close, guarded=guarded)) for one in judged)
                note(seen[guarded], session.day, [(one, number) for one, number in came if number is not None])
    return seen


def fifths(seen: Seen, halves: Sequence[Sequence[date]]) -> Iterator[str]:
    """What became of each fifth of the entries by score, in both halves of the days."""
    yield f"{'fifth by score':<16}" + "".join(f"{'mean':>9}{'to crowd':>10}{'up':>6}" for _ in halves)
    tables = [sorted(entry[1:] for entry in seen.entries if entry[0] in half) for half in halves]
    for number in range(FIFTHS):
        cells = ""
        for table in tables:
            edges = np.linspace(0, len(table), FIFTHS + 1).astype(int).tolist()
            first, last = list(pairwise(edges))[number]
            _, came, relative = np.array(table[first:last]).T
            cells += f"{came.mean():>9.1f}{relative.mean():>10.1f}{(came > 0).mean() * 100:>5.0f}%"
        yield f"{number + 1:<16}{cells}"


def correlations(seen: Seen, halves: Sequence[Sequence[date]]) -> Iterator[str]:
    """Each part's rank correlation with what came of it: the mean of the days, and Student's t of that mean."""
    for name in PARTS:
        cells = ""
        for half in halves:
            found = [statistics.fmean(seen.correlations[name][day]) for day in half if day in seen.correlations[name]]
            mean, error = statistics.fmean(found), statistics.stdev(found) / len(found) ** 0.5
            cells += f"{mean:>16.3f}{mean / error:>9.1f}"
        yield f"{name:<16}{cells}"


def main() -> None:
    """Measure on what is there, and print it as it is."""
    there = [tape for tape in TAPES if tape.is_dir()]
    if len(there) < len(TAPES):
        sys.stdout.write("the recorded market is not beside this checkout: nothing to measure\n")
        return
    days, minutes = read(there)
    sessions = sessions_of(minutes)
    played = [session.day for session in sessions[HISTORY_SESSIONS:]]
    halves = (played[: len(played) // 2], played[len(played) // 2 :])
    for guarded, seen in play(days, minutes, sessions).items():
        how = f"stop {STOP:.0%}, target {TARGET:.0%}" if guarded else "held to the close"
        sys.stdout.write(f"\n{how}: {len(seen.entries):,} entries, basis points, on {len(played)} days: ")
        sys.stdout.write(f"{halves[0][0]} to {halves[0][-1]}, then {halves[1][0]} to {halves[1][-1]}\n")
        sys.stdout.write("\n".join(fifths(seen, halves)) + "\n")
        sys.stdout.write(f"{'rank correlation':<16}" + f"{'mean':>16}{'t':>9}" * len(halves) + "\n")
        sys.stdout.write("\n".join(correlations(seen, halves)) + "\n")


if __name__ == "__main__":
    main()
