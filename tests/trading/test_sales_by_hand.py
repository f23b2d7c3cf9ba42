"""Another hand's sale at market: waited for while it can fill, for its own shares, and never when it is urgent."""

from dataclasses import replace
from datetime import timedelta

from services.trading.rules.steps import Close, Protect, Rest, next_step
from tests.trading.test_rules import NOW, holding, row, scene


def test_a_sale_by_another_hand_is_waited_for_only_while_it_can_fill_and_for_its_own_shares() -> None:
    sale = row("hand", purpose="foreign", type="market")
    assert next_step(scene(holding(), replace(sale, quantity=1))) == Protect(9)
    assert next_step(scene(holding(), replace(sale, time_in_force="cls"))) == Protect(10)
    assert next_step(scene(holding(exit_reason="manual"), replace(sale, time_in_force="opg"))) == Close()
    assert next_step(scene(holding(), sale, now=NOW + timedelta(minutes=2))) == Protect(10)
    for urgent in ("emergency", "emergency_stop", "close_of_day", "oversold"):
        assert next_step(scene(holding(exit_reason=urgent), sale)) == Close()


def test_a_sale_queued_for_the_open_leaves_the_rest_its_stop() -> None:
    sale, before = row("hand", purpose="foreign", type="market", time_in_force="opg", quantity=1), {"overnight": True}
    assert next_step(scene(holding(), sale, market_open=False, **before)) == Protect(9)
    assert next_step(scene(holding(), replace(sale, quantity=10), market_open=False, **before)) == Rest()
