"""Train the news model from the labelled texts beside the checkout. Run: `make train-sentiment`.

Skips, saying so, without ../shared/labelled or without scikit-learn (dependency group `training`).
"""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from scripts.models import labelled
from scripts.models.labelled import Row
from scripts.models.sentences import sentences
from services.news.rules.model import WEIGHTS, Model

OUT = Path("services/news/rules") / WEIGHTS
COPIES, SEED, EVERY = 8, 1, 3
DEVELOPMENT = Path("benchmarks/labels/sentiment_tape_dev.csv")
UNNAMED_WEIGHT, WRITTEN_WEIGHT = 0.3, 1.5
"""Headlines count a second time, a little, without their company; the written sentences count more than a source's."""
POSTS_WEIGHT, NAMED_WEIGHT = 1.0, 0.5
"""Those that name one ticker count once more, a little less, as judged for it."""
BACKGROUND_WEIGHT = 0.15
"""General news, not labelled for sentiment, keeps words of politics and weather from sounding like a business's."""


def invented() -> list[Row]:
    """The sentences that are written and filled here."""
    return [
        Row(
            one.text,
            one.company[1:] if one.company and one.company[0] == "$" else None,
            one.company if one.company and one.company[0] != "$" else None,
            one.label + 1,
            "invented",
        )
        for one in sentences(COPIES, SEED)
    ]


def trained_on(
    posts: Sequence[Row], headlines: Sequence[Row], invented_rows: Sequence[Row], background: Sequence[Row]
) -> Model:
    """A model of these rows, at temperature 1."""
    from scripts.models.fit import examples, fitted

    given = examples(invented_rows, WRITTEN_WEIGHT) + examples(background, BACKGROUND_WEIGHT, even=False)
    if posts:
        given += examples(posts, POSTS_WEIGHT) + examples(labelled.named(posts), NAMED_WEIGHT)
    if headlines:
        given += examples(headlines, 1.0) + examples(headlines, UNNAMED_WEIGHT, named=False)
    return fitted(given)


def cross(
    posts: Sequence[Row], headlines: Sequence[Row], more: Sequence[Row], background: Sequence[Row]
) -> list[tuple[Model, Sequence[Row]]]:
    """Models beside the rows of the source that they have not seen, each way."""
    return [
        (trained_on([], headlines, more, background), posts),
        (trained_on(posts, [], more, background), headlines),
    ]


def main() -> int:
    console = Console()
    if not labelled.is_here():
        console.print("skipped: ../shared/labelled is not here, so there is nothing to train on")
        return 0
    if find_spec("sklearn") is None:
        console.print("skipped: scikit-learn is missing; it is in the dependency group `training`")
        return 0
    from scripts.models.fit import saved, temperature

    posts, headlines, invented_rows = labelled.posts(), labelled.headlines(), invented()
    general = labelled.background(posts)
    counts = (
        f"{len(posts)} posts, {len(headlines)} headlines",
        f"{len(invented_rows)} written",
        f"{len(general)} general",
    )
    console.print(f"rows: {', '.join(counts)}")
    model = trained_on(posts, headlines, invented_rows, general)
    pairs = [(other, unseen[::EVERY]) for other, unseen in cross(posts, headlines, invented_rows, general)]
    if development := labelled.tape(DEVELOPMENT):
        pairs.append((model, development))
    heat = temperature(pairs)
    model = model._replace(temperature=heat)
    kept = saved(model, str(OUT))
    console.print(f"{OUT}: {OUT.stat().st_size / 1e6:.2f} MB, {kept} features, temperature {heat:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
