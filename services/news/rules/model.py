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

_HALF = 32
_MASK, _SIGN = (1 << _HALF) - 1, 1 << (_HALF - 1)


def packed(down: int, up: int) -> int:
    """Two votes in one number, so that one addition adds both: for negative, and for positive, against neutral."""
    return (down << _HALF) + up


def unpacked(votes: int) -> tuple[int, int]:
    """The two votes, or sums of votes, in a number."""
    up = ((votes + _SIGN) & _MASK) - _SIGN
    return (votes - up) >> _HALF, up


class Odds(NamedTuple):
    """Probabilities, summing to 1."""

    negative: float
    neutral: float
    positive: float


class Model(NamedTuple):
    """`votes` are packed pairs of whole numbers of `unit`: their sum depends on no order, and is one call to C."""

    votes: Mapping[str, int]
    unit: float
    bias: tuple[float, float]
    temperature: float

    def odds(self, seen: Seen) -> Odds:
        """The calibrated probabilities."""
        find = self.votes.get
        known = list(filter(None, map(find, seen.words)))
        down, up = unpacked(sum(known))
        concept_down, concept_up = unpacked(sum(filter(None, map(find, seen.concepts))))
        share = WORDS_SHARE / math.sqrt(len(known) or 1)
        against = (self.unit * (share * down + CONCEPTS_SHARE * concept_down) + self.bias[0]) / self.temperature
        favour = (self.unit * (share * up + CONCEPTS_SHARE * concept_up) + self.bias[1]) / self.temperature
        top = max(against, favour, 0.0)
        negative, neutral, positive = math.exp(against - top), math.exp(-top), math.exp(favour - top)
        total = negative + neutral + positive
        return Odds(negative / total, neutral / total, positive / total)

    def telling(self, seen: Seen, *, good: bool) -> str:
        """The word or pair of words that speaks loudest for good or for bad news; empty where none is known."""
        find, loudest, said = self.votes.get, 0, ""
        for name in seen.words:
            if votes := find(name):
                up = ((votes + _SIGN) & _MASK) - _SIGN  # `unpacked`, without the call
                tilt = up - ((votes - up) >> _HALF)
                if (tilt if good else -tilt) > loudest and name.replace(" ", "").isalpha():
                    loudest, said = abs(tilt), name
        return " ".join(_spelled(seen.text, stem) for stem in said.split())


def _spelled(text: str, stem: str) -> str:
    """The first word of the text that begins with the stem; the stem where there is none."""
    start = text.find(stem)
    end = start + len(stem)
    while start >= 0 and end < len(text) and text[end].isalpha():
        end += 1
    return text[start:end] if start >= 0 else stem


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
        votes = {name: packed(*pair) for name, pair in zip(names, saved["votes"].tolist(), strict=True)}
        return Model(votes, float(saved["unit"]), (down, up), float(saved["temperature"]))
