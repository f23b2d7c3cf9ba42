"""A halt that cannot get flat is released by name: what may stay is said, everything else must be gone."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx

from services.risk_manager import store
from shared.domain.listing import Unreadable
from shared.domain.position import OtherOrder, Reconciliation
from tests.risk_manager import facts
from tests.risk_manager.test_stop import until
from tests.risk_manager.world import World

LATER = facts.NOW + timedelta(minutes=61)
SEEN = Reconciliation(
    ready=True,
    reconciled_at=facts.NOW,
    flat=False,
    open_positions=0,
    unsettled_orders=0,
    unreadable=(
        Unreadable(kind="order", id="mleg-1", symbol=None, problem="side"),
        Unreadable(kind="position", id=None, symbol="AAA260619C00200000", problem="qty"),
    ),
    other_orders=(OtherOrder(order_id="buys", symbol="MSFT", side="buy", quantity=Decimal(20), opens=True),),
)


async def _ask(service: httpx.AsyncClient, *accept: str) -> tuple[int, Any]:
    answer = await service.post("/api/v1/risk/resume", json={"reason": "looked at it", "accept": list(accept)})
    return answer.status_code, answer.json()


async def _halted(world: World, service: httpx.AsyncClient, seen: Reconciliation) -> None:
    world.desk.seen = seen
    await service.post("/api/v1/risk/emergency-stop", json={"reason": "by hand"})

    async def asked() -> bool:
        return world.desk.asked > 0

    await until(asked)


async def test_what_is_left_is_listed_and_accepted_by_name(world: World, service: httpx.AsyncClient) -> None:
    await _halted(world, service, SEEN)
    status, early = await _ask(service, "order:mleg-1", "MSFT")
    assert (status, early["possible_at"]) == (409, (facts.NOW + timedelta(minutes=60)).isoformat())
    await world.clock.move(LATER)
    status, refused = await _ask(service)
    assert status == 409
    assert [(one["kind"], one["name"]) for one in refused["left"]] == [
        ("other_order", "order:buys"), ("unreadable_order", "order:mleg-1")
    ]  # fmt: skip
    status, refused = await _ask(service, "MSFT")
    assert (status, [one["name"] for one in refused["left"]]) == (409, ["order:mleg-1"])
    status, done = await _ask(service, "msft", "order:mleg-1")
    assert (status, len(done["accepted"])) == (200, 2)
    assert await store.active_halt(world.deps.pool) is None
    noted = await world.rows("SELECT payload FROM risk_events WHERE event_type = 'resumed'")
    assert "mleg-1" in str(noted)


async def test_lists_that_cannot_be_read_are_nothing_to_accept(world: World, service: httpx.AsyncClient) -> None:
    dark = SEEN.model_copy(update={"unreadable": (), "other_orders": (), "orders_read": False, "ready": False})
    await _halted(world, service, dark)
    await world.clock.move(LATER)
    status, refused = await _ask(service, "orders", "order:unknown")
    assert (status, {one["kind"] for one in refused["left"]}) == (409, {"orders_unread", "not_reconciled"})
    world.desk.seen = None

    async def released() -> bool:
        halt = await store.active_halt(world.deps.pool)
        return halt is not None and not halt.closing

    await until(released)
    assert (await _ask(service))[0] == 200


async def test_an_order_that_cannot_be_read_keeps_a_stop_from_being_verified(
    world: World, service: httpx.AsyncClient
) -> None:
    await _halted(world, service, SEEN)

    async def thrice() -> bool:
        return world.desk.asked > 2

    await until(thrice)
    halt = await store.active_halt(world.deps.pool)
    assert halt is not None
    assert halt.closing
    assert await world.rows("SELECT FROM risk_events WHERE event_type = 'verified_flat'") == []
