"""The labelled headlines with their text, for as long as the recorded tapes lie beside the repository."""

import csv
from pathlib import Path
from typing import NamedTuple

import polars as pl

from benchmarks.labels.draw import MARKET

LABELS = Path(__file__).with_name("catalysts.csv")
NONE = "NONE"


class Labelled(NamedTuple):
    """One headline as seen from one company, and what two passes and their settlement say of it."""

    tape: str
    id: int
    symbol: str
    catalyst: str
    sentiment: str
    part: str
    stratum: str
    first: tuple[str, str]
    second: tuple[str, str]
    company: str
    tagged: int
    headline: str


def present() -> bool:
    """True where every tape that the labels speak of can be read."""
    with LABELS.open() as file:
        tapes = {row["tape"] for row in csv.DictReader(file)}
    return all((MARKET / tape / name).is_file() for tape in tapes for name in ("news.parquet", "universe.parquet"))


def labelled() -> list[Labelled]:
    """All of them, in the order of the file. Raises KeyError when a tape is not the one that was labelled."""
    with LABELS.open() as file:
        rows = list(csv.DictReader(file))
    texts, companies = {}, {}
    for tape in {row["tape"] for row in rows}:
        news = pl.read_parquet(MARKET / tape / "news.parquet").select("id", "headline", "symbols")
        texts.update({(tape, number): (headline, len(symbols)) for number, headline, symbols in news.iter_rows()})
        universe = pl.read_parquet(MARKET / tape / "universe.parquet").select("symbol", "name")
        companies.update({(tape, symbol): name for symbol, name in universe.iter_rows()})
    return [_joined(row, texts, companies) for row in rows]


def _joined(
    row: dict[str, str], texts: dict[tuple[str, int], tuple[str, int]], companies: dict[tuple[str, str], str]
) -> Labelled:
    tape, number = row["tape"], int(row["id"])
    headline, tagged = texts[tape, number]
    return Labelled(
        tape=tape,
        id=number,
        symbol=row["symbol"],
        catalyst=row["catalyst"],
        sentiment=row["sentiment"],
        part=row["part"],
        stratum=row["stratum"],
        first=(row["catalyst_1"], row["sentiment_1"]),
        second=(row["catalyst_2"], row["sentiment_2"]),
        company=companies[tape, row["symbol"]],
        tagged=tagged,
        headline=headline,
    )
