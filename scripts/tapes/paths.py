"""Invented prices: daily history by a factor model, and the minutes of a session with news and a U-shaped volume."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scripts.tapes.events import Event, course
from scripts.tapes.universe import SECTORS, Universe

Floats = NDArray[np.float64]
SECTOR_SHARE, IDLE_SHARES = 0.45, 100.0
MARKET_VOLATILITY = 0.008


@dataclass(frozen=True, slots=True)
class Grid:
    """Bars as matrices, one row a security, one column a day or minute; `volume` 0 where nothing traded."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: NDArray[np.int64]


def ticked(price: Floats) -> Floats:
    """On the tick grid: cents from a dollar up, hundredths of a cent below."""
    return np.where(price >= 1.0, np.round(price, 2), np.maximum(np.round(price, 4), 0.0001))


def _finished(open_: Floats, high: Floats, low: Floats, close: Floats, volume: Floats) -> Grid:
    o, c = ticked(open_), ticked(close)
    top, bottom = np.maximum(o, c), np.minimum(o, c)
    return Grid(o, np.maximum(ticked(high), top), np.minimum(ticked(low), bottom), c, volume.astype(np.int64))


def common_moves(rng: np.random.Generator, universe: Universe, steps: int, step_share: float) -> Floats:
    """Log returns that securities share, shape (n, steps): beta times the market, plus the sector's own.

    `step_share` is the standard deviation of a step over that of a day.
    """
    market = rng.standard_normal(steps) * MARKET_VOLATILITY * step_share
    sectors = rng.standard_normal((len(SECTORS) + 1, steps)) * MARKET_VOLATILITY * SECTOR_SHARE * step_share
    sectors[-1] = 0.0
    places = {sector: i for i, sector in enumerate(SECTORS)}
    rows = np.array([places.get(sector, len(SECTORS)) for sector in universe.sectors])
    moves: Floats = universe.beta[:, None] * market + sectors[rows]
    return moves


def history(rng: np.random.Generator, universe: Universe, days: int) -> Grid:
    """Daily bars that end near `universe.price`; one name has a move that looks like an unadjusted reverse split."""
    n = len(universe)
    own = rng.standard_normal((n, days)) * universe.volatility[:, None]
    own *= np.where(rng.random((n, days)) < 0.012, 3.2, 1.0)
    steps = own + common_moves(rng, universe, days, 1.0)
    logs = np.log(universe.price)[:, None] - np.cumsum(steps[:, ::-1], axis=1)[:, ::-1] + steps
    close = np.exp(logs)
    close[:5] = universe.price[:5, None] * np.exp(np.clip(logs[:5] - np.log(universe.price[:5, None]), -0.15, 0.15))
    close[:5, -1] = universe.price[:5]
    gap = rng.standard_normal((n, days)) * universe.volatility[:, None] * 0.4
    open_ = np.column_stack((close[:, 0], close[:, :-1])) * np.exp(gap)
    reach = np.abs(rng.standard_normal((2, n, days))) * universe.volatility[:, None] * 0.5
    wild = np.abs(steps) / universe.volatility[:, None]
    volume = universe.shares[:, None] * np.exp(rng.normal(-0.08, 0.4, (n, days))) * (0.7 + 0.4 * wild)
    split = int(np.argmin(np.abs(universe.price[5 : universe.common] - 6.0))) + 5
    before = slice(0, days * 2 // 3)
    for column in (open_, close):
        column[split, before] /= 10.0
    volume[split, before] *= 10.0
    high, low = np.maximum(open_, close) * np.exp(reach[0]), np.minimum(open_, close) * np.exp(-reach[1])
    return _finished(open_, high, low, close, volume)


def volume_curve(minutes: int) -> Floats:
    """Share of the day's volume in each minute: a U, heavier at the open than at the close; sums to 1."""
    x = (np.arange(minutes) + 0.5) / minutes
    curve = 0.55 + 3.4 * np.exp(-x / 0.05) + 0.9 * np.exp(-x / 0.2) + 1.6 * np.exp(-(1 - x) / 0.06)
    normal: Floats = curve / curve.sum()
    return normal


def session(
    rng: np.random.Generator, universe: Universe, previous: Floats, minutes: int, events: list[Event]
) -> tuple[Grid, Floats]:
    """(minutes of the session, each name's price at its end). `previous` closes in USD, shape (n,)."""
    n, curve = len(universe), volume_curve(minutes)
    pace = np.sqrt(curve) * 0.8
    own = rng.standard_normal((n, minutes), dtype=np.float32) * (universe.volatility[:, None] * pace * 0.75)
    path = np.cumsum(own + common_moves(rng, universe, minutes, 0.7) * pace, axis=1)
    gap = rng.standard_normal(n) * universe.volatility * 0.3
    busy = np.ones((n, minutes), dtype=np.float32)
    for event in events:
        jump, extra, burst = course(rng, event, minutes)
        gap[event.row] += jump
        path[event.row] += extra
        busy[event.row] *= burst
    path[4] = np.clip(path[4], -0.0055, 0.0055)
    gap[4] = np.clip(gap[4], -0.0015, 0.0015)
    start = previous * np.exp(gap)
    close = start[:, None] * np.exp(path)
    before = np.column_stack((start, close[:, :-1]))
    jitter = (universe.volatility[:, None] * pace * 0.2).astype(np.float32)
    open_ = before * np.exp(rng.standard_normal((n, minutes), dtype=np.float32) * jitter * 0.3)
    reach = np.abs(rng.standard_normal((2, n, minutes), dtype=np.float32)) * jitter * 2.0
    high, low = np.maximum(open_, close) * np.exp(reach[0]), np.minimum(open_, close) * np.exp(-reach[1])
    open_[:, 0] = start
    noise = np.exp(rng.standard_normal((n, minutes), dtype=np.float32) * 0.45 - 0.1)
    expected = universe.shares[:, None] * curve * busy * noise
    trades = expected * before / (2_500.0 + 20.0 * before)
    traded = rng.random((n, minutes), dtype=np.float32) < 1.0 - np.exp(-trades)
    volume = np.where(traded, np.maximum(expected, 1.0 + IDLE_SHARES * rng.random((n, minutes), dtype=np.float32)), 0.0)
    return _finished(open_, high, low, close, volume), ticked(close[:, -1])
