"""One look at the whole market: what drops a symbol, and the facts of those that stay. All columns of shape (n,)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from config.trading import ScannerPart
from services.scanner.rules import glance
from services.scanner.rules.baseline import Baseline
from services.scanner.rules.facts import Moment, facts, feed_share, of_this_day
from services.scanner.rules.glance import Hit
from shared.domain.market import Floats, Snapshots

SILENT_SESSIONS = 5
# A frozen feed makes every trade old at once, and a limit that follows the median would follow it: eleven minutes is
# what a tape of five-minute bars can need (two bars and a minute), and nothing may be older than that.
MOST_STALE_SECONDS = 660.0


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

    def dropped_for(self, reasons: Collection[str]) -> tuple[str, ...]:
        """The symbols that one of the reasons dropped, sorted."""
        return tuple(sorted(self.symbols[self._of(reasons)].tolist()))

    def keeping(self, symbols: Collection[str], reasons: Collection[str]) -> "Sifted":
        """The same with those symbols kept that nothing but one of these reasons, the last of all, dropped."""
        kept = self._of(reasons) & np.isin(self.symbols, list(symbols))
        return replace(self, reason=np.where(kept, -1, self.reason), value=np.where(kept, np.nan, self.value))

    def _of(self, reasons: Collection[str]) -> NDArray[np.bool_]:
        return np.isin(self.reason, [place for place, name in enumerate(self.reasons) if name in reasons])


def stale_limit(age: Floats, least_seconds: float) -> float:
    """Seconds after which a last trade is stale: the configured time, or twice the median age where the source itself
    is coarser (five-minute tapes, one venue's feed), within MOST_STALE_SECONDS.
    """
    known = age[np.isfinite(age)]
    typical = 2 * float(np.median(known)) if len(known) else 0.0
    return max(least_seconds, min(typical, MOST_STALE_SECONDS))


def sift(
    symbols: NDArray[np.str_], snap: Snapshots, base: Baseline, limits: ScannerPart, moment: Moment, target_pct: float
) -> Sifted:
    """Judge every symbol. The first reason that holds is kept; data that cannot be measured count as missed.

    `target_pct`: the gain that a trade is to make.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        snap = of_this_day(snap, moment)
        columns = facts(snap, base, moment)
        least_range = limits.min_range_of_target * target_pct
        hits = _hits(snap, base, limits, moment, columns)
        hits += [glance.tame(snap, columns, base, moment, least_range), *glance.thin(columns, base, limits)]
        return _judged(symbols, hits, columns)


def _hits(
    snap: Snapshots, base: Baseline, limits: ScannerPart, moment: Moment, columns: dict[str, Floats]
) -> list[Hit]:
    """The rules in the order in which a reason is named: the data first, then the paper, then the day."""
    age = np.maximum(moment.now - snap.trade_at, 0.0)
    limit = stale_limit(age, limits.stale_after_seconds)
    share = feed_share(snap.previous_volume, base.last_volume)
    price, spread, dollars = snap.price, columns["spread_pct"], columns["average_dollar_volume"]
    nothing = np.full(len(price), np.nan)
    sides = (snap.bid > 0) | (snap.ask > 0)
    crossed = (snap.bid > 0) & (snap.ask > 0) & (snap.bid > snap.ask)
    gone = (base.silent_days >= SILENT_SESSIONS) & (base.traded_days > 0)
    too_thin = ~(dollars >= limits.min_average_dollar_volume) | ~(base.average_volume > 0)
    return [
        Hit("no_price", ~np.isfinite(price), nothing, None),
        Hit("zero_price", ~(price > 0), price, 0.0),
        Hit("delisted", gone, base.silent_days, float(SILENT_SESSIONS)),
        Hit("short_history", base.traded_days < limits.min_history_days, base.traded_days, limits.min_history_days),
        Hit("low_dollar_volume", too_thin, dollars, limits.min_average_dollar_volume),
        glance.second_lines(base),
        glance.held(columns, base),
        glance.motionless(base),
        *glance.silences(snap, moment, age, limit, share),
        Hit("not_opened", ~((snap.day_volume > 0) & (snap.day_open > 0)), snap.day_volume, 0.0),
        Hit("no_previous_close", ~(columns["previous_close"] > 0), nothing, None),
        Hit("no_quote", ~sides, nothing, None),
        Hit("crossed", crossed, spread, 0.0),
        glance.off_quote(snap, moment, limits.stale_after_seconds),
        glance.splits(snap, columns, base),
        glance.doubts(snap, columns, base),
        Hit("price_below_min", ~(price >= limits.min_price), price, limits.min_price),
        Hit("price_above_max", ~(price <= limits.max_price), price, limits.max_price),
        Hit("wide_spread", spread > limits.max_spread_pct, spread, limits.max_spread_pct),
        glance.fresh_offer(columns, base, moment),
    ]


def _judged(symbols: NDArray[np.str_], hits: Sequence[Hit], columns: dict[str, Floats]) -> Sifted:
    reason, value = np.full(len(symbols), -1, dtype=np.int64), np.full(len(symbols), np.nan)
    # From the last to the first: an earlier reason overwrites a later one.
    for place in range(len(hits) - 1, -1, -1):
        hit = hits[place]
        reason[hit.mask], value[hit.mask] = place, hit.value[hit.mask]
    return Sifted(
        symbols, tuple(hit.reason for hit in hits), tuple(hit.threshold for hit in hits), reason, value, columns
    )
