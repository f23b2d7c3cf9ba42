"""A deposit hides no loss, a withdrawal makes none, and while broker and books disagree entries use the larger loss."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from services.risk_manager import store
from services.risk_manager.flow.day import monitor, monitor_or_page
from services.risk_manager.flow.decide import decide
from services.risk_manager.rules.day import read_day
from shared.domain.order import Check
from shared.domain.position import Account
from shared.errors import Unavailable
from tests.risk_manager import facts
from tests.risk_manager.test_decide import ask
from tests.risk_manager.world import World

MORNING = facts.SESSION.open + timedelta(minutes=20)
YESTERDAY = facts.SESSION.open - timedelta(hours=20)


async def look(world: World, equity: float, flows: float | None = 0) -> None:
    """The account shows `equity`, with `flows` of it known as the owner's; the monitor looks once."""
    world.desk.equity = Decimal(str(equity))
    world.desk.cash_flows = None if flows is None else Decimal(str(flows))
    await monitor(world.deps, world.watch, facts.SESSION)


async def halted(world: World) -> bool:
    return await store.active_halt(world.deps.pool) is not None


async def loss_check(world: World) -> Check:
    """What an entry is told about the day's loss."""
    world.market.list("ACME", 50.0)
    verdict = (await decide(world.deps, ask("ACME")))[0]
    return next(check for check in verdict.checks if check.name == "daily_loss_used")


async def alerts(world: World) -> list[str]:
    return [row["kind"] for row in await world.rows("SELECT kind FROM alerts ORDER BY alert_id")]


@pytest.mark.parametrize("flows", [0, None, 5000])
async def test_a_deposit_hides_no_realised_loss(world: World, flows: float | None) -> None:
    await world.desk.lost("LOST", MORNING, -4152)
    await look(world, 100_848, flows)
    assert world.watch.reading is not None
    assert (world.watch.reading.level, world.watch.reading.loss) == ("emergency", Decimal(4152))
    assert await halted(world)
    check = await loss_check(world)
    assert (check.passed, (check.value or 0) >= 4152) == (False, True)


async def test_a_realised_loss_counts_when_the_market_does_not_answer(world: World) -> None:
    await world.desk.hold("HELD", 100, 50, stop=49)
    await world.desk.lost("LOST", MORNING, -4152)
    world.market.silent = True
    with pytest.raises(Unavailable):
        await monitor_or_page(world.deps, world.watch, facts.SESSION)
    assert await halted(world)
    assert "trading_silent" in await alerts(world)


async def test_a_deposit_of_just_the_loss_hides_nothing(world: World) -> None:
    await world.desk.lost("LOST", MORNING, -4152)
    await look(world, 100_000, None)
    assert await halted(world)


async def test_a_listed_deposit_hides_no_open_loss(world: World) -> None:
    await world.desk.hold("HELD", 100, 80, stop=40)
    world.market.list("HELD", 50.0)
    await look(world, 102_000, 5000)
    assert world.watch.reading is not None
    assert (world.watch.reading.counts, world.watch.reading.pnl) == ("broker", Decimal(-3000))
    assert await halted(world)


async def test_a_deposit_not_listed_yet_closes_nothing_and_enters_nothing(world: World) -> None:
    await world.desk.hold("HELD", 100, 80, stop=79)
    world.market.list("HELD", 50.0)
    await look(world, 102_000, 0)
    assert not await halted(world)
    assert await alerts(world) == ["pnl_disagrees"]
    assert not (await loss_check(world)).passed
    assert world.watch.reading is not None
    assert (world.watch.reading.loss, world.watch.reading.entry_loss) == (Decimal(0), Decimal(3000))


async def test_a_withdrawal_is_no_loss_once_it_is_listed(world: World) -> None:
    await look(world, 95_000, 0)
    assert not await halted(world)
    assert not (await loss_check(world)).passed
    await look(world, 95_000, -5000)
    world.desk.calls.clear()
    assert not await halted(world)
    verdict = (await decide(world.deps, ask("ACME", scan=2)))[0]
    assert verdict.approved, verdict.reason


async def test_one_wrong_answer_closes_nothing_and_enters_nothing(world: World) -> None:
    await world.desk.hold("HELD", 100, 50, stop=49)
    world.market.list("HELD", 49.9)
    await look(world, 78_000)
    assert not await halted(world)
    assert not (await loss_check(world)).passed
    await look(world, 99_990)
    assert (await decide(world.deps, ask("ACME", scan=2)))[0].approved


async def test_without_an_equity_of_the_previous_close_nothing_is_entered(world: World) -> None:
    world.desk.last_equity = Decimal(0)
    await look(world, 100_000)
    assert await alerts(world) == ["previous_equity_missing"]
    check = await loss_check(world)
    assert (check.passed, check.value) == (False, None)
    assert not await halted(world)
    await world.desk.lost("LOST", MORNING, -2500)
    await look(world, 100_000)
    assert await halted(world)


async def executed(world: World, symbol: str, purpose: str, side: str, price: float, quantity: int = 100) -> None:
    """An execution of the newest position of `symbol`, now."""
    order, now = uuid4(), world.clock.time
    await world.deps.pool.execute(
        "INSERT INTO orders (order_id, client_order_id, symbol, side, purpose, type, status, quantity,"
        " filled_quantity, booked_quantity, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, 'market', 'filled', $6, $6, $6, $7, $7)",
        order, str(order), symbol, side, purpose, quantity, now,
    )  # fmt: skip
    await world.deps.pool.execute(
        "INSERT INTO executions (execution_id, order_id, position_id, symbol, side, quantity, cumulative_quantity,"
        " price, executed_at) SELECT $1, $2, position_id, $3, $4, $5, $5, $6, $7 FROM positions WHERE symbol = $3",
        str(order), order, symbol, side, quantity, Decimal(str(price)), now,
    )  # fmt: skip


async def from_yesterday(world: World, symbol: str, price: float, exited_at: Any, pnl: float) -> None:
    await world.desk.lost(symbol, world.clock.time, pnl)
    sql = "UPDATE positions SET entry_time = $2, entry_price = $3, exit_time = $4 WHERE symbol = $1"
    await world.deps.pool.execute(sql, symbol, YESTERDAY, Decimal(str(price)), exited_at)


@pytest.mark.parametrize(("sold_at", "stops"), [(25.0, True), (49.0, False)])
async def test_what_was_held_over_night_counts_from_the_previous_close(
    world: World, sold_at: float, stops: bool
) -> None:
    """Bought at 80, closed at 50 yesterday: yesterday's 3,000 are no loss of today, what followed is."""
    world.market.list("OVER", sold_at)
    bars = world.market.history["OVER"]
    bars.close[-1] = 50.0
    await from_yesterday(world, "OVER", 80, world.clock.time, (sold_at - 80) * 100)
    await executed(world, "OVER", "exit", "sell", sold_at)
    await look(world, 105_000 - (50 - sold_at) * 100, None)
    assert await halted(world) == stops
    assert world.watch.reading is not None
    assert world.watch.reading.books_pnl == Decimal(str((sold_at - 50) * 100))


async def test_what_another_hand_bought_does_not_count_by_itself(world: World) -> None:
    await world.desk.lost("HAND", MORNING, -4152)
    await executed(world, "HAND", "foreign", "buy", 95)
    await look(world, 100_848)
    assert not await halted(world)
    assert not (await loss_check(world)).passed


async def test_a_clock_that_is_off_refuses_entries_by_name(world: World) -> None:
    world.market.list("ACME", 50.0)
    sql = (
        "INSERT INTO clock_offset (offset_seconds, uncertainty_seconds, in_step, broker_time, our_time)"
        " VALUES ($1, 0.5, false, $2, $2)"
    )
    await world.deps.pool.execute(sql, -660.0, world.clock.time)
    verdict = (await decide(world.deps, ask("ACME")))[0]
    missed = [check for check in verdict.checks if not check.passed]
    assert [(check.name, check.value, check.limit) for check in missed] == [("clock_offset", 659.5, 5.0)]


def account(pnl: float, flows: float | None = 0) -> Account:
    exact = Decimal(100_000) + Decimal(str(pnl))
    return Account(account_number="A", status="ACTIVE", equity=exact, last_equity=Decimal(100_000), cash=exact,
                   buying_power=exact, trading_allowed=True,
                   cash_flows=None if flows is None else Decimal(str(flows)))  # fmt: skip


@pytest.mark.parametrize(("broker", "flows", "books", "realized", "loss", "entries", "counts"), [
    (-100, 0, -100, 0, 100, 100, "broker"),
    (-100, 0, -100, -700, 700, 700, "realized"),
    (848, 0, -4152, -4152, 4152, 4152, "realized"),
    (848, 0, -4152, -1000, 1000, 4152, "realized"),
    (-22_000, 0, -10, 0, 10, 22_000, "smaller"),
    (-5000, -5000, 0, 0, 0, 0, "broker"),
    (-5000, None, 0, 0, 0, 5000, "smaller"),
    (5000, 5000, 0, 0, 0, 0, "broker"),
    (-900, 0, None, -300, 300, 900, "realized"),
    (-900, None, None, -300, 300, None, "realized"),
    (900, 0, 880, 50, 0, 0, "broker"),
])  # fmt: skip
def test_which_loss_counts_for_what(
    broker: float, flows: float | None, books: float | None, realized: float, loss: int, entries: int | None,
    counts: str,
) -> None:  # fmt: skip
    ours = None if books is None else Decimal(str(books))
    reading = read_day(account(broker, flows), ours, Decimal(2000), 75, Decimal(str(realized)))
    assert reading.loss == loss
    assert reading.entry_loss == entries
    assert reading.counts == counts


@pytest.mark.parametrize(("pnl", "level", "used"), [(0, "calm", 0.0), (10, "calm", 0.0), (-1, "emergency", 100.0)])
def test_a_limit_of_nothing_breaks_nothing(pnl: float, level: str, used: float) -> None:
    reading = read_day(account(pnl), Decimal(str(pnl)), Decimal(0), 75)
    assert (reading.level, reading.used_pct) == (level, used)
