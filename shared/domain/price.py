"""The one price of a name: the last trade where a fresh quote allows it, else the middle of that quote."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from shared.domain.base import Value
from shared.domain.market import Floats, Quote, Trade

# A true trade lies between bid and ask, or a little outside while the quote moves: by two spreads, at least half a
# percent and at most two. Prints of odd lots, late reports and typing errors lie further away.
OFF_SPREADS, LEAST_OFF_PCT, MOST_OFF_PCT = 2.0, 0.5, 2.0
# The middle of a wider quote is no price: a stub of a market maker stands a long way from where anybody trades.
WIDEST_MIDDLE_PCT = 5.0
MOST_AHEAD_SECONDS = 60.0


class PriceSource(StrEnum):
    """Where a price comes from."""

    LAST_TRADE = "last_trade"
    QUOTE_MIDDLE = "quote_middle"
    OFF_QUOTE = "off_quote"
    OLD_TRADE = "old_trade"
    UNCONFIRMED_TRADE = "unconfirmed_trade"
    SCAN = "scan"

    @property
    def words(self) -> str:
        """The source, in words for a person."""
        return _WORDS[self]


_WORDS = {
    PriceSource.LAST_TRADE: "the last trade",
    PriceSource.QUOTE_MIDDLE: "the middle of the quote",
    PriceSource.OFF_QUOTE: "the middle of the quote, as the last trade lies outside it",
    PriceSource.OLD_TRADE: "an old trade",
    PriceSource.UNCONFIRMED_TRADE: "a trade that sets no price, or lies outside the quote, and no quote to go by",
    PriceSource.SCAN: "the scan's price",
}
FIRM = frozenset({PriceSource.LAST_TRADE, PriceSource.QUOTE_MIDDLE, PriceSource.OFF_QUOTE})


class MarketPrice(Value):
    """A price in USD, where it comes from, and how old that is."""

    price: float
    source: PriceSource
    age_seconds: float

    @property
    def is_firm(self) -> bool:
        """Fresh and confirmed: good enough to trade on."""
        return self.source in FIRM


def age_seconds(at: datetime, now: datetime) -> float:
    """Seconds since `at`; a stamp a little ahead of our clock counts as now, one further ahead by how far it is."""
    age = (now - at).total_seconds()
    return age if age >= 0 else (0.0 if age >= -MOST_AHEAD_SECONDS else -age)


def off_quote_pct(price: Floats | float, bid: Floats | float, ask: Floats | float) -> Floats:
    """By how many percent of the price it lies above the ask or below the bid; 0 between them.

    A side that is missing (zero or NaN) bounds nothing, nor does a crossed quote.
    """
    price, bid, ask = np.asarray(price), np.asarray(bid), np.asarray(ask)
    with np.errstate(divide="ignore", invalid="ignore"):
        has_bid, has_ask = bid > 0, ask > 0
        crossed = has_bid & has_ask & (bid > ask)
        above = np.where(has_ask & ~crossed, price / ask - 1, 0.0)
        below = np.where(has_bid & ~crossed, 1 - price / bid, 0.0)
        return np.asarray(np.fmax(np.fmax(above, below), 0.0) * 100, dtype=np.float64)


def off_quote_limit_pct(bid: Floats | float, ask: Floats | float) -> Floats:
    """The most percent outside the quote that is still taken for a true trade."""
    bid, ask = np.asarray(bid), np.asarray(ask)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where((bid > 0) & (ask >= bid), (ask - bid) / ((ask + bid) / 2) * 100, 0.0)
    return np.asarray(np.clip(OFF_SPREADS * spread, LEAST_OFF_PCT, MOST_OFF_PCT), dtype=np.float64)


def _is_off(price: float, quote: Quote) -> bool:
    return bool(off_quote_pct(price, quote.bid, quote.ask) > off_quote_limit_pct(quote.bid, quote.ask))


def fresh_quote(quote: Quote | None, now: datetime, most_age_seconds: float) -> Quote | None:
    """The quote when it is no older than that, else None; one of its sides may be missing."""
    return quote if quote is not None and age_seconds(quote.at, now) <= most_age_seconds else None


def reference_price(
    trade: Trade | None, quote: Quote | None, now: datetime, most_age_seconds: float
) -> MarketPrice | None:
    """The price to go by; None when there is neither trade nor quote.

    A fresh trade that sets prices and lies within a fresh quote, else the middle of that quote. Without such a quote
    the trade's price is returned as old or unconfirmed: good for valuing what is held, not for trading.
    """
    bounds = fresh_quote(quote, now, most_age_seconds)
    last = trade if trade is not None and trade.price > 0 else None
    age = age_seconds(last.at, now) if last is not None else 0.0
    is_fresh, is_off = age <= most_age_seconds, last is not None and bounds is not None and _is_off(last.price, bounds)
    if last is not None and is_fresh and last.sets_price and not is_off:
        return MarketPrice(price=last.price, source=PriceSource.LAST_TRADE, age_seconds=age)
    if bounds is not None and (spread := bounds.spread_pct) is not None and spread <= WIDEST_MIDDLE_PCT:
        source = PriceSource.OFF_QUOTE if is_off and is_fresh else PriceSource.QUOTE_MIDDLE
        middle, quoted = round((bounds.bid + bounds.ask) / 2, 6), age_seconds(bounds.at, now)
        return MarketPrice(price=middle, source=source, age_seconds=quoted)
    if last is None:
        return None
    source = PriceSource.UNCONFIRMED_TRADE if is_off or not last.sets_price else PriceSource.OLD_TRADE
    return MarketPrice(price=last.price, source=source, age_seconds=age)


# Sale conditions of the consolidated tape (CTA and UTP) that do not set the last price: odd lot, extended hours and its
# late reports, out of sequence, cash, next day and seller's settlement, average price, price variation, official open
# and close, prior reference price, contingent and qualified contingent, derivatively priced, corrected close.
NO_LAST_PRICE = frozenset("ITUZCNRWBHMQPV749")
# Since November 2025 a round lot has fewer shares the dearer they are (SEC Rule 600).
ROUND_LOTS = ((10_000.0, 10), (1_000.0, 40), (250.0, 100))


def sets_price(price: float, size: float | None, conditions: Sequence[str]) -> bool:
    """Whether a trade of that size under those sale conditions sets the last price; an unknown size does."""
    return bool(sets_prices(np.array([price]), np.array([size], dtype=np.float64), [tuple(conditions)])[0])


def sets_prices(price: Floats, size: Floats, conditions: Sequence[tuple[str, ...] | None]) -> NDArray[np.bool_]:
    """As `sets_price`, a column for each fact; sizes that are not known are NaN."""
    lots = np.ones(len(price))
    for most, lot in ROUND_LOTS:
        lots[price <= most] = lot
    known = {one: NO_LAST_PRICE.isdisjoint(one or ()) for one in set(conditions)}
    regular = np.array([known[one] for one in conditions], dtype=np.bool_)
    return np.asarray(regular & ~(size < lots), dtype=np.bool_)
