"""Days without a pattern: a random walk with the volatility and volume of a real session, and no memory of its path."""

import numpy as np

from shared.domain.market import Bars, Floats
from tests.pattern import charts

SESSION_BARS, INSIDE = 78, 12
DAY_VOLATILITY, NIGHT_SHARE, FREEDOM = 0.025, 0.55, 5.0
CLUSTERING = 0.98


def walk(seed: int, sessions: int) -> Bars:
    """`sessions` days of 78 five-minute bars, gaps overnight.

    Steps are Student t with five degrees of freedom, twelve within each bar. Their size follows a smile through the day
    and a slow log-normal tide, volume its own smile and tide and the size of the bar's own move; the night's gap has
    55 % of the day's deviation. A day's deviation is 2.5 %.
    """
    rng = np.random.default_rng(seed)
    count = sessions * SESSION_BARS
    smile = np.tile(_smile(), sessions)
    size = DAY_VOLATILITY / np.sqrt(SESSION_BARS * INSIDE) * smile * np.exp(_tide(rng, count, 0.35))
    fat = np.sqrt((FREEDOM - 2) / FREEDOM)
    steps = rng.standard_t(FREEDOM, (count, INSIDE)) * fat * size[:, None]
    night = np.zeros(count)
    night[::SESSION_BARS] = rng.standard_t(FREEDOM, sessions) * fat * NIGHT_SHARE * DAY_VOLATILITY
    path = np.cumsum(np.column_stack((night, steps)).ravel()).reshape(count, INSIDE + 1)
    prices = rng.uniform(5, 400) * np.exp(path)
    moved = np.abs(steps.sum(axis=1)) / (size * np.sqrt(INSIDE))
    volume = 1e4 * smile**2 * np.exp(_tide(rng, count, 0.5) + rng.normal(0, 0.3, count)) * (0.6 + 0.5 * moved)
    days, inside = np.divmod(np.arange(count), SESSION_BARS)
    start = charts.YESTERDAY + 86_400.0 * days + charts.STEP * inside
    return charts.bars_of(
        "WALK", [start, prices[:, 0], prices.max(axis=1), prices.min(axis=1), prices[:, -1], np.floor(volume)]
    )


def _smile() -> Floats:
    """Liveliness through a session: nearly twice the middle's at the open, one and a half times at the close."""
    place = np.linspace(0, 1, SESSION_BARS)
    shape = 0.75 + 0.95 * np.exp(-place / 0.12) + 0.4 * np.exp((place - 1) / 0.1)
    return np.asarray(shape / np.sqrt(np.mean(shape**2)))


def _tide(rng: np.random.Generator, count: int, deviation: float) -> Floats:
    """A slow log-normal swing (autoregressive of the first order) of the given standard deviation."""
    shocks = rng.normal(0, deviation * np.sqrt(1 - CLUSTERING**2), count).tolist()
    level, found = float(rng.normal(0, deviation)), list[float]()
    for shock in shocks:
        level = CLUSTERING * level + shock
        found.append(level)
    return np.array(found)
