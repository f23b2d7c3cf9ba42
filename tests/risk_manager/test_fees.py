"""Fees are a part of the day's loss, charged or not, and the loss that reaches the limit is the one after them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from services.risk_manager.rules.day import HeldOver
from services.risk_manager.store import open_positions, realized_since
from tests.risk_manager.test_money import MORNING, account, executed, halted, look
from tests.risk_manager.world import World

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


async def bear(world: World, charged: str, accrued: str) -> None:
    sql = "UPDATE executions SET fee = $1, fee_accrued = $2"
    await world.deps.pool.execute(sql, Decimal(charged), Decimal(accrued))


@pytest.mark.parametrize(("charged", "accrued", "stops"), [("0", "0", False), ("0.04", "0", True), ("0", "0.04", True)])
async def test_a_loss_that_reaches_the_limit_by_its_fees_stops(
    world: World, charged: str, accrued: str, stops: bool
) -> None:
    await world.desk.lost("FEES", MORNING, -1999.97)
    await executed(world, "FEES", "exit", "sell", 45)
    await bear(world, charged, accrued)
    await look(world, 100_000 - 1999.97)
    assert await halted(world) == stops


async def test_what_an_open_position_has_earned_is_net_of_its_fees(world: World) -> None:
    await world.desk.hold("HELD", 100, 50, stop=49, realized=10)
    await executed(world, "HELD", "exit", "sell", 51)
    await bear(world, "0.03", "0.02")
    assert [one.realized for one in await open_positions(world.deps.pool)] == [Decimal("9.95")]
    assert (await realized_since(world.deps.pool, LONG_AGO)).own == Decimal("9.95")


def test_fees_of_a_position_held_over_are_lost_on_either_side() -> None:
    for side, gain in (("long", 100), ("short", -100)):
        over = HeldOver(side=side, symbol="A", exited_quantity=100, exited_value=Decimal(5100), fees=Decimal(2))
        assert over.realized(Decimal(50)) == gain - 2


def test_the_brokers_result_is_less_what_is_still_to_be_charged() -> None:
    told = account(-100).model_copy(update={"accrued_fees": Decimal("0.05")})
    assert told.day_pnl == Decimal("-100.05")
