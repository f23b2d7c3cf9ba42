"""The decisions of trading, without anything running."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from config.trading import PositionsPart
from services.trading.rules import exits, orders, positions, reconcile
from services.trading.rules.orders import OrderRow
from services.trading.rules.positions import Fill, PositionRow
from services.trading.rules.steps import Cancel, Close, GiveUp, Protect, Rest, Scene, next_step
from shared.domain.order import BrokerOrder, Execution, OrderRequest, Side
from shared.domain.session import Session

NOW = datetime(2026, 6, 15, 15, 0, tzinfo=UTC)
HOW = PositionsPart(default_stop_loss_pct=2, default_take_profit_pct=6, max_hold_time_minutes=180)
SESSION = Session(day=NOW.date(), open=NOW - timedelta(minutes=90), close=NOW + timedelta(minutes=300))
SPACE = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
FILLS = st.lists(
    st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 500), st.decimals("0.01", "900", places=4)),
    min_size=1,
    max_size=12,
)


def row(name: str, **change: Any) -> OrderRow:
    base = OrderRow(
        order_id=uuid5(SPACE, name), client_order_id=name, broker_order_id=f"b-{name}", parent_order_id=None,
        cycle_id=None, symbol="AAA", side="sell", purpose="exit", type="market", order_class="simple", status="new",
        quantity=10, filled_quantity=0, booked_quantity=0, filled_average_price=None, limit_price=None,
        stop_price=None, decision_id=None, decision_stop=None, decision_target=None, decision_expires_at=None,
        reason=None, cancel_reason=None, exit_reason=None, created_at=NOW, submitted_at=NOW, updated_at=NOW,
    )  # fmt: skip
    return replace(base, **change)


def holding(**change: Any) -> PositionRow:
    base = PositionRow(
        position_id=uuid5(SPACE, "position"), cycle_id=None, symbol="AAA", side="long", status="open", quantity=10,
        entry_quantity=10, entry_price=Decimal(100), entry_time=NOW, exit_price=None, exit_time=None,
        exit_reason=None, realized_pnl=Decimal(0), stop_price=Decimal(98), take_profit_price=Decimal(106),
        locked=False, lock_reason=None, updated_at=NOW,
    )  # fmt: skip
    return replace(base, **change)


def family(entry_status: str = "filled") -> tuple[OrderRow, OrderRow, OrderRow]:
    filled = 10 if entry_status == "filled" else 0
    entry = row("entry", purpose="entry", side="buy", order_class="bracket", status=entry_status,
                filled_quantity=filled, booked_quantity=filled)  # fmt: skip
    target = row("target", purpose="take_profit", parent_order_id=entry.order_id, type="limit")
    stop = row("stop", purpose="stop_loss", parent_order_id=entry.order_id, type="stop", status="held",
               stop_price=Decimal(98))  # fmt: skip
    return entry, target, stop


def scene(position: PositionRow | None, *rows: OrderRow, **change: Any) -> Scene:
    facts: dict[str, Any] = {"sent": (), "now": NOW, "market_open": True, "entries_over": False} | change
    return Scene(position=position, orders=rows, **facts)


@given(FILLS)
def test_profit_is_what_the_cash_says(raw: list[tuple[Side, int, Decimal]]) -> None:
    fills = [Fill(side, quantity, price, NOW + timedelta(seconds=n)) for n, (side, quantity, price) in enumerate(raw)]
    folded = positions.fold(fills)
    net = sum(fill.quantity if fill.side == "buy" else -fill.quantity for fill in fills)
    assert folded.quantity == abs(net)
    assert (folded.exit_time is None) == (net != 0)
    if net == 0:
        cash = sum((fill.quantity * fill.price * (1 if fill.side == "sell" else -1) for fill in fills), Decimal(0))
        assert folded.realized_pnl == cash


def test_more_sold_than_bought_is_a_short_and_must_go() -> None:
    folded = positions.fold([Fill("buy", 10, Decimal(100), NOW), Fill("sell", 15, Decimal(101), NOW)])
    assert (folded.side, folded.quantity, folded.realized_pnl) == ("short", 5, Decimal(10))
    assert exits.exit_due(holding(side="short", quantity=5), SESSION, HOW, NOW) == "oversold"


def test_a_held_stop_protects_once_its_entry_is_filled() -> None:
    assert scene(holding(), *family()).protected == 10
    assert scene(holding(quantity=4), *family("partially_filled")).protected == 0


def test_a_protected_position_rests() -> None:
    assert next_step(scene(holding(), *family())) == Rest()


def test_shares_without_a_stop_get_one() -> None:
    assert next_step(scene(holding())) == Protect(10)


def test_a_target_without_a_stop_goes_first() -> None:
    entry, target, _ = family()
    step = next_step(scene(holding(), entry, target))
    assert isinstance(step, Cancel)
    assert step.orders == (target,)


def test_refused_protection_means_closing() -> None:
    refused = row("protect", purpose="protect", status="rejected")
    assert next_step(scene(holding(), sent=(refused,))) == GiveUp("unprotected")


def test_closing_cancels_then_waits_then_sells() -> None:
    wanted = holding(exit_reason="manual")
    entry, target, stop = family()
    first = next_step(scene(wanted, entry, target, stop))
    assert isinstance(first, Cancel)
    assert set(first.orders) == {target, stop}
    leaving = replace(target, status="pending_cancel")
    asked = frozenset({stop.order_id})
    assert isinstance(next_step(scene(wanted, entry, leaving, stop, asked=asked)), Rest)
    assert next_step(scene(wanted)) == Close()
    assert isinstance(next_step(scene(wanted, row("exit"))), Rest)
    assert next_step(scene(wanted, market_open=False)) == Rest()


def test_a_refused_exit_is_tried_again_a_little_later() -> None:
    refused = row("exit", status="rejected")
    assert isinstance(next_step(scene(holding(exit_reason="manual"), sent=(refused,))), Rest)
    later = NOW + timedelta(seconds=3)
    assert next_step(scene(holding(exit_reason="manual"), sent=(refused,), now=later)) == Close()


def test_the_stop_is_put_back_while_a_refused_exit_waits_for_long() -> None:
    wanted, later = holding(exit_reason="manual"), NOW + timedelta(seconds=3)
    refused = (row("exit", status="rejected"),) * 5
    _, target, stop = family()
    guards = (replace(target, parent_order_id=None), replace(stop, parent_order_id=target.order_id))
    assert next_step(scene(wanted, sent=refused, now=later)) == Protect(10)
    assert next_step(scene(wanted, sent=refused[:3], now=later)) == Protect(10), "with 5 of 8 seconds left"
    assert next_step(scene(wanted, sent=refused[:2], now=later)) == Rest(NOW + timedelta(seconds=4))
    assert next_step(scene(wanted, *guards, sent=refused, now=later)) == Rest(NOW + timedelta(seconds=32))
    assert isinstance(next_step(scene(wanted, *guards, sent=refused, now=NOW + timedelta(seconds=33))), Cancel)
    no_use = (row("guard", purpose="protect", status="rejected"), *refused)
    assert next_step(scene(wanted, sent=no_use, now=later)) == Rest(NOW + timedelta(seconds=32))


def test_protection_stays_while_the_market_is_closed() -> None:
    assert next_step(scene(holding(exit_reason="manual"), *family(), market_open=False)) == Rest()


def test_a_sale_at_market_by_another_hand_is_waited_for() -> None:
    sale = row("hand", purpose="foreign", type="market")
    assert isinstance(next_step(scene(holding(), sale)), Rest)
    assert isinstance(next_step(scene(holding(exit_reason="manual"), sale)), Rest)


def test_an_entry_whose_approval_has_expired_goes() -> None:
    entry = replace(family("new")[0], decision_expires_at=NOW)
    assert next_step(scene(None, entry)) == Cancel((entry,), "its approval expired")
    assert next_step(scene(None, replace(entry, decision_expires_at=NOW + timedelta(seconds=1)))) == Rest()


def test_a_partial_entry_is_given_seconds_then_cut() -> None:
    entry = row("entry", purpose="entry", side="buy", status="partially_filled", filled_quantity=4, booked_quantity=4)
    part = holding(quantity=4)
    assert next_step(scene(part, entry)) == Rest(NOW + timedelta(seconds=1))
    assert isinstance(next_step(scene(part, entry, now=NOW + timedelta(seconds=5))), Cancel)


def test_slippage_is_positive_when_it_cost_us() -> None:
    entry, target, stop = family()
    assert orders.slippage_bps(entry, Decimal("100.10"), Decimal(100)) == 10.0
    assert orders.slippage_bps(stop, Decimal("97.02"), None) == 100.0
    assert orders.slippage_bps(entry, Decimal(100), None) is orders.slippage_bps(target, Decimal(100), None) is None


def test_an_exit_whose_rest_does_not_come_is_sent_anew() -> None:
    part = row("exit", status="partially_filled", filled_quantity=4, booked_quantity=4)
    held, later = holding(quantity=6, exit_reason="manual"), NOW + timedelta(seconds=15)
    assert isinstance(next_step(scene(held, part)), Rest)
    assert next_step(scene(held, part, now=later)) == Cancel((part,), "its rest does not come")
    assert isinstance(next_step(scene(held, row("exit"), now=later)), Rest)


def test_exits_without_a_position_are_orphans() -> None:
    _, target, _ = family()
    assert isinstance(next_step(scene(None, target)), Cancel)
    entry, target, stop = family("new")
    assert next_step(scene(None, entry, target, stop)) == Rest()


def test_what_is_not_known_yet_is_waited_for() -> None:
    assert next_step(scene(holding(), row("x", status="intended"))) == Rest(NOW + timedelta(seconds=1))
    unbooked = row("x", status="filled", filled_quantity=10)
    assert next_step(scene(None, unbooked)) == Rest(NOW + timedelta(seconds=1))


def test_exits_are_due_by_hold_and_by_the_actual_close() -> None:
    held = holding(entry_time=NOW - timedelta(minutes=180))
    assert exits.exit_due(held, SESSION, HOW, NOW) == "max_hold"
    assert exits.exit_due(holding(), SESSION, HOW, NOW) is None
    short_day = Session(day=SESSION.day, open=SESSION.open, close=NOW + timedelta(minutes=10))
    assert exits.exit_due(holding(), short_day, HOW, NOW) == "close_of_day"
    assert exits.exit_due(held, short_day, HOW, short_day.close) is None
    assert exits.exit_due(held, None, HOW, NOW) is None


def test_slots_are_counted_from_the_open() -> None:
    for seconds in (1, 12, 29):
        woken = NOW + timedelta(seconds=seconds)
        assert exits.settle_slot(SESSION, None, woken, busy=True) == NOW + timedelta(seconds=30)


def told(**change: Any) -> BrokerOrder:
    base = BrokerOrder(
        id="b-x", client_order_id="x", symbol="AAA", side="sell", type="market", order_class="simple", status="new",
        quantity=10, filled_quantity=0, submitted_at=NOW, updated_at=NOW,
    )  # fmt: skip
    return base.model_copy(update=change)


def test_old_answers_change_nothing() -> None:
    done = row("x", status="filled", filled_quantity=10)
    assert not orders.is_news(done, told(status="partially_filled", filled_quantity=4))
    assert orders.next_status(done, told(status="new")) == "filled"
    moving = row("x", updated_at=NOW + timedelta(seconds=1))
    assert not orders.is_news(moving, told(status="accepted"))
    assert orders.is_news(row("x"), told(status="suspended"))
    assert orders.next_status(row("x"), told(status="suspended", updated_at=NOW + timedelta(1))) == "suspended"


def test_a_long_is_bought_with_both_exits_on_the_tick() -> None:
    entry = row("entry", purpose="entry", side="buy", order_class="bracket", decision_stop=Decimal("98.0000"),
                decision_target=Decimal("106.0000"), limit_price=Decimal("100.3000"))  # fmt: skip
    sent = orders.request_of(entry)
    assert (sent.side, sent.type, sent.order_class) == ("buy", "limit", "bracket")
    assert (str(sent.limit_price), sent.position_intent) == ("100.30", "buy_to_open")
    assert (str(sent.stop_loss_price), str(sent.take_profit_price)) == ("98.00", "106.00")
    assert isinstance(sent, OrderRequest)


def test_a_difference_locks_when_it_lasts_ten_seconds() -> None:
    first = reconcile.disagreements({"AAA": 10}, {}, {}, NOW)
    assert not first["AAA"].locked
    later = reconcile.disagreements({"AAA": 10}, {}, first, NOW + timedelta(seconds=10))
    assert later["AAA"].locked
    assert reconcile.disagreements({"AAA": 10}, {"AAA": 10}, later, NOW) == {}


def test_an_order_we_gave_up_is_what_the_broker_says_it_is() -> None:
    ours = row("x", status="canceled", broker_order_id=None, updated_at=NOW + timedelta(minutes=1))
    assert orders.is_news(ours, told(status="pending_new"))
    assert orders.next_status(ours, told(status="pending_new")) == "pending_new"


def test_another_order_under_our_id_is_not_ours() -> None:
    ours = row("x")
    assert orders.is_answer_to(ours, told(submitted_at=NOW - timedelta(seconds=30)))
    assert not orders.is_answer_to(ours, told(quantity=9))
    assert not orders.is_answer_to(ours, told(side="buy"))
    assert not orders.is_answer_to(ours, told(submitted_at=NOW - timedelta(hours=1)))


def test_done_for_day_ends_with_the_day() -> None:
    done = told(status="done_for_day")
    assert orders.day_over(done, NOW + timedelta(hours=1)).status == "done_for_day"
    assert orders.day_over(done, NOW + timedelta(days=1)).status == "expired"
    assert orders.day_over(told(), NOW + timedelta(days=1)).status == "new"


def test_a_buy_stop_protects_no_long_position() -> None:
    buys = row("hand", purpose="foreign", side="buy", type="stop", stop_price=Decimal(102))
    assert scene(holding(), buys).protected == 0
    assert scene(holding(), row("guard", purpose="foreign", type="stop", stop_price=Decimal(98))).protected == 10


def test_a_bracket_of_another_hand_protects_once_its_entry_is_filled() -> None:
    hand = row("hand", purpose="foreign", side="buy", order_class="bracket", status="partially_filled",
               filled_quantity=4, booked_quantity=4)  # fmt: skip
    stop = row("leg", purpose="stop_loss", parent_order_id=hand.order_id, type="stop", status="held",
               stop_price=Decimal(98), quantity=4)  # fmt: skip
    held = holding(quantity=4)
    assert scene(held, hand, stop).protected == 0
    assert scene(held, replace(hand, status="filled"), stop).protected == 4
    later = scene(held, hand, stop, now=NOW + timedelta(seconds=2))
    assert isinstance(step := next_step(later), Cancel)
    assert [order.client_order_id for order in step.orders] == ["hand"]


def test_what_another_hand_ordered_is_not_an_orphan() -> None:
    hand = row("hand", purpose="foreign", side="buy", type="limit", limit_price=Decimal(90))
    assert next_step(scene(None, hand)) == Rest()
    unwanted = replace(hand, cancel_reason="emergency_stop")
    assert isinstance(next_step(scene(None, unwanted)), Cancel)


def test_a_position_of_ours_is_closed_by_the_clock_whatever_becomes_of_foreign_shares() -> None:
    late = NOW + timedelta(minutes=200)
    leave = HOW.model_copy(update={"foreign_positions": "leave"})
    assert exits.exit_due(holding(stop_price=None), SESSION, leave, late) == "max_hold"
    assert exits.exit_due(holding(side="short"), SESSION, leave, late) == "oversold"


def fill(name: str, quantity: int, second: int, order: str = "b-x") -> Execution:
    return Execution(
        execution_id=name, broker_order_id=order, symbol="AAA", side="buy", quantity=quantity, price=Decimal(100),
        at=NOW + timedelta(seconds=second),
    )  # fmt: skip


def test_one_fill_under_two_names_is_booked_once() -> None:
    listed, heard = (fill("a1", 3, 0), fill("a2", 7, 1)), (fill("h1", 3, 0), fill("h2", 7, 1))
    book, none = positions.not_booked, frozenset[str]()
    assert book("b-x", listed, heard, none, 0) == listed
    assert book("b-x", (), heard, none, 0) == heard
    assert book("b-x", listed, heard, frozenset({"h1"}), 3) == listed[1:]
    assert book("b-x", listed[:1], heard, frozenset({"h1"}), 3) == ()
    assert book("b-x", listed, heard, frozenset({"a1"}), 3) == listed[1:]
    assert book("b-x", listed, heard, frozenset({"a2"}), 7) == listed[:1]
    assert book("b-y", listed, heard, none, 0) == ()
