"""Drawn trading days: gap and go, opening-range breakout and VWAP reclaim after three quiet sessions.

Noise is counted in heights as in drawing.py; the height is the gap, the opening range, or the depth below the VWAP.
"""

from collections.abc import Callable

import numpy as np

from shared.domain.market import Bars, Floats
from tests.pattern import charts
from tests.pattern.drawing import Drawing

SESSION_BARS, QUIET_SESSIONS = 78, 3
FIRST = SESSION_BARS * QUIET_SESSIONS
STEP = 0.06
"""A step of the quiet sessions, as a part of their usual range."""

Day = Callable[[np.random.Generator, bool], tuple[float, Floats, Floats, int]]
"""Height, the day's path from its open in usual ranges, volume factors, and the bar that breaks out."""


def _gap(rng: np.random.Generator, spoilt: bool) -> tuple[float, Floats, Floats, int]:
    height, wait = rng.uniform(0.5, 1.0), int(rng.integers(5, 9))
    held = -1.05 if spoilt else -0.3
    path = np.interp(np.arange(wait + 12), [0, 2, wait, wait + 11], np.array([0, held, 0.0, 1.5]) * height)
    volume = np.ones(len(path))
    volume[:3], volume[wait : wait + 3] = 4.0, 3.0
    top = float(path[:3].max())
    return height, path, volume, wait + int(np.argmax(path[wait:] > top))


def _opening(rng: np.random.Generator, spoilt: bool) -> tuple[float, Floats, Floats, int]:
    height, wait = rng.uniform(0.5, 0.58) if spoilt else rng.uniform(0.15, 0.26), int(rng.integers(8, 22))
    inside = np.tile([0.0, 0.4, 0.15, -0.4, -0.15, 0.3, 0.0, -0.3], 4)[:wait] * height
    inside[6:] *= 0.6
    path = np.concatenate((inside, height * np.array([0.9, 1.3, 1.6, 1.8, 2.0, 2.1])))
    volume = np.ones(len(path))
    volume[wait : wait + 3] = 6.0
    return height, path, volume, wait


def _vwap(rng: np.random.Generator, spoilt: bool) -> tuple[float, Floats, Floats, int]:
    height, base = rng.uniform(0.5, 0.8), int(rng.integers(7, 14))
    fall = np.linspace(0, -height, 14)
    path = np.concatenate((np.zeros(2), fall, np.full(base, -height), -height + 0.15 * height * np.arange(1, 11)))
    if spoilt:
        path = np.concatenate((np.zeros(2), fall[::3], -height + 0.5 * height * np.arange(1, 5)))
    volume = np.ones(len(path))
    volume[-10:] = 4.0 + np.arange(10)
    vwap = np.cumsum(path * volume) / np.cumsum(volume)
    return height, path, volume, int(np.flatnonzero(path > vwap)[-1] if spoilt else _last_cross(path, vwap) + 1)


def _last_cross(path: Floats, line: Floats) -> int:
    over = path > line
    return int(np.flatnonzero(over[1:] & ~over[:-1])[-1]) + 1


DAYS: dict[tuple[str, str], Day] = {
    ("gap_and_go", "gap_down_and_go"): _gap,
    ("opening_range_breakout", "opening_range_breakdown"): _opening,
    ("vwap_reclaim", "vwap_loss"): _vwap,
}


def draw_day(names: tuple[str, str], seed: int, noise: float, short: bool = False, spoilt: bool = False) -> Drawing:
    """Three quiet sessions and the drawn morning, in one price scale; upside down for the short side."""
    rng = np.random.default_rng([seed, list(DAYS).index(names), int(short), int(spoilt), 7])
    quiet = np.concatenate([_quiet(rng) for _ in range(QUIET_SESSIONS)])
    height, day, factors, breakout = DAYS[names](rng, spoilt)
    start = quiet[-1]
    if names[0] == "gap_and_go":
        start = quiet[-SESSION_BARS:].max() + height
    path = np.concatenate((quiet, start + day))
    wild = rng.normal(0, 1, len(path)) * noise * height
    opens = np.concatenate((path[:1], (path + wild)[:-1]))
    opens[FIRST] = start
    smile = 1 + 1.5 * ((np.arange(SESSION_BARS) - SESSION_BARS / 2) / (SESSION_BARS / 2)) ** 2
    usual = np.concatenate((np.tile(smile, QUIET_SESSIONS), smile[: len(day)] * factors))
    volume = usual * rng.lognormal(0, 0.15, len(path))
    bars = _bars(rng, opens, path + wild, noise * height, volume, short)
    return Drawing(names[1 if short else 0], bars, FIRST, FIRST + breakout)


def _quiet(rng: np.random.Generator) -> Floats:
    """A session's path of about one usual range, from 0 and back to near it."""
    steps = np.cumsum(rng.normal(0, STEP, SESSION_BARS))
    path = steps - np.linspace(0, steps[-1], SESSION_BARS)
    return np.asarray(path / np.ptp(path))


def _bars(rng: np.random.Generator, opens: Floats, closes: Floats, wick: float, volume: Floats, short: bool) -> Bars:
    base, share = rng.uniform(5, 400), rng.uniform(0.01, 0.04) * (-1 if short else 1)
    wicks = 0.01 + np.abs(rng.normal(0, wick / 2, (2, len(closes))))
    high, low = np.maximum(opens, closes) + wicks[0], np.minimum(opens, closes) - wicks[1]
    columns = (opens, low, high, closes) if short else (opens, high, low, closes)
    prices = (base * (1 + share * column) for column in columns)
    days, inside = np.divmod(np.arange(len(closes)), SESSION_BARS)
    return charts.bars_of("DRAWN", [charts.YESTERDAY + 86_400.0 * days + charts.STEP * inside, *prices, 1e5 * volume])
