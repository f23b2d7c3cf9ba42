"""What a trader throws out at a glance. Each rule gives who is hit, the value that says so, and its threshold.

The figures were set on 22 recorded sessions (May and June 2026); benchmarks/bench_scanner prints whom they hit.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.trading import ScannerPart
from services.scanner.rules.baseline import Baseline
from services.scanner.rules.facts import Moment
from services.scanner.rules.history import split_factor
from shared.domain.market import Floats, Snapshots
from shared.domain.price import LEAST_OFF_PCT, off_quote_limit_pct, off_quote_pct

Mask = NDArray[np.bool_]
# A name that should have traded this many shares, at its pace of today, since its last trade is halted: that is some
# fifty trades of a round lot. A silence in which it would have traded less is its usual way.
HALT_SHARES, LEAST_PACE_SECONDS = 5_000.0, 60.0
# Trading by appointment: today's dollars, projected to the close, stay under this part of the least that is wanted.
QUIET_PART = 0.5
# A move beyond threefold is believed only with three times the volume that is due by then, in shares and in dollars (a
# split multiplies one of them); twentyfold never is. Nor is a trade a fifth outside the day's own range. True moves of
# threefold came with thirteen times and more, from 9:35 on.
DOUBTFUL_FACTOR, IMPOSSIBLE_FACTOR, CONFIRMING_RVOL, RANGE_SLACK = 3.0, 20.0, 3.0, 1.2
MOST_SHARES = 1e12
# An opening at a whole multiple (or part) of the close before, at under three times the usual dollars, is a split.
SPLIT_DOLLARS = 3.0
# Pinned today: the price has gapped up or jumped in the last two sessions, ten times the usual volume trades, and since
# the opening it has moved by at most 1.2 % and a third of a usual day: arbitrage stands at an offer. True news days had
# ranges of 0.8 usual days and more.
PIN_GAP, PIN_JUMP, PIN_RVOL, PIN_AFTER_SECONDS = 2.0, 8.0, 10.0, 900.0
PIN_RANGE, PIN_RANGE_SHARE = 1.2, 1 / 3
# Still at the offer: a name pinned for days that has not moved more than this today. A broken or raised bid moves more.
STILL_PINNED = 3.0
# Tame: of 66,334 names that scans of 22 sessions kept at 10:05, 11:30 and 12:30, and whose usual and whose day's range
# were both under 3 %, two rose by 6 % within three hours (`make scanner-reach`). At 9:35 it was 5 of the 188 that
# had gapped by 3 %, and 11 of 22,760 others: for half an hour gaps count as range.
YOUNG_SECONDS = 1800.0
# A usual day's range under 0.6 % cannot pay for the spread: old offers, shells at their trust's value, bond funds.
LEAST_RANGE = 0.6
# A pump: up by 15 % or more, and on half of the last twenty days it traded less than a part of the least dollar volume
# that is wanted: half under five dollars, a quarter above. The average rests on the pump itself; there will be no exit.
# News of its own keeps it: what trades today must do then, and the limits on dollars and spreads hold all the same.
PUMP_PRICE, PUMP_CHANGE, PUMP_PART, DEAR_PART = 5.0, 15.0, 0.5, 0.25
WITHOUT_NEWS = frozenset({"thin_pump", "thin_jump"})


class Hit(NamedTuple):
    """Whom a rule drops, the value each was judged by, and the threshold."""

    reason: str
    mask: Mask
    value: Floats
    threshold: float | None


def second_lines(base: Baseline) -> Hit:
    """Of a company's lines of shares all but the most traded: two of them would be one trade twice."""
    own = base.average_dollar_volume
    return Hit("second_line", own < base.main_dollar_volume, own, None)


def motionless(base: Baseline) -> Hit:
    """Names that hardly move from one month to the next."""
    return Hit("no_range", base.usual_range < LEAST_RANGE, base.usual_range, LEAST_RANGE)


def tame(snap: Snapshots, columns: dict[str, Floats], base: Baseline, moment: Moment, least: float) -> Hit:
    """Names that range less than `least` percent on a usual day and today: the target is out of their reach."""
    today = columns["day_range"]
    if moment.since_open < YOUNG_SECONDS:
        before = columns["previous_close"]
        today = (np.maximum(snap.day_high, before) - np.minimum(snap.day_low, before)) / snap.price * 100
    return Hit("tame", (base.usual_range < least) & (today < least), np.fmax(base.usual_range, today), least)


def silences(snap: Snapshots, moment: Moment, age: Floats, limit: float, share: float) -> list[Hit]:
    """Names without a recent trade: halted, trading by appointment, or (the whole source being late) stale.

    `age` of last trades in seconds, `limit` beyond which one is old, `share` of the market that the feed sees.
    """
    old = ~(age <= limit)
    known = age[np.isfinite(age)]
    source_late = bool(len(known)) and float(np.median(known)) > limit
    traded_for = np.maximum(snap.trade_at - (moment.now - moment.since_open), LEAST_PACE_SECONDS)
    missed = snap.day_volume / share / traded_for * age
    told_apart = old & (snap.day_volume > 0) & np.isfinite(age) & (not source_late)
    halted = told_apart & (missed >= HALT_SHARES)
    return [
        Hit("halted", halted, age, limit),
        Hit("no_trade_for_minutes", told_apart & ~halted, age, limit),
        Hit("stale", old, age, limit),
    ]


def off_quote(snap: Snapshots, moment: Moment, most_age: float) -> Hit:
    """Last trades that lie outside a fresh quote, and those that set no price where no fresh quote confirms them."""
    is_quoted = moment.now - snap.quote_at <= most_age
    off, most = off_quote_pct(snap.price, snap.bid, snap.ask), off_quote_limit_pct(snap.bid, snap.ask)
    is_confirmed = (snap.sets_price > 0) | (is_quoted & (snap.bid > 0) & (snap.ask >= snap.bid))
    return Hit("off_quote", (is_quoted & (off > most)) | ~is_confirmed, off, LEAST_OFF_PCT)


def splits(snap: Snapshots, columns: dict[str, Floats], base: Baseline) -> Hit:
    """Jumps that are a split, forward or reverse, which the close before does not know."""
    opened = snap.day_open / columns["previous_close"]
    factor = split_factor(opened)
    still = split_factor(snap.price / columns["previous_close"]) == factor
    calm = columns["dollar_pace"] < SPLIT_DOLLARS * base.average_dollar_volume
    return Hit("unadjusted_split", (factor != 1) & still & calm, opened, None)


def doubts(snap: Snapshots, columns: dict[str, Floats], base: Baseline) -> Hit:
    """Prices that are not to be believed, by the factor each lies off the close before."""
    ratio = snap.price / columns["previous_close"]
    factor = np.maximum(ratio, 1 / ratio)
    busy = np.minimum(columns["rvol"], columns["dollar_pace"] / base.average_dollar_volume)
    alone = (factor >= DOUBTFUL_FACTOR) & ~(busy >= CONFIRMING_RVOL)
    needed = ("change_pct", "gap_pct", "rvol", "dollar_volume", "average_volume")
    unusable = ~(columns["previous_close"] > 0) | ~(snap.day_volume <= MOST_SHARES)
    for name in needed:
        unusable |= ~np.isfinite(columns[name])
    outside = (snap.price > snap.day_high * RANGE_SLACK) | (snap.price < snap.day_low / RANGE_SLACK)
    return Hit("implausible", alone | (factor >= IMPOSSIBLE_FACTOR) | outside | unusable, factor, DOUBTFUL_FACTOR)


def held(columns: dict[str, Floats], base: Baseline) -> Hit:
    """Prices that an agreed take-over has held for days."""
    days = base.pinned_range
    return Hit("pinned_by_offer", np.isfinite(days) & (np.abs(columns["change_pct"]) <= STILL_PINNED), days, None)


def fresh_offer(columns: dict[str, Floats], base: Baseline, moment: Moment) -> Hit:
    """Prices that an offer of the last two days or this morning has lifted, and holds since the opening."""
    today = columns["day_range"]
    narrow = (today <= PIN_RANGE) & (today <= PIN_RANGE_SHARE * base.usual_range)
    lifted = (columns["gap_pct"] >= PIN_GAP) | (base.late_jump >= PIN_JUMP)
    busy = (columns["rvol"] >= PIN_RVOL) & (moment.since_open >= PIN_AFTER_SECONDS)
    return Hit("pinned_since_open", lifted & narrow & busy, today, PIN_RANGE)


def thin(columns: dict[str, Floats], base: Baseline, limits: ScannerPart) -> list[Hit]:
    """Names one gets into and not out of: trading by appointment today, or pumped from nothing."""
    pace, least = columns["dollar_pace"], limits.min_average_dollar_volume
    cheap = np.fmin(columns["price"], columns["previous_close"]) < PUMP_PRICE
    usual, risen = base.median_dollar_volume, columns["change_pct"] >= PUMP_CHANGE
    return [
        Hit("by_appointment", pace < QUIET_PART * least, pace, QUIET_PART * least),
        Hit("thin_pump", risen & cheap & (usual < PUMP_PART * least), usual, PUMP_PART * least),
        Hit("thin_jump", risen & (usual < DEAR_PART * least), usual, DEAR_PART * least),
    ]
