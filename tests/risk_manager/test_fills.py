"""The day is looked at when something was filled, not only at the next slot; and only so many entries a day."""

import asyncio
from datetime import timedelta
from decimal import Decimal

from services.risk_manager.flow.decide import decide
from shared.journal import append_event
from tests.risk_manager import facts
from tests.risk_manager.conftest import running
from tests.risk_manager.test_decide import ask
from tests.risk_manager.test_stop import is_flat, until
from tests.risk_manager.world import World


async def _fill(world: World) -> None:
    async with world.deps.pool.acquire() as connection:
        await append_event(connection, "trading", "fill.booked", world.clock.time, {})


async def _listens(world: World) -> bool:
    sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    return bool((await world.rows(sql))[0]["n"])


async def test_a_fill_is_looked_at_between_two_slots(world: World) -> None:
    await world.desk.hold("HELD", 100, 50, stop=49)
    world.market.list("HELD", 50.0)
    async with running(world):
        await until(lambda: _sleeps(world))
        await until(lambda: _listens(world))
        slot = world.clock.sleeping_until
        world.desk.equity = Decimal(97_900)
        world.market.list("HELD", 29.0)
        await _fill(world)
        await until(lambda: is_flat(world))
        assert world.clock.sleeping_until == slot
        assert world.clock.time == facts.NOW


async def test_many_fills_at_once_are_few_looks(world: World) -> None:
    async with running(world):
        await until(lambda: _listens(world))
        await asyncio.gather(*(_fill(world) for _ in range(50)))
        await asyncio.sleep(0.3)
        assert world.clock.sleeping_until == facts.NOW + timedelta(seconds=60)
        assert world.desk.looks < 30


async def test_a_speed_bump_refuses_the_entry_after_the_last(world: World) -> None:
    texts = world.deps.config.texts
    world.deps.config.hold({name: text.replace("_per_day: 0", "_per_day: 2") for name, text in texts.items()})
    for number, symbol in enumerate(("AONE", "BTWO", "CTRI"), 1):
        world.market.list(symbol, 50.0, seed=number)
    verdicts = await decide(world.deps, ask("AONE", "BTWO", "CTRI"))
    assert [one.approved for one in verdicts] == [True, True, False]
    assert "entries_per_day: 3 against 2 entries today with this one" in verdicts[2].reason
    await world.clock.move(facts.NOW + timedelta(minutes=2))
    again = await decide(world.deps, ask("CTRI", scan=2))
    assert again[0].approved, "approvals that nobody used have expired"


async def _sleeps(world: World) -> bool:
    return world.clock.sleeping_until is not None
