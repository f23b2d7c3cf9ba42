"""Turning points that are never taken back.

A high is a pivot once the price has fallen `REVERSAL_RANGES` average true ranges below it, a low once it has risen as
far above it (a directional change: Guillaume et al., From the bird's eye to the microscope, Finance and Stochastics 1,
1997; the range measures it so that neither price nor volatility matters). The bar on which that happens is `known`:
from then on the pivot stays, so the pivots known at a moment are the beginning of those known at any later one.
"""

from typing import Literal, NamedTuple

from shared.domain.market import Floats

REVERSAL_RANGES = 2.0


class Turn(NamedTuple):
    """A pivot: number of its bar, price in USD, its side, and number of the bar on which it became known."""

    bar: int
    price: float
    kind: Literal["high", "low"]
    known: int


def turning_points(high: Floats, low: Floats, atr: Floats) -> tuple[Turn, ...]:
    """Pivots in time order, highs and lows alternating. A bar that makes a new extreme does not also reverse it."""
    highs, lows, reach = high.tolist(), low.tolist(), (REVERSAL_RANGES * atr).tolist()
    found: list[Turn] = []
    top = bottom = 0
    rising = falling = True
    for bar in range(1, len(highs)):
        if rising and highs[bar] > highs[top]:
            top = bar
        elif rising and reach[top] > 0 and lows[bar] <= highs[top] - reach[top]:
            found.append(Turn(top, highs[top], "high", bar))
            rising, falling, bottom = False, True, bar
            continue
        if falling and lows[bar] < lows[bottom]:
            bottom = bar
        elif falling and reach[bottom] > 0 and highs[bar] >= lows[bottom] + reach[bottom]:
            found.append(Turn(bottom, lows[bottom], "low", bar))
            rising, falling, top = True, False, bar
    return tuple(found)


def upside_down(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """The pivots of the mirrored chart."""
    return tuple(Turn(bar, -price, "low" if kind == "high" else "high", known) for bar, price, kind, known in turns)
