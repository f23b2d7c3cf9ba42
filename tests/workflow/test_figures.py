"""Figures in sentences: as many digits as tell them apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workflow.rules.figures import MOST_DECIMALS, figures

score = st.integers(0, 10**6).map(lambda millionths: millionths / 10**6)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ((0.609042, 0.609282, -0.00024), ("0.6090", "0.6093", "-0.0002")),
        ((0.5, 0.512), ("0.500", "0.512")),
        ((231, 100, -131), ("231", "100", "-131")),
        ((6, 5), ("6", "5")),
        ((10_026.73, 10_000), ("10,027", "10,000")),
        ((10_000.4, 10_000.0), ("10,000.4", "10,000.0")),
        ((15.81, 100.0, -84.19), ("15.81", "100.00", "-84.19")),
        ((1.0, 0.25), ("1.000", "0.250")),
        ((0.0, 1.0), ("0.000", "1.000")),
        ((2.5e-07, 0.0), ("0.000000", "0.000000")),
        ((), ()),
    ],
)
def test_no_more_digits_than_tell_them_apart(values: tuple[float, ...], texts: tuple[str, ...]) -> None:
    assert figures(*values) == texts


@given(st.lists(score, min_size=1, max_size=4))
def test_scores_that_differ_look_different_and_only_nothing_looks_like_nothing(values: list[float]) -> None:
    texts = figures(*values)
    assert len(set(texts)) == len(set(values))
    for text, value in zip(texts, values, strict=True):
        assert (float(text) == 0) == (value == 0)
        assert len(text.partition(".")[2]) <= MOST_DECIMALS
