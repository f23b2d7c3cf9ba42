"""A hand-made market for the rules: every name healthy until a test says otherwise."""

from dataclasses import fields, replace
from datetime import date
from typing import Any

import numpy as np

from config.trading import ScannerPart
from services.scanner.rules.baseline import Baseline
from services.scanner.rules.facts import Moment
from services.scanner.rules.score import Ranks, ranks
from services.scanner.rules.sift import Sifted, sift
from shared.domain.market import Snapshots

NOW = 1_781_622_000.0
# A Tuesday, and the Monday before.
TODAY = float(date(2026, 6, 16).toordinal())
BEFORE = TODAY - 1
LIMITS, TARGET_PCT = ScannerPart(), 6.0
Change = float | dict[int, float]


def snapshots(count: int = 60, **columns: Change) -> Snapshots:
    """`count` names at $100 after a close of $99; a keyword replaces a column, whole or as {place: value}.

    The quote follows the price unless one of its sides is given.
    """
    ones = np.ones(count)
    snap = Snapshots(
        symbols=tuple(f"S{n:03}" for n in range(count)),
        price=100 * ones,
        trade_at=(NOW - 30) * ones,
        sets_price=ones,
        bid=99.99 * ones,
        ask=100.01 * ones,
        quote_at=(NOW - 5) * ones,
        day=TODAY * ones,
        day_open=99.5 * ones,
        day_high=101 * ones,
        day_low=98 * ones,
        day_volume=2e5 * ones,
        day_vwap=99.8 * ones,
        previous_day=BEFORE * ones,
        previous_close=99 * ones,
        previous_volume=1e6 * ones,
    )
    changed: dict[str, Any] = {name: _changed(getattr(snap, name), change) for name, change in columns.items()}
    if "price" in changed and not changed.keys() & {"bid", "ask"}:
        changed |= {"bid": changed["price"] * 0.9999, "ask": changed["price"] * 1.0001}
    return replace(snap, **changed)


def baseline(count: int = 60, **columns: Change) -> Baseline:
    """Forty days at a million shares."""
    ones = np.ones(count)
    base = Baseline(
        last_close=99 * ones,
        last_volume=1e6 * ones,
        close_5=95 * ones,
        close_20=90 * ones,
        average_volume=1e6 * ones,
        average_dollar_volume=9.9e7 * ones,
        median_dollar_volume=9.9e7 * ones,
        usual_range=3 * ones,
        pinned_range=np.nan * ones,
        late_jump=1 * ones,
        traded_days=40 * ones,
        silent_days=0 * ones,
        main_dollar_volume=0 * ones,
    )
    changed: dict[str, Any] = {name: _changed(getattr(base, name), change) for name, change in columns.items()}
    return replace(base, **changed)


def _changed(column: np.ndarray, change: Change) -> np.ndarray:
    if not isinstance(change, dict):
        return np.broadcast_to(np.asarray(change, dtype=np.float64), column.shape).copy()
    result = column.copy()
    for place, value in change.items():
        result[place] = value
    return result


def moment_at(minutes: float, expected: np.ndarray, history_day: float = BEFORE) -> Moment:
    return Moment(NOW, minutes * 60, expected, TODAY, BEFORE, history_day)


def judged(
    snap: Snapshots, base: Baseline | None = None, minutes: float = 90, expected: float = 0.22,
    history_day: float = BEFORE,
) -> Sifted:  # fmt: skip
    """The market `minutes` after the opening, `expected` of an average day's volume being due."""
    moment = moment_at(minutes, np.full(len(snap.symbols), expected), history_day)
    names = np.array(snap.symbols, dtype=np.str_)
    return sift(names, snap, base or baseline(len(snap.symbols)), LIMITS, moment, TARGET_PCT)


def ranked(sifted: Sifted) -> Ranks:
    kept = sifted.kept
    return ranks(sifted.symbols[kept], {name: column[kept] for name, column in sifted.columns.items()})


def reason_of(sifted: Sifted, place: int = 0) -> str | None:
    number = int(sifted.reason[place])
    return None if number < 0 else sifted.reasons[number]


def shuffled(snap: Snapshots, order: np.ndarray) -> Snapshots:
    columns = {field.name: getattr(snap, field.name)[order] for field in fields(snap) if field.name != "symbols"}
    return Snapshots(symbols=tuple(snap.symbols[place] for place in order), **columns)


def shuffled_base(base: Baseline, order: np.ndarray) -> Baseline:
    return Baseline(**{field.name: getattr(base, field.name)[order] for field in fields(base)})
