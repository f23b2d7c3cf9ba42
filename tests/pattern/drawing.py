"""Drawn charts: every chart pattern with its place known, clean or noisy, and charts that just miss it.

A figure is a path through corners whose times and levels are drawn at random within its definition, one unit high. The
noise of each close is normal with `noise` heights as its deviation, wicks are half as long. All from one seed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shared.domain.market import Bars, Floats
from tests.pattern import charts

Corners = list[tuple[int, float]]
"""Bars since the corner before, and level in heights."""
Path = Callable[[np.random.Generator], Corners]
LEAD_BARS, LEAD_STEP = 60, 0.04
TAIL_BARS = 8


@dataclass(frozen=True)
class Drawing:
    """Bars with the figure `name` in them: it begins at bar `first`; its path breaks out at bar `breakout`."""

    name: str
    bars: Bars
    first: int
    breakout: int


@dataclass(frozen=True)
class Figure:
    """How to draw a figure: names of both sides, corners, the same spoilt, and the level that the path breaks.

    `corners[0]` ends the lead-in; the figure begins at corner number `begins`.
    """

    names: tuple[str, str]
    path: Path
    spoilt: Path
    level: float
    begins: int = 0
    calm: tuple[int, int] | None = None
    """Numbers of the corners between which volume dwindles."""


def _span(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


def _double_bottom(second: float) -> Path:
    def path(rng: np.random.Generator) -> Corners:
        leg = _span(rng, 7, 12)
        return [
            (0, rng.uniform(1.5, 1.9)),
            (leg, 0.0),
            (_span(rng, 7, 12), 1.0),
            (_span(rng, 7, 12), second + rng.uniform(-0.04, 0.04)),
            (_span(rng, 8, 12), 1.4),
        ]

    return path


def _head(deeper: float) -> Path:
    """The shoulders lie about `deeper` heights above the head."""

    def path(rng: np.random.Generator) -> Corners:
        shoulder = deeper + rng.uniform(-0.07, 0.08)
        return [
            (0, rng.uniform(1.3, 1.6)),
            (_span(rng, 6, 9), shoulder),
            (_span(rng, 6, 9), 1.0 + rng.uniform(-0.05, 0.0)),
            (_span(rng, 7, 10), 0.0),
            (_span(rng, 7, 10), 1.0),
            (_span(rng, 6, 9), shoulder + rng.uniform(-0.05, 0.05)),
            (_span(rng, 7, 10), 1.4),
        ]

    return path


def _flag(back: float, narrowing: bool) -> Path:
    def path(rng: np.random.Generator) -> Corners:
        pole, rest = (0, 0.0), _span(rng, 5, 8)
        if narrowing:
            wide = back + rng.uniform(-0.03, 0.03)
            inside = [(2, 1 - wide), (2, 1 - 0.2 * wide), (2, 1 - 0.6 * wide), (3, 1 - 0.4 * wide)]
        else:
            inside = [(rest, 1 - back + rng.uniform(-0.05, 0.05))]
        return [pole, (_span(rng, 5, 8), 1.0), *inside, (3, 1.35)]

    return path


def _abcd(back: tuple[float, float]) -> Path:
    def path(rng: np.random.Generator) -> Corners:
        pullback = (_span(rng, 5, 10), 1 - rng.uniform(*back))
        return [(0, 0.4), (_span(rng, 4, 6), 0.0), (_span(rng, 7, 11), 1.0), pullback, (_span(rng, 6, 9), 1.35)]

    return path


def _triangle(fall: tuple[float, float], rise: tuple[float, float], top: float = 1.4) -> Path:
    def path(rng: np.random.Generator) -> Corners:
        lower, higher = 1 - rng.uniform(*fall), rng.uniform(*rise)
        legs = [_span(rng, 6, 10) for _ in range(4)]
        return [(0, -0.4), (legs[0], 1.0), (legs[1], 0.0), (legs[2], lower), (legs[3], higher), (_span(rng, 6, 9), top)]

    return path


def _cup(curve: float) -> Path:
    """Depth follows |x| to the power of `curve`: 2 and more is a cup, 1 a V."""

    def path(rng: np.random.Generator) -> Corners:
        width, steps = _span(rng, 32, 48), 8
        sides = [abs(2 * step / steps - 1) ** curve for step in range(1, steps + 1)]
        bowl = [(width // steps, side) for side in sides]
        handle = [(_span(rng, 5, 8), 1 - rng.uniform(0.28, 0.4)), (_span(rng, 5, 8), 1.35)]
        return [(0, 0.2), (_span(rng, 6, 10), 1.0), *bowl, *handle]

    return path


FIGURES: tuple[Figure, ...] = (
    Figure(("double_bottom", "double_top"), _double_bottom(0.0), _double_bottom(0.2), 1.0, 1),
    Figure(("inverse_head_and_shoulders", "head_and_shoulders"), _head(0.42), _head(0.1), 1.0, 1),
    Figure(("bull_flag", "bear_flag"), _flag(0.28, False), _flag(0.5, False), 1.0, 0, (1, -1)),
    Figure(("pennant", "bear_pennant"), _flag(0.35, True), _flag(0.6, True), 1.0, 0, (1, -1)),
    Figure(("abcd", "bear_abcd"), _abcd((0.45, 0.68)), _abcd((0.82, 0.9)), 1.0, 1, (2, -1)),
    Figure(("ascending_triangle", "descending_triangle"), _triangle((-0.03, 0.03), (0.4, 0.6)),
           _triangle((0.16, 0.21), (0.4, 0.6)), 1.0, 1),
    Figure(("symmetrical_triangle", "bear_symmetrical_triangle"), _triangle((0.27, 0.35), (0.27, 0.35)),
           _triangle((0.12, 0.17), (0.12, 0.17)), 0.73, 1),
    Figure(("rectangle_breakout", "rectangle_breakdown"), _triangle((-0.03, 0.03), (-0.03, 0.03)),
           _triangle((-0.03, 0.03), (0.14, 0.2)), 1.0, 1),
    Figure(("cup_and_handle", "inverted_cup_and_handle"), _cup(2.4), _cup(1.0), 1.0, 1),
)  # fmt: skip


def draw(figure: Figure, seed: int, noise: float, short: bool = False, spoilt: bool = False) -> Drawing:
    """One chart of the figure after a lead-in of a random walk; upside down for the short side."""
    rng = np.random.default_rng([seed, FIGURES.index(figure), int(short), int(spoilt)])
    corners = (figure.spoilt if spoilt else figure.path)(rng)
    times = LEAD_BARS + np.cumsum([bars for bars, _ in corners])
    levels = [level for _, level in corners]
    end = int(times[-1]) + TAIL_BARS
    shape = np.interp(np.arange(end + 1), [*times, end], [*levels, levels[-1] + 0.1])
    shape[:LEAD_BARS] = levels[0] - np.cumsum(rng.normal(0, LEAD_STEP, LEAD_BARS))[::-1]
    last_pivot = int(times[-2])
    over = np.flatnonzero(shape[last_pivot:] > figure.level)
    breakout = last_pivot + int(over[0])
    volume = rng.lognormal(0, 0.3, end + 1)
    if figure.calm:
        first, last = (int(times[corner]) for corner in (figure.calm[0] - 1, figure.calm[1] - 1))
        pole_end = int(times[figure.calm[0]])
        volume[first : pole_end + 1] *= 2.0
        volume[pole_end + 1 : last + 1] *= 0.7
    volume[breakout : breakout + 3] *= 3.0
    bars = _bars(rng, shape, noise, volume, short)
    return Drawing(figure.names[1 if short else 0], bars, int(times[figure.begins]), breakout)


def _bars(rng: np.random.Generator, shape: Floats, noise: float, volume: Floats, short: bool) -> Bars:
    """Candles around a path in heights, at a random price with a height of two to ten percent of it."""
    base, share = rng.uniform(5, 400), rng.uniform(0.02, 0.1)
    close = shape + rng.normal(0, noise, len(shape))
    open_ = np.concatenate((shape[:1], close[:-1]))
    wicks = 0.01 + np.abs(rng.normal(0, noise / 2, (2, len(shape))))
    high, low = np.maximum(open_, close) + wicks[0], np.minimum(open_, close) - wicks[1]
    columns = (open_, low, high, close) if short else (open_, high, low, close)
    prices = (base * (1 + (-share if short else share) * column) for column in columns)
    start = charts.YESTERDAY + charts.STEP * np.arange(len(shape))
    return charts.bars_of("DRAWN", [start, *prices, 1e5 * volume])
