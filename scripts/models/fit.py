"""Multinomial logistic regression over the features of the news model. Needs scikit-learn: training only."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from scripts.models.labelled import Row
from services.news.rules.model import CONCEPTS_SHARE, VERSION, WORDS_SHARE, Model, model_of
from services.news.rules.model_features import Seen
from services.news.rules.model_verdict import weighed
from services.news.rules.read import Look, look_all, seen_in, share_of

SEEN_AT_LEAST = 2
STRENGTH = 0.05
"""Inverse of the L2 penalty; chosen by the cross-source tables of benchmarks/news_sentiment.py."""
STEPS = 32_000
"""Votes are stored as whole numbers up to this: 16 bits."""
LEAST_VOTE = 0.03
"""Features that vote less than this part of the strongest one are not kept."""


class Example(NamedTuple):
    """Names of the words and concepts that are seen in a text, its label, how much it counts."""

    words: list[str]
    concepts: list[str]
    label: int
    weight: float


def examples(rows: Sequence[Row], weight: float, *, named: bool = True, even: bool = True) -> list[Example]:
    """What the model sees of each row; labels share the weight evenly, so that no source brings its own prior.

    Not `named`: without whom it is judged for. Not `even`: every row weighs `weight`, for rows of one label.
    """
    counts = Counter(row.label for row in rows)
    looks = look_all([(row.text, row.symbol if named else None, row.company if named else None, 1) for row in rows])
    found = [(one, row.label) for one, row in zip(looks, rows, strict=True) if one]
    sight = seen_in([one for one, _ in found])
    share = {label: len(rows) / (3 * count) if even else 1.0 for label, count in counts.items()}
    return [
        Example(sight.words(number), sight.named(number), label, weight * share[label])
        for number, (_, label) in enumerate(found)
    ]


def vocabulary(given: Sequence[Example]) -> dict[str, int]:
    counts = Counter(name for one in given for name in (*one.words, *one.concepts))
    return {name: place for place, name in enumerate(sorted(name for name, n in counts.items() if n >= SEEN_AT_LEAST))}


def _matrix(given: Sequence[Example], place: dict[str, int]) -> Any:
    from scipy import sparse

    starts, columns, values = [0], [], []
    for one in given:
        words = [place[name] for name in one.words if name in place]
        concepts = [place[name] for name in one.concepts if name in place]
        columns += words + concepts
        values += [WORDS_SHARE / np.sqrt(max(1, len(words)))] * len(words) + [CONCEPTS_SHARE] * len(concepts)
        starts.append(len(columns))
    return sparse.csr_matrix((values, columns, starts), shape=(len(given), len(place)))


def fitted(given: Sequence[Example]) -> Model:
    """A model at temperature 1. Deterministic: same rows in the same order, same weights."""
    from sklearn.linear_model import LogisticRegression

    place = vocabulary(given)
    regression = LogisticRegression(C=STRENGTH, max_iter=300, tol=3e-5)
    labels, weights = [one.label for one in given], [one.weight for one in given]
    regression.fit(_matrix(given, place), labels, sample_weight=weights)
    against_neutral = (regression.coef_ - regression.coef_[1])[[0, 2]].T
    unit = float(np.abs(against_neutral).max()) / STEPS
    votes = np.rint(against_neutral / unit).astype(np.int64).tolist()
    down, up = (float(regression.intercept_[one] - regression.intercept_[1]) for one in (0, 2))
    return model_of({name: (votes[n][0], votes[n][1]) for name, n in place.items()}, unit, (down, up), 1.0)


def temperature(pairs: Sequence[tuple[Model, Sequence[Row]]]) -> float:
    """What scores are to be divided by so that models are as sure as they are right on rows that they have not seen.

    The mean over the pairs of (mean confidence - accuracy) is nearest to nothing; every pair weighs the same.
    """
    given = [(model, *_answers(rows)) for model, rows in pairs]

    def excess(divisor: float) -> float:
        gaps = []
        for model, sight, answers in given:
            heated = model._replace(temperature=divisor)
            sure = right = 0.0
            for lean, (label, found, share) in zip(heated.leans(sight, heated.known(sight)), answers, strict=True):
                odds = weighed(lean, found.said, told=found.told, dated=found.dated, share=share)
                sure += max(odds)
                right += max(odds) == odds[label]
            gaps.append((sure - right) / len(answers))
        return abs(sum(gaps)) / len(gaps)

    return min((step / 20 for step in range(12, 37)), key=excess)


def _answers(rows: Sequence[Row]) -> tuple[Seen, list[tuple[int, Look, float]]]:
    """What the model sees of the rows that can be read; their labels, and how much of each text is the company's."""
    looks = look_all([(row.text, row.symbol, row.company, 1) for row in rows])
    found = [(row, one) for row, one in zip(rows, looks, strict=True) if one]
    answers = [(row.label, one, share_of(one, row.symbol, row.company, 1)[0]) for row, one in found]
    return seen_in([one for _, one in found]), answers


def saved(model: Model, path: str) -> int:
    """Write the weights, without the features that hardly vote. Returns how many are kept."""
    kept = [name for name, both in model.votes.items() if max(map(abs, both)) >= STEPS * LEAST_VOTE]
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
