"""The tape folder: a manifest and four Parquet files. Written whole, so that half a tape never looks like one."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

Progress = Callable[[str, float], None]
"""Told the stage at work and the part of it that is done, in [0, 1]."""

TABLES: dict[str, dict[str, Any]] = {
    "universe": {
        "symbol": pl.String,
        "name": pl.String,
        "exchange": pl.String,
        "sector": pl.String,
        "industry": pl.String,
        "market_cap": pl.Float64,
    },
    "daily": {
        "symbol": pl.String,
        "date": pl.Date,
        "open": pl.Float64,
        "high": pl.Float64,
        "low": pl.Float64,
        "close": pl.Float64,
        "volume": pl.Int64,
    },
    "bars": {
        "symbol": pl.String,
        "start": pl.Datetime("us", "UTC"),
        "open": pl.Float64,
        "high": pl.Float64,
        "low": pl.Float64,
        "close": pl.Float64,
        "volume": pl.Int64,
    },
    "news": {
        "id": pl.Int64,
        "published_at": pl.Datetime("us", "UTC"),
        "headline": pl.String,
        "source": pl.String,
        "symbols": pl.List(pl.String),
        "url": pl.String,
    },
}


def silent(_stage: str, _done: float) -> None:
    """A progress callback that shows nothing."""


def iso(at: float) -> str:
    """Epoch seconds as the manifest writes a time."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def write_tape(folder: Path, tables: Mapping[str, pl.DataFrame], manifest: dict[str, Any]) -> None:
    """The manifest goes last: a folder without one is no tape."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").unlink(missing_ok=True)
    for name, schema in TABLES.items():
        table = tables[name].select([pl.col(column).cast(kind) for column, kind in schema.items()])
        table.write_parquet(folder / f"{name}.parquet", compression="zstd", compression_level=1)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def manifest_of(
    name: str, kind: str, sessions: list[date], bar_minutes: int, tables: Mapping[str, pl.DataFrame], notes: str
) -> dict[str, Any]:
    """What every tape says of itself."""
    return {
        "name": name,
        "kind": kind,
        "sessions": [str(day) for day in sessions],
        "bar_minutes": bar_minutes,
        **{table: len(frame) for table, frame in tables.items()},
        "notes": notes,
    }
