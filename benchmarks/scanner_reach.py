"""Who can reach the target at all: what names did in the three hours after a scan, by how much they range.

Run: `make scanner-reach`. Needs ../shared/market: 22 sessions, everything that the scanner's other
rules keep. `bracket`: bought at the next bar's opening, sold at the target, at the stop (first where a bar holds both),
or at the end of the time. No costs are taken off.
"""

import sys
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benchmarks.recorded import DAYS, MONTH, TARGET_PCT, Recorded, record, sessions_of
from services.scanner.rules import score
from shared.domain.market import Floats

TIMES = {"9:35": 5.0, "10:05": 35.0, "11:30": 120.0, "12:30": 180.0}
STOP_PCT, HOLD_SECONDS, CLOSE_SECONDS = 2.0, 180 * 60, 600
EDGES = (0.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, np.inf)
TOP, GAP = 100, 3.0


class Seen(NamedTuple):
    """A name that a scan kept: the larger of its usual and its day's range, its gap, its rank, and what it did then:
    highest rise and the bracket's gain, all in percent but the rank.
    """

    reach: float
    gap: float
    rank: int
    rise: float
    gain: float


def after(market: Recorded, symbol: str, at: float) -> tuple[float, float] | None:
    """Highest rise and the bracket's gain in percent; None without a bar."""
    bars, session = market.tape.bars, market.tape.session
    low, high = bars.rows(market.tape.index[symbol])
    inside = slice(low, high)
    time = bars.time[inside]
    there = (time >= at) & (time < min(at + HOLD_SECONDS, session.close - CLOSE_SECONDS))
    if not there.any():
        return None
    paid = float(bars.open[inside][there][0])
    rises, falls = (bars.high[inside][there] / paid - 1) * 100, (bars.low[inside][there] / paid - 1) * 100
    won, lost = rises >= TARGET_PCT, falls <= -STOP_PCT
    first_won, first_lost = (int(np.argmax(hit)) if hit.any() else len(hit) for hit in (won, lost))
    end = (float(bars.close[inside][there][-1]) / paid - 1) * 100
    gain = TARGET_PCT if first_won < first_lost else -STOP_PCT if lost.any() else end
    return float(rises.max()), gain


def seen_at(market: Recorded, minutes: float) -> list[Seen]:
    """Everything that the rules keep, the one on tame names left out."""
    sifted = market.sifted(market.snapshots(market.answers(minutes)), minutes, min_range_of_target=0.0)
    kept, columns = sifted.kept, sifted.columns
    order = score.ranks(sifted.symbols[kept], {name: column[kept] for name, column in columns.items()}).order
    reach: Floats = np.fmax(market.baseline.usual_range, columns["day_range"])
    found = list[Seen]()
    for rank, place in enumerate(kept[order].tolist(), 1):
        did = after(market, str(sifted.symbols[place]), market.at(minutes) - 20)
        if did is not None:
            found.append(Seen(float(reach[place]), float(columns["gap_pct"][place]), rank, *did))
    return found


def show(title: str, names: list[Seen]) -> None:
    say, table = sys.stdout.write, np.array(names)
    say(f"\n{title}\n{'range, %':>12}{'names':>9}{'reach target':>14}{'part':>9}{'bracket, %':>13}{'+-':>7}\n")
    for least, most in pairwise(EDGES):
        part = table[(table[:, 0] >= least) & (table[:, 0] < most)]
        if len(part):
            won, gain = part[:, 3] >= TARGET_PCT, part[:, 4]
            error = gain.std() / np.sqrt(len(part))
            say(f"{f'{least:g} - {most:g}':>12}{len(part):>9,}{won.sum():>14,}{won.mean():>9.4f}")
            say(f"{gain.mean():>+13.3f}{error:>7.3f}\n")


def main() -> None:
    """Print both tables, and what gaps do just after the opening."""
    if not (MONTH.is_dir() and DAYS.is_dir()):
        sys.stdout.write("the recorded market is not at hand; nothing to measure\n")
        return
    by_time: dict[str, list[Seen]] = {label: [] for label in TIMES}
    for folder in (MONTH, DAYS):
        for day in sessions_of(folder):
            market = record(folder, day)
            for label, minutes in TIMES.items():
                by_time[label] += seen_at(market, minutes)
    early = by_time.pop("9:35")
    later = [one for names in by_time.values() for one in names]
    show(f"everything kept at {', '.join(by_time)}", later)
    show(f"of these the best {TOP} of each scan", [one for one in later if one.rank <= TOP])
    show(f"at 9:35, gaps of {GAP:g} % and more", [one for one in early if abs(one.gap) >= GAP])
    show("at 9:35, all others", [one for one in early if not abs(one.gap) >= GAP])


if __name__ == "__main__":
    main()
