"""The facts of every symbol at one moment: the columns that are judged, ranked and stored."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.scanner.rules.baseline import Baseline
from shared.domain.market import Floats, Snapshots

SPLIT_GAP = 0.2
LEAST_FEED_SHARE, FEED_SAMPLE = 0.001, 50


@dataclass(frozen=True, slots=True)
class Moment:
    """When a scan looks: epoch seconds, seconds since the opening, and of each symbol the part of an average day's
    volume that is expected by now, of shape (n,).

    Days are counted as date.toordinal does: today, the session before by the calendar, and the last one of the daily
    history; NaN where not known.
    """

    now: float
    since_open: float
    expected: Floats
    day: float
    day_before: float
    history_day: float


def of_this_day(snap: Snapshots, moment: Moment) -> Snapshots:
    """The same without what is of another day: a daily bar that is not today's, and a previous one that is not of the
    session before. Until a name's first trade of the day a source may go on showing the bars of the day before.
    """
    today, before = snap.day == moment.day, snap.previous_day == moment.day_before

    def kept(column: Floats, mask: NDArray[np.bool_]) -> Floats:
        return np.where(mask, column, np.nan)

    return replace(
        snap,
        day_open=kept(snap.day_open, today),
        day_high=kept(snap.day_high, today),
        day_low=kept(snap.day_low, today),
        day_volume=kept(snap.day_volume, today),
        day_vwap=kept(snap.day_vwap, today),
        previous_close=kept(snap.previous_close, before),
        previous_volume=kept(snap.previous_volume, before),
    )


def feed_share(previous_volume: Floats, history_volume: Floats) -> float:
    """The part of all trading that the snapshot's feed sees: the median, over symbols, of yesterday's volume there
    over yesterday's volume at all venues. One venue's feed sees some 3 %; without this its rvol would be nonsense.
    """
    usable = (previous_volume > 0) & (history_volume > 0)
    if usable.sum() < FEED_SAMPLE:
        return 1.0
    return float(np.clip(np.median(previous_volume[usable] / history_volume[usable]), LEAST_FEED_SHARE, 1.0))


def on_one_scale(snap: Snapshots, base: Baseline) -> tuple[Floats, Baseline]:
    """The close before today, and the baseline on the scale of today's prices.

    Where the snapshot's and the history's close disagree by a split, the one nearer to today's price (in ratio) is on
    its scale; if that is the snapshot's, the history has missed the split and is scaled.
    """
    said, known = snap.previous_close, base.last_close
    apart = (said > 0) & (known > 0) & (np.abs(said - known) > SPLIT_GAP * np.abs(known))
    late = apart & (np.abs(np.log(snap.price / said)) < np.abs(np.log(snap.price / known)))
    scale = np.where(late, said / known, 1.0)
    scaled = replace(
        base,
        last_close=known * scale,
        close_5=base.close_5 * scale,
        close_20=base.close_20 * scale,
        average_volume=base.average_volume / scale,
    )
    return np.where((apart & ~late) | ~(said > 0), known, said), scaled


def facts(snap: Snapshots, base: Baseline, moment: Moment) -> dict[str, Floats]:
    """The columns of scan_results and a few more, in percent, USD and shares; not finite where something is missing.

    The snapshots are those of `of_this_day`.
    """
    share = feed_share(snap.previous_volume, base.last_volume)
    previous, base = on_one_scale(snap, base)
    # The history's last close stands in for a missing one only when it is that of the session before.
    if moment.history_day != moment.day_before:
        previous = np.where(snap.previous_close > 0, previous, np.nan)
    price, volume = snap.price, snap.day_volume / share
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
        "rvol": volume / (base.average_volume * moment.expected),
        "dollar_volume": volume * price,
        "dollar_pace": volume * price / moment.expected,
        "day_range": (snap.day_high - snap.day_low) / price * 100,
        "average_volume": base.average_volume,
        "average_dollar_volume": base.average_dollar_volume,
        "spread_pct": np.where(two_sided, (snap.ask - snap.bid) / middle * 100, np.nan),
    }
