"""Bars fit for indicators: whole, complete at the moment asked, of regular sessions, since the last split."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import NamedTuple

import numpy as np

from shared.domain.market import SUB_DOLLAR_TICK, Bars, Floats
from shared.domain.session import Session, at_market_time, trading_day

FIVE_MINUTES, ONE_HOUR = 300.0, 3600.0
HALF_DAY = 43_200.0
LEAST_PRICE = float(SUB_DOLLAR_TICK)
SPLITS, SPLIT_SLACK, IMPLAUSIBLE = (2.0, 3.0), 0.02, 3.6
"""An overnight jump by half or twice, a third or threefold, to 2 %, looks like a split that the source has not adjusted
for; beyond 3.6-fold no average over both sides of the jump means anything, whatever made it."""


class Since(NamedTuple):
    """Bars after the last jump that looks like a split, the factor of that jump (None: there was none), and how many
    broken bars were left out before it was looked for."""

    bars: Bars
    jump: float | None
    broken: int = 0


class Hours(NamedTuple):
    """Opening and closing times of sessions in epoch seconds UTC, oldest first, each of shape (n,)."""

    open: Floats
    close: Floats


def hours(sessions: Sequence[Session]) -> Hours:
    """The same sessions as numbers, made once for a whole crowd of symbols."""
    edges = [(one.open.timestamp(), one.close.timestamp()) for one in sorted(sessions, key=lambda one: one.open)]
    table = np.array(edges, dtype=np.float64).reshape(-1, 2)
    return Hours(table[:, 0], table[:, 1])


def whole(bars: Bars) -> Bars:
    """Without rows that no market prints: a price missing or under a tick, a high below the low.

    TA-Lib's functions disagree about a NaN in the middle, so none reaches them. A missing volume counts as zero.
    """
    least = np.minimum(np.minimum(bars.open, bars.close), np.minimum(bars.high, bars.low))  # NaN where any is NaN
    most = np.maximum(np.maximum(bars.open, bars.close), bars.high)
    good = (least >= LEAST_PRICE) & (most < np.inf) & (bars.high >= bars.low)
    counted = (bars.volume >= 0) & (bars.volume < np.inf)
    if good.all() and counted.all():
        return bars
    return _only(bars, good, np.where(counted, bars.volume, 0.0))


def _only(bars: Bars, mask: "np.typing.NDArray[np.bool_]", volume: Floats) -> Bars:
    columns = (bars.start, bars.open, bars.high, bars.low, bars.close, volume)
    return Bars(bars.symbol, *(column[mask] for column in columns))


def since_split(bars: Bars, longest_gap: float) -> Since:
    """What came after the last jump that looks like a split, between bars further apart than `longest_gap` seconds."""
    if len(bars) < 2:
        return Since(bars, None)
    factor = bars.open[1:] / bars.close[:-1]
    far = np.maximum(factor, 1 / factor)
    odd = far > SPLITS[0] * (1 - SPLIT_SLACK)
    if not odd.any():
        return Since(bars, None)
    like = far >= IMPLAUSIBLE
    for split in SPLITS:
        like |= np.abs(far / split - 1) <= SPLIT_SLACK
    places = np.flatnonzero(like & (np.diff(bars.start) > longest_gap))
    if not len(places):
        return Since(bars, None)
    last = int(places[-1])
    return Since(bars.slice(last + 1, len(bars)), float(factor[last]))


def intraday(bars: Bars, regular: Hours, at: float) -> Since:
    """The 5-minute bars of regular sessions that were complete at epoch second `at`.

    Sources differ in whether they send bars of extended hours; thin bars there would bend every average.
    """
    known = bars.before(at, FIVE_MINUTES)
    if not len(regular.open):
        return Since(known.slice(0, 0), None)
    session = np.searchsorted(regular.open, known.start, side="right") - 1
    inside = (session >= 0) & (known.start < regular.close[session])
    return _usable(known if inside.all() else _only(known, inside, known.volume), ONE_HOUR)


def daily(bars: Bars, midnight: float) -> Since:
    """The daily bars of trading days before the one that began at `midnight`: its own is not complete until it closes.

    Sources stamp a day with midnight in New York or in UTC; half a day of margin is right for both.
    """
    last = int(np.searchsorted(bars.start, midnight - HALF_DAY, side="right"))
    return _usable(bars.slice(0, last), 0.0)


def _usable(known: Bars, longest_gap: float) -> Since:
    sound = whole(known)
    return since_split(sound, longest_gap)._replace(broken=len(known) - len(sound))


def midnight_of(as_of: datetime) -> float:
    """When the trading day of `as_of` began, in epoch seconds."""
    return at_market_time(trading_day(as_of), time()).timestamp()


def hours_of(day: date, sessions: Sequence[Session]) -> Hours:
    """One day's session; empty on a day without one."""
    return hours([session for session in sessions if session.day == day])


def todays(bars: Bars, today: Hours) -> Bars:
    """The part of intraday bars that belongs to one day's session; empty before its first bar."""
    if not len(today.open):
        return bars.slice(0, 0)
    first, last = np.searchsorted(bars.start, [today.open[0], today.close[0]], side="left")
    return bars.slice(int(first), int(last))
