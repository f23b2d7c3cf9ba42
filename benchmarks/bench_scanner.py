"""The scanner's own work for a whole market, and whom it throws out on recorded days. Run: `make bench`.

Times are processor time of one thread, for 4,129 symbols, from the arrival of the exchange's answers on: decoding them
is the adapter's, everything else the scanner's. The recorded days need ../shared/market.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.recorded import DAYS, Recorded, record, sessions_of
from scripts.tapes.synthesize import synthesize
from services.scanner.rules import answer, score
from services.scanner.rules.glance import WITHOUT_NEWS
from services.scanner.rules.sift import Sifted
from shared.domain.cycle import ScanAnswer

ROUNDS, MOST_MS, STORED, SENT = 60, 60.0, 200, 100
MINUTES = {"10:05": 35.0, "11:30": 120.0, "14:00": 270.0}
EXAMPLES = 5
# Everything that is no plain filter of the configuration: what a trader sees at a glance.
GLANCES = (
    "second_line", "no_range", "halted", "no_trade_for_minutes", "stale", "no_quote", "unadjusted_split", "implausible",
    "pinned_by_offer", "pinned_since_open", "tame", "by_appointment", "thin_pump", "thin_jump",
)  # fmt: skip


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Median and least milliseconds of processor time: other work on the machine does not count."""
    taken = []
    for _ in range(ROUNDS):
        started = time.thread_time()
        work()
        taken.append((time.thread_time() - started) * 1000)
    return statistics.median(taken), min(taken)


def ranked(sifted: Sifted) -> score.Ranks:
    kept = sifted.kept
    return score.ranks(sifted.symbols[kept], {name: column[kept] for name, column in sifted.columns.items()})


def answered(sifted: Sifted, ranks: score.Ranks) -> tuple[bytes, str]:
    """What goes to the database as JSON and what goes to workflow."""
    rows, coverage = answer.rows_of(sifted, ranks, STORED), answer.coverage_of(sifted, ranks)
    candidates = tuple(map(answer.candidate_of, rows[:SENT]))
    said = ScanAnswer(
        cycle_id="bench",
        scan=1,
        as_of=datetime(2026, 6, 15, 15, 0, tzinfo=UTC),
        universe=coverage.universe,
        scanned=coverage.scanned,
        stored=len(rows),
        dropped=coverage.counts,
        candidates=candidates,
    )
    return orjson.dumps([coverage.dropped, coverage.ranked]), said.model_dump_json()


def speed(market: Recorded) -> None:
    say, minutes = sys.stdout.write, 120.0
    answers = market.answers(minutes)
    snapshots = market.snapshots(answers)
    sifted = market.sifted(snapshots, minutes)
    ranks = ranked(sifted)
    decoding = timed(lambda: market.snapshots(answers))
    parts = {
        "facts and filters": timed(lambda: market.sifted(snapshots, minutes)),
        "percentiles and order": timed(lambda: ranked(sifted)),
        "rows, coverage as JSON, answer": timed(lambda: answered(sifted, ranks)),
    }
    whole = timed(lambda: answered(again := market.sifted(snapshots, minutes), ranked(again)))
    say(
        f"{len(market.symbols):,} symbols, {len(sifted.kept):,} ranked, {ROUNDS} rounds: milliseconds, median (least)\n"
    )
    size = f"decoding {sum(map(len, answers)):,} bytes (adapter)"
    say(f"{size:<42}{decoding[0]:8.1f} ({decoding[1]:.1f})\n")
    for name, (median, least) in parts.items():
        say(f"{name:<42}{median:8.1f} ({least:.1f})\n")
    verdict = "met" if whole[0] < MOST_MS else "MISSED"
    say(f"{'the scanner, all of it':<42}{whole[0]:8.1f} ({whole[1]:.1f})   under {MOST_MS:.0f}: {verdict}\n")


def thrown_out(market: Recorded) -> None:
    """Counts and the most traded examples of each reason at three times of a recorded day."""
    say = sys.stdout.write
    for clock, minutes in MINUTES.items():
        sifted = market.sifted(market.snapshots(market.answers(minutes)), minutes)
        asked = market.asked(sifted, minutes)
        sifted = sifted.keeping(asked.stories, WITHOUT_NEWS)
        counts = sifted.counts
        others = ", ".join(f"{name} {count}" for name, count in counts.items() if name not in GLANCES)
        say(f"\n{market.session.day} {clock}: {len(sifted.symbols):,} seen, {len(sifted.kept):,} ranked; {others}\n")
        for name in GLANCES:
            if name in counts:
                say(f"  {name:<22}{counts[name]:>4}  {_examples(market, sifted, name)}\n")
        for symbol, told in asked.stories.items():
            say(f"  thin past, kept for    {symbol}: {told[:90]}\n")


def _examples(market: Recorded, sifted: Sifted, reason: str) -> str:
    hit = np.flatnonzero(sifted.reason == sifted.reasons.index(reason))
    hit = hit[np.argsort(-market.baseline.average_dollar_volume[hit], kind="stable")][:EXAMPLES]
    change = sifted.columns["change_pct"]
    return ", ".join(f"{sifted.symbols[i]} {sifted.value[i]:,.4g} ({change[i]:+.0f} %)" for i in hit.tolist())


def main() -> None:
    """Time an invented market of the usual size; read the recorded one where it is at hand."""
    with tempfile.TemporaryDirectory() as folder:
        synthesize(Path(folder) / "tape")
        speed(record(Path(folder) / "tape"))
    if not DAYS.is_dir():
        sys.stdout.write("the recorded market is not at hand; nobody to throw out\n")
        return
    for day in sessions_of(DAYS):
        thrown_out(record(DAYS, day))


if __name__ == "__main__":
    main()
