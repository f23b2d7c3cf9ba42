"""What news costs: 100 symbols with 500 headlines assessed as a scan does, and how many headlines a second are read.

Headlines are those of the recorded days where they are beside the checkout, else invented ones. One core, no network,
no database: the service's own compute, in processor time, so that neighbours count less. "Never seen" is a process
that meets the texts for the first time; "seen before" is a scan some minutes later.
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from services.news.rules.aggregate import evidence_from
from services.news.rules.hostile import gives_orders
from services.news.rules.read import forget as forget_readings
from services.news.rules.read import read, read_all
from services.news.rules.story import gist, stories
from shared.domain.news import Headline

TAPE = Path("../shared/market/2026-06-15_17/news.parquet")
SYMBOLS, HEADLINES, ROUNDS, MOST_MS, LEAST_A_SECOND = 100, 500, 7, 100.0, 20_000
INVENTED = (
    "{} beats quarterly profit estimates, raises outlook to ${} million", "{} prices ${} million public offering",
    "FDA approves {}'s tablet no. {}", "Analyst raises {} price target to ${}", "{} to present at conference no. {}",
    "{} wins ${} million Navy contract", "{} CFO resigns after {} years", "Why {} shares fell {}% today",
)  # fmt: skip


def recorded() -> list[Headline]:
    """Every headline of the recorded days, oldest first."""
    import polars as pl

    rows = pl.read_parquet(TAPE).sort("published_at", "id").iter_rows(named=True)
    return [
        Headline(
            id=str(row["id"]),
            source=row["source"] or "alpaca",
            published_at=row["published_at"].astimezone(UTC),
            headline=row["headline"],
            symbols=tuple(row["symbols"] or ()),
        )
        for row in rows
    ]


def invented() -> list[Headline]:
    start = datetime(2026, 6, 16, 14, 0, tzinfo=UTC)
    return [
        Headline(
            id=str(n),
            source="benzinga",
            published_at=start - timedelta(minutes=n % 1400),
            headline=INVENTED[n % len(INVENTED)].format(f"Company{n % 400}", n),
            symbols=(f"C{n % 400}",),
        )
        for n in range(20_000)
    ]


def busiest(items: Sequence[Headline]) -> tuple[dict[str, list[Headline]], datetime]:
    """The symbols most spoken of in the last day, so many that their items are 500; and the moment."""
    as_of = items[-1].published_at
    recent = [item for item in items if item.published_at > as_of - timedelta(hours=24)]
    spoken = Counter(symbol for item in recent for symbol in item.symbols)
    about = {symbol: [item for item in recent if symbol in item.symbols] for symbol, _ in spoken.most_common(400)}
    found: dict[str, list[Headline]] = {}
    left = HEADLINES
    for symbol, mine in about.items():
        share = max(1, left // max(1, SYMBOLS - len(found)))
        found[symbol] = mine[-share:]
        left -= len(found[symbol])
        if len(found) == SYMBOLS:
            break
    return found, as_of


def assess_ms(about: dict[str, list[Headline]], as_of: datetime) -> float:
    started = time.process_time()
    evidence_from(about, {}, as_of)
    return (time.process_time() - started) * 1000


def forget() -> None:
    """As if no text had been seen."""
    forget_readings()
    gist.cache_clear()
    gives_orders.cache_clear()


def unseen_ms(about: dict[str, list[Headline]], as_of: datetime) -> float:
    forget()
    return assess_ms(about, as_of)


def a_second(texts: Sequence[str]) -> float:
    """Headlines read in a second, each for the first time."""
    started = time.process_time()
    read_all([(text, "ACME", "Acme Corporation", 1) for text in texts])
    return len(texts) / (time.process_time() - started)


def main() -> int:
    is_recorded = TAPE.exists()
    items = recorded() if is_recorded else invented()
    about, as_of = busiest(items)
    count = sum(len(mine) for mine in about.values())
    read("A text that loads the model", "ACME", "Acme Corporation", 1)  # once for each process, not for each scan
    first = min(unseen_ms(about, as_of) for _ in range(ROUNDS))
    again = min(assess_ms(about, as_of) for _ in range(ROUNDS))
    told = stories([item for mine in about.values() for item in mine])
    texts = list(dict.fromkeys(item.headline for item in items))[:20_000]
    forget()
    rate = a_second(texts)
    table = Table(title=f"news, on {'recorded' if is_recorded else 'invented'} headlines")
    for column in ("what", "measured", "wanted"):
        table.add_column(column)
    table.add_row("assessed", f"{len(about)} symbols, {count} headlines, {len(set(told.values()))} stories", "")
    table.add_row(f"compute, texts never seen (best of {ROUNDS})", f"{first:.1f} ms", f"< {MOST_MS:.0f} ms")
    table.add_row("compute, texts seen before", f"{again:.1f} ms", "")
    table.add_row("headlines read", f"{rate:,.0f} a second ({len(texts):,} different)", f">= {LEAST_A_SECOND:,}")
    Console().print(table)
    return 0 if first < MOST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
