"""What the chart patterns were worth on recorded days, against random entries. Run: `make pattern-outcomes`.

Every breakout is taken as the service would have said it on the bar that confirmed it: entry at the next bar's open,
stop and target as given, the stop first where one bar touches both, out at the session's end (daily bars: after ten).
Against it five random entries in the same name at the same time of day on other days, with stop and target as far away
in percent. No costs. Patterns lie in the same market at the same hours, so the intervals are narrower than the truth.

The 19 sessions fit what services/pattern/rules/worth.py says; the three later ones are held out. Daily bars: fitted
before 2026-05-18, held out from then on. `--rows` prints the rows of that file.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from benchmarks import pattern_tape as tape
from benchmarks.pattern_report import print_rows, print_tables
from benchmarks.pattern_trades import Key, Plan, Table
from services.pattern.rules.candles import NAMES, direction, marks
from services.pattern.rules.figures import breakouts, shapes
from services.pattern.rules.frame import Frame
from services.pattern.rules.outcome import VOLUME_CONFIRMS, fate
from services.pattern.rules.usable import usable
from shared.domain.market import Bars

SYMBOLS, SEED, RANDOM_ENTRIES = 2000, 1, 5
HELD_BARS, CANDLE_BARS, CANDLE_RANGES = 10, 40, 1.0
DAILY_SPLIT = datetime(2026, 5, 18, tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class Stage:
    """One symbol's bars on which entries are played. `end_of` is the bar before which an entry at a bar must be out."""

    bars: Bars
    end_of: NDArray[np.int64]
    rng: np.random.Generator
    by_day: bool

    def others(self, at: int) -> list[int]:
        """Bars of other days at the same time of day as bar `at` (of daily bars: any others), drawn at random."""
        start = self.bars.start
        same = np.abs(start - start[at]) > tape.SESSION_GAP_SECONDS * 3
        if not self.by_day:
            same &= start % tape.DAY_SECONDS == start[at] % tape.DAY_SECONDS
        places = np.flatnonzero(same & (self.end_of > np.arange(len(start))))
        return [int(place) for place in self.rng.permutation(places)[:RANDOM_ENTRIES]]

    def play(self, table: Table, key: Key, at: int, long: bool, stop: float, target: float) -> None:
        """Enter at the open of bar `at` and, as far away in percent, at random; nothing when the open lies beyond."""
        entry, side = float(self.bars.open[at]), 1 if long else -1
        away, reach = side * (1 - stop / entry), side * (target / entry - 1)
        if away <= 0 or reach <= 0:
            return
        table[key].own.add(self.bars, Plan(at, int(self.end_of[at]), long, away, reach))
        for place in self.others(at):
            table[key].random.add(self.bars, Plan(place, int(self.end_of[place]), long, away, reach))


def _stage(bars: Bars, by_day: bool) -> Stage:
    count = len(bars)
    if by_day:
        ends = np.arange(count) + HELD_BARS
        ends[ends > count] = 0
    else:
        edges = tape.session_starts(bars.start)
        ends = np.repeat(edges[1:], np.diff(edges))
    return Stage(bars, ends, np.random.default_rng([SEED, crc32(bars.symbol.encode())]), by_day)


def play_intraday(table: Table, bars: Bars) -> None:
    """Every breakout of every session, seen in the window that the service would have fetched."""
    stage = _stage(bars, False)
    for first, end, begin in tape.windows(bars):
        kept = usable(bars.slice(begin, end))
        if kept.refused or len(kept.bars) != end - begin:
            continue
        frame = Frame(kept.bars, "5Min")
        for seen in breakouts(frame):
            at = begin + seen.at + 1
            if first < at < end:
                sign, shape = seen.side.sign, seen.shape
                volume = bool(frame.volume_ratio[seen.at] >= VOLUME_CONFIRMS)
                key = Key("5Min", seen.name, volume, shape.quality >= 0.5)
                stage.play(table, key, at, sign > 0, sign * shape.stop, sign * shape.target)


def play_daily(table: Table, bars: Bars, held_out: bool) -> None:
    """Every breakout on one side of the split that leaves time to play it out."""
    split = int(np.searchsorted(bars.start, DAILY_SPLIT))
    part = bars if held_out else bars.slice(0, split)
    kept = usable(part)
    if kept.refused or len(kept.bars) != len(part):
        return
    stage, frame = _stage(part, True), Frame(part, "1Day")
    for seen in breakouts(frame):
        at, sign, shape = seen.at + 1, seen.side.sign, seen.shape
        if at < len(part) and stage.end_of[at] and (at >= split) == held_out:
            volume = bool(frame.volume_ratio[seen.at] >= VOLUME_CONFIRMS)
            key = Key("1Day", seen.name, volume, shape.quality >= 0.5)
            stage.play(table, key, at, sign > 0, sign * shape.stop, sign * shape.target)


def play_candles(table: Table, bars: Bars, timeframe: str) -> None:
    """Candlesticks on forty random bars, with stop and target one average true range away."""
    if usable(bars).refused or len(usable(bars).bars) != len(bars):
        return
    stage, frame = _stage(bars, timeframe == "1Day"), Frame(bars, "5Min")
    values = marks(bars.open, bars.high, bars.low, bars.close)
    for at in stage.rng.permutation(np.arange(40, len(bars) - 1))[:CANDLE_BARS].tolist():
        if stage.end_of[at + 1] <= at + 1 or bars.start[at + 1] - bars.start[at] > tape.SESSION_GAP_SECONDS * 40:
            continue
        entry, span = float(bars.open[at + 1]), CANDLE_RANGES * float(frame.atr[at])
        for number in np.flatnonzero(values[:, at]).tolist():
            points = direction(number, int(values[number, at]))
            if points == "neutral":
                continue
            key, side = Key(timeframe, NAMES[number], False, False), 1 if points == "long" else -1
            stage.play(table, key, at + 1, side > 0, entry - side * span, entry + side * span)


def resolved(bars: dict[str, Bars], timeframe: str) -> tuple[int, int]:
    """How many figures there were, and how many of them were confirmed: what a forming one may expect."""
    ends = [fate(side, shape) for one in bars.values() if not usable(one).refused
            for side, shape in shapes(Frame(usable(one).bars, "5Min" if timeframe == "5Min" else "1Day"))]  # fmt: skip
    return len(ends), sum(1 for end in ends if end.confirmed is not None)


def main() -> int:
    parser = argparse.ArgumentParser(description="What the patterns were worth on recorded days.")
    parser.add_argument("--symbols", type=int, default=SYMBOLS)
    parser.add_argument("--rows", action="store_true", help="print the rows of services/pattern/rules/worth.py")
    wanted = parser.parse_args()
    if not (tape.FITTED.exists() and tape.HELD_OUT.exists()):
        sys.stdout.write("pattern-outcomes: no recorded days beside the checkout, nothing to measure\n")
        return 0
    began = time.perf_counter()
    symbols = tape.sample(wanted.symbols, SEED)
    fitted, held = Table(), Table()
    short, later, days = (
        tape.intraday(tape.FITTED, symbols),
        tape.intraday(tape.HELD_OUT, symbols),
        tape.daily(tape.HELD_OUT, symbols),
    )
    for table, bars in ((fitted, short), (held, later)):
        for one in bars.values():
            play_intraday(table, one)
            play_candles(table, one, "5Min")
    for one in days.values():
        play_daily(fitted, one, False)
        play_daily(held, one, True)
        play_candles(fitted, one.slice(0, int(np.searchsorted(one.start, DAILY_SPLIT))), "1Day")
    print_tables(fitted, held, len(symbols), time.perf_counter() - began)
    if wanted.rows:
        print_rows(fitted, {"5Min": resolved(short, "5Min"), "1Day": resolved(days, "1Day")})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
