"""What a trader throws out at a glance: each rule hit, and missed by a little."""

import numpy as np
import pytest

from services.scanner.rules.answer import coverage_of, standing_of
from services.scanner.rules.reasons import MEANINGS, told
from services.scanner.rules.sift import Sifted, sift
from tests.scanner.market import (
    LIMITS,
    NOW,
    Change,
    baseline,
    judged,
    moment_at,
    ranked,
    reason_of,
    shuffled,
    shuffled_base,
    snapshots,
)

Columns = dict[str, Change]


def look(snap: Columns, base: Columns, minutes: float = 90) -> Sifted:
    return judged(snapshots(60, **snap), baseline(60, **base), minutes)


# A gap of 40 % with the price standing still since: 139 after a close of 99.
AT_OFFER: Columns = {
    "price": {0: 139.0},
    "day_open": {0: 138.9},
    "day_high": {0: 139.2},
    "day_low": {0: 138.8},
    "bid": {0: 138.99},
    "ask": {0: 139.01},
    "day_volume": {0: 1e7},
}
# The day after: 139 again, the gap is yesterday's.
DAY_AFTER: Columns = AT_OFFER | {"previous_close": {0: 138.9}}
# Up 60 % at $3.20 on thirty times the usual volume.
PUMPED: Columns = {
    "price": {0: 3.2},
    "day_open": {0: 2.5},
    "day_high": {0: 3.5},
    "day_low": {0: 2.2},
    "day_vwap": {0: 3.0},
    "bid": {0: 3.19},
    "ask": {0: 3.2},
    "previous_close": {0: 2.0},
    "day_volume": {0: 2e7},
}
FROM_NOTHING: Columns = {"last_close": {0: 2.0}, "median_dollar_volume": {0: 3e4}, "average_dollar_volume": {0: 5e6}}


def scaled(by: float, **more: Change) -> Columns:
    """A name whose price is `by` times what its close before would have it be."""
    names = {"price": 100.0, "day_open": 99.5, "day_high": 101.0, "day_low": 98.0, "day_vwap": 99.8}
    quote = {"bid": {0: 99.99 * by}, "ask": {0: 100.01 * by}}
    return {name: {0: value * by} for name, value in names.items()} | quote | dict(more)


HITS: list[tuple[str, Columns, Columns]] = [
    ("pinned_by_offer", {}, {"pinned_range": {0: 0.3}}),
    ("pinned_since_open", AT_OFFER, {}),
    ("pinned_since_open", DAY_AFTER, {"last_close": {0: 138.9}, "late_jump": {0: 40.0}}),
    ("no_range", {}, {"usual_range": {0: 0.5}}),
    ("tame", {"day_low": {0: 98.1}}, {"usual_range": {0: 2.9}}),
    ("tame", AT_OFFER, {"usual_range": {0: 0.65}}),
    ("second_line", {}, {"main_dollar_volume": {0: 1e8}}),
    ("thin_pump", PUMPED, FROM_NOTHING),
    ("thin_jump", {"price": {0: 118.0}, "day_high": {0: 118.5}}, {"median_dollar_volume": {0: 4e5}}),
    ("by_appointment", {"day_volume": {0: 2000}}, {}),
    ("unadjusted_split", scaled(0.5, day_volume={0: 4e5}), {}),
    ("unadjusted_split", scaled(4, day_volume={0: 5e4}), {}),
    ("implausible", scaled(3.4, day_volume={0: 6e5}), {}),
    ("implausible", scaled(0.3, day_volume={0: 7e5}), {}),
    ("halted", {"trade_at": {0: NOW - 600}}, {}),
    ("no_trade_for_minutes", {"trade_at": {0: NOW - 600}, "day_volume": {0: 2e4}}, {}),
    ("no_quote", {"bid": {0: 0.0}, "ask": {0: 0.0}}, {}),
    ("wide_spread", {"bid": {0: 99.0}, "ask": {0: 101.0}}, {}),
]


@pytest.mark.parametrize(("reason", "snap", "base"), HITS)
def test_hits(reason: str, snap: Columns, base: Columns) -> None:
    found = look(snap, base)
    assert reason_of(found) == reason
    assert found.counts == {reason: 1}, "the other names are healthy"


NEAR: dict[str, tuple[Columns, Columns, float]] = {
    "an old offer that was topped today": (
        {"price": {0: 103.0}, "day_high": {0: 103.1}},
        {"pinned_range": {0: 0.3}},
        90,
    ),
    "a gap that keeps moving": (AT_OFFER | {"day_low": {0: 136.0}}, {}, 90),
    "a gap on little volume": (AT_OFFER | {"day_volume": {0: 1e6}}, {}, 90),
    "a gap ten minutes old": (AT_OFFER, {}, 10),
    "the same price as yesterday, without yesterday's jump": (DAY_AFTER, {"last_close": {0: 138.9}}, 90),
    "a dear name from little": (
        {"price": {0: 118.0}, "day_high": {0: 118.5}},
        {"median_dollar_volume": {0: 6e5}},
        90,
    ),
    "a tame name that ranges today": ({}, {"usual_range": {0: 2.9}}, 90),
    "a quiet day of a lively name": ({"day_low": {0: 99.0}}, {}, 90),
    "a tame name that has just gapped": (
        {"day_open": {0: 99.9}, "day_low": {0: 99.5}, "previous_close": {0: 97.0}},
        {"usual_range": {0: 2.0}, "last_close": {0: 97.0}},
        25,
    ),
    "the main line of two": ({}, {"main_dollar_volume": {0: 9.9e7}}, 90),
    "a range that just pays": ({}, {"usual_range": {0: 0.6}}, 90),
    "a cheap name that has long been traded": (PUMPED, FROM_NOTHING | {"median_dollar_volume": {0: 1.1e6}}, 90),
    "a cheap name up a little": (PUMPED | {"previous_close": {0: 2.9}}, FROM_NOTHING | {"last_close": {0: 2.9}}, 90),
    "a quiet day": ({"day_volume": {0: 3000}}, {}, 90),
    "a crash with its volume": (scaled(0.5, day_volume={0: 4e6}), {}, 90),
    "a doubling with its volume": (scaled(2, day_volume={0: 1e6}), {}, 90),
    "a jump by no whole number": (scaled(1.4), {}, 90),
    "a threefold jump early in the day, with the volume for it": (scaled(3.4, day_volume={0: 8e5}), {}, 90),
    "a crash to a third, with the dollars for it": (scaled(0.3, day_volume={0: 4e6}), {}, 90),
    "a last trade just young enough": ({"trade_at": {0: NOW - 119}}, {}, 90),
    "one side quoted": ({"bid": {0: 0.0}}, {}, 90),
}


@pytest.mark.parametrize("name", NEAR)
def test_near_misses(name: str) -> None:
    snap, base, minutes = NEAR[name]
    assert look(snap, base, minutes).counts == {}


def test_a_pump_through_five_dollars_is_still_one() -> None:
    risen: Columns = {
        name: {0: value} for name, value in (("price", 5.9), ("day_high", 6.0), ("bid", 5.89), ("ask", 5.9))
    }
    assert reason_of(look(PUMPED | risen, FROM_NOTHING)) == "thin_pump"
    dear: Columns = {
        "previous_close": {0: 5.1},
        "price": {0: 7.0},
        "day_high": {0: 7.1},
        "bid": {0: 6.99},
        "ask": {0: 7.0},
    }
    assert reason_of(look(PUMPED | dear, FROM_NOTHING | {"last_close": {0: 5.1}})) == "thin_jump"


def test_a_gap_that_stands_still_does_not_make_a_tame_name_lively() -> None:
    snap: Columns = {"day_open": {0: 99.9}, "day_low": {0: 99.5}, "previous_close": {0: 97.0}}
    found = look(snap, {"usual_range": {0: 2.0}, "last_close": {0: 97.0}}, minutes=90)
    assert (reason_of(found), found.value[0]) == ("tame", 2.0)


def test_how_much_a_name_must_range_follows_the_target_and_may_be_nothing() -> None:
    snap, base = snapshots(60), baseline(60, usual_range={0: 2.0})
    moment = moment_at(90, np.full(60, 0.22))

    def fate(part: float, target_pct: float) -> str | None:
        limits = LIMITS.model_copy(update={"min_range_of_target": part})
        return reason_of(sift(np.array(snap.symbols, dtype=np.str_), snap, base, limits, moment, target_pct))

    assert [fate(0.5, 6.0), fate(0.5, 6.2), fate(0.0, 50.0), fate(1.0, 3.0)] == [None, "tame", None, None]


def test_a_late_source_halts_nobody() -> None:
    found = look({"trade_at": NOW - 3600}, {})
    assert found.counts == {"stale": 60}


def test_a_split_that_the_history_or_the_snapshot_has_missed() -> None:
    late_history: Columns = {
        "last_close": {0: 9.9},
        "close_5": {0: 9.5},
        "close_20": {0: 9.0},
        "average_volume": {0: 1e7},
    }
    found = look({}, late_history)
    healthy = look({}, {})
    assert reason_of(found) is None
    for name in ("previous_close", "change_pct", "return_5d_pct", "return_20d_pct", "rvol"):
        assert found.columns[name][0] == pytest.approx(healthy.columns[name][0])
    late_snapshot = look({"previous_close": {0: 9.9}}, {})
    assert reason_of(late_snapshot) is None
    assert late_snapshot.columns["previous_close"][0] == 99.0


def test_every_reason_survives_a_shuffled_market() -> None:
    snap, base = snapshots(60), baseline(60)
    for place, (_, columns, before) in enumerate(HITS):
        for part, changes in ((snap, columns), (base, before)):
            for name, change in changes.items():
                assert isinstance(change, dict)
                getattr(part, name)[place] = change[0]
        if "price" in columns and "bid" not in columns:
            snap.bid[place], snap.ask[place] = snap.price[place] * 0.9999, snap.price[place] * 1.0001
    order = np.random.default_rng(7).permutation(60)
    forth, back = judged(snap, base), judged(shuffled(snap, order), shuffled_base(base, order))
    assert [reason_of(forth, place) for place in range(len(HITS))] == [reason for reason, _, _ in HITS]
    assert forth.reason[order].tolist() == back.reason.tolist()
    assert np.array_equal(forth.value[order], back.value, equal_nan=True)
    for name, column in forth.columns.items():
        assert np.array_equal(column[order], back.columns[name], equal_nan=True), name


@pytest.mark.parametrize(("reason", "snap", "base"), HITS)
def test_explain_names_the_reason_with_its_value(reason: str, snap: Columns, base: Columns) -> None:
    sifted = look(snap, base)
    standing = standing_of(coverage_of(sifted, ranked(sifted)), "C", 1, "S000", None)
    assert standing is not None
    assert (standing.reached, standing.reason) == ("universe", f"{reason}: {MEANINGS[reason]}")
    assert standing.value is not None or reason == "no_quote"
    if standing.threshold is not None and standing.value is not None:
        assert standing.margin == standing.value - standing.threshold


def test_every_reason_has_a_meaning_and_every_meaning_a_reason() -> None:
    assert set(look({}, {}).reasons) == set(MEANINGS)
    assert told("of another release") == "of another release"
