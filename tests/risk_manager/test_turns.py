"""Two decisions at once: the second waits until the first is stored, and sees it."""

import asyncio

from services.risk_manager import store
from services.risk_manager.flow.decide import decide
from tests.risk_manager.test_decide import NAMES, ask
from tests.risk_manager.world import World

SOON_SECONDS, LONG_SECONDS = 0.5, 20.0


async def test_no_decision_is_made_while_another_is(world: World) -> None:
    for symbol in NAMES:
        world.market.list(symbol, 50.0)
    async with world.deps.pool.acquire() as connection:
        async with connection.transaction():
            await store.take_turn(connection)
            second = asyncio.create_task(decide(world.deps, ask("ACME")))
            done, _ = await asyncio.wait({second}, timeout=SOON_SECONDS)
            assert not done, "it decided beside the one that has its turn"
            assert await world.rows("SELECT FROM risk_decisions") == []
        verdicts = await asyncio.wait_for(second, LONG_SECONDS)
    assert [verdict.symbol for verdict in verdicts] == ["ACME"]
