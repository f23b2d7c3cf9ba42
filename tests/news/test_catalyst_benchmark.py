"""The benchmark's own arithmetic, and that the labels in the repository hold what their page says."""

import csv
from collections import Counter

import pytest

from benchmarks.labels.draw import EACH_RARE, EACH_TYPE, KEYWORDS, RANDOM, RARE
from benchmarks.labels.labelled import LABELS
from benchmarks.news_catalyst import KINDS, accuracy, kappa, macro_f1, score


def test_scores_of_one_type() -> None:
    pairs = [("FDA", "FDA"), ("FDA", "NONE"), ("NONE", "FDA"), ("NONE", "NONE"), ("FDA", "FDA")]
    one = score(pairs, "FDA")
    assert (one.precision, one.recall, one.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (one.support, one.called) == (3, 3)
    assert accuracy(pairs) == pytest.approx(0.6)
    assert macro_f1(pairs) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_a_type_that_is_called_and_never_occurs_costs() -> None:
    assert macro_f1([("NONE", "NONE"), ("NONE", "LEGAL")]) == pytest.approx((2 / 3 + 0) / 2)


def test_agreement_beyond_chance() -> None:
    assert kappa([("A", "A"), ("B", "B")]) == pytest.approx(1.0)
    assert kappa([("A", "A"), ("A", "B"), ("B", "A"), ("B", "B")]) == pytest.approx(0.0)
    assert kappa([("A", "A")]) == pytest.approx(1.0)


def test_the_labels_are_complete_and_hold_no_text() -> None:
    with LABELS.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 400
    assert len({(row["tape"], row["id"]) for row in rows}) == len(rows)
    assert {row["catalyst"] for row in rows} == set(KINDS)
    assert {row["sentiment"] for row in rows} == {"positive", "neutral", "negative"}
    assert "headline" not in rows[0]
    strata = {"random", *KEYWORDS, *RARE}
    for part in RANDOM:
        count = Counter(row["stratum"] for row in rows if row["part"] == part)
        assert set(count) <= strata
        assert count["random"] == RANDOM[part]
        assert all(count[stratum] <= EACH_TYPE[part] for stratum in KEYWORDS)
        assert all(count[stratum] <= EACH_RARE[part] for stratum in RARE)
