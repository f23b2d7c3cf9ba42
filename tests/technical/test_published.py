"""The slow readings against tables that others have printed: without this they would only be our word against ours."""

from collections.abc import Iterable

import numpy as np
import pytest

from services.technical.rules.indicators import indicators
from shared.domain.market import Bars, Floats
from tests.technical import published, slow


def column(values: Iterable[float]) -> Floats:
    """Numbers as a column of bars."""
    return np.array(list(values), dtype=np.float64)


def bars_of(rows: tuple[tuple[float, ...], ...]) -> Bars:
    high, low, close, *volume = map(column, zip(*rows, strict=True))
    start: Floats = column(range(len(rows)))
    return Bars("QQQQ", start, close, high, low, close, volume[0] if volume else start * 0 + 1)


def test_the_relative_strength_index_of_the_table() -> None:
    assert slow.rsi_line(published.RSI_CLOSE) == pytest.approx(list(published.RSI), abs=0.006)
    rows = tuple((close, close, close) for close in published.RSI_CLOSE)
    ours = [indicators([bars_of(rows[: 15 + n])])[0]["rsi_14"] for n in range(len(published.RSI))]
    assert ours == pytest.approx(list(published.RSI), abs=0.006)


def test_rsi_of_wilders_kind_worked_by_hand() -> None:
    """Fourteen changes, ten of +1 and four of -1: up 10/14, down 4/14, RSI = 100 x 10/14."""
    steps, prices = [1, 1, -1, 1, 1, -1, 1, 1, -1, 1, 1, -1, 1, 1], [50.0]
    for step in steps:
        prices.append(prices[-1] + step)
    assert indicators([bars_of(tuple((p, p, p) for p in prices))])[0]["rsi_14"] == pytest.approx(100 * 10 / 14)


def test_the_exponential_average_of_the_table() -> None:
    assert slow.ema_line(published.EMA_CLOSE, 10) == pytest.approx(list(published.EMA_10), abs=0.011)


def test_the_average_true_range_of_the_table() -> None:
    """The table counts the first bar's own range as a true range; TA-Lib, as Wilder, begins with the second bar."""
    high, low, close = zip(*published.ATR_BARS, strict=True)
    ranges = [high[0] - low[0], *slow.true_ranges(high, low, close)]
    assert slow.wilder_line(ranges, 14) == pytest.approx(list(published.ATR), abs=6e-5)
    ours = indicators([bars_of(published.ATR_BARS)])[0]["atr_14"]
    assert ours == pytest.approx(published.ATR[-1], rel=0.01)


def test_the_directional_movement_of_the_table() -> None:
    """The table's first sums hold 14 movements, TA-Lib's 13: after 26 bars they still differ, by less and less."""
    high, low, close = zip(*published.ADX_BARS, strict=True)
    found = slow.directional(high, low, close, seeds=14)
    first = found[: len(published.FIRST_DIRECTIONS)]
    assert [number for row in first for number in row] == pytest.approx(
        [number for row in published.FIRST_DIRECTIONS for number in row], abs=6e-5
    )
    assert slow.wilder_line([dx for *_, dx in found], 14) == pytest.approx(list(published.ADX), abs=6e-5)
    ours = indicators([bars_of(published.ADX_BARS)])[0]["adx_14"]
    assert ours == pytest.approx(published.ADX[-1], abs=0.5)


def test_the_money_flow_index_of_the_table() -> None:
    rows = published.MFI_BARS
    ours = [indicators([bars_of(rows[: 15 + n])])[0]["mfi_14"] for n in range(len(published.MFI))]
    assert ours == pytest.approx(list(published.MFI), abs=1.1e-4)
    high, low, close, volume = zip(*rows, strict=True)
    assert slow.mfi(high, low, close, volume) == pytest.approx(published.MFI[-1], abs=1.1e-4)
