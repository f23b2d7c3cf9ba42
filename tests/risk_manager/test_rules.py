"""Levels, sizes, ids, the day's reading, and how alerts read."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import sqrt

import numpy as np
import pytest

from services.risk_manager.rules import mail, stop
from services.risk_manager.rules.book import Holding, exposure_of
from services.risk_manager.rules.correlation import Returns, correlation, returns_of
from services.risk_manager.rules.day import OpenPosition, books_pnl, notices_of, read_day
from services.risk_manager.rules.judge import Question, decision_id, judge_all
from services.risk_manager.rules.levels import levels_of, reference_of
from shared.domain.position import Account
from shared.domain.price import PriceSource, reference_price
from tests.risk_manager import facts

FIFTY = Decimal(50)


def test_without_anything_better_stop_and_target_are_the_configured_ones() -> None:
    levels = levels_of(FIFTY, facts.subject(), facts.limits())
    assert (levels.stop, levels.target) == (Decimal("49.00"), Decimal("53.00"))


def test_a_daily_range_shrinks_with_the_root_of_the_time_held() -> None:
    levels = levels_of(FIFTY, facts.subject(atr=1.0), facts.limits())
    assert float(FIFTY - levels.stop) == pytest.approx(1.5 * sqrt(180 / 390), abs=0.01)
    assert float(levels.target - FIFTY) == pytest.approx(3 * float(FIFTY - levels.stop), abs=0.011)


@pytest.mark.parametrize(("given", "stop_at"), [(49.5, "49.50"), (49.9, "49.75"), (40.0, "47.50"), (51.0, "49.00")])
def test_a_pattern_stop_is_taken_within_bounds(given: float, stop_at: str) -> None:
    assert levels_of(FIFTY, facts.subject(stop=given), facts.limits()).stop == Decimal(stop_at)


@pytest.mark.parametrize(("given", "target"), [(52.0, "52.00"), (51.0, "53.00"), (60.0, "53.00"), (49.0, "53.00")])
def test_a_pattern_target_is_taken_when_it_pays_and_is_no_dream(given: float, target: str) -> None:
    assert levels_of(FIFTY, facts.subject(target=given), facts.limits()).target == Decimal(target)


def test_the_ask_is_what_a_share_costs() -> None:
    one = facts.subject(quote=facts.quote(bid=50.0, ask=50.1))
    reference = reference_of(one, facts.limits(), facts.NOW)
    assert (reference.price, reference.cost) == (Decimal("50.00"), Decimal("50.10"))
    assert facts.case(one).value <= 5000


@pytest.mark.parametrize("print_pct", [0.6, 4.0, 6.0, -4.0, -40.0])
def test_one_odd_print_moves_neither_reference_nor_stop_nor_target(print_pct: float) -> None:
    """A small trade off the market, seconds old, against a quote of four basis points."""
    calm = facts.subject(price=25.53, trade=facts.trade(price=25.53), quote=facts.quote(bid=25.52, ask=25.53))
    odd = replace(calm, trade=facts.trade(price=25.53 * (1 + print_pct / 100)))
    usual, judged = facts.case(calm), facts.case(odd)
    assert (judged.reference.price, judged.reference.source) == (usual.reference.price, PriceSource.OFF_QUOTE)
    assert (judged.levels, judged.sized) == (usual.levels, usual.sized)
    assert facts.check("fresh_price", judged).passed


def test_a_trade_that_sets_no_price_and_no_quote_is_no_fresh_price() -> None:
    odd_lot = facts.trade().model_copy(update={"sets_price": False})
    for quoted in (None, facts.quote(age=3600), facts.quote(bid=0.0)):
        check = facts.check("fresh_price", facts.case(facts.subject(trade=odd_lot, quote=quoted)))
        assert not check.passed
        assert "sets no price" in check.note


def test_half_the_factor_is_half_the_shares() -> None:
    assert [facts.case(factor=factor).sized for factor in ("0.5", "1", "1.5")] == [50, 100, 100]


def test_a_refusal_names_every_limit_it_missed() -> None:
    verdict = judge_all(
        (facts.subject(average_volume=50),), facts.book(halted="by hand"), facts.limits(), facts.NOW,
        Question("c", 1, Decimal(1)), {},
    )[0].verdict  # fmt: skip
    assert verdict.order is None
    assert "halted: trading is halted: by hand" in verdict.reason
    assert "liquidity: 1 against 0.5" in verdict.reason
    assert len(verdict.checks) == 21


def test_ids_follow_from_the_question_alone() -> None:
    question = Question("c", 1, Decimal(1))
    order = judge_all((facts.subject(),), facts.book(), facts.limits(), facts.NOW, question, {"ACME": 2})[
        0
    ].verdict.order
    assert order is not None
    assert order.client_order_id == "cat-20260615-ACME-e-3"
    assert order.decision_id == decision_id("c", 1, "ACME")
    assert order.expires_at == facts.NOW + timedelta(seconds=60)
    assert decision_id("c", 1, "ACME") == decision_id("c", 1, "ACME", 1) != decision_id("c", 1, "ACME", 2)


def test_correlation_is_pearsons_over_the_days_both_traded() -> None:
    a, b = facts.moves(1, 90), 0.5 * facts.moves(1, 90) + facts.moves(2, 90)
    first, second = returns_of(facts.daily("A", a)), returns_of(facts.daily("B", b))
    assert correlation(first, second) == pytest.approx(float(np.corrcoef(a[-60:], b[-60:])[0, 1]), abs=1e-9)
    assert correlation(first, returns_of(facts.daily("B", np.zeros(90)))) is None
    # B did not trade on one of the days: that day counts for neither.
    kept = np.arange(90) != 80
    gap = Returns(second.day[kept], second.change[kept])
    expected = float(np.corrcoef(a[kept][-60:], b[kept][-60:])[0, 1])
    assert correlation(first, gap) == pytest.approx(expected, abs=1e-9)


def _account(pnl: float) -> Account:
    equity = Decimal(100_000) + Decimal(str(pnl))
    return Account(account_number="A", status="ACTIVE", equity=equity, last_equity=Decimal(100_000), cash=equity,
                   buying_power=equity, trading_allowed=True)  # fmt: skip


@pytest.mark.parametrize(("broker", "books", "level", "disagrees"), [
    (-100, -100, "calm", False),
    (500, 480, "calm", False),
    (-1500, -1499, "warning", False),
    (-2000, -1990, "emergency", False),
    (-1999.99, -2050, "warning", False),
    (-11_000, -40, "calm", True),
    (-2500, -2100, "emergency", True),
    (-2500, None, "calm", True),
    (-10, -2500, "calm", True),
    (900, 100, "calm", False),
])  # fmt: skip
def test_nothing_is_tripped_that_both_sides_do_not_say(
    broker: float, books: float | None, level: str, disagrees: bool
) -> None:
    ours = Decimal(str(books)) if books is not None else None
    reading = read_day(_account(broker), ours, Decimal(2000), 75)
    assert (reading.level, reading.disagrees) == (level, disagrees)
    kinds = [notice.kind for notice in notices_of(reading)]
    assert kinds == ["pnl_disagrees"] * disagrees + ["daily_loss_warning"] * (level != "calm")


def test_the_books_pnl_is_realised_and_open_together() -> None:
    held = OpenPosition(symbol="ACME", side="long", quantity=10, entry_price=Decimal(52), realized=Decimal(5))
    price = reference_price(facts.trade(), None, facts.NOW, 60)
    assert price is not None
    assert books_pnl(Decimal(-30), [held], {"ACME": price}) == Decimal(-45)
    assert books_pnl(Decimal(-30), [held], {}) is None


def _alert(
    number: int, severity: str = "critical", kind: str = "emergency_stop", message: str = "stop <now>"
) -> mail.WaitingAlert:
    return mail.WaitingAlert(alert_id=number, service="risk-manager", severity=severity, kind=kind, message=message,
                             cycle_id="20260615-093500", occurred_at=facts.NOW, attempts=1)  # fmt: skip


def test_mails_are_grouped_by_severity_and_tests_go_alone() -> None:
    groups = mail.grouped([_alert(1, "info"), _alert(2), _alert(3, "info", mail.TEST_KIND), _alert(4, "info")])
    assert [[one.alert_id for one in group] for group in groups] == [[2], [1, 4], [3]]
    assert mail.compose(groups[2]).subject == "[TEST] Catalyst Alert System Test"
    assert mail.compose(groups[1]).subject == "[INFO] Catalyst: 2 alerts: stop <now>"


def test_a_mail_holds_no_markup_and_no_second_header() -> None:
    made = mail.compose([_alert(1, message="loss\r\nBcc: all@example.com <b>")])
    assert "\n" not in made.subject
    assert "&lt;b&gt;" in made.html
    assert "<b>" not in made.html
    assert "cycle 20260615-093500" in made.text


def test_addresses_follow_the_severity_and_a_test_goes_to_all() -> None:
    known = mail.address_book("a@x.org, b@x.org", "", "a@x.org")
    assert mail.addresses(_alert(1), known) == ("a@x.org", "b@x.org")
    assert mail.addresses(_alert(1, "warning"), known) == ()
    assert mail.addresses(_alert(1, "info", mail.TEST_KIND), known) == ("a@x.org", "b@x.org")


def test_retries_come_later_and_later_but_never_end() -> None:
    assert [mail.retry_after(n) for n in (1, 2, 3, 8, 500)] == [5, 10, 20, 600, 600]


def test_a_halt_is_released_after_the_cool_down() -> None:
    until = facts.NOW + timedelta(minutes=60)
    halt = stop.Halt(halt_id=1, reason="loss", latched_at=facts.NOW, flat_at=facts.NOW, resume_after=until)
    assert stop.cooling_down(halt, facts.NOW) == "the cool-down lasts another 60.0 minutes"
    assert stop.cooling_down(halt, facts.NOW + timedelta(minutes=60)) is None


def test_exposure_sums_what_is_held_by_sector() -> None:
    held = tuple(
        Holding(symbol=symbol, kind="position", sector=sector, value=Decimal(value), risk=Decimal(2))
        for symbol, sector, value in (("AAA", "Energy", 100), ("BBB", None, 50), ("CCC", "Energy", 25))
    )
    found = exposure_of(held, facts.limits())
    assert found.by_sector == {"Energy": Decimal(125), "unknown": Decimal(50)}
    assert (found.total, found.risk) == (Decimal(175), Decimal(6))
    assert (found.limit, found.sector_limit) == (facts.limits().max_total_exposure, facts.limits().max_sector_exposure)
    assert exposure_of((), facts.limits()).total == 0
