"""A webhook beside the mail, each with its own retries; a storm of alerts is a few messages."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI, Request, Response

from services.risk_manager import store
from services.risk_manager.flow.outbox import send_waiting
from services.risk_manager.rules.mail import MOST_ROWS, WaitingAlert, compose
from shared.adapters.webhook import WebhookMailer
from shared.errors import Unavailable
from tests.exchange.conftest import serving
from tests.risk_manager import facts
from tests.risk_manager.conftest import running, world_on
from tests.risk_manager.test_alerts import alert, due_now
from tests.risk_manager.world import World

OLDER = "UPDATE alert_deliveries SET delivered_at = delivered_at - make_interval(secs => $1)"


@dataclass
class Room:
    """A chat room's webhook: what was posted; `status` is what it answers."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/{rest:path}")
        async def take(request: Request) -> Response:
            if self.status == 200:
                self.posts.append(await request.json())
            return Response(status_code=self.status)

        return app


@contextmanager
def room_at(room: Room) -> Iterator[str]:
    with serving(room.app()) as url:
        yield f"{url}/services/T0/B0/secret"


@pytest.fixture
async def room() -> Room:
    return Room()


@pytest.fixture
async def chatting(pool: asyncpg.Pool, database_url: str, free_port: int, room: Room) -> AsyncIterator[World]:
    """A world with a webhook and no mail."""
    with room_at(room) as url:
        async with world_on(pool, free_port, None, WebhookMailer(url), database_url=database_url) as world:
            yield world


async def _deliveries(world: World) -> set[tuple[str, str, int]]:
    rows = await world.rows("SELECT channel, state, attempts FROM alert_deliveries")
    return {(row["channel"], row["state"], row["attempts"]) for row in rows}


async def test_an_alert_goes_to_the_webhook_too(chatting: World, room: Room) -> None:
    await alert(chatting, "critical", "order ACME lost")
    await send_waiting(chatting.deps)
    await due_now(chatting)
    await send_waiting(chatting.deps)
    assert [post["text"].splitlines()[0] for post in room.posts] == ["[CRITICAL] Catalyst: order ACME lost"]
    assert "order lost: order ACME lost" in room.posts[0]["text"]
    assert await _deliveries(chatting) == {("email", "unaddressed", 1), ("webhook", "sent", 1)}
    assert await store.alerts_waiting(chatting.deps.pool) == 0


async def test_a_webhook_that_refuses_is_asked_again_and_holds_up_no_mail(chatting: World, room: Room) -> None:
    room.status = 500
    await alert(chatting, "warning", "one")
    await send_waiting(chatting.deps)
    await due_now(chatting)
    await send_waiting(chatting.deps)
    assert await _deliveries(chatting) == {("email", "unaddressed", 1), ("webhook", "waiting", 1)}
    said = await chatting.rows("SELECT last_error FROM alert_deliveries WHERE channel = 'webhook'")
    assert said == [{"last_error": "the webhook answered 500"}]
    room.status = 200
    await due_now(chatting)
    await send_waiting(chatting.deps)
    assert len(room.posts) == 1
    assert await _deliveries(chatting) == {("email", "unaddressed", 1), ("webhook", "sent", 2)}


async def test_discord_wants_another_key_and_short_texts(room: Room) -> None:
    with room_at(room) as url:
        await WebhookMailer(f"{url}/discord").send((), "S", "x" * 5000)
        assert room.posts[0].keys() == {"content"}
        assert len(room.posts[0]["content"]) == 2000
    with pytest.raises(Unavailable, match="not reached") as gone:
        await WebhookMailer("http://127.0.0.1:1/secret").send((), "S", "text")
    assert "secret" not in gone.value.detail


async def test_a_storm_is_one_message_and_then_one_after_the_gap(chatting: World, room: Room) -> None:
    for number in range(300):
        await alert(chatting, "critical", f"order {number % 3} lost")
    await send_waiting(chatting.deps)
    await due_now(chatting)
    await send_waiting(chatting.deps)
    assert len(room.posts) == 1
    assert "order lost: order 2 lost (100 times, last 15:00:00 UTC)" in room.posts[0]["text"]
    for number in range(300):
        await alert(chatting, "critical", f"late {number}")
    await send_waiting(chatting.deps)
    waits = await chatting.rows(
        "SELECT min(next_attempt_at) - now() AS least FROM alert_deliveries"
        " WHERE channel = 'webhook' AND state = 'waiting'"
    )
    assert timedelta(seconds=25) < waits[0]["least"] <= timedelta(seconds=30)
    await due_now(chatting)
    await send_waiting(chatting.deps)
    assert len(room.posts) == 2


async def test_another_severity_and_a_test_do_not_wait_for_the_gap(chatting: World, room: Room) -> None:
    await alert(chatting, "warning", "one")
    await send_waiting(chatting.deps)
    await due_now(chatting)
    await send_waiting(chatting.deps)
    await alert(chatting, "warning", "two")
    await alert(chatting, "critical", "three")
    async with running(chatting) as service:
        answer = (await service.post("/api/v1/risk/test-alert")).json()
        assert answer["webhook"] == "on"
        await store.enrol_alerts(chatting.deps.pool, ["email", "webhook"])
    rows = await chatting.rows(
        "SELECT a.message, d.next_attempt_at - now() AS left FROM alert_deliveries d JOIN alerts a USING (alert_id)"
        " WHERE channel = 'webhook' AND message <> 'one' ORDER BY a.alert_id"
    )
    waits = [row["left"] for row in rows if row["left"] is not None]
    assert waits[0] > timedelta(seconds=100)
    assert all(one < timedelta(seconds=16) for one in waits[1:])


def test_a_long_message_says_how_much_it_leaves_out() -> None:
    many = [
        WaitingAlert(
            alert_id=number, service="trading", severity="critical", kind="order_lost", message=f"order {number}",
            cycle_id=None, occurred_at=facts.NOW, attempts=1,
        )
        for number in range(MOST_ROWS + 7)
    ]  # fmt: skip
    text = compose(many).text
    assert "and 7 others, in the journal" in text
    assert f"order {MOST_ROWS}" not in text
