"""Three-way sentiment on sources that the model was not trained on. Run: `make bench-sentiment`.

Every row is a hold-out by source: `posts` is read by a model trained without posts, `headlines` (per company) by one
trained without headlines; the hand-labelled tape (from 14 June on) and the written sentences by the model that ships.
Prints accuracy and macro-F1 beside default VADER and the majority class, a reliability table, and headlines/s.
"""

import hashlib
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from scripts.models import labelled
from scripts.models import train_sentiment as train
from scripts.models.labelled import LABELS, Row
from services.news.rules.aggregate import label
from services.news.rules.model import Model, trained
from services.news.rules.read import Asked, forget, judged, look_all, read, read_all
from shared.domain.news import Reading

EDGES = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01)
SPEED_ROUND = 1000
VADER_BORDER = 0.05
"""Of the compound: the border its authors recommend."""
Labels = npt.NDArray[np.int64]


class Answers(NamedTuple):
    name: str
    rows: Sequence[Row]
    readings: Sequence[Reading]

    @property
    def said(self) -> Labels:
        return np.array([LABELS[label(one)] for one in self.readings])

    @property
    def true(self) -> Labels:
        return np.array([row.label for row in self.rows])


def macro_f1(true: Labels, said: Labels) -> float:
    """Mean of the F1 of the classes that occur."""
    scores = []
    for one in np.unique(true):
        hit = float(((true == one) & (said == one)).sum())
        scores.append(2 * hit / float((true == one).sum() + (said == one).sum()))
    return float(np.mean(scores))


def read_by(model: Model | None, rows: Sequence[Row]) -> list[Reading]:
    """Every row read with this model by the code of the funnel."""
    asked = [asked_of(row) for row in rows]
    return judged(look_all(asked), asked, model)


def asked_of(row: Row) -> Asked:
    return row.text, row.symbol, row.company, 1


def vader(rows: Sequence[Row]) -> Labels:
    analyzer = SentimentIntensityAnalyzer()
    compounds = [analyzer.polarity_scores(row.text)["compound"] for row in rows]
    return np.array([2 if one >= VADER_BORDER else 0 if one <= -VADER_BORDER else 1 for one in compounds])


def unseen(console: Console) -> list[Answers]:
    """Each labelled source read by a model that never saw it."""
    if find_spec("sklearn") is None:
        console.print("cross-source rows left out: scikit-learn is missing (dependency group `training`)")
        return []
    posts = labelled.posts()
    found = zip(
        ("posts, unseen source", "headlines per company, unseen source"),
        train.cross(posts, labelled.headlines(), train.invented(), labelled.background(posts)),
        strict=True,
    )
    heat = shipped.temperature if (shipped := trained()) else 1.0
    return [Answers(name, rows, read_by(model._replace(temperature=heat), rows)) for name, (model, rows) in found]


def halves(found: Answers) -> list[Answers]:
    """By the first byte of the text's SHA-1: the errors of the even half were read when features were made."""
    out = []
    for odd, name in ((0, "half whose errors were read"), (1, "half never read")):
        mine = [n for n, row in enumerate(found.rows) if hashlib.sha1(row.text.encode()).digest()[0] % 2 == odd]
        out.append(Answers(f"{found.name}: {name}", [found.rows[n] for n in mine], [found.readings[n] for n in mine]))
    return out


def by_hand() -> list[Answers]:
    """The hand-labelled headlines of the tapes: those held out; those that temperature and factors were chosen on."""
    sets = (("tape from 14 June, by hand", labelled.TAPE), ("development headlines", train.DEVELOPMENT))
    found = ((name, labelled.tape(path)) for name, path in sets)
    return [Answers(name, rows, read_by(trained(), rows)) for name, rows in found if rows]


def written() -> list[Answers]:
    rows = labelled.written()
    groups = [("written: all", rows)] + [
        (f"written: {style}", [row for row in rows if row.group == style])
        for style in dict.fromkeys(r.group for r in rows)
    ]
    return [Answers(name, group, read_by(trained(), group)) for name, group in groups]


def show(console: Console, found: Sequence[Answers]) -> None:
    table = Table("set", "rows", "accuracy", "macro-F1", "VADER acc", "VADER F1", "majority acc")
    for one in found:
        true, said, other = one.true, one.said, vader(one.rows)
        majority = np.bincount(true).max() / len(true)
        figures = ((said == true).mean(), macro_f1(true, said), (other == true).mean(), macro_f1(true, other), majority)
        table.add_row(one.name, str(len(true)), *(f"{figure:.3f}" for figure in figures))
    console.print(table)


def show_reliability(console: Console, found: Answers) -> None:
    """How often a confidence was right."""
    sure, right = np.array([reading.confidence for reading in found.readings]), found.said == found.true
    table = Table("confidence", "rows", "mean confidence", "right", title=f"reliability: {found.name}")
    gap = 0.0
    for low, high in pairwise(EDGES):
        inside = (sure >= low) & (sure < high)
        if inside.any():
            gap += abs(sure[inside].sum() - right[inside].sum())
            shown = (str(inside.sum()), f"{sure[inside].mean():.3f}", f"{right[inside].mean():.3f}")
            table.add_row(f"{low:.1f}-{min(high, 1):.1f}", *shown)
    console.print(table)
    console.print(f"expected calibration error {gap / len(sure):.3f}")


def show_speed(console: Console, rows: Sequence[Row]) -> None:
    """Headlines a second of processor time, in rounds of texts not read before; beside default VADER on the same."""
    analyzer = SentimentIntensityAnalyzer()
    ours, theirs = [], []
    for start in range(0, len(rows), SPEED_ROUND):
        part = rows[start : start + SPEED_ROUND]
        forget()
        started = time.process_time()
        read_all([asked_of(row) for row in part])
        between = time.process_time()
        for row in part:
            analyzer.polarity_scores(row.text)
        ours.append(len(part) / (between - started))
        theirs.append(len(part) / (time.process_time() - between))
    middle, other = (sorted(rates)[len(rates) // 2] for rates in (ours, theirs))
    console.print(
        f"{middle:,.0f} headlines/s on one core in the median round (best {max(ours):,.0f}), VADER {other:,.0f}: "
        f"ratio {middle / other:.2f}; {len(rows)} new texts"
    )


def main() -> int:
    console = Console(width=120)
    if not labelled.is_here():
        console.print("../shared/labelled is not here: only the written sentences are read")
        show(console, written())
        return 0
    tape, mine, found = by_hand(), written(), unseen(console)
    show(console, [*found, *tape, *mine, *(half for one in found for half in halves(one))])
    for one in (*found, *tape[:1], mine[0]):
        show_reliability(console, one)
    speed = labelled.headlines()
    read(speed[0].text)
    show_speed(console, speed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
