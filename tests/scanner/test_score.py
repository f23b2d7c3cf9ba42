"""Percentiles, the volume curve, the order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.scanner.rules.score import (
    MOMENTUM_WEIGHTS,
    RANK_WEIGHTS,
    VOLUME_WEIGHTS,
    percentiles,
    ranks,
)

anything = st.floats(allow_nan=True, allow_infinity=True)
columns_of = arrays(np.float64, st.integers(0, 40), elements=anything)


@given(columns_of)
def test_percentiles_lie_between_zero_and_one_and_keep_the_order(values: np.ndarray) -> None:
    result = percentiles(values)
    assert np.isfinite(result).all()
    assert ((result >= 0) & (result <= 1)).all()
    finite = np.flatnonzero(np.isfinite(values))
    for i in finite:
        for j in finite:
            assert (values[i] < values[j]) == (result[i] < result[j]) or values[i] == values[j]
            assert values[i] != values[j] or result[i] == result[j]


def test_ties_share_their_average_place_and_what_is_unknown_is_neutral() -> None:
    assert percentiles(np.array([1.0, 2.0, 2.0, 3.0])).tolist() == [0.0, 0.5, 0.5, 1.0]
    assert percentiles(np.array([5.0, np.nan, 1.0])).tolist() == [1.0, 0.5, 0.0]
    assert percentiles(np.array([5.0])).tolist() == [0.5]


@given(st.integers(0, 30), st.randoms(use_true_random=False), st.data())
def test_shuffling_the_market_changes_nothing(count: int, shuffle: object, data: st.DataObject) -> None:
    names = (*MOMENTUM_WEIGHTS, *VOLUME_WEIGHTS)
    few = st.sampled_from([np.nan, 0.0, 1.0, 2.5, -3.0])
    columns = {name: data.draw(arrays(np.float64, count, elements=few)) for name in names}
    symbols = np.array([f"S{i:03}" for i in range(count)], dtype=np.str_)
    order = np.array(data.draw(st.permutations(range(count))), dtype=np.int64)
    before = ranks(symbols, columns)
    after = ranks(symbols[order], {name: column[order] for name, column in columns.items()})
    assert symbols[before.order].tolist() == symbols[order][after.order].tolist()
    assert before.momentum[order].tolist() == after.momentum.tolist()
    assert before.volume[order].tolist() == after.volume.tolist()


def test_the_best_in_everything_comes_first() -> None:
    columns = {name: np.array([1.0, 3.0, 2.0]) for name in (*MOMENTUM_WEIGHTS, *VOLUME_WEIGHTS)}
    found = ranks(np.array(["A", "B", "C"]), columns)
    assert found.order.tolist() == [1, 2, 0]
    assert found.momentum.tolist() == found.volume.tolist() == [0.0, 1.0, 0.5]


def test_weights_are_whole() -> None:
    for weights in (MOMENTUM_WEIGHTS, VOLUME_WEIGHTS, RANK_WEIGHTS):
        assert abs(sum(weights.values()) - 1) < 1e-12
