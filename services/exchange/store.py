"""Reads a tape folder: manifest.json and four Parquet files. Keeps one session day in compact columns, and packs the
bars of the sessions just before it."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import ValidationError

from services.exchange.rules.calendar import OPEN as OPENING_TIME
from services.exchange.rules.calendar import closing_time, is_trading_day
from services.exchange.rules.clock import Mode
from services.exchange.rules.earlier import MOST_BARS, Earlier, days_before, packed
from services.exchange.rules.journal import Command, JournalError, decode, encode, heading
from services.exchange.rules.tape import Asset, Columns, Ints, NewsItem, Session, Tape
from shared.domain.base import Value
from shared.domain.session import at_market_time
from shared.errors import ConfigError

PRICES = ("open", "high", "low", "close")
SCHEMAS: dict[str, dict[str, tuple[type[pl.DataType], ...]]] = {
    "universe": {
        **dict.fromkeys(("symbol", "name", "exchange", "sector", "industry"), (pl.String,)),
        "market_cap": (pl.Float64, pl.Float32, pl.Int64),
    },
    "daily": {
        "symbol": (pl.String,),
        "date": (pl.Date,),
        **dict.fromkeys(PRICES, (pl.Float64, pl.Float32)),
        "volume": (pl.Int64, pl.Int32, pl.UInt32, pl.Float64),
    },
    "bars": {
        "symbol": (pl.String,),
        "start": (pl.Datetime,),
        **dict.fromkeys(PRICES, (pl.Float64, pl.Float32)),
        "volume": (pl.Int64, pl.Int32, pl.UInt32, pl.Float64),
    },
    "news": {
        "id": (pl.Int64, pl.UInt64, pl.UInt32, pl.Int32),
        "published_at": (pl.Datetime,),
        "headline": (pl.String,),
        "source": (pl.String,),
        "symbols": (pl.List,),
        "url": (pl.String,),
    },
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What manifest.json says. Times are epoch seconds UTC."""

    name: str
    sessions: tuple[date, ...]
    bar_seconds: int
    halts: dict[str, tuple[tuple[float, float], ...]]
    delistings: dict[str, float]


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def read_manifest(folder: Path) -> Manifest:
    """Raises ConfigError when it is missing, broken, or lacks sessions or bar_minutes."""
    path = folder / "manifest.json"
    if not path.is_file():
        raise ConfigError(f"no tape in {folder}: manifest.json is missing", field="tape")
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        halts: dict[str, tuple[tuple[float, float], ...]] = {}
        for halt in raw.get("halts", ()):
            span = (_epoch(halt["start"]), _epoch(halt["end"]))
            halts[halt["symbol"]] = (*halts.get(halt["symbol"], ()), span)
        return Manifest(
            name=str(raw.get("name", folder.name)),
            sessions=tuple(date.fromisoformat(day) for day in raw["sessions"]),
            bar_seconds=int(raw["bar_minutes"]) * 60,
            halts=halts,
            delistings={gone["symbol"]: _epoch(gone["at"]) for gone in raw.get("delistings", ())},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} cannot be used: {type(error).__name__} {error}", field="tape") from error


def scan(folder: Path, name: str) -> pl.LazyFrame:
    """One table of the tape, unread, its columns checked. Raises ConfigError naming the file and column."""
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise ConfigError(f"the tape {folder} has no {path.name}", field="tape")
    frame = pl.scan_parquet(path)
    try:
        schema = frame.collect_schema()
    except pl.exceptions.PolarsError as error:
        raise ConfigError(f"{path} is not a Parquet file: {error}", field="tape") from error
    for column, kinds in SCHEMAS[name].items():
        if column not in schema:
            raise ConfigError(f"{path} lacks the column {column}", field="tape")
        if not any(schema[column] == kind for kind in kinds):
            raise ConfigError(
                f"{path}: column {column} is {schema[column]}, expected {kinds[0].__name__}", field="tape"
            )
    return frame.select(list(SCHEMAS[name]))


def session_hours(day: date) -> Session:
    """Regular hours of a trading day. Raises ConfigError on a weekend or holiday."""
    if not is_trading_day(day):
        raise ConfigError(f"{day} is not a trading day", field="session")
    opens, closes = at_market_time(day, OPENING_TIME), at_market_time(day, closing_time(day))
    return Session(opens.timestamp(), closes.timestamp(), day)


def _columns(rows: pl.LazyFrame, symbols: list[str], label: str, dropped: dict[str, int]) -> Columns:
    """Rows (symbol, time, prices, volume) of known symbols, packed: sorted, each time once, positive prices that agree.

    Counts what was left out in `dropped`. Works on plain arrays, a column at a time: a tape is bigger than its answer.
    """
    code = pl.col("symbol").cast(pl.Enum(symbols), strict=False).to_physical().cast(pl.Int64).fill_null(-1)
    frame = rows.with_columns(code.alias("symbol"), pl.col("volume").cast(pl.Int64).fill_null(-1))
    frame = frame.with_columns(pl.col(PRICES).cast(pl.Float64).fill_null(0.0))
    table = {name: column.to_numpy() for name, column in frame.collect(engine="streaming").to_dict().items()}
    known = table["symbol"] >= 0
    opens, high, low, close = (table[name] for name in PRICES)
    good = np.isfinite(high) & (low > 0) & (high >= low) & (table["volume"] >= 0)
    for price in (opens, close):
        good &= (price >= low) & (price <= high)
    order = np.lexsort((table["time"], table["symbol"]))
    order = order[(known & good)[order]]
    codes, times = table["symbol"][order], table["time"][order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (codes[1:] != codes[:-1]) | (times[1:] != times[:-1])
    dropped[f"{label} of unknown symbols"] = int((~known).sum())
    dropped[f"{label} without usable prices"] = int((known & ~good).sum())
    dropped[f"{label} given twice"] = int((~first).sum())
    order, codes, times = order[first], codes[first], times[first]
    offsets = np.concatenate(([0], np.cumsum(np.bincount(codes, minlength=len(symbols))))).astype(np.int64)
    prices = [np.ascontiguousarray(table[name][order]) for name in PRICES]
    return Columns(offsets, times, prices[0], prices[1], prices[2], prices[3], table["volume"][order])


def _read_bars(folder: Path, session: Session, step: int, symbols: list[str], dropped: dict[str, int]) -> Columns:
    rows = scan(folder, "bars")
    # Literals of the column's own kind: with those, parts of the file that hold other days are not read at all.
    first, end = (
        pl.lit(datetime.fromtimestamp(at, UTC)).cast(rows.collect_schema()["start"])
        for at in (session.open - 12 * 3600, session.close + 12 * 3600)
    )
    rows = rows.filter((pl.col("start") >= first) & (pl.col("start") < end))
    rows = rows.with_columns(pl.col("start").dt.epoch("s").alias("time")).drop("start")
    whole = (
        (pl.col("time") >= session.open)
        & (pl.col("time") + step <= session.close)
        & ((pl.col("time") - session.open) % step == 0)
    )
    dropped["bars outside the session or off the grid"] = int(rows.select((~whole).sum()).collect().item())
    return _columns(rows.filter(whole), symbols, "bars", dropped)


def _read_earlier(folder: Path, manifest: Manifest, day: date, symbols: list[str], most: int) -> tuple[Earlier, ...]:
    """The sessions just before `day`, oldest first: whole ones, of `most` bars together.

    What had to be left out of them is told when they are played themselves.
    """
    found = list[Earlier]()
    for session in map(session_hours, days_before(day, manifest.sessions)):
        bars = _read_bars(folder, session, manifest.bar_seconds, symbols, {})
        most -= len(bars.time)
        if most < 0 or not len(bars.time):
            break
        prices = (bars.open, bars.high, bars.low, bars.close)
        found.append(packed(session.close, bars.offsets, bars.time, prices, bars.volume))
    return tuple(reversed(found))


def _read_daily(folder: Path, day: date, symbols: list[str], dropped: dict[str, int]) -> tuple[Columns, Ints]:
    """Daily rows before `day`, stamped midnight in New York, and each row's closing time."""
    rows = scan(folder, "daily").filter(pl.col("date") < day)
    days = rows.select(pl.col("date").unique().sort()).collect()["date"].to_list()
    midnights = [int(at_market_time(d, datetime.min.time()).timestamp()) for d in days]
    closes = np.array([int(at_market_time(d, closing_time(d)).timestamp()) for d in days], dtype=np.int64)
    stamped = pl.col("date").replace_strict(days, midnights, return_dtype=pl.Int64) if days else pl.lit(0)
    packed = _columns(rows.with_columns(stamped.alias("time")).drop("date"), symbols, "daily rows", dropped)
    return packed, closes[np.searchsorted(np.array(midnights, dtype=np.int64), packed.time)]


def _read_news(folder: Path, day: date) -> tuple[NewsItem, ...]:
    end = at_market_time(day + timedelta(days=1), datetime.min.time()).timestamp()
    at = pl.col("published_at").dt.epoch("us") / 1e6
    frame = scan(folder, "news").with_columns(at.alias("published_at")).filter(pl.col("published_at") < end)
    rows = frame.sort("published_at", "id").collect()
    return tuple(
        NewsItem(int(n), float(when), headline, source or "", tuple(symbols or ()), url or "")
        for n, when, headline, source, symbols, url in rows.iter_rows()
    )


def load_tape(folder: Path, day: date | None = None, most_earlier: int = MOST_BARS) -> Tape:
    """One session of the tape (its first by default), up to `most_earlier` bars of whole sessions just before it, the
    daily rows before it and the news up to its end.

    Raises ConfigError: a file or column is missing, the day is not on the tape (the message lists the days that are),
    or the session is empty.
    """
    manifest = read_manifest(folder)
    if not manifest.sessions:
        raise ConfigError(f"the tape {folder} lists no sessions", field="session")
    day = day or manifest.sessions[0]
    if day not in manifest.sessions:
        there = ", ".join(map(str, manifest.sessions))
        raise ConfigError(f"{day} is not on the tape {manifest.name}; it has {there}", field="session")
    session, dropped = session_hours(day), dict[str, int]()
    universe = scan(folder, "universe").unique("symbol", keep="first").sort("symbol").collect()
    filled = universe.with_columns(pl.col(pl.String).fill_null(""), pl.col("market_cap").fill_null(0).fill_nan(0))
    assets = tuple(Asset(*row) for row in filled.iter_rows())
    symbols = [asset.symbol for asset in assets]
    bars = _read_bars(folder, session, manifest.bar_seconds, symbols, dropped)
    if not len(bars.time):
        raise ConfigError(f"the tape {folder} has no bars for {day}", field="session")
    daily, daily_close_at = _read_daily(folder, day, symbols, dropped)
    return Tape(
        name=manifest.name,
        session=session,
        bar_seconds=manifest.bar_seconds,
        assets=assets,
        bars=bars,
        daily=daily,
        daily_close_at=daily_close_at,
        news=_read_news(folder, day),
        halts=manifest.halts,
        delistings=manifest.delistings,
        dropped={what: count for what, count in dropped.items() if count},
        days=manifest.sessions,
        earlier=_read_earlier(folder, manifest, day, symbols, most_earlier),
    )


class Place(Value):
    """Where the clock stood: enough to go on after a crash."""

    tape: str
    day: date
    now: float
    mode: Mode
    speed: float
    participants: tuple[str, ...]


def save_place(path: Path, place: Place) -> None:
    """Remember where the clock stands; a kill at any moment leaves the old or the new file, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(place.model_dump_json(), encoding="utf-8")
    os.replace(fresh, path)


def load_place(path: Path) -> Place | None:
    """The remembered place, or None when there is none. Raises ConfigError when the file is of another make."""
    if not path.is_file():
        return None
    try:
        return Place.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise ConfigError(f"{path} does not say where the clock stood; remove it", field="place") from error


def open_journal(path: Path, tape: Tape) -> list[Command]:
    """The commands accepted so far on this tape and day; afterwards the file is whole and ready to be appended to.

    A torn last line is cut off. A journal of another tape or day is set aside as `<name>.old`. Raises ConfigError for
    a line that cannot be read.
    """
    head = heading(tape.name, str(tape.session.day))
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole and not whole.startswith(head):
        os.replace(path, path.with_name(path.name + ".old"))
        whole = ""
    path.parent.mkdir(parents=True, exist_ok=True)
    if whole != text or not whole:
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(whole or head, encoding="utf-8")
        os.replace(fresh, path)
    try:
        return list(decode(whole.splitlines(keepends=True)[1:]))
    except JournalError as error:
        raise ConfigError(f"the journal {path} cannot be replayed: {error}; move it away", field="journal") from error


def append_command(path: Path, command: Command) -> None:
    """One more line. It is with the operating system when this returns: a killed process loses nothing."""
    with path.open("a", encoding="utf-8") as file:
        file.write(encode(command))
