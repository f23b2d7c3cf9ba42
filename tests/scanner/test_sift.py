"""What drops a symbol, and what the others' facts are."""

import json
import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.scanner.rules.answer import candidate_of, coverage_of, rows_of, standing_of
from services.scanner.rules.baseline import Baseline
from services.scanner.rules.facts import feed_share
from services.scanner.rules.sift import MOST_STALE_SECONDS, Sifted, stale_limit
from shared.domain.market import Snapshots
from tests.scanner.market import (
    BEFORE,
    NOW,
    TODAY,
    Change,
    baseline,
    judged,
    ranked,
    reason_of,
    shuffled,
    shuffled_base,
    snapshots,
)

NAN = math.nan
CASES: list[tuple[str, dict[str, Change], dict[str, Change]]] = [
    ("no_price", {"price": {0: NAN}}, {}),
    ("zero_price", {"price": {0: 0.0}}, {}),
    ("zero_price", {"price": {0: -1.0}}, {}),
    ("delisted", {}, {"silent_days": {0: 5}}),
    ("short_history", {}, {"traded_days": {0: 19}}),
    ("short_history", {}, {"traded_days": {0: 0}, "silent_days": {0: 40}, "average_volume": {0: 0}}),
    ("halted", {"trade_at": {0: NOW - 900}}, {}),
    ("no_trade_for_minutes", {"trade_at": {0: NOW - 900}, "day_volume": {0: 2e4}}, {}),
    ("stale", {"trade_at": {0: NOW - 900}, "day_volume": {0: 0}}, {}),
    ("no_quote", {"bid": {0: NAN}, "ask": {0: 0.0}}, {}),
    ("stale", {"trade_at": {0: NAN}}, {}),
    ("not_opened", {"day_volume": {0: 0}}, {}),
    ("not_opened", {"day_open": {0: NAN}}, {}),
    ("not_opened", {"day": {0: TODAY - 1}}, {}),
    ("not_opened", {"day": {0: TODAY + 1}}, {}),
    ("not_opened", {"day": {0: NAN}}, {}),
    ("no_previous_close", {"previous_close": {0: NAN}}, {"last_close": {0: NAN}}),
    ("no_previous_close", {"previous_day": {0: BEFORE - 3}}, {"last_close": {0: NAN}}),
    ("crossed", {"bid": {0: 100.05}}, {}),
    ("off_quote", {"price": {0: 104}, "bid": {0: 99.99}}, {}),
    ("off_quote", {"price": {0: 96}, "bid": {0: 99.99}}, {}),
    ("off_quote", {"price": {0: 104}, "bid": {0: 0.0}, "ask": {0: 100.0}}, {}),
    ("off_quote", {"sets_price": {0: 0}, "quote_at": {0: NOW - 900}}, {}),
    ("off_quote", {"sets_price": {0: 0}, "quote_at": {0: NAN}}, {}),
    ("off_quote", {"sets_price": {0: 0}, "bid": {0: 0.0}}, {}),
    ("implausible", {"price": {0: 2000}, "day_high": {0: 2000}, "day_volume": {0: 1e9}}, {}),
    ("implausible", {"price": {0: 4}, "day_low": {0: 4}, "day_volume": {0: 1e9}}, {}),
    ("implausible", {"price": {0: 310}, "day_high": {0: 310}}, {}),
    ("implausible", {"price": {0: 130}}, {}),
    ("price_below_min", {"price": {0: 0.9}, "day_low": {0: 0.9}, "previous_close": {0: 1}}, {"last_close": {0: 1}}),
    (
        "price_above_max",
        {"price": {0: 501}, "day_high": {0: 501}, "previous_close": {0: 490}},
        {"last_close": {0: 490}},
    ),
    ("low_dollar_volume", {}, {"average_dollar_volume": {0: 1.9e6}}),
    ("wide_spread", {"ask": {0: 102}}, {}),
]


@pytest.mark.parametrize(("reason", "snap", "base"), CASES)
def test_each_reason(reason: str, snap: dict[str, Change], base: dict[str, Change]) -> None:
    found = judged(snapshots(60, **snap), baseline(60, **base))
    assert reason_of(found) == reason
    assert found.counts == {reason: 1}
    assert len(found.kept) == 59


def test_what_stays() -> None:
    assert judged(snapshots()).counts == {}
    tripled = snapshots(price={0: 310}, day_high={0: 311}, day_volume={0: 1e6})
    assert reason_of(judged(tripled)) is None, "a threefold move is believed with the volume for it"
    assert reason_of(judged(tripled, expected=0.35)) == "implausible"
    one_sided = judged(snapshots(bid={0: 0.0}))
    assert reason_of(one_sided) is None
    assert math.isnan(one_sided.columns["spread_pct"][0])
    assert reason_of(judged(snapshots(bid={0: 100.0}, ask={0: 100.0}))) is None, "locked is not crossed"


def test_an_odd_lot_within_its_quote_and_a_trade_beside_an_old_quote_stay() -> None:
    assert judged(snapshots(sets_price={0: 0})).counts == {}
    assert judged(snapshots(price={0: 104}, bid={0: 99.99}, quote_at={0: NOW - 900}, day_high={0: 104})).counts == {}


@pytest.mark.parametrize("shift", [1, 3, -1])
def test_a_previous_bar_of_another_day_gives_way_to_the_history(shift: int) -> None:
    """Up 7 % the day before and flat today: the close before is yesterday's, wherever it has to be read."""
    snap = snapshots(60, price={0: 107.2}, previous_close={0: 100}, previous_day={0: BEFORE - shift}, day_high={0: 108})
    base = baseline(60, last_close={0: 107})
    assert judged(snap, base).columns["change_pct"][0] == pytest.approx(0.187, abs=0.001)
    assert reason_of(judged(snap, base, history_day=BEFORE - 1)) == "no_previous_close"
    assert reason_of(judged(snap, base, history_day=NAN)) == "no_previous_close"


def test_yesterdays_bar_shown_as_todays_moves_nothing() -> None:
    """Both bars a day late, as before a name's first trade of the day: no change, no volume, no candidate."""
    late = snapshots(60, day={0: BEFORE}, previous_day={0: BEFORE - 3}, day_volume={0: 5e6}, previous_close={0: 93})
    found = judged(late)
    assert reason_of(found) == "not_opened"
    assert math.isnan(found.columns["rvol"][0])


def test_facts_of_a_symbol() -> None:
    columns = judged(snapshots(), expected=0.22).columns
    expected = {
        "change_pct": 100 / 99 * 100 - 100,
        "gap_pct": 99.5 / 99 * 100 - 100,
        "return_5d_pct": 100 / 95 * 100 - 100,
        "return_20d_pct": 100 / 90 * 100 - 100,
        "vwap_distance_pct": 100 / 99.8 * 100 - 100,
        "high_distance_pct": 100 / 101 * 100 - 100,
        "rvol": 2e5 / (1e6 * 0.22),
        "dollar_volume": 2e7,
        "spread_pct": 0.02,
    }
    assert {name: columns[name][0] for name in expected} == pytest.approx(expected)


def test_volume_of_one_venue_is_scaled_to_the_market() -> None:
    small = snapshots(day_volume=2e5 * 0.03, previous_volume=1e6 * 0.03)
    assert feed_share(small.previous_volume, baseline().last_volume) == pytest.approx(0.03)
    assert judged(small).columns["rvol"] == pytest.approx(judged(snapshots()).columns["rvol"])
    assert feed_share(np.full(10, 5.0), np.full(10, 1e6)) == 1.0, "too few names to tell"


def test_a_split_since_the_last_close_is_seen() -> None:
    split = judged(snapshots(previous_close={0: 990.0}))
    assert split.columns["previous_close"][0] == 99.0
    assert reason_of(split) is None


def test_the_stale_limit_follows_a_coarse_source_but_not_a_frozen_one() -> None:
    assert stale_limit(np.full(9, 30.0), 120) == 120
    assert stale_limit(np.full(9, 300.0), 120) == 600
    assert stale_limit(np.full(9, 7200.0), 120) == MOST_STALE_SECONDS
    assert stale_limit(np.array([NAN]), 120) == 120
    frozen = judged(snapshots(trade_at=NOW - 3600))
    assert len(frozen.kept) == 0


numbers = st.one_of(
    st.sampled_from([NAN, 0.0, 1.0, 50.0, 99.0, 100.0, 101.0, 1e6, NOW, NOW - 30, NOW - 900]),
    st.floats(allow_nan=True, allow_infinity=True),
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Snapshots, Baseline]:
    """Some healthy names and some with anything in any column."""
    count = draw(st.integers(0, 12))
    snap, base = snapshots(count), baseline(count)
    for part in (snap, base):
        for field in fields(part):
            if field.name != "symbols" and draw(st.booleans()):
                mask = draw(arrays(np.bool_, count))
                noise = draw(arrays(np.float64, count, elements=numbers))
                getattr(part, field.name)[mask] = noise[mask]
    return snap, base


def outcome(sifted: Sifted) -> tuple[dict[str, str | None], list[dict[str, object]]]:
    found = ranked(sifted)
    fate = {symbol: reason_of(sifted, place) for place, symbol in enumerate(sifted.symbols.tolist())}
    return fate, rows_of(sifted, found, 8)


@given(worlds(), st.data())
def test_shuffling_the_market_changes_nothing(world: tuple[Snapshots, Baseline], data: st.DataObject) -> None:
    snap, base = world
    order = np.array(data.draw(st.permutations(range(len(snap.symbols)))), dtype=np.int64)
    assert outcome(judged(snap, base)) == outcome(judged(shuffled(snap, order), shuffled_base(base, order)))


@given(worlds())
def test_nothing_that_is_not_a_number_comes_out(world: tuple[Snapshots, Baseline]) -> None:
    sifted = judged(*world)
    found = ranked(sifted)
    rows, coverage = rows_of(sifted, found, 200), coverage_of(sifted, found)
    json.dumps([rows, coverage.model_dump()], allow_nan=False)
    for row in rows:
        candidate = candidate_of(row)
        assert 0 <= candidate.momentum_score <= 1
        assert 0 <= candidate.volume_score <= 1
    kept = coverage.ranked["symbols"]
    dropped = [symbol for entry in coverage.dropped.values() for symbol in entry["symbols"]]
    assert sorted([*kept, *dropped]) == sorted(sifted.symbols.tolist())
    assert sum(coverage.counts.values()) + len(kept) == coverage.universe


def test_a_standing_names_value_threshold_and_margin() -> None:
    sifted = judged(snapshots(ask={0: 102}), baseline(average_dollar_volume={1: 5e5}))
    found = ranked(sifted)
    coverage = coverage_of(sifted, found)
    thin = standing_of(coverage, "C", 1, "S001", None)
    assert thin is not None
    assert (thin.reached, thin.reason.partition(":")[0], thin.value, thin.threshold, thin.margin) == (
        "universe",
        "low_dollar_volume",
        5e5,
        2e6,
        -1.5e6,
    )
    behind = standing_of(coverage, "C", 1, "S059", None)
    assert behind is not None
    assert (behind.reached, behind.rank, behind.survivors) == ("ranked", 58, 58)
    assert standing_of(coverage, "C", 1, "NOPE", None) is None
