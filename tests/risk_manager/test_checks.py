"""Each limit, on both sides of its edge, with the margin it tells."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from services.risk_manager.rules.book import Book, Limits, Subject
from services.risk_manager.rules.case import case_as_asked
from services.risk_manager.rules.checks import CHECKS
from services.risk_manager.rules.correlation import measured, returns_of
from tests.risk_manager import facts

FULL = tuple(facts.holding(f"H{n}", 100, risk=Decimal(1)) for n in range(5))


def _with_held(changes: np.ndarray) -> dict[str, float | None]:
    """The correlation of ACME with HELD, whose daily returns these are."""
    own, held = facts.daily("ACME", facts.moves(1)), facts.daily("HELD", changes)
    return measured("ACME", ("HELD",), {"ACME": returns_of(own), "HELD": returns_of(held)})


ALIKE = _with_held(facts.moves(1))
UNLIKE = _with_held(facts.moves(2))
AGAINST = _with_held(-facts.moves(1))
SHORT = _with_held(facts.moves(1, 12))
ONE = (facts.holding(),)
S, B, L = facts.subject, facts.book, facts.limits

CASES: list[tuple[str, bool, float | None, Subject, Book, Limits]] = [
    ("halted", True, None, S(), B(), L()),
    ("halted", False, None, S(), B(halted="loss"), L()),
    ("halted", False, None, S(), B(trading_allowed=False), L()),
    ("market_open", True, None, S(), B(), L()),
    ("market_open", False, None, S(), B(session=None), L()),
    ("market_open", False, None, S(), B(session=facts.TOMORROW), L()),
    ("not_in_last_minutes", True, 270.0, S(), B(), L()),
    ("not_in_last_minutes", True, 0.0, S(), B(), L(last_minutes_without_entries=300)),
    ("not_in_last_minutes", False, -1.0, S(), B(), L(last_minutes_without_entries=301)),
    ("fresh_price", True, 59.0, S(), B(), L()),
    ("fresh_price", True, 58.0, S(trade=facts.trade(age=900), quote=facts.quote(age=2)), B(), L()),
    ("fresh_price", True, 0.0, S(trade=facts.trade(age=60), quote=None), B(), L()),
    ("fresh_price", False, -1.0, S(trade=facts.trade(age=61), quote=facts.quote(age=61)), B(), L()),
    ("fresh_price", False, -840.0, S(trade=facts.trade(age=900), quote=facts.quote(bid=0)), B(), L()),
    ("fresh_price", False, None, S(trade=None, quote=None), B(), L()),
    ("stop_distance", True, 3.0, S(), B(), L()),
    ("duplicate_or_held", True, None, S(), B(holdings=ONE), L()),
    ("duplicate_or_held", False, None, S(), B(holdings=(facts.holding("ACME"),)), L()),
    ("duplicate_or_held", False, None, S(), B(holdings=(facts.holding("ACME", kind="entry"),)), L()),
    ("duplicate_or_held", False, None, S(), B(holdings=(facts.holding("ACME", kind="approval"),)), L()),
    ("max_positions", True, 0.0, S(), B(holdings=FULL[:4]), L()),
    ("max_positions", False, -1.0, S(), B(holdings=FULL), L()),
    ("max_positions", False, -1.0, S(), B(holdings=tuple(h.model_copy(update={"kind": "entry"}) for h in FULL)), L()),
    ("approvals", True, 0.0, S(), B(approvals=4, approve_max=5), L()),
    ("approvals", False, -1.0, S(), B(approvals=5, approve_max=5), L()),
    ("max_position_size", True, 0.0, S(), B(), L()),
    ("max_position_size", False, -10.0, S(), B(), L(max_position_size=Decimal(40))),
    ("min_position_size", True, 4900.0, S(), B(), L()),
    ("min_position_size", False, -50.0, S(average_volume=100), B(), L()),
    ("min_position_size", False, None, S(average_volume=99), B(), L()),
    ("risk_per_trade", True, 50.0, S(), B(), L()),
    ("risk_per_trade", True, 0.0, S(), B(), L(max_risk_per_trade=Decimal(30))),
    ("risk_per_trade", False, -0.5, S(), B(), L(max_risk_per_trade=Decimal("0.5"))),
    ("buying_power", True, 0.0, S(), B(buying_power=Decimal(1000)), L()),
    ("buying_power", False, -1.0, S(), B(buying_power=Decimal(49)), L()),
    ("buying_power", False, -50.0, S(), B(buying_power=Decimal(1000), holdings=(facts.holding(kind="approval"),)), L()),
    ("daily_loss_used", True, 1900.0, S(), B(), L()),
    ("daily_loss_used", True, 0.0, S(), B(day_pnl=Decimal(-1950)), L()),
    ("daily_loss_used", False, -1.0, S(), B(day_pnl=Decimal(-2000)), L()),
    ("daily_loss_used", False, -1.0, S(), B(day_pnl=Decimal(-1980), holdings=ONE), L()),
    ("sector_exposure", True, 4000.0, S(sector="Energy"), B(holdings=ONE), L()),
    ("sector_exposure", False, -40.0, S(sector="Energy"), B(holdings=(facts.holding(value=9990),)), L()),
    ("sector_exposure", False, -40.0, S(sector=None), B(holdings=(facts.holding(value=9990, sector=None),)), L()),
    ("sector_exposure", True, None, S(sector="Energy"), B(holdings=(facts.holding(value=9990),)),
     L(sectors_to_limit=("Finance",))),
    ("correlation", True, None, S(), B(), L()),
    ("correlation", False, -0.3, S(correlations=ALIKE), B(holdings=ONE), L()),
    ("correlation", True, None, S(correlations=ALIKE), B(holdings=ONE), L(check_correlation=False)),
    ("correlation", True, None, S(correlations=SHORT), B(holdings=ONE), L()),
    ("correlation", True, 1.7, S(correlations=AGAINST), B(holdings=ONE), L()),
    ("correlation", False, None, S(sector="Energy", correlations=SHORT), B(holdings=ONE), L()),
    ("correlation", True, None, S(sector="Finance", correlations=SHORT), B(holdings=ONE), L()),
    ("cooldown", True, None, S(), B(), L()),
    ("cooldown", True, 0.0, S(), B(last_losses={"ACME": facts.NOW - timedelta(minutes=60)}), L()),
    ("cooldown", False, -10.0, S(), B(last_losses={"ACME": facts.NOW - timedelta(minutes=50)}), L()),
    ("cooldown", True, None, S(), B(last_losses={"OTHER": facts.NOW}), L()),
    ("entries_per_day", True, None, S(), B(entries_today=99), L()),
    ("entries_per_day", True, 0.0, S(), B(entries_today=2), L(max_entries_per_day=3)),
    ("entries_per_day", False, -1.0, S(), B(entries_today=3), L(max_entries_per_day=3)),
    ("spread", True, 0.3, S(quote=facts.quote(bid=49.95, ask=50.05)), B(), L()),
    ("spread", False, -0.1, S(quote=facts.quote(bid=49.85, ask=50.15)), B(), L()),
    ("spread", True, 0.4, S(quote=None, spread_pct=0.1), B(), L()),
    ("spread", False, None, S(quote=None), B(), L()),
    ("liquidity", True, 9900.0, S(), B(), L()),
    ("liquidity", True, 0.0, S(average_volume=5000), B(), L()),
    ("liquidity", False, -0.01, S(average_volume=99), B(), L()),
    ("total_exposure", True, 0.0, S(), B(holdings=(facts.holding(value=20000),)), L()),
    ("total_exposure", False, -49.0, S(), B(holdings=(facts.holding(value=24999),)), L()),
    ("clock_offset", True, None, S(), B(), L()),
    ("clock_offset", True, 0.0, S(), B(clock_apart=5.0), L()),
    ("clock_offset", False, -715.0, S(), B(clock_apart=720.0), L()),
]  # fmt: skip


@pytest.mark.parametrize(("name", "passes", "margin", "one", "held", "most"), CASES, ids=[
    f"{number:02d}-{case[0]}-{'passes' if case[1] else 'fails'}" for number, case in enumerate(CASES)
])  # fmt: skip
def test_a_limit_tells_whether_it_holds_and_by_how_much(
    name: str, passes: bool, margin: float | None, one: Subject, held: Book, most: Limits
) -> None:
    found = facts.check(name, facts.case(one, held, most))
    assert found.passed is passes
    assert found.margin == (pytest.approx(margin, abs=1e-6) if margin is not None else None)
    assert found.passed or found.note


def test_every_check_is_tried_above_both_ways() -> None:
    names = [facts.check_name(make) for make in CHECKS]
    both = {(case[0], case[1]) for case in CASES}
    assert [name for name in names if (name, True) not in both] == []
    assert [name for name in names if (name, False) not in both] == ["stop_distance"]


def test_names_that_move_apart_are_no_second_helping() -> None:
    found = facts.check("correlation", facts.case(facts.subject(correlations=UNLIKE), facts.book(holdings=ONE)))
    assert found.passed
    assert found.value is not None
    assert abs(found.value) < 0.7
    assert "HELD" in found.note


def test_a_stop_that_cannot_stand_off_far_enough_is_refused() -> None:
    made = facts.case()
    near = replace(made, levels=made.levels._replace(stop=Decimal("49.80")))
    found = facts.check("stop_distance", near)
    assert not found.passed
    assert found.margin == pytest.approx(-0.1)


def test_a_claimed_price_far_from_the_market_is_not_fresh() -> None:
    near = case_as_asked(facts.subject(), facts.book(), facts.limits(), facts.NOW, 10, Decimal("52.4"))
    far = case_as_asked(facts.subject(), facts.book(), facts.limits(), facts.NOW, 10, Decimal("52.6"))
    assert facts.check("fresh_price", near).passed
    assert not facts.check("fresh_price", far).passed
    assert "the market, which is at 50.00" in facts.check("fresh_price", far).note


def test_an_unused_approval_does_not_stand_in_the_way_of_a_question() -> None:
    kinds = ("approval",) * 4 + ("position",) * 4
    held = facts.book(holdings=tuple(facts.holding(f"S{n}", kind=kind) for n, kind in enumerate(kinds)))
    asked = case_as_asked(facts.subject(), held, facts.limits(max_positions=5), facts.NOW, 10, Decimal(50))
    found = facts.check("max_positions", asked)
    assert (found.passed, found.value) == (True, 5)


def test_a_closed_market_says_when_it_opens() -> None:
    found = facts.check("market_open", facts.case(held=facts.book(session=None)))
    assert found.note == "the market is closed; it opens 2026-06-16 13:30 UTC"
    unknown = facts.check("market_open", facts.case(held=facts.book(session=None, opens_at=None)))
    assert unknown.note == "the market is closed; no session is known in the days ahead"


def test_a_cooldown_tells_how_long_it_lasts() -> None:
    lost = facts.book(last_losses={"ACME": facts.NOW - timedelta(minutes=47, seconds=30)})
    found = facts.check("cooldown", facts.case(held=lost))
    assert not found.passed
    assert found.note == "minutes since the last loss on it, 12.5 more to wait"


def test_what_cannot_be_compared_is_named() -> None:
    both = (*ONE, facts.holding("NEWLY", sector="Mining"))
    known = {**UNLIKE, "NEWLY": None}
    found = facts.check("correlation", facts.case(facts.subject(correlations=known), facts.book(holdings=both)))
    assert found.passed
    assert "too few days in common with NEWLY" in found.note
    miner = facts.check(
        "correlation", facts.case(facts.subject(sector="Mining", correlations=known), facts.book(holdings=both))
    )
    assert not miner.passed
    assert miner.note == "fewer than 20 days in common with NEWLY of the same sector: taken as alike"


def test_a_cap_on_the_stop_is_never_raised_by_a_floor() -> None:
    most = facts.limits(min_stop_pct=4.0, max_stop_pct=1.0)
    made = facts.case(most=most)
    reference, stop = made.reference.price, made.levels.stop
    assert reference - stop <= reference / 100
    assert not facts.check("stop_distance", made).passed
