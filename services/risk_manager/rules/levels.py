"""Where a trade starts, where it is wrong, and where it is done: reference, stop and target on the tick grid."""

from datetime import datetime
from decimal import Decimal
from math import isfinite, sqrt
from typing import NamedTuple

from services.risk_manager.rules.book import HUNDRED, Limits, Subject
from shared.domain.market import tick_size, to_tick
from shared.domain.price import PriceSource, fresh_quote, reference_price

SESSION_MINUTES = 390
STOP_ATRS = Decimal("1.5")
# The broker refuses legs on the wrong side of its own base price; 0.3 % is room for the price to move meanwhile.
NEAREST_LEG_PCT = Decimal("0.3")
# A pattern's target is taken when it pays for the risk and is not a dream; else the configured ratio stands.
LEAST_REWARD, MOST_REWARD = Decimal("1.5"), Decimal(5)


class Reference(NamedTuple):
    """The price a trade is judged at, the most a share may cost (the entry's limit), and the age in seconds of the
    price; None when it is no price."""

    price: Decimal
    cost: Decimal
    age_seconds: float | None
    source: PriceSource


class Levels(NamedTuple):
    stop: Decimal
    target: Decimal
    source: str


def _on_tick(price: float) -> Decimal:
    exact = Decimal(str(price))
    return to_tick(max(exact, tick_size(exact)))


def reference_of(subject: Subject, limits: Limits, now: datetime) -> Reference:
    """The market's price for the subject, else the scan's price, without an age: nothing is traded on that.

    The most a share may cost lies `max_slippage_pct` above the price, or above the ask where that is dearer.
    """
    most = limits.max_price_age_seconds
    found = reference_price(subject.trade, subject.quote, now, most)
    if found is None:
        price = _on_tick(subject.price)
        return Reference(price, price, None, PriceSource.SCAN)
    reference, quote = _on_tick(found.price), fresh_quote(subject.quote, now, most)
    is_two_sided = quote is not None and quote.spread_pct is not None
    asked = max(reference, _on_tick(quote.ask)) if quote is not None and is_two_sided else reference
    is_known = found.is_firm or found.source == PriceSource.OLD_TRADE
    return Reference(reference, worst_price(asked, limits), found.age_seconds if is_known else None, found.source)


def worst_price(asked: Decimal, limits: Limits) -> Decimal:
    """The most that an entry may pay for a share that is offered at `asked` (on the tick), on the tick, USD."""
    return to_tick(asked * (1 + Decimal(str(limits.max_slippage_pct)) / HUNDRED), "down")


def _usable(level: float | None) -> Decimal | None:
    return Decimal(str(level)) if level is not None and isfinite(level) and level > 0 else None


def _wanted_stop_pct(reference: Decimal, subject: Subject, limits: Limits) -> tuple[Decimal, str]:
    """Distance of the stop in percent: the pattern's own, else 1.5 daily ranges scaled to the time held.

    Ranges of a random walk grow with the square root of time, so an average true range of a whole day shrinks by
    sqrt(minutes held / 390); without either, the configured default.
    """
    stop, atr = _usable(subject.stop), _usable(subject.atr)
    if stop is not None and stop < reference:
        return (reference - stop) / reference * HUNDRED, "pattern"
    if atr is not None:
        scale = Decimal(str(sqrt(min(1.0, limits.hold_minutes_max / SESSION_MINUTES))))
        return STOP_ATRS * atr * scale / reference * HUNDRED, "atr"
    return Decimal(str(limits.stop_pct)), "default"


def levels_of(reference: Decimal, subject: Subject, limits: Limits, cost: Decimal | None = None) -> Levels:
    """Stop and target around `reference` (on the tick), each rounded once.

    The target lies above `cost`, the most a share may cost: the broker refuses one below an entry's limit.
    The stop lies within the configured bounds: rounded away from the price, or towards it where that would leave them.
    """
    wanted, source = _wanted_stop_pct(reference, subject, limits)
    least = max(Decimal(str(limits.min_stop_pct)), NEAREST_LEG_PCT)
    most = Decimal(str(limits.max_stop_pct))
    exact = reference * (1 - min(most, max(least, wanted)) / HUNDRED)
    lowest = reference * (1 - most / HUNDRED)
    stop = to_tick(max(exact, Decimal("0.0001")), "down")
    if stop < lowest:
        stop = to_tick(max(exact, Decimal("0.0001")), "up")
    risk = reference - stop
    target, nearest = _usable(subject.target), (cost or reference) * (1 + NEAREST_LEG_PCT / HUNDRED)
    fits = target is not None and LEAST_REWARD * risk <= target - reference <= MOST_REWARD * risk
    if target is not None and fits and target >= nearest:
        return Levels(stop, to_tick(target, "up"), f"stop: {source}, target: pattern")
    ratio = Decimal(str(limits.target_pct)) / Decimal(str(limits.stop_pct))
    return Levels(
        stop,
        to_tick(max(reference + risk * ratio, nearest), "up"),
        f"stop: {source}, target: {ratio:.3g} times the risk",
    )
