"""Bars that are broken, silent, still or of another company: a sane answer, and never a number that is none."""

import math
import re

import numpy as np
import pytest

from services.technical.rules.assess import assess as assess_all
from shared.domain.evidence import TechnicalEvidence
from shared.domain.market import Bars
from tests.stages import ODD, broken
from tests.technical.world import NOW, SESSIONS, stock

RECENT = SESSIONS[-6:]


def assess(symbol: str, days: Bars, minutes: Bars) -> TechnicalEvidence:
    """One symbol alone, now."""
    return assess_all([symbol], {symbol: days}, {symbol: minutes}, RECENT, NOW)[symbol]


@pytest.mark.parametrize("kind", [*ODD, "as it is"])
def test_nothing_that_is_no_number_leaves_the_rule(kind: str) -> None:
    bars = stock("ODD", 3)
    found = assess("ODD", broken(bars["1Day"], kind), broken(bars["5Min"], kind))
    text = found.model_dump_json()
    assert not re.search(r"NaN|Infinity", text)
    numbers = [found.score, found.atr, found.support, found.resistance, *found.parts.values()]
    numbers += [value for frame in found.indicators.values() for value in frame.values()]
    assert all(value is None or math.isfinite(value) for value in numbers)
    assert (found.score is None) == (found.refused is not None)
    match kind:
        case "one bar":
            assert found.refused == "too little history: 1 daily bar (needs 20) and 1 of 5 minutes (needs 6)"
        case "all nan" | "tiny":
            assert found.refused == (
                "too little history: 0 daily bars (needs 20) and 0 of 5 minutes (needs 6);"
                " 259 broken daily bars left out; 408 broken 5-minute bars left out"
            )
        case "constant":
            assert found.refused is not None
            assert found.refused.startswith("too little to score")
            assert found.refused.endswith("one price in 259 daily bars; one price in 408 5-minute bars")
        case "no volume":
            assert found.refused is None
            assert found.parts["vwap"] is None
            assert found.parts["volume"] is None
            assert "without vwap, volume" in found.rests_on
        case "nan" | "zero":
            count = 3 if kind == "nan" else 1
            assert found.score is not None
            assert f"{count} broken daily bar" in found.rests_on
            assert f"{count} broken 5-minute bar" in found.rests_on
        case "split":
            assert found.rests_on.endswith(
                "daily bars before a jump to 0.25 times the price left out;"
                " 5-minute bars before a jump to 0.25 times the price left out"
            )
        case _:
            assert found.score is not None
            assert "left out" not in found.rests_on


@pytest.mark.parametrize("factor", [0.1, 0.5, 2.0, 10.0])
def test_a_split_in_the_middle_of_the_history_is_left_behind(factor: float) -> None:
    bars = stock("SPLT", 4)
    day, five = bars["1Day"], bars["5Min"]
    scale = np.where(np.arange(len(day)) < 200, factor, 1.0)
    opened, high, low, close = (line * scale for line in (day.open, day.high, day.low, day.close))
    jumped = Bars("SPLT", day.start, opened, high, low, close, day.volume)
    found = assess("SPLT", jumped, five)
    clean = assess("SPLT", day.slice(200, len(day)), five)
    assert f"daily bars before a jump to {1 / factor:.2f} times the price left out" in found.rests_on
    assert (found.score, found.parts, found.indicators) == (clean.score, clean.parts, clean.indicators)
