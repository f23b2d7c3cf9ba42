"""Figures are seen where drawn and missed where spoilt; scale and mirror change nothing; status follows the price."""

import re
from itertools import pairwise

import numpy as np
import pytest

from services.pattern.rules.figures import detect
from services.pattern.rules.frame import Frame
from shared.domain.evidence import Detection
from shared.domain.market import Bars
from tests.pattern import charts
from tests.pattern.drawing import FIGURES, Drawing, Figure, draw
from tests.pattern.sessions import DAYS, draw_day

LOW_NOISE, SEEDS, ROUNDED = 0.02, range(5), 1.01e-4
SEEN_AT_LEAST = {0.0: 5, LOW_NOISE: 4, 0.04: 2}
"""Of five drawings, by their noise in heights; `make bench-patterns` counts 200 of each."""
EVERY = [names[0] for names in (*(figure.names for figure in FIGURES), *DAYS)]
OF_NAME: dict[str, Figure | tuple[str, str]] = {
    **{figure.names[0]: figure for figure in FIGURES},
    **{names[0]: names for names in DAYS},
}


def drawing(name: str, seed: int, noise: float = LOW_NOISE, short: bool = False, spoilt: bool = False) -> Drawing:
    figure = OF_NAME[name]
    if isinstance(figure, Figure):
        return draw(figure, seed, noise, short, spoilt)
    return draw_day(figure, seed, noise, short, spoilt)


def figures(bars: Bars) -> dict[str, Detection]:
    return {one.name: one for one in detect(Frame(bars, "5Min"))}


def seen_at_breakout(drawn: Drawing) -> Detection | None:
    """The drawn figure as it stands up to six bars after its path breaks out, once it is confirmed."""
    for at in range(drawn.breakout - 2, drawn.breakout + 7):
        found = figures(drawn.bars.slice(0, at + 1)).get(drawn.name)
        if found is not None and found.status == "confirmed":
            return found
    return None


@pytest.mark.parametrize("noise", SEEN_AT_LEAST)
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("name", EVERY)
def test_a_drawn_figure_is_confirmed_with_sound_levels(name: str, short: bool, noise: float) -> None:
    seen = [seen_at_breakout(drawing(name, seed, noise, short=short)) for seed in SEEDS]
    found = [one for one in seen if one is not None]
    assert len(found) >= SEEN_AT_LEAST[noise]
    assert sum(one.volume_confirmed for one in found) > len(found) / 2
    for one in found:
        side = -1 if short else 1
        assert one.direction == ("short" if short else "long")
        assert None not in (one.stop, one.breakout, one.entry, one.target)
        stop, breakout, entry, target = (
            side * (level or 0) for level in (one.stop, one.breakout, one.entry, one.target)
        )
        assert stop < breakout <= entry < target
        assert one.started_at < one.ended_at


@pytest.mark.parametrize("name", EVERY)
def test_a_figure_knows_its_place_and_pivots(name: str) -> None:
    drawn = drawing(name, 1)
    one = seen_at_breakout(drawn)
    assert one is not None
    width = drawn.breakout - drawn.first
    first = float(drawn.bars.start[drawn.first])
    assert abs(one.started_at.timestamp() - first) / charts.STEP <= 5 + 0.4 * width or name == "vwap_reclaim"
    for pivot in one.pivots:
        at = int(np.searchsorted(drawn.bars.start, pivot.at.timestamp()))
        assert pivot.price == pytest.approx(
            drawn.bars.high[at] if pivot.kind == "high" else drawn.bars.low[at], abs=ROUNDED
        )
    kinds = [pivot.kind for pivot in one.pivots]
    assert all(kind != after for kind, after in pairwise(kinds))


@pytest.mark.parametrize("noise", SEEN_AT_LEAST)
@pytest.mark.parametrize("short", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("name", EVERY)
def test_a_near_miss_is_not_taken_for_the_figure(name: str, short: bool, noise: float) -> None:
    """Near: about a tenth of the height beyond what the definition allows, where it is the height that counts."""
    spoilt = [drawing(name, seed, noise, short=short, spoilt=True) for seed in SEEDS]
    assert sum(seen_at_breakout(one) is not None for one in spoilt) <= 1


@pytest.mark.parametrize("name", EVERY)
def test_scale_of_price_and_volume_changes_nothing_but_the_prices(name: str) -> None:
    drawn = drawing(name, 3)
    bars = drawn.bars.slice(0, drawn.breakout + 2)
    plain, large = figures(bars), figures(charts.scaled(bars, 10, 2))
    assert name in plain
    assert plain.keys() == large.keys()
    for key, one in plain.items():
        other = large[key]
        assert (other.status, other.confidence, other.volume_confirmed) == (
            one.status,
            one.confidence,
            one.volume_confirmed,
        )
        assert (other.started_at, other.ended_at) == (one.started_at, one.ended_at)
        assert other.breakout == pytest.approx(10 * (one.breakout or 0), abs=10 * ROUNDED)
        assert other.stop == pytest.approx(10 * (one.stop or 0), abs=10 * ROUNDED)
        assert other.target == pytest.approx(10 * (one.target or 0), abs=10 * ROUNDED)


@pytest.mark.parametrize("name", EVERY)
def test_the_chart_upside_down_shows_the_mirrored_figure(name: str) -> None:
    drawn = drawing(name, 3)
    bars = drawn.bars.slice(0, drawn.breakout + 2)
    around = 2 * float(bars.high.max())
    upright, turned = figures(bars), figures(charts.flipped(bars, around))
    mirror = dict(names if isinstance(names := OF_NAME[key], tuple) else names.names for key in OF_NAME)
    other_way = mirror | {second: first for first, second in mirror.items()}
    assert {other_way[key] for key in upright} == turned.keys()
    assert name in upright
    for key, one in upright.items():
        other = turned[other_way[key]]
        assert other.direction != one.direction
        assert (other.status, other.started_at, other.ended_at) == (one.status, one.started_at, one.ended_at)
        assert other.breakout == pytest.approx(around - (one.breakout or 0), abs=ROUNDED)
        assert other.stop == pytest.approx(around - (one.stop or 0), abs=ROUNDED)
        assert other.target == pytest.approx(around - (one.target or 0), abs=ROUNDED)


def test_before_the_breakout_it_is_forming_and_after_the_stop_it_has_failed() -> None:
    whole = charts.drawn([(0, 112.0), (15, 100.0), (23, 105.0), (31, 100.05), (38, 106.0), (46, 97.0)], noise=0.05)
    forming = figures(whole.slice(0, 36))["double_bottom"]
    confirmed = figures(whole.slice(0, 39))["double_bottom"]
    failed = figures(whole)["double_bottom"]
    assert [one.status for one in (forming, confirmed, failed)] == ["forming", "confirmed", "failed"]
    assert failed.confidence == 0
    level, wrong = f"{forming.breakout:g}", f"{forming.stop:g}"
    assert re.fullmatch(rf"waits for a close above {level}; \d+ bars left for it", forming.reason)
    assert re.fullmatch(rf"closed above {level} on \d\.\d times the usual volume", confirmed.reason)
    assert failed.reason == f"closed above {level}, then below {wrong}, where it is wrong"


def test_upside_down_the_reasons_say_below_for_above() -> None:
    whole = charts.drawn([(0, 112.0), (15, 100.0), (23, 105.0), (31, 100.05), (34, 102.0), (40, 97.0)], noise=0.05)
    seen, turned = figures(whole)["double_bottom"], figures(charts.flipped(whole))["double_top"]
    assert seen.status == turned.status == "failed"
    assert seen.reason == f"closed below {seen.stop:g}, where it is wrong, before any close above {seen.breakout:g}"
    expected = f"closed above {turned.stop:g}, where it is wrong, before any close below {turned.breakout:g}"
    assert turned.reason == expected


def test_a_figure_that_does_not_break_out_in_time_has_failed() -> None:
    waits = charts.drawn([(0, 112.0), (15, 100.0), (23, 105.0), (31, 100.05), (37, 104.0), (53, 103.8)], noise=0.05)
    assert figures(waits.slice(0, 44))["double_bottom"].status == "forming"
    late = figures(waits)["double_bottom"]
    assert (late.status, late.reason) == ("failed", f"no close above {late.breakout:g} in time")


def test_an_opening_range_left_without_volume_is_no_breakout() -> None:
    drawn = drawing("opening_range_breakout", 1)
    before = figures(drawn.bars.slice(0, drawn.breakout))["opening_range_breakout"]
    assert " on 2 times the usual volume; " in before.reason
    quiet = drawn.bars.slice(0, drawn.breakout + 2)
    quiet.volume[drawn.breakout] = quiet.volume[drawn.breakout - 20 : drawn.breakout].mean()
    seen = figures(quiet)["opening_range_breakout"]
    assert seen.status == "failed"
    assert seen.reason == f"closed above {seen.breakout:g} on only 1.0 times the usual volume, 2 needed"


def test_session_patterns_need_a_session_before_and_daily_bars_have_none() -> None:
    drawn = drawing("gap_and_go", 1)
    assert "gap_and_go" in figures(drawn.bars.slice(0, drawn.breakout + 2))
    assert "gap_and_go" not in figures(drawn.bars.slice(drawn.first, drawn.breakout + 2))
    daily = detect(Frame(drawn.bars.slice(0, drawn.breakout + 2), "1Day"))
    assert "gap_and_go" not in {one.name for one in daily}
