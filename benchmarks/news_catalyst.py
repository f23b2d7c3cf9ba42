"""How well headlines are typed: precision, recall and F1 of each type against labels by hand, held out by time.

`python -m benchmarks.news_catalyst`. The labels and how they came about: Documentation/models/catalyst-labels.md.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from time import process_time
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.labels.labelled import NONE, Labelled, labelled, present
from services.news.rules.kind import type_of
from services.news.rules.read import look
from shared.domain.news import Catalyst

KINDS = (*(kind.value for kind in Catalyst), NONE)
TARGET = 0.75
ROUNDS = 5
MOST_PAIRS = 12
UNSEEN = ("held", "fresh")
"""The parts that no rule was written or changed by."""


class Score(NamedTuple):
    """Of one type: how much of what is called so is so, how much of what is so is called so, and how many there are."""

    precision: float
    recall: float
    f1: float
    support: int
    called: int


Pair = tuple[str, str]
"""The label by hand, and what the rules say."""


def score(pairs: Sequence[Pair], kind: str) -> Score:
    """One type against all others; what is never called or never occurs scores 0."""
    right = sum(truth == said == kind for truth, said in pairs)
    support, called = sum(truth == kind for truth, _ in pairs), sum(said == kind for _, said in pairs)
    f1 = 2 * right / (support + called) if support + called else 0.0
    return Score(right / called if called else 0.0, right / support if support else 0.0, f1, support, called)


def macro_f1(pairs: Sequence[Pair]) -> float:
    """The plain mean over the types that occur or are called, NONE among them."""
    scores = [one for kind in KINDS if (one := score(pairs, kind)).support + one.called]
    return sum(one.f1 for one in scores) / len(scores) if scores else 0.0


def accuracy(pairs: Sequence[Pair]) -> float:
    return sum(truth == said for truth, said in pairs) / len(pairs) if pairs else 0.0


def kappa(pairs: Sequence[Pair]) -> float:
    """Agreement beyond chance (Cohen 1960)."""
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(first[kind] * second[kind] for kind in first) / len(pairs) ** 2
    return (accuracy(pairs) - chance) / (1 - chance) if chance < 1 else 1.0


def typed(row: Labelled) -> str:
    found = look(row.headline, row.symbol, row.company, row.tagged)
    kind = type_of(found, row.symbol, row.company) if found else None
    return kind.value if kind else NONE


def seconds_for(rows: Sequence[Labelled], work: Callable[[Labelled], str] = typed) -> float:
    """Processor time of the fastest round over all rows; what is cached of a company is cached before."""
    for row in rows:
        work(row)
    best = float("inf")
    for _ in range(ROUNDS):
        began = process_time()
        for row in rows:
            work(row)
        best = min(best, process_time() - began)
    return best


def _pairs(rows: Sequence[Labelled], said: dict[tuple[str, int], str], *parts: str, stratum: str = "") -> list[Pair]:
    return [
        (row.catalyst, said[row.tape, row.id])
        for row in rows
        if row.part in parts and (not stratum or row.stratum == stratum)
    ]


def _table_of(pairs: Sequence[Pair], title: str) -> Table:
    table = Table("type", "precision", "recall", "F1", "support", title=title, title_justify="left")
    for kind in KINDS:
        one = score(pairs, kind)
        table.add_row(kind, f"{one.precision:.2f}", f"{one.recall:.2f}", f"{one.f1:.2f}", str(one.support))
    return table


def main() -> None:
    console = Console(width=100)
    if not present():
        console.print("benchmarks.news_catalyst: the recorded tapes are not beside the repository; nothing is measured")
        sys.exit(0)
    rows = labelled()
    said = {(row.tape, row.id): typed(row) for row in rows}
    console.print(_table_of(_pairs(rows, said, *UNSEEN), "held out and fresh (13-17 June 2026)"))
    for name, parts in (("development", ("dev",)), ("held out", ("held",)), ("fresh", ("fresh",)), ("unseen", UNSEEN)):
        pairs, by_chance = _pairs(rows, said, *parts), _pairs(rows, said, *parts, stratum="random")
        console.print(
            f"{name}: macro-F1 {macro_f1(pairs):.3f}, accuracy {accuracy(pairs):.3f} of {len(pairs)};"
            f" its random stratum: macro-F1 {macro_f1(by_chance):.3f}, accuracy {accuracy(by_chance):.3f}"
            f" of {len(by_chance)}"
        )
    unseen = _pairs(rows, said, *UNSEEN)
    confused = Counter(pair for pair in unseen if pair[0] != pair[1]).most_common(MOST_PAIRS)
    console.print(
        "held out and fresh, label -> said: "
        + ", ".join(f"{truth} -> {other} {count}" for (truth, other), count in confused)
    )
    first, second = [(row.first[0], row.second[0]) for row in rows], [(row.first[1], row.second[1]) for row in rows]
    console.print(
        f"the two passes agree on {accuracy(first):.3f} of types (kappa {kappa(first):.3f}),"
        f" {accuracy(second):.3f} of sentiments (kappa {kappa(second):.3f})"
    )
    seconds = seconds_for(rows)
    console.print(f"typing alone: {len(rows) / seconds:,.0f} headlines/s ({seconds / len(rows) * 1e6:.1f} us each)")
    held = macro_f1(_pairs(rows, said, "held"))
    console.print(f"held-out macro-F1 {held:.3f}, target {TARGET}: {'met' if held >= TARGET else 'MISSED'}")


if __name__ == "__main__":
    main()
