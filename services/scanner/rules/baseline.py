"""What a scan compares the day with, from the daily bars before it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.scanner.rules.history import History
from shared.domain.market import Floats

AVERAGE_DAYS = 20
# A price pinned by an agreed offer: a jump of 8 % or more within the days kept, and since then (two days or more) days
# whose ranges are a third of what they were and at most 1.2 %, with all closes within 6 %.
OFFER_JUMP, OFFER_RANGE, OFFER_RANGE_SHARE, OFFER_SPAN, OFFER_DAYS = 0.08, 0.012, 0.35, 0.06, 2


@dataclass(frozen=True, slots=True)
class Baseline:
    """One entry a symbol; NaN where there is no history. Prices in USD, volumes in shares, ranges in percent.

    `close_5` and `close_20` are the closes so many sessions ago; averages and medians run over the last 20 sessions, a
    session without a trade counting as zero; `usual_range` is the median true range over the close before;
    `pinned_range` is its median since the jump that an agreed offer looks like, NaN where nothing does; `late_jump` is
    the largest rise of the last two sessions, too young to be told from an offer by daily bars; `traded_days`
    counts sessions with a trade in the last 40; `silent_days` the sessions since the last trade; `main_dollar_volume`
    is the average of the company's most traded line of shares, a name's own where it is the only one.
    """

    last_close: Floats
    last_volume: Floats
    close_5: Floats
    close_20: Floats
    average_volume: Floats
    average_dollar_volume: Floats
    median_dollar_volume: Floats
    usual_range: Floats
    pinned_range: Floats
    late_jump: Floats
    traded_days: Floats
    silent_days: Floats
    main_dollar_volume: Floats


def baseline_of(history: History) -> Baseline:
    """See Baseline."""
    count, width = history.close.shape
    if width == 0:
        nothing, zero = np.full(count, np.nan), np.zeros(count)
        unknown = (nothing, nothing, nothing)
        return Baseline(nothing, *unknown, zero, zero, zero, *unknown, zero, zero, zero)
    traded = np.isfinite(history.close)
    latest = np.maximum.accumulate(np.where(traded, np.arange(width), -1), axis=1)
    rows = np.arange(count)

    def close_at(column: int) -> Floats:
        if column < 0:
            return np.full(count, np.nan)
        place = latest[:, column]
        return np.where(place >= 0, history.close[rows, place], np.nan)

    volume = np.where(traded & np.isfinite(history.volume), history.volume, 0.0)
    dollars = volume * np.where(traded, history.close, 0.0)
    average_dollars = dollars[:, -AVERAGE_DAYS:].mean(axis=1)
    ranges = true_ranges(history)
    return Baseline(
        last_close=close_at(width - 1),
        last_volume=history.volume[:, -1].copy(),
        close_5=close_at(width - 5),
        close_20=close_at(width - 20),
        average_volume=volume[:, -AVERAGE_DAYS:].mean(axis=1),
        average_dollar_volume=average_dollars,
        median_dollar_volume=np.median(dollars[:, -AVERAGE_DAYS:], axis=1),
        usual_range=_medians(ranges[:, -AVERAGE_DAYS:]) * 100,
        pinned_range=pinned_ranges(history, ranges),
        late_jump=late_jumps(history),
        traded_days=traded.sum(axis=1).astype(np.float64),
        silent_days=(width - 1 - latest[:, -1]).astype(np.float64),
        main_dollar_volume=average_dollars,
    )


def with_companies(base: Baseline, companies: NDArray[np.int64]) -> Baseline:
    """The same, knowing which names are lines of one company's shares: `companies` is a number for each, shape (n,)."""
    most = np.zeros(int(companies.max(initial=-1)) + 1)
    np.maximum.at(most, companies, base.average_dollar_volume)
    return replace(base, main_dollar_volume=most[companies])


def true_ranges(history: History) -> Floats:
    """True range over the close before (Wilder, New Concepts in Technical Trading Systems, 1978), shape (symbols,
    days - 1); NaN where either day is missing.
    """
    before, high, low = history.close[:, :-1], history.high[:, 1:], history.low[:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((np.maximum(high, before) - np.minimum(low, before)) / before, dtype=np.float64)


def pinned_ranges(history: History, ranges: Floats) -> Floats:
    """Median true range, in percent, since a jump that an agreed take-over looks like; NaN where nothing does."""
    count, width = ranges.shape
    if width <= OFFER_DAYS:
        return np.full(count, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = history.close[:, 1:] / history.close[:, :-1] - 1
    jumps = moves[:, :-OFFER_DAYS] >= OFFER_JUMP
    # The last jump: what is still moving by so much is not pinned.
    jump, days = jumps.shape[1] - 1 - np.argmax(jumps[:, ::-1], axis=1), np.arange(width)
    since, closes = days > jump[:, None], history.close[:, 1:]
    after, before = _medians(np.where(since, ranges, np.nan)), _medians(np.where(days < jump[:, None], ranges, np.nan))
    behind = np.where((days >= jump[:, None]) & np.isfinite(closes), closes, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        span = np.fmax.reduce(behind, axis=1) / np.fmin.reduce(behind, axis=1) - 1
    pinned = jumps.any(axis=1) & (span <= OFFER_SPAN)
    pinned &= (after <= OFFER_RANGE) & (after <= OFFER_RANGE_SHARE * before)
    return np.where(pinned, after * 100, np.nan)


def late_jumps(history: History) -> Floats:
    """The largest rise from close to close over the last OFFER_DAYS sessions, in percent; NaN without two closes."""
    last = history.close[:, -OFFER_DAYS - 1 :]
    with np.errstate(divide="ignore", invalid="ignore"):
        moves = last[:, 1:] / last[:, :-1] - 1
    return np.asarray(np.fmax.reduce(moves, axis=1, initial=np.nan) * 100, dtype=np.float64)


def _medians(values: Floats) -> Floats:
    """Median of each row's finite values; NaN for a row without any."""
    ordered = np.sort(np.where(np.isfinite(values), values, np.nan), axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(ordered))
    if ordered.shape[1] == 0:
        return np.full(len(ordered), np.nan)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    high = np.minimum(high, np.maximum(count - 1, 0))
    return np.where(count > 0, (ordered[rows, low] + ordered[rows, high]) / 2, np.nan)
