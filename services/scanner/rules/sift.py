"""One look at the whole market: what drops a symbol, and the facts of those that stay. All columns of shape (n,)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.trading import ScannerPart
from services.scanner.rules.history import SILENT_SESSIONS, Baseline
from services.scanner.rules.score import expected_share
from shared.domain.market import Floats, Snapshots

Mask = NDArray[np.bool_]
# A frozen feed makes every trade old at once, and a limit that follows the median would follow it: eleven minutes is
# what a tape of five-minute bars can need (two bars and a minute), and nothing may be older than that.
MOST_STALE_SECONDS = 660.0
# A stop in a name that should have traded this many shares since its last trade looks like a halt, not like quiet.
HALT_SHARES = 5_000.0
SESSION_SECONDS = 6.5 * 3600
# A move beyond threefold is believed only with three times an average day's volume behind it; twentyfold never is:
# that is a split the reference price has missed, or a bad print. So is a trade a fifth outside the day's own range.
DOUBTFUL_FACTOR, IMPOSSIBLE_FACTOR, CONFIRMING_RVOL, RANGE_SLACK = 3.0, 20.0, 3.0, 1.2
SPLIT_GAP = 0.2
MOST_SHARES = 1e12
LEAST_FEED_SHARE, FEED_SAMPLE = 0.001, 50


@dataclass(frozen=True, slots=True)
class Sifted:
    """What became of each symbol. `reason` is -1 for those that stay, else a place in `reasons`.

    `value` is what missed `thresholds[reason]` (NaN where there was nothing to measure); `columns` hold the facts under
    the names that scan_results uses.
    """

    symbols: NDArray[np.str_]
    reasons: tuple[str, ...]
    thresholds: tuple[float | None, ...]
    reason: NDArray[np.int64]
    value: Floats
    columns: dict[str, Floats]

    @property
    def kept(self) -> NDArray[np.int64]:
        """Places of the symbols that stay."""
        return np.flatnonzero(self.reason < 0)

    @property
    def counts(self) -> dict[str, int]:
        """How many symbols each reason dropped."""
        found = np.bincount(self.reason[self.reason >= 0], minlength=len(self.reasons)).tolist()
        return {name: count for name, count in zip(self.reasons, found, strict=True) if count}


def feed_share(previous_volume: Floats, history_volume: Floats) -> float:
    """The part of all trading that the snapshot's feed sees: the median, over symbols, of yesterday's volume there
    over yesterday's volume at all venues. One venue's feed sees some 3 %; without this its rvol would be nonsense.
    """
    usable = (previous_volume > 0) & (history_volume > 0)
    if usable.sum() < FEED_SAMPLE:
        return 1.0
    return float(np.clip(np.median(previous_volume[usable] / history_volume[usable]), LEAST_FEED_SHARE, 1.0))


def reference_close(snapshot: Floats, history: Floats) -> Floats:
    """The close before today. The history's, which is adjusted, where the two disagree by a split or one is missing."""
    agree = np.abs(snapshot - history) <= SPLIT_GAP * np.abs(history)
    return np.where(agree | ~(history > 0), snapshot, history)


def stale_limit(age: Floats, least_seconds: float) -> float:
    """Seconds after which a last trade is stale: the configured time, or twice the median age where the source itself
    is coarser (five-minute tapes, one venue's feed), within MOST_STALE_SECONDS.
    """
    known = age[np.isfinite(age)]
    typical = 2 * float(np.median(known)) if len(known) else 0.0
    return max(least_seconds, min(typical, MOST_STALE_SECONDS))


def facts(snap: Snapshots, base: Baseline, elapsed: float) -> dict[str, Floats]:
    """The columns of scan_results, in percent, USD and shares; not finite where something is missing."""
    price, previous = snap.price, reference_close(snap.previous_close, base.last_close)
    volume = snap.day_volume / feed_share(snap.previous_volume, base.last_volume)
    middle = (snap.bid + snap.ask) / 2
    two_sided = (snap.bid > 0) & (snap.ask > 0)
    return {
        "price": price,
        "volume": snap.day_volume,
        "previous_close": previous,
        "change_pct": (price / previous - 1) * 100,
        "gap_pct": (snap.day_open / previous - 1) * 100,
        "return_5d_pct": (price / base.close_5 - 1) * 100,
        "return_20d_pct": (price / base.close_20 - 1) * 100,
        "vwap_distance_pct": (price / snap.day_vwap - 1) * 100,
        "high_distance_pct": np.minimum(price / snap.day_high - 1, 0.0) * 100,
        "rvol": volume / (base.average_volume * expected_share(elapsed)),
        "day_rvol": volume / base.average_volume,
        "dollar_volume": volume * price,
        "average_volume": base.average_volume,
        "average_dollar_volume": base.average_dollar_volume,
        "spread_pct": np.where(two_sided, (snap.ask - snap.bid) / middle * 100, np.nan),
    }


def doubt(snap: Snapshots, columns: dict[str, Floats]) -> tuple[Mask, Floats]:
    """Which prices are not to be believed, and by what factor each lies off the close before."""
    ratio = snap.price / columns["previous_close"]
    factor = np.maximum(ratio, 1 / ratio)
    alone = (factor >= DOUBTFUL_FACTOR) & ~(columns["day_rvol"] >= CONFIRMING_RVOL)
    needed = ("change_pct", "gap_pct", "rvol", "dollar_volume", "average_volume")
    unusable = ~(columns["previous_close"] > 0) | ~(snap.day_volume <= MOST_SHARES)
    unusable |= ~np.isfinite(np.stack([columns[name] for name in needed])).all(axis=0)
    outside = (snap.price > snap.day_high * RANGE_SLACK) | (snap.price < snap.day_low / RANGE_SLACK)
    return alone | (factor >= IMPOSSIBLE_FACTOR) | outside | unusable, factor


def sift(snap: Snapshots, base: Baseline, limits: ScannerPart, now: float, elapsed: float) -> Sifted:
    """Judge every symbol at epoch second `now`, `elapsed` in [0, 1] of the session having passed.

    The first reason that holds is the one that is kept; whatever cannot be measured counts as missed.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        columns = facts(snap, base, elapsed)
        age = np.maximum(now - snap.trade_at, 0.0)
        limit = stale_limit(age, limits.stale_after_seconds)
        stale = ~(age <= limit)
        halted = stale & (snap.day_volume > 0) & (base.average_volume * age / SESSION_SECONDS >= HALT_SHARES)
        doubtful, factor = doubt(snap, columns)
        price, spread, dollars = snap.price, columns["spread_pct"], columns["average_dollar_volume"]
        nothing = np.full(len(price), np.nan)
        crossed = (snap.bid > 0) & (snap.ask > 0) & (snap.bid > snap.ask)
        table: tuple[tuple[str, Mask, Floats, float | None], ...] = (
            ("no_price", ~np.isfinite(price), nothing, None),
            ("zero_price", ~(price > 0), price, 0.0),
            (
                "delisted",
                (base.silent_days >= SILENT_SESSIONS) & (base.traded_days > 0),
                base.silent_days,
                float(SILENT_SESSIONS),
            ),
            ("short_history", base.traded_days < limits.min_history_days, base.traded_days, limits.min_history_days),
            ("halted", halted, age, limit),
            ("stale", stale, age, limit),
            ("not_opened", ~((snap.day_volume > 0) & (snap.day_open > 0)), snap.day_volume, 0.0),
            ("crossed", crossed, spread, 0.0),
            (
                "low_dollar_volume",
                ~(dollars >= limits.min_average_dollar_volume) | ~(base.average_volume > 0),
                dollars,
                limits.min_average_dollar_volume,
            ),
            ("implausible", doubtful, factor, DOUBTFUL_FACTOR),
            ("price_below_min", ~(price >= limits.min_price), price, limits.min_price),
            ("price_above_max", ~(price <= limits.max_price), price, limits.max_price),
            ("wide_spread", spread > limits.max_spread_pct, spread, limits.max_spread_pct),
        )
    return _judged(np.array(snap.symbols, dtype=np.str_), table, columns)


def _judged(
    symbols: NDArray[np.str_], table: tuple[tuple[str, Mask, Floats, float | None], ...], columns: dict[str, Floats]
) -> Sifted:
    reason, value = np.full(len(symbols), -1, dtype=np.int64), np.full(len(symbols), np.nan)
    for place, (_, mask, measured, _threshold) in enumerate(table):
        hit = mask & (reason < 0)
        reason[hit], value[hit] = place, measured[hit]
    names, thresholds = tuple(row[0] for row in table), tuple(row[3] for row in table)
    return Sifted(symbols, names, thresholds, reason, value, columns)
