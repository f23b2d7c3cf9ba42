"""Our own small classifier: multinomial logistic regression over what `model_features` sees."""

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from math import exp
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.news.rules.model_concepts import CODES, NAMES
from services.news.rules.model_features import Seen
from services.news.rules.model_tokens import Numbers, Places, number_of

Floats = NDArray[np.float64]

PACKAGE, WEIGHTS = "services.news.rules", "model_weights.npz"
VERSION = 4
"""Of the features: weights of another version are not used."""
WORDS_SHARE = 3.0
"""The words' votes are averaged (over the root of their number) and multiplied by this; concepts vote in full."""
CONCEPTS_SHARE = 1.5

CONCEPT_SIGNS = frozenset("=@")
"""Names of concepts begin with one of these."""
_HALF = 32

Lean = tuple[float, float]
"""Log-odds against neutral: of negative, and of positive."""


class Odds(NamedTuple):
    """Probabilities, summing to 1."""

    negative: float
    neutral: float
    positive: float


def odds_of(lean: Lean) -> Odds:
    """The probabilities that log-odds stand for."""
    down, up = lean
    top = max(down, up, 0.0)
    negative, neutral, positive = exp(down - top), exp(-top), exp(up - top)
    total = negative + neutral + positive
    return Odds(negative / total, neutral / total, positive / total)


class Table(NamedTuple):
    """The votes of words, and after them of pairs of words, in arrays that a look-up runs through in order."""

    stems: Numbers
    """Sorted; what stands in pairs only votes nothing."""
    pairs: Places
    """Sorted: the places of two stems in one number."""
    down: Floats
    up: Floats
    """Whole numbers, so that a sum depends on no order."""
    concepts_down: Floats
    concepts_up: Floats
    """The votes of concepts, by their codes."""
    tilt: Floats
    """How much more each votes for positive than for negative; nothing where a person could not be told of it."""


class Known(NamedTuple):
    """The known words and pairs of several texts, each once, text by text: the text, the place in the table, and the
    place of the (first) word among the tokens. `starts`: where each text's begin, and where the last one's end."""

    text: Places
    feature: Places
    token: Places
    starts: list[int]
    tilts: list[float]
    """How much more each votes for positive than for negative, if a person can be told of it."""


class Model(NamedTuple):
    """`votes` by name are whole numbers of `unit`: for negative, and for positive, against neutral."""

    votes: Mapping[str, tuple[int, int]]
    unit: float
    bias: tuple[float, float]
    temperature: float
    table: Table

    def known(self, seen: Seen) -> Known:
        """What is known of the texts' words."""
        stems, pairs, down, up = self.table[:4]
        text, stem = seen.tokens.text, seen.tokens.stem
        at = np.minimum(np.searchsorted(stems, stem), len(stems) - 1)
        is_known = stems[at] == stem
        first = np.flatnonzero(is_known[:-1] & is_known[1:] & (text[:-1] == text[1:]))
        both = (at[first] << _HALF) + at[first + 1]
        pair = np.minimum(np.searchsorted(pairs, both), len(pairs) - 1)
        is_pair = pairs[pair] == both
        alone = np.flatnonzero(is_known & ((down[at] != 0) | (up[at] != 0)))
        places = np.concatenate((alone, first[is_pair]))
        features = np.concatenate((at[alone], pair[is_pair] + len(stems)))
        _, once = np.unique(text[places] * len(down) + features, return_index=True)
        text, features = text[places[once]], features[once]
        starts = np.searchsorted(text, np.arange(len(seen.texts) + 1)).tolist()
        return Known(text, features, places[once], starts, self.table.tilt[features].tolist())

    def leans(self, seen: Seen, known: Known) -> list[Lean]:
        """The calibrated log-odds of each text."""
        text, feature = known.text, known.feature
        texts, table = len(seen.texts), self.table
        share = WORDS_SHARE / np.sqrt(np.maximum(np.bincount(text, minlength=texts), 1))
        once = np.unique(seen.concepts.text * CODES + seen.concepts.code)
        about, code = once // CODES, once % CODES
        by_steps = {one: self._voted(one) for one in set(seen.steps)}
        steps = np.array([by_steps[one] for one in seen.steps], dtype=np.float64).reshape(texts, 2)
        sides = []
        for side, votes, concepts in ((0, table.down, table.concepts_down), (1, table.up, table.concepts_up)):
            words = np.bincount(text, weights=votes[feature], minlength=texts)
            said = np.bincount(about, weights=concepts[code], minlength=texts) + steps[:, side]
            lean = self.unit * (share * words + CONCEPTS_SHARE * said) + self.bias[side]
            sides.append((lean / self.temperature).tolist())
        return list(zip(*sides, strict=True))

    def _voted(self, steps: tuple[str, ...]) -> tuple[int, int]:
        """The votes of the steps together."""
        votes = [self.votes[name] for name in steps if name in self.votes]
        return sum(down for down, _ in votes), sum(up for _, up in votes)

    def telling(self, seen: Seen, known: Known, number: int, *, good: bool) -> str:
        """The word or pair of words that speaks loudest for good or for bad news in the text of this number, as they
        stand there; empty where none is known."""
        tilts = known.tilts[known.starts[number] : known.starts[number + 1]]
        loudest = (max if good else min)(tilts, default=0.0)
        if (loudest > 0) != good or loudest == 0:
            return ""
        place = known.starts[number] + tilts.index(loudest)
        token, is_pair = int(known.token[place]), known.feature[place] >= len(self.table.stems)
        return " ".join(seen.tokens.spelled(one) for one in range(token, token + 1 + is_pair))


def model_of(votes: Mapping[str, tuple[int, int]], unit: float, bias: tuple[float, float], heat: float) -> Model:
    """A model of votes by name; a pair's name is its two stems with a blank between."""
    words = [name for name in votes if name[0] not in CONCEPT_SIGNS]
    number = {stem: number_of(stem) for name in words for stem in name.split()}
    place = {stem: place for place, stem in enumerate(sorted(number, key=number.__getitem__))}
    stems = np.array(sorted(number.values()), dtype=np.uint64)
    twos = [(name, *name.split()) for name in words if " " in name]
    pairs = sorted(((place[one] << _HALF) + place[two], votes[name], name) for name, one, two in twos)
    names = [*place, *(name for _, _, name in pairs)]
    both = np.array([votes.get(name, (0, 0)) for name in names], dtype=np.float64).reshape(-1, 2)
    tellable = np.array([name.replace(" ", "").isalpha() for name in names], dtype=np.bool_)
    down, up = both[:, 0].copy(), both[:, 1].copy()
    concepts = np.zeros((CODES, 2))
    concepts[list(NAMES)] = [votes.get(name, (0, 0)) for name in NAMES.values()]
    keys = np.array([key for key, *_ in pairs], dtype=np.int64)
    sides = concepts[:, 0].copy(), concepts[:, 1].copy()
    table = Table(stems, keys, down, up, *sides, (up - down) * tellable)
    return Model(votes, unit, bias, heat, table)


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
        against, favour = (float(one) for one in saved["bias"])
        votes = {name: (down, up) for name, (down, up) in zip(names, saved["votes"].tolist(), strict=True)}
        return model_of(votes, float(saved["unit"]), (against, favour), float(saved["temperature"]))
