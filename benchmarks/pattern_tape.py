"""The recorded days as the pattern service would be given them: bars of single symbols, in time order."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from services.pattern.flow import INTRADAY_DAYS
from shared.domain.market import Bars, Floats
from shared.domain.session import at_market_time

RECORDED = Path("../shared/market")
FITTED, HELD_OUT = RECORDED / "2026-05-18_06-12", RECORDED / "2026-06-15_17"
SESSION_GAP_SECONDS = 3 * 3600.0
DAY_SECONDS = 86_400.0


def sample(count: int, seed: int) -> list[str]:
    """Symbols that both tapes know, drawn at random, in the order of the alphabet."""
    fitted, held = (set(pl.read_parquet(tape / "universe.parquet")["symbol"]) for tape in (FITTED, HELD_OUT))
    both = sorted(fitted & held)
    drawn = np.random.default_rng(seed).permutation(len(both))[:count]
    return [both[place] for place in sorted(drawn.tolist())]


def intraday(tape: Path, symbols: list[str]) -> dict[str, Bars]:
    """5-minute bars of one tape."""
    rows = pl.scan_parquet(tape / "bars.parquet").filter(pl.col("symbol").is_in(symbols)).collect()
    return _by_symbol(rows.with_columns(pl.col("start").dt.epoch("ms").truediv(1000).alias("at")))


def daily(tape: Path, symbols: list[str]) -> dict[str, Bars]:
    """Daily bars, each at midnight in New York as the broker gives them."""
    rows = pl.scan_parquet(tape / "daily.parquet").filter(pl.col("symbol").is_in(symbols)).collect()
    days = {day: at_market_time(day, time()).timestamp() for day in rows["date"].unique()}
    return _by_symbol(rows.with_columns(pl.col("date").replace_strict(days, return_dtype=pl.Float64).alias("at")))


def _by_symbol(rows: pl.DataFrame) -> dict[str, Bars]:
    found = {}
    for (symbol,), part in rows.sort("symbol", "at").group_by("symbol", maintain_order=True):
        columns = (part[name].cast(pl.Float64).to_numpy() for name in ("at", "open", "high", "low", "close", "volume"))
        found[str(symbol)] = Bars(str(symbol), *(np.array(column) for column in columns))
    return found


def session_starts(start: Floats) -> list[int]:
    """Number of each session's first bar, and the number of bars."""
    gaps = np.flatnonzero(np.diff(start) > SESSION_GAP_SECONDS) + 1
    return [0, *gaps.tolist(), len(start)]


def windows(bars: Bars) -> Iterator[tuple[int, int, int]]:
    """For each session but the first: its first bar, its end, and the first bar that the service would fetch."""
    edges = session_starts(bars.start)
    for first, end in pairwise(edges[1:]):
        day = datetime.fromtimestamp(float(bars.start[first]), UTC).replace(hour=0, minute=0, second=0)
        begin = (day - timedelta(days=INTRADAY_DAYS)).timestamp()
        yield first, end, int(np.searchsorted(bars.start, begin))
