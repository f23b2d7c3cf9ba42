"""Bars and snapshots that are not fit to be read, from the daily bars to the answer: each has a sane fate."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from services.scanner.rules.answer import candidate_of, coverage_of, rows_of
from services.scanner.rules.baseline import Baseline, baseline_of
from services.scanner.rules.history import from_bars, mended
from services.scanner.rules.sift import Sifted
from shared.domain.market import Bars, BarTable, Floats
from tests.scanner.market import Change, judged, ranked, reason_of, snapshots

DAYS, NAMES = 40, 60
NAN, INF = math.nan, math.inf
DAY = 86_400.0
Columns = dict[str, Change]


def healthy(symbol: str, days: int = DAYS) -> Bars:
    """A name that wobbles about 99 by a percent and a half each way, at a million shares a day."""
    close = 99 * (1 + 0.005 * np.where(np.arange(days) % 2, 1.0, -1.0))
    start: Floats = 1_778_000_000 // DAY * DAY + DAY * np.arange(DAYS - days, DAYS, dtype=np.float64)
    return Bars(symbol, start, close, close * 1.015, close * 0.985, close, np.full(days, 1e6))


def scaled(bars: Bars, factor: Floats, volume: Floats | float = 1e6) -> Bars:
    prices = {name: getattr(bars, name) * factor for name in ("open", "high", "low", "close")}
    return replace(bars, volume=np.broadcast_to(np.asarray(volume, dtype=np.float64), factor.shape).copy(), **prices)


def look(first: Bars | None, snap: Columns | None = None) -> tuple[Sifted, Baseline]:
    """A healthy market but for its first name: that one's bars (None: not a single one) and parts of its snapshot."""
    market = snapshots(NAMES, **(snap or {}))
    table: BarTable = {symbol: healthy(symbol) for symbol in market.symbols[1:]}
    if first is not None:
        table[first.symbol] = first
    base = baseline_of(mended(from_bars(market.symbols, table)))
    return judged(market, base), base


def expect(found: Sifted, reason: str | None) -> None:
    """The first name's fate, everybody else healthy, and nothing that is not a number in what goes out."""
    assert reason_of(found) == reason
    assert found.counts == ({reason: 1} if reason else {})
    order = ranked(found)
    rows = rows_of(found, order, 200)
    json.dumps([rows, coverage_of(found, order).model_dump()], allow_nan=False)
    assert [candidate_of(row).rank for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) == NAMES - bool(reason)


BEHIND = np.arange(DAYS) >= DAYS // 2
SOME = np.arange(DAYS) % 3 == 0
WHOLE = healthy("S000")
SPLIT = np.where(BEHIND, 1.0, 2.0)
FLAT = np.full(DAYS, 99.0)
BARS: dict[str, tuple[Bars | None, str | None]] = {
    "not one bar": (None, "short_history"),
    "one bar": (healthy("S000", 1), "short_history"),
    "nineteen bars": (healthy("S000", 19), "short_history"),
    "twenty bars": (healthy("S000", 20), None),
    "no volume on any day": (scaled(WHOLE, np.ones(DAYS), 0.0), "low_dollar_volume"),
    "no volume on some days": (scaled(WHOLE, np.ones(DAYS), np.where(SOME, 0.0, 1e6)), None),
    "one constant price": (replace(WHOLE, open=FLAT, high=FLAT, low=FLAT, close=FLAT), "no_range"),
    "prices of zero": (scaled(WHOLE, np.zeros(DAYS)), "low_dollar_volume"),
    "NaN for every close": (scaled(WHOLE, np.full(DAYS, NAN)), "short_history"),
    "NaN for some closes": (scaled(WHOLE, np.where(SOME, NAN, 1.0)), None),
    "NaN for some volumes": (scaled(WHOLE, np.ones(DAYS), np.where(SOME, NAN, 1e6)), None),
    "NaN for highs and lows": (replace(WHOLE, high=np.full(DAYS, NAN), low=np.full(DAYS, NAN)), None),
    "infinite volume": (scaled(WHOLE, np.ones(DAYS), np.where(SOME, INF, 1e6)), None),
    "a split in the middle": (scaled(WHOLE, SPLIT, 1e6 / SPLIT), None),
    "a reverse split in the middle": (scaled(WHOLE, 1 / SPLIT**3, 1e6 * SPLIT**3), None),
}  # fmt: skip


@pytest.mark.parametrize("name", BARS)
def test_daily_bars(name: str) -> None:
    bars, reason = BARS[name]
    expect(look(bars)[0], reason)


@pytest.mark.parametrize("name", ["a split in the middle", "a reverse split in the middle"])
def test_a_split_leaves_the_facts_as_they_would_be_without_it(name: str) -> None:
    (found, base), (whole, plain) = look(BARS[name][0]), look(WHOLE)
    for column in ("change_pct", "return_5d_pct", "return_20d_pct", "rvol", "average_volume"):
        assert found.columns[column][0] == pytest.approx(whole.columns[column][0]), column
    for part in ("usual_range", "average_volume", "median_dollar_volume"):
        assert getattr(base, part)[0] == pytest.approx(getattr(plain, part)[0], rel=1e-6), part


def still(price: float) -> Columns:
    """One price all day."""
    columns: Columns = {"bid": {0: price - 0.01}, "ask": {0: price + 0.01}}
    for name in ("price", "day_open", "day_high", "day_low", "day_vwap"):
        columns[name] = {0: price}
    return columns


SNAPS: dict[str, tuple[Columns, str | None]] = {
    "nothing at all": (
        {name: {0: NAN} for name in ("price", "trade_at", "bid", "ask", "day_open", "day_volume", "previous_close")},
        "no_price",
    ),
    "an infinite price": ({"price": {0: INF}}, "no_price"),
    "no volume today": ({"day_volume": {0: 0.0}}, "not_opened"),
    "NaN for volume": ({"day_volume": {0: NAN}}, "not_opened"),
    "infinite volume": ({"day_volume": {0: INF}}, "implausible"),
    "one constant price all day": (still(99.0), None),
    "NaN for the average price": ({"day_vwap": {0: NAN}}, None),
    "NaN for the day's high and low": ({"day_high": {0: NAN}, "day_low": {0: NAN}}, None),
    "NaN for the close before, which the history knows": ({"previous_close": {0: NAN}}, None),
    "NaN for the quote": ({"bid": {0: NAN}, "ask": {0: NAN}}, "no_quote"),
    "a split this morning, volume as ever": (still(49.5) | {"day_volume": {0: 4e5}}, "unadjusted_split"),
}


@pytest.mark.parametrize("name", SNAPS)
def test_snapshots(name: str) -> None:
    snap, reason = SNAPS[name]
    expect(look(WHOLE, snap)[0], reason)
