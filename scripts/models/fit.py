"""Multinomial logistic regression over the features of the news model. Needs scikit-learn: training only."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from scripts.models.labelled import Row
from services.news.rules.model import CONCEPTS_SHARE, VERSION, WORDS_SHARE, Model
from services.news.rules.model_features import Seen
from services.news.rules.model_verdict import weighed
from services.news.rules.read import look, seen_in, share_of

SEEN_AT_LEAST = 2
STRENGTH = 0.05
"""Inverse of the L2 penalty; chosen by the cross-source tables of benchmarks/news_sentiment.py."""
STEPS = 32_000
"""Votes are stored as whole numbers up to this: 16 bits."""
LEAST_VOTE = 0.015
"""Features that vote less than this part of the strongest one are not kept."""


class Example(NamedTuple):
    seen: Seen
    label: int
    weight: float


def examples(rows: Sequence[Row], weight: float, *, named: bool = True) -> list[Example]:
    """What the model sees of each row; labels share the weight evenly, so that no source brings its own prior."""
    counts = Counter(row.label for row in rows)
    out = []
    for row in rows:
        found = look(row.text, row.symbol, row.company) if named else look(row.text)
        if found is not None:
            out.append(Example(seen_in(found), row.label, weight * len(rows) / (3 * counts[row.label])))
    return out


def vocabulary(given: Sequence[Example]) -> dict[str, int]:
    counts = Counter(name for one in given for name in (*one.seen.words, *one.seen.concepts))
    return {name: place for place, name in enumerate(sorted(name for name, n in counts.items() if n >= SEEN_AT_LEAST))}


def _matrix(given: Sequence[Example], place: dict[str, int]) -> Any:
    from scipy import sparse

    starts, columns, values = [0], [], []
    for one in given:
        words = [place[name] for name in one.seen.words if name in place]
        concepts = [place[name] for name in one.seen.concepts if name in place]
        columns += words + concepts
        values += [WORDS_SHARE / np.sqrt(max(1, len(words)))] * len(words) + [CONCEPTS_SHARE] * len(concepts)
        starts.append(len(columns))
    return sparse.csr_matrix((values, columns, starts), shape=(len(given), len(place)))


def fitted(given: Sequence[Example]) -> Model:
    """A model at temperature 1. Deterministic: same rows in the same order, same weights."""
    from sklearn.linear_model import LogisticRegression

    place = vocabulary(given)
    regression = LogisticRegression(C=STRENGTH, max_iter=300, tol=1e-5)
    labels, weights = [one.label for one in given], [one.weight for one in given]
    regression.fit(_matrix(given, place), labels, sample_weight=weights)
    against_neutral = (regression.coef_ - regression.coef_[1])[[0, 2]].T
    unit = float(np.abs(against_neutral).max()) / STEPS
    votes = np.rint(against_neutral / unit).astype(np.int64).tolist()
    down, up = (float(regression.intercept_[one] - regression.intercept_[1]) for one in (0, 2))
    return Model({name: (votes[n][0], votes[n][1]) for name, n in place.items()}, unit, (down, up), 1.0)


def temperature(model: Model, rows: Sequence[Row]) -> float:
    """What the model's scores are to be divided by so that the final odds of these rows' labels are likeliest."""
    found = [(row, seen) for row in rows if (seen := look(row.text, row.symbol, row.company)) is not None]
    given = [(row, seen, seen_in(seen), share_of(seen, row.symbol, row.company, 1)[0]) for row, seen in found]

    def loss(divisor: float) -> float:
        heated = model._replace(temperature=divisor)
        chosen = (
            weighed(heated.odds(names), seen.said, told=seen.told, dated=seen.dated, share=share)[row.label]
            for row, seen, names, share in given
        )
        return -sum(math.log(max(one, 1e-9)) for one in chosen)

    return min((step / 20 for step in range(10, 41)), key=loss)


def saved(model: Model, path: str) -> int:
    """Write the weights, without the features that hardly vote. Returns how many are kept."""
    kept = [name for name, votes in model.votes.items() if max(abs(vote) for vote in votes) >= STEPS * LEAST_VOTE]
    np.savez_compressed(
        path,
        version=np.int64(VERSION),
        names=np.frombuffer("\n".join(kept).encode(), dtype=np.uint8),
        votes=np.array([model.votes[name] for name in kept], dtype=np.int16),
        unit=np.float64(model.unit),
        bias=np.array(model.bias),
        temperature=np.float64(model.temperature),
    )
    return len(kept)
