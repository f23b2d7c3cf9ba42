"""The technical stage on one core. Run: `python -m benchmarks.bench_technical`.

Every indicator of 200 symbols x 120 bars x 2 timeframes in one call, against TA-Lib asked the usual way, one function
and one series after the other; then whole assessments (cleaning, indicators, levels, score, words) at the lengths that
a scan has. Invented bars. The fastest run is what the code costs; the others are what else the machine did.
"""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from datetime import time as wall_time

import numpy as np

from services.technical.rules.assess import assess
from services.technical.rules.indicators import indicators
from shared.domain.market import Bars, Floats
from shared.domain.session import at_market_time, session_from_hours
from shared.ta import talib as ta

SYMBOLS, BARS, RUNS, LIMIT_MS = 200, 120, 15, 50.0
DAYS = tuple(date(2026, 6, day) for day in (8, 9, 10, 11, 12, 15))
NOW = datetime(2026, 6, 15, 19, 0, tzinfo=UTC)
SESSIONS = tuple(session_from_hours(day, wall_time(9, 30), wall_time(16)) for day in DAYS)


def walk(symbol: str, start: Floats, seed: int) -> Bars:
    """A random walk that looks like bars."""
    random = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(random.normal(0, 0.005, len(start))))
    opened = np.concatenate([[50.0], close[:-1]])
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    return Bars(symbol, start, opened, high, low, close, np.round(random.lognormal(9, 1, len(start))))


def one_by_one(bars: Bars) -> None:
    """What a reader of TA-Lib's manual writes."""
    high, low, close, volume = bars.high, bars.low, bars.close, bars.volume
    for count in (9, 20, 50, 200):
        ta.EMA(close, count)
    for count in (20, 50):
        ta.SMA(close, count)
    ta.MACD(close, 12, 26, 9), ta.RSI(close, 14), ta.ROC(close, 10), ta.BBANDS(close, 20, 2.0, 2.0)
    ta.STOCH(high, low, close, 14, 3, 0, 3, 0), ta.ATR(high, low, close, 14), ta.ADX(high, low, close, 14)
    ta.PLUS_DI(high, low, close, 14), ta.MINUS_DI(high, low, close, 14)
    ta.OBV(close, volume), ta.MFI(high, low, close, volume, 14)


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of one run after one that warms up: the fastest on the wall, and the median of processor time."""
    run()
    wall, worked = list[float](), list[float]()
    for _ in range(RUNS):
        started, busy = time.perf_counter(), time.process_time()
        run()
        wall.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - busy) * 1000)
    return min(wall), statistics.median(worked)


def main() -> None:
    """Measure and print."""
    midnight = at_market_time(DAYS[-1], wall_time()).timestamp()
    dates = midnight - 86_400.0 * np.arange(260, 0, -1, dtype=np.float64)
    days = {f"S{n}": walk(f"S{n}", dates, n) for n in range(SYMBOLS)}
    starts = np.concatenate([one.open.timestamp() + 300.0 * np.arange(78) for one in SESSIONS])
    minutes = {name: walk(name, starts, 1000 + n) for n, name in enumerate(days)}
    crowds = [[bars.tail(BARS) for bars in table.values()] for table in (days, minutes)]
    names, few = list(days), list(days)[:20]
    measured: dict[str, Callable[[], object]] = {
        f"indicators, {SYMBOLS} symbols x {BARS} bars x 2 timeframes": lambda: [indicators(one) for one in crowds],
        "  TA-Lib one by one, arrays alone": lambda: [*map(one_by_one, [bars for one in crowds for bars in one])],
        f"whole assessment, {SYMBOLS} symbols, 260 days and 6 sessions": lambda: assess(
            names, days, minutes, SESSIONS, NOW
        ),
        f"whole assessment, {len(few)} symbols (a scan)": lambda: assess(few, days, minutes, SESSIONS, NOW),
    }
    sys.stdout.write(f"{'':<60}{'best wall':>12}{'median CPU':>13}\n")
    taken = {name: timed(run) for name, run in measured.items()}
    for name, (wall, worked) in taken.items():
        sys.stdout.write(f"{name:<60}{wall:9.1f} ms{worked:10.1f} ms\n")
    (ours, _), (usual, _), *_ = taken.values()
    verdict = "within" if ours <= LIMIT_MS else "OVER"
    sys.stdout.write(f"{verdict} the limit of {LIMIT_MS:.0f} ms; TA-Lib one by one: {usual / ours:.1f} times as long\n")


if __name__ == "__main__":
    main()
