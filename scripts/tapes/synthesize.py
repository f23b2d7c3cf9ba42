"""An invented market day, or several in a row, as a tape. The same seed gives the same files."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scripts.tapes import headlines as words
from scripts.tapes.events import draw_events
from scripts.tapes.files import Progress, iso, manifest_of, silent, write_tape
from scripts.tapes.paths import Floats, Grid, history, session
from scripts.tapes.universe import Universe, make_universe
from scripts.tapes.wire import Item, background_items, event_items, news_table, notice
from services.exchange.rules import calendar
from services.exchange.rules.calendar import closing_time, is_trading_day, trading_days
from shared.domain.session import at_market_time
from shared.errors import BadInput

HISTORY_DAYS, FEWEST_NAMES = 120, 30
HALT_MINUTES = 12
NOTES = "Invented: no company, price or headline in it is real, the five famous symbols' prices included."


@dataclass(frozen=True, slots=True)
class Synthesized:
    """What was written."""

    folder: Path
    sessions: tuple[date, ...]
    names: int
    bars: int
    headlines: int
    events: int


@dataclass(slots=True)
class _Day:
    """One session as it grows: its bars and what interrupts them."""

    day: date
    opens: float
    minutes: int
    bars: Grid
    items: list[Item]
    events: int
    halts: list[dict[str, Any]]
    delistings: list[dict[str, Any]]


def session_days(first: date, count: int) -> list[date]:
    """`count` trading days from `first` on. Raises BadInput when that is none, or no trading day."""
    if not is_trading_day(first):
        raise BadInput(f"{first} is not a trading day", field="date")
    if not 1 <= count <= 60:
        raise BadInput("between 1 and 60 sessions", field="sessions")
    days = [first]
    while len(days) < count:
        days.append(calendar.next_trading_day(days[-1]))
    return days


def days_before(first: date, count: int) -> list[date]:
    """The `count` trading days before `first`, oldest first."""
    start = date.fromordinal(first.toordinal() - count * 2)
    return [day for day in trading_days(start, first) if day < first][-count:]


def synthesize(
    folder: Path,
    *,
    seed: int = 7,
    first: date = date(2026, 6, 15),
    sessions: int = 1,
    names: int = 4129,
    progress: Progress = silent,
) -> Synthesized:
    """Write a tape into `folder` and say what is in it. Raises BadInput for options that make no market."""
    if names < FEWEST_NAMES:
        raise BadInput(f"a market needs at least {FEWEST_NAMES} names", field="names")
    days, past = session_days(first, sessions), days_before(first, HISTORY_DAYS)
    progress("universe", 0.0)
    rng = np.random.default_rng([seed, names])
    universe = make_universe(rng, names)
    progress("history", 0.1)
    before = history(rng, universe, HISTORY_DAYS)
    daily = [_daily_table(universe, past, before)]
    previous, played, bars = before.close[:, -1], list[_Day](), list[pl.DataFrame]()
    for number, day in enumerate(days):
        progress(f"session {day}", 0.2 + 0.6 * number / len(days))
        one, previous = _play(np.random.default_rng([seed, day.toordinal()]), universe, previous, day, number == 0)
        played.append(one)
        bars.append(_bars_table(universe, one))
        daily.append(_day_row(universe, one))
    progress("writing", 0.85)
    items = [item for one in played for item in one.items]
    tables = {
        "universe": _universe_table(universe),
        "daily": pl.concat(daily).sort("symbol", "date"),
        "bars": pl.concat(bars),
        "news": news_table(items),
    }
    manifest = manifest_of(f"synthetic-{first}-seed{seed}", "synthetic", days, 1, tables, NOTES)
    manifest |= {"seed": seed, "halts": [h for one in played for h in one.halts]}
    manifest |= {"delistings": [gone for one in played for gone in one.delistings]}
    write_tape(folder, tables, manifest)
    progress("done", 1.0)
    events = sum(one.events for one in played)
    return Synthesized(folder, tuple(days), names, len(tables["bars"]), len(items), events)


def _play(
    rng: np.random.Generator, universe: Universe, previous: Floats, day: date, with_incidents: bool
) -> tuple[_Day, Floats]:
    opens = at_market_time(day, calendar.OPEN).timestamp()
    minutes = int(at_market_time(day, closing_time(day)).timestamp() - opens) // 60
    events = draw_events(rng, universe, minutes)
    bars, last = session(rng, universe, previous, minutes, events)
    items = event_items(rng, universe, events, opens)
    items += background_items(rng, universe, max(12, len(universe) // 10), opens)
    one = _Day(day, opens, minutes, bars, items, len(events), [], [])
    if with_incidents:
        _interrupt(rng, universe, one, {event.row for event in events})
    return one, last


def _interrupt(rng: np.random.Generator, universe: Universe, one: _Day, taken: set[int]) -> None:
    """One name is halted for a while, another stops trading for good."""
    value = universe.price * universe.shares
    liquid = [int(i) for i in np.argsort(-value[5 : universe.common], kind="stable") + 5 if int(i) not in taken]
    halted, gone = liquid[len(liquid) // 8], liquid[len(liquid) // 3]
    begin = int(rng.integers(40, one.minutes // 2))
    end, stop = begin + HALT_MINUTES, int(rng.integers(one.minutes // 3, one.minutes * 2 // 3))
    one.bars.volume[halted, begin:end] = 0
    one.bars.volume[gone, stop:] = 0
    at = [one.opens + 60 * minute for minute in (begin, end, stop)]
    one.halts.append({"symbol": universe.symbols[halted], "start": iso(at[0]), "end": iso(at[1])})
    one.delistings.append({"symbol": universe.symbols[gone], "at": iso(at[2])})
    one.items.append(notice(universe, halted, at[0], words.HALTED))
    one.items.append(notice(universe, halted, at[1], words.RESUMED))
    one.items.append(notice(universe, gone, at[2], words.DELISTED))


def _universe_table(universe: Universe) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "symbol": universe.symbols,
            "name": universe.names,
            "exchange": universe.exchanges,
            "sector": universe.sectors,
            "industry": universe.industries,
            "market_cap": universe.market_cap.round(0),
        }
    )


def _flat(symbols: list[str], label: str, labels: np.ndarray, grid: Grid, keep: np.ndarray) -> pl.DataFrame:
    """The kept cells of a grid as rows, by symbol then time."""
    rows, columns = np.nonzero(keep)
    prices = {name: getattr(grid, name)[rows, columns] for name in ("open", "high", "low", "close")}
    names = pl.Series("symbol", symbols).gather(pl.Series(rows.astype(np.uint32)))
    return pl.DataFrame(
        {"symbol": names, label: labels[columns], **prices, "volume": grid.volume[rows, columns]},
    )


def _daily_table(universe: Universe, days: list[date], grid: Grid) -> pl.DataFrame:
    ordinals = np.array([(day - date(1970, 1, 1)).days for day in days], dtype=np.int32)
    table = _flat(universe.symbols, "date", ordinals, grid, grid.volume > 0)
    return table.with_columns(pl.col("date").cast(pl.Date))


def _bars_table(universe: Universe, one: _Day) -> pl.DataFrame:
    starts = ((one.opens + 60 * np.arange(one.minutes)) * 1e6).astype(np.int64)
    table = _flat(universe.symbols, "start", starts, one.bars, one.bars.volume > 0)
    return table.with_columns(pl.col("start").cast(pl.Datetime("us", "UTC")))


def _day_row(universe: Universe, one: _Day) -> pl.DataFrame:
    """The session's daily rows: exactly what its bars add up to."""
    return (
        _bars_table(universe, one)
        .group_by("symbol", maintain_order=True)
        .agg(
            pl.lit(one.day).alias("date"),
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
    )
