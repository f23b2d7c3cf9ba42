"""What happens to companies on an invented day: who has news, of what kind, when, and how far the price goes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scripts.tapes.universe import Universe

Floats = NDArray[np.float64]
Shape = Literal["flag", "trend", "fade", "range"]
BEFORE_OPEN = -1

# kind, good or bad, smallest and largest move (log), weight
KINDS: tuple[tuple[str, int, float, float, float], ...] = (
    ("FDA", 1, 0.12, 0.38, 8),
    ("FDA", -1, 0.18, 0.55, 4),
    ("M&A", 1, 0.16, 0.34, 6),
    ("EARNINGS", 1, 0.05, 0.17, 13),
    ("EARNINGS", -1, 0.05, 0.17, 9),
    ("GUIDANCE", 1, 0.04, 0.13, 8),
    ("GUIDANCE", -1, 0.05, 0.16, 5),
    ("OFFERING", -1, 0.07, 0.22, 7),
    ("CONTRACT", 1, 0.05, 0.18, 11),
    ("INSIDER_BUY", 1, 0.03, 0.07, 4),
    ("ANALYST", 1, 0.03, 0.08, 8),
    ("ANALYST", -1, 0.03, 0.08, 5),
    ("LEGAL", -1, 0.04, 0.14, 4),
    ("LEGAL", 1, 0.04, 0.10, 2),
    ("DIVIDEND", 1, 0.02, 0.05, 2),
    ("PERSONNEL", -1, 0.03, 0.09, 3),
    ("PRODUCT", 1, 0.04, 0.12, 6),
)
SHAPES: tuple[tuple[Shape, float], ...] = (("flag", 0.42), ("trend", 0.28), ("fade", 0.2), ("range", 0.1))


@dataclass(frozen=True, slots=True)
class Event:
    """News about the security in row `row`. `minute` counts from the open, BEFORE_OPEN for the night before.

    `jump` is the log move at the news, signed; `shape` is what the price does afterwards; `burst` multiplies volume.
    """

    row: int
    kind: str
    sign: int
    minute: int
    jump: float
    shape: Shape
    burst: float


def draw_events(rng: np.random.Generator, universe: Universe, minutes: int) -> list[Event]:
    """About 80 events for 4,129 names, none among the famous, in names that a day trader could trade."""
    value = universe.price * universe.shares
    fit = np.flatnonzero((universe.price > 2) & (universe.price < 320) & (value > 2.5e6))
    fit = fit[(fit >= 5) & (fit < universe.common)]
    count = min(len(fit), max(4, round(universe.common * 80 / 4129)))
    weight = 1.0 / np.sqrt(universe.market_cap[fit])
    rows = rng.choice(fit, count, replace=False, p=weight / weight.sum())
    odds = np.array([kind[4] for kind in KINDS])
    kinds = rng.choice(len(KINDS), count, p=odds / odds.sum())
    shape_odds = [odd for _, odd in SHAPES]
    events = []
    for number, (row, which) in enumerate(zip(rows, kinds, strict=True)):
        kind, sign, least, most, _ = KINDS[which]
        early = number % 5 < 3
        minute = BEFORE_OPEN if early else int(rng.integers(4, minutes - 60))
        shape = "range" if kind == "M&A" else SHAPES[rng.choice(len(SHAPES), p=shape_odds)][0]
        jump = sign * float(rng.uniform(least, most))
        events.append(Event(int(row), kind, sign, minute, jump, shape, float(rng.uniform(5, 22))))
    return events


def _ramp(length: int, spans: tuple[tuple[int, float], ...]) -> Floats:
    """A line through (minutes, height gained) pieces, flat after the last."""
    xs, ys = [0.0], [0.0]
    for span, gain in spans:
        xs.append(xs[-1] + span)
        ys.append(ys[-1] + gain)
    return np.interp(np.arange(length, dtype=np.float64), xs, ys)


def course(rng: np.random.Generator, event: Event, minutes: int) -> tuple[float, Floats, Floats]:
    """(gap before the open, log path added per minute close, volume multiple per minute) that an event causes.

    flag: a pole, a quiet pullback, a breakout. trend: goes on and slows down. fade: gives most of it back.
    """
    start = max(event.minute, 0)
    left = minutes - start
    size = abs(event.jump)
    after = {
        "flag": _ramp(left, ((14, 0.38 * size), (22, -0.11 * size), (26, 0.42 * size), (left, 0.12 * size))),
        "trend": 0.6 * size * (1 - np.exp(-np.arange(left) / 80.0)),
        "fade": -0.7 * size * (1 - np.exp(-np.arange(left) / 50.0)),
        "range": np.zeros(left),
    }[event.shape]
    path = np.zeros(minutes)
    gap = 0.0
    if event.minute == BEFORE_OPEN:
        gap = event.jump * float(rng.uniform(0.7, 0.95))
        path[:] = (event.jump - gap) * np.minimum(1.0, np.arange(1, minutes + 1) / 3.0)
    else:
        path[start:] = event.jump * np.minimum(1.0, np.arange(1, left + 1) / 2.0)
    path[start:] += event.sign * after
    volume = np.ones(minutes)
    ages = np.arange(left, dtype=np.float64)
    volume[start:] += event.burst * (np.exp(-ages / 45.0) + 0.18)
    if event.shape == "flag":
        volume[start:] *= np.where((ages >= 14) & (ages < 36), 0.45, 1.0) * np.where(
            (ages >= 36) & (ages < 50), 1.9, 1.0
        )
    return gap, path, volume
