"""The labelled texts beside the checkout, as rows. Nothing of them is copied into the repository."""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from services.news.rules.company import marked
from services.news.rules.plain import clean

LABELLED, MARKET = Path("../shared/labelled"), Path("../shared/market")
WRITTEN, TAPE = Path("benchmarks/labels/written_sentences.csv"), Path("benchmarks/labels/sentiment_tape.csv")
GENERAL = ("General News | Opinion", "Politics")
"""Topics whose texts are about no business."""
LABELS = {"negative": 0, "neutral": 1, "positive": 2}


class Row(NamedTuple):
    """A text, whom it is judged for, and the label: 0 negative, 1 neutral, 2 positive."""

    text: str
    symbol: str | None
    company: str | None
    label: int
    group: str


def is_here() -> bool:
    return LABELLED.is_dir()


def posts() -> list[Row]:
    """Short financial posts, judged for no one in particular."""
    table = pl.read_parquet(LABELLED / "tweet_sentiment.parquet")
    return [Row(text, None, None, LABELS[label], "posts") for text, label in table.select("text", "label").iter_rows()]


def named(rows: Sequence[Row]) -> list[Row]:
    """Those that name one ticker and no other, as judged for it."""
    found = []
    for row in rows:
        tickers = {ticker for _, ticker in marked(clean(row.text).lower())}
        if len(tickers) == 1:
            found.append(row._replace(symbol=tickers.pop().upper()))
    return found


def background(known: Sequence[Row]) -> list[Row]:
    """General and political news, whose topics alone were labelled: neutral for want of a business. None of `known`."""
    table = pl.read_parquet(LABELLED / "tweet_topic.parquet").filter(pl.col("label").is_in(GENERAL))
    seen = {_bare(row.text) for row in known}
    texts = dict.fromkeys(table["text"].to_list())
    return [Row(text, None, None, LABELS["neutral"], "background") for text in texts if _bare(text) not in seen]


def _bare(text: str) -> str:
    return re.sub(r"https?://\S+|\W+", " ", text.lower()).strip()


def headlines() -> list[Row]:
    """Headlines of the Indian market, each judged for one company or thing named in it."""
    table = pl.read_parquet(LABELLED / "headline_entity_sentiment.parquet").select("text", "entity", "label")
    return [Row(text, None, entity, LABELS[label], "headlines") for text, entity, label in table.iter_rows()]


def written() -> list[Row]:
    """Sentences written for the evaluation: reports, headlines, posts, wires (`group`)."""
    with WRITTEN.open(encoding="utf-8") as file:
        return [
            Row(
                one["text"],
                one["company"] if one["style"] == "post" else None,
                one["company"] if one["company"] and one["style"] != "post" else None,
                LABELS[one["label"]],
                one["style"],
            )
            for one in csv.DictReader(file)
        ]


def tape(path: Path = TAPE) -> list[Row]:
    """Headlines of the recorded tapes that were labelled by hand; `group` is the wire. Empty without the tapes."""
    with path.open(encoding="utf-8") as file:
        said = list(csv.DictReader(file))
    found = []
    for name in sorted({one["tape"] for one in said}):
        folder = MARKET / name
        if not folder.is_dir():
            return []
        news = {one["id"]: one for one in pl.read_parquet(folder / "news.parquet").iter_rows(named=True)}
        companies = dict(pl.read_parquet(folder / "universe.parquet").select("symbol", "name").iter_rows())
        found += list(_told(said, name, news, companies))
    return found


def _told(
    said: list[dict[str, str]], name: str, news: dict[int, dict[str, object]], companies: dict[str, str]
) -> Iterator[Row]:
    for one in said:
        if one["tape"] == name:
            item = news[int(one["id"])]
            company = companies.get(one["symbol"])
            yield Row(str(item["headline"]), one["symbol"], company, LABELS[one["label"]], str(item["source"]))
