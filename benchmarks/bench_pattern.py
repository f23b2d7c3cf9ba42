"""How long the pattern service computes for the funnel's 35 symbols on two timeframes, candlesticks included."""

import json
import sys
from statistics import median
from time import perf_counter, process_time

from services.pattern.rules.candles import candlesticks
from services.pattern.rules.frame import Frame
from services.pattern.rules.read import Charts, read_charts
from tests.pattern.walks import walk

SYMBOLS, SESSIONS, DAYS, ROUNDS, MOST_SECONDS = 35, 5, 138, 15, 0.3


def main() -> int:
    """Median of rounds, each on fresh charts; the limit holds for the process's own time."""
    charts = [
        Charts(f"S{number:02}", walk(number, SESSIONS), walk(1000 + number, 2).slice(0, DAYS))
        for number in range(SYMBOLS)
    ]
    frames = [Frame(bars, "5Min") for one in charts for bars in (one.intraday, one.daily) if bars is not None]
    wall, own, candles = [], [], []
    for _ in range(ROUNDS):
        began, worked = perf_counter(), process_time()
        read_charts(charts)
        wall.append(perf_counter() - began)
        own.append(process_time() - worked)
        began = perf_counter()
        for frame in frames:
            candlesticks(frame)
        candles.append(perf_counter() - began)
    told = {
        "symbols": SYMBOLS,
        "timeframes": 2,
        "median_ms": round(1000 * median(own), 1),
        "median_wall_ms": round(1000 * median(wall), 1),
        "of_which_candles_ms": round(1000 * median(candles), 1),
        "most_ms": 1000 * MOST_SECONDS,
    }
    sys.stdout.write(json.dumps(told) + "\n")
    return 0 if median(own) <= MOST_SECONDS else 1


if __name__ == "__main__":
    raise SystemExit(main())
