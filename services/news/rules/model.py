"""Our own small classifier: multinomial logistic regression over what `model_features` sees."""

import math
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np

from services.news.rules.model_features import Seen

PACKAGE, WEIGHTS = "services.news.rules", "model_weights.npz"
VERSION = 2
"""Of the features: weights of another version are not used."""
WORDS_SHARE = 3.0
"""The words' votes are averaged (over the root of their number) and multiplied by this; concepts vote in full."""
CONCEPTS_SHARE = 1.5

Votes = tuple[int, int]
"""A feature's votes for negative and for positive, against neutral."""


class Odds(NamedTuple):
    """Probabilities, summing to 1."""

    negative: float
    neutral: float
    positive: float


class Model(NamedTuple):
    """`votes` are whole numbers of `unit`, so that their sum does not depend on their order."""

    votes: Mapping[str, Votes]
    unit: float
    bias: tuple[float, float]
    temperature: float

    def odds(self, seen: Seen) -> Odds:
        """The calibrated probabilities. Plain sums: for the sixty features of a headline faster than an array."""
        find = self.votes.get
        known = down = up = concept_down = concept_up = 0
        for name in seen.words:
            if (vote := find(name)) is not None:
                known += 1
                down += vote[0]
                up += vote[1]
        for name in seen.concepts:
            if (vote := find(name)) is not None:
                concept_down += vote[0]
                concept_up += vote[1]
        share = WORDS_SHARE / math.sqrt(known) if known else 0.0
        against = (self.unit * (share * down + CONCEPTS_SHARE * concept_down) + self.bias[0]) / self.temperature
        favour = (self.unit * (share * up + CONCEPTS_SHARE * concept_up) + self.bias[1]) / self.temperature
        top = max(against, favour, 0.0)
        negative, neutral, positive = math.exp(against - top), math.exp(-top), math.exp(favour - top)
        total = negative + neutral + positive
        return Odds(negative / total, neutral / total, positive / total)

    def telling(self, seen: Seen, *, good: bool) -> str:
        """The word or pair of words that speaks loudest for good or for bad news; empty where none is known."""
        known = ((vote[good] - vote[not good], name) for name in seen.words if (vote := self.votes.get(name)))
        return max(known, default=(0, ""))[1]


@lru_cache(maxsize=1)
def trained() -> Model | None:
    """The model shipped with the code; None where there is none, or one of another version."""
    file = resources.files(PACKAGE).joinpath(WEIGHTS)
    if not file.is_file():
        return None
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as saved:
        if int(saved["version"]) != VERSION:
            return None
        names = bytes(saved["names"]).decode().split("\n")
        down, up = (float(one) for one in saved["bias"])
        votes = dict(zip(names, zip(*saved["votes"].T.tolist(), strict=True), strict=True))
        return Model(votes, float(saved["unit"]), (down, up), float(saved["temperature"]))
