"""A critical alert is sent again until a person has seen it, or until its condition is over."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from services.risk_manager.flow.outbox import send_waiting
from services.risk_manager.rules.paging import PAGES_A_DAY
from shared.adapters.webhook import WebhookMailer
from shared.journal import end_alert
from tests.risk_manager import facts
from tests.risk_manager.conftest import running, world_on
from tests.risk_manager.test_alerts import alert, due_now
from tests.risk_manager.test_outbox import Room, room_at
from tests.risk_manager.world import World

OLDER = (
    "UPDATE alert_deliveries SET delivered_at = delivered_at - make_interval(mins => $1),"
    " first_sent_at = first_sent_at - make_interval(mins => $1)"
)


@pytest.fixture
async def room() -> Room:
    return Room()


@pytest.fixture
async def chatting(pool: asyncpg.Pool, database_url: str, free_port: int, room: Room) -> AsyncIterator[World]:
    with room_at(room) as url:
        async with world_on(pool, free_port, None, WebhookMailer(url), database_url=database_url) as world:
            yield world


@pytest.fixture
async def api(chatting: World) -> AsyncIterator[httpx.AsyncClient]:
    """The service without its loops: a test sends by hand."""
    from services.risk_manager.api import create_app

    transport = httpx.ASGITransport(create_app(chatting.deps))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def sent(world: World) -> None:
    await send_waiting(world.deps)
    await due_now(world)
    await send_waiting(world.deps)


async def later(world: World, minutes: int = 15) -> None:
    await world.deps.pool.execute(OLDER, minutes)
    await sent(world)


async def _id(world: World, message: str) -> int:
    return int((await world.rows("SELECT max(alert_id) AS id FROM alerts WHERE message = $1", message))[0]["id"])


async def test_it_is_sent_again_and_says_how_often_until_it_is_seen(
    chatting: World, room: Room, api: httpx.AsyncClient
) -> None:
    await alert(chatting, "critical", "one")
    await sent(chatting)
    number = await _id(chatting, "one")
    assert f"catalyst seen {number}" in room.posts[0]["text"]
    await later(chatting, 14)
    assert len(room.posts) == 1
    await later(chatting, 1)
    await later(chatting)
    assert len(room.posts) == 3
    assert "sent 2 times before, and nobody has acknowledged it" in room.posts[2]["text"]
    opened = (await api.get("/api/v1/risk/alerts?open=true")).json()
    assert [(one["alert_id"], one["pages"], one["open"]) for one in opened] == [(number, 3, True)]
    body = {"by": "Ann", "note": "looking"}
    answer = (await api.post(f"/api/v1/risk/alerts/{number}/acknowledge", json=body)).json()
    assert (answer["already"], answer["covered"], answer["alert"]["acknowledged_by"]) == (False, [number], "Ann")
    await later(chatting, 60)
    assert len(room.posts) == 3
    assert (await api.get("/api/v1/risk/alerts?open=true")).json() == []
    again = (await api.post(f"/api/v1/risk/alerts/{number}/acknowledge", json={"by": "Bob"})).json()
    assert (again["already"], again["alert"]["acknowledged_by"]) == (True, "Ann")
    assert [one["note"] for one in (await api.get("/api/v1/risk/alerts")).json()] == ["looking"]


async def test_only_what_is_critical_is_sent_again(chatting: World, room: Room) -> None:
    for severity in ("warning", "info"):
        await alert(chatting, severity, severity)
    await sent(chatting)
    posts = len(room.posts)
    await later(chatting, 600)
    assert len(room.posts) == posts


async def test_a_condition_that_is_over_calls_nobody(chatting: World, room: Room) -> None:
    await alert(chatting, "critical", "one")
    await sent(chatting)
    async with chatting.deps.pool.acquire() as connection:
        await end_alert(connection, "trading", "another_kind", facts.NOW)
    await later(chatting)
    assert len(room.posts) == 2
    async with chatting.deps.pool.acquire() as connection:
        await end_alert(connection, "trading", "order_lost", facts.NOW)
    await later(chatting)
    assert len(room.posts) == 2


async def test_what_was_said_many_times_is_one_message_and_seen_at_once(
    chatting: World, room: Room, api: httpx.AsyncClient
) -> None:
    for number in range(30):
        await alert(chatting, "critical", f"order {number % 2} lost")
    await sent(chatting)
    await later(chatting)
    assert len(room.posts) == 2
    assert "catalyst seen all" in room.posts[1]["text"]
    first, second = await _id(chatting, "order 0 lost"), await _id(chatting, "order 1 lost")
    answer = (await api.post(f"/api/v1/risk/alerts/{first}/acknowledge", json={"by": "Ann"})).json()
    assert len(answer["covered"]) == 15
    opened = (await api.get("/api/v1/risk/alerts?open=true")).json()
    assert {one["message"] for one in opened} == {"order 1 lost"}
    assert opened[0]["alert_id"] == second


async def test_it_is_sent_so_many_times_a_day_and_no_more(chatting: World, room: Room) -> None:
    await alert(chatting, "critical", "one")
    await sent(chatting)
    await chatting.deps.pool.execute("UPDATE alert_deliveries SET pages = $1 WHERE channel = 'webhook'", PAGES_A_DAY)
    await later(chatting)
    assert len(room.posts) == 1
    await later(chatting, 24 * 60)
    assert len(room.posts) == 2


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("9", {"by": "Ann"}, 404, "alert_id"),
        ("0", {"by": "Ann"}, 422, "alert_id"),
        ("9223372036854775808", {"by": "Ann"}, 422, "alert_id"),
        ("x", {"by": "Ann"}, 422, "alert_id"),
        ("9", {}, 422, "by"),
        ("9", {"by": "  "}, 422, "by"),
        ("9", {"by": "a\x00b"}, 422, "by"),
        ("9", {"by": "Ann", "note": "a\x00b"}, 422, "note"),
        ("9", {"by": "Ann", "why": "x"}, 422, "why"),
    ],
)
async def test_a_wrong_acknowledgement_names_its_field(
    world: World, path: str, body: dict[str, str], status: int, field: str
) -> None:
    async with running(world) as service:
        answer = await service.post(f"/api/v1/risk/alerts/{path}/acknowledge", json=body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
