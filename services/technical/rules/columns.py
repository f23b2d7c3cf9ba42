"""Bars fit for indicators: whole, complete at the moment asked, of regular sessions."""

from collections.abc import Sequence
from datetime import date, datetime, time

import numpy as np

from shared.domain.market import Bars
from shared.domain.session import Session, at_market_time, trading_day

FIVE_MINUTES = 300.0
HALF_DAY = 43_200.0


def whole(bars: Bars) -> Bars:
    """Without rows that no market prints: a price missing or not positive, a high below the low.

    TA-Lib's functions disagree about a NaN in the middle, so none reaches them. A missing volume counts as zero.
    """
    prices = np.stack([bars.open, bars.high, bars.low, bars.close])
    good = np.isfinite(prices).all(axis=0) & (prices > 0).all(axis=0) & (bars.high >= bars.low)
    counted = np.isfinite(bars.volume) & (bars.volume >= 0)
    if good.all() and counted.all():
        return bars
    volume = np.where(counted, bars.volume, 0.0)
    columns = (bars.start, bars.open, bars.high, bars.low, bars.close, volume)
    return Bars(bars.symbol, *(column[good] for column in columns))


def intraday(bars: Bars, sessions: Sequence[Session], as_of: datetime) -> Bars:
    """The 5-minute bars of regular sessions that were complete at `as_of`.

    Sources differ in whether they send bars of extended hours; thin bars there would bend every average.
    """
    known = bars.before(as_of.timestamp(), FIVE_MINUTES)
    inside = np.zeros(len(known), dtype=bool)
    for session in sessions:
        inside |= (known.start >= session.open.timestamp()) & (known.start < session.close.timestamp())
    columns = (known.start, known.open, known.high, known.low, known.close, known.volume)
    return whole(Bars(known.symbol, *(column[inside] for column in columns)))


def daily(bars: Bars, as_of: datetime) -> Bars:
    """The daily bars of trading days before the one of `as_of`: today's is not complete until after its close.

    Sources stamp a day with midnight in New York or in UTC; half a day of margin is right for both.
    """
    midnight = at_market_time(trading_day(as_of), time()).timestamp()
    return whole(bars.slice(0, int(np.searchsorted(bars.start, midnight - HALF_DAY, side="right"))))


def todays(bars: Bars, day: date, sessions: Sequence[Session]) -> Bars:
    """The part of intraday bars that belongs to one session; empty before its first bar."""
    session = next((session for session in sessions if session.day == day), None)
    if session is None:
        return bars.slice(0, 0)
    first = int(np.searchsorted(bars.start, session.open.timestamp(), side="left"))
    last = int(np.searchsorted(bars.start, session.close.timestamp(), side="left"))
    return bars.slice(first, last)
