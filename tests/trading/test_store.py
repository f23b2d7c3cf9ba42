"""What the database itself refuses, whoever asks."""

from dataclasses import replace

import asyncpg
import pytest

from services.trading import store
from services.trading.store import booked
from tests.trading.test_rules import row


async def test_two_processes_cannot_sell_the_same_shares(pool: asyncpg.Pool) -> None:
    await store.know_symbol(pool, "AAA")
    await store.insert_order(pool, row("exit-1"))
    with pytest.raises(asyncpg.UniqueViolationError) as caught:
        await store.insert_order(pool, row("protect-1", purpose="protect"))
    assert caught.value.constraint_name == "one_open_exit_per_symbol"
    first = await store.order_by_client_id(pool, "exit-1")
    assert first is not None
    await store.mark_order(pool, first.order_id, "rejected", "no", first.updated_at)
    await store.insert_order(pool, row("exit-2"))
    assert await store.ids_like(pool, "exit-") == 2


async def test_an_entry_without_a_decision_cannot_be_stored(pool: asyncpg.Pool) -> None:
    await store.know_symbol(pool, "AAA")
    with pytest.raises(asyncpg.CheckViolationError):
        await store.insert_order(pool, row("entry-1", purpose="entry", side="buy"))
    assert await store.unsettled(pool) == ()


async def test_no_more_is_booked_than_the_broker_says_is_filled(pool: asyncpg.Pool) -> None:
    await store.know_symbol(pool, "AAA")
    order = replace(row("exit-1"), filled_quantity=4)
    await store.insert_order(pool, order)
    async with pool.acquire() as connection:
        await booked.add_booked(connection, order.order_id, 4)
        with pytest.raises(asyncpg.CheckViolationError):
            await booked.add_booked(connection, order.order_id, 1)
    assert [one.booked_quantity for one in await store.unsettled(pool)] == [4]
