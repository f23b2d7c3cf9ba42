"""The quote around a last price. The tape has trades only; the book's two sides are a model."""

from math import sqrt
from typing import NamedTuple

LIQUID_DOLLAR_VOLUME = 50_000_000.0
NARROWEST, WIDEST = 0.1, 30.0


class Quote(NamedTuple):
    """Best bid and ask in USD on the tick grid (0.01 from one dollar up, 0.0001 below); sizes in shares."""

    bid: float
    ask: float
    bid_size: int = 100
    ask_size: int = 100


def tick(price: float) -> float:
    """The smallest price step at `price`, USD (Reg NMS rule 612)."""
    return 0.01 if price >= 1.0 else 0.0001


def width_bps(dollar_volume: float, spread_bps: float) -> float:
    """Quoted width in basis points. Spreads shrink with the square root of traded value."""
    thinness = sqrt(LIQUID_DOLLAR_VOLUME / max(dollar_volume, 1.0))
    return spread_bps * min(WIDEST, max(NARROWEST, thinness))


def quote_around(price: float, dollar_volume: float, spread_bps: float) -> Quote:
    """At least one tick wide, never at or below zero, centred on `price` to within half a tick."""
    step = tick(price)
    digits = 2 if step == 0.01 else 4
    ticks = max(1, round(price * width_bps(dollar_volume, spread_bps) / 10_000 / step))
    bid = max(step, round(round((price - ticks * step / 2) / step) * step, digits))
    return Quote(bid, round(bid + ticks * step, digits))
