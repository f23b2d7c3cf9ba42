"""Confidence says how much better than a coin a pattern was, no more; and the score follows it."""

from datetime import UTC, datetime

import pytest

from services.pattern.rules.figures import ANY_TIMEFRAME, IN_A_SESSION
from services.pattern.rules.read import evidence, strength
from services.pattern.rules.worth import BOUNDS, WORTH, Worth, confidence
from shared.domain.evidence import Detection, Direction
from tests.pattern import charts
from tests.pattern.drawing import FIGURES, draw
from tests.pattern.sessions import DAYS, draw_day

AT = datetime(2026, 6, 16, 15, 0, tzinfo=UTC)


def seen(name: str, how_sure: float, direction: Direction = "long") -> Detection:
    return Detection(
        name=name, timeframe="5Min", direction=direction, status="confirmed", confidence=how_sure,
        started_at=AT, ended_at=AT,
    )  # fmt: skip


def test_what_hits_as_often_as_random_entries_is_a_coin() -> None:
    assert Worth(5000, 1000, 50_000, 10_000).even_chance == pytest.approx(0.5, abs=1e-3)
    assert Worth(0, 0, 0, 0).even_chance == pytest.approx(0.5)


def test_the_distance_of_the_levels_does_not_matter() -> None:
    """Odds twice those of random entries are an even chance of two thirds, near targets or far ones."""
    near, far = Worth(10**7, 8 * 10**6, 10**7, 2 * 10**6 * 10 // 3), Worth(10**7, 2 * 10**6, 9 * 10**6, 10**6)
    assert near.even_chance == pytest.approx(2 / 3, abs=2e-3)
    assert far.even_chance == pytest.approx(2 / 3, abs=2e-3)


def test_few_samples_say_little_and_nothing_is_ever_certain() -> None:
    none, few, many = Worth(29, 29, 99, 12), Worth(40, 30, 200, 100), Worth(5000, 5000, 25_000, 12_000)
    assert none.even_chance == 0.5
    assert 0.5 < few.even_chance < 0.51
    assert many.even_chance == BOUNDS[1]
    assert Worth(5000, 0, 25_000, 12_000).even_chance == BOUNDS[0]


def test_every_chart_pattern_was_measured() -> None:
    names = {name for figure in FIGURES for name in figure.names} | {name for names in DAYS for name in names}
    assert len(names) == 24
    assert len(ANY_TIMEFRAME) + len(IN_A_SESSION) == 9
    assert {name for timeframe, name in WORTH if timeframe == "5Min"} == names | {"candle"}
    for worth in WORTH.values():
        assert 0 <= worth.hits <= worth.decided
        assert 0 <= worth.random_hits <= worth.random_decided


def test_a_worthless_pattern_has_no_high_confidence() -> None:
    for (timeframe, name), worth in WORTH.items():
        better = (
            worth.decided
            and worth.random_decided
            and (worth.hits / worth.decided > worth.random_hits / worth.random_decided)
        )
        if not better:
            assert confidence(timeframe, name, "confirmed") <= 0.501


def test_confirmed_goes_before_forming_and_failed_is_nothing() -> None:
    assert confidence("5Min", "bull_flag", "confirmed") > confidence("5Min", "bull_flag", "forming") > 0
    assert confidence("5Min", "bull_flag", "failed") == 0


def test_a_coin_says_nothing_and_further_patterns_add_less() -> None:
    assert strength((seen("a", 0.5), seen("b", 0.2)), "long") == 0
    one, two = strength((seen("a", 0.6),), "long"), strength((seen("a", 0.6), seen("b", 0.6)), "long")
    assert one == pytest.approx(0.5)
    assert two == pytest.approx(0.75)
    assert strength((seen("a", 0.6),), "short") == 0
    assert strength(tuple(seen(str(number), 0.7) for number in range(9)), "long") == 1


def test_the_best_is_a_long_figure_with_levels_and_todays_before_the_daily_one() -> None:
    drawn = draw_day(("opening_range_breakout", "opening_range_breakdown"), 1, 0.02)
    intraday = drawn.bars.slice(0, drawn.breakout + 2)
    figure = next(one for one in FIGURES if one.names[0] == "cup_and_handle")
    cup = draw(figure, 1, 0.02)
    daily = cup.bars.slice(0, cup.breakout + 2)
    both, only_daily = evidence("X", intraday, daily), evidence("X", None, daily)
    assert both.best is not None
    assert (both.best.name, both.best.timeframe) == ("opening_range_breakout", "5Min")
    assert only_daily.best is not None
    assert (only_daily.best.name, only_daily.best.timeframe) == ("cup_and_handle", "1Day")
    turned = evidence("X", charts.flipped(intraday, 2 * float(intraday.high.max())), None)
    assert turned.best is None or (turned.best.direction, turned.best.status) == ("long", "forming")
