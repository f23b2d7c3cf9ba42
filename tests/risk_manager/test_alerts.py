"""Alerts reach a real SMTP server, grouped, and outlive its absence."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import asyncpg
import pytest
from aiosmtpd.controller import Controller

from config.settings import Settings
from scripts.child import free_ports
from services.risk_manager import store
from services.risk_manager.flow.outbox import send_waiting
from shared.adapters.smtp import SmtpMailer
from shared.journal import raise_alert
from tests.risk_manager import facts
from tests.risk_manager.conftest import running, world_on
from tests.risk_manager.test_stop import until
from tests.risk_manager.world import World


class Inbox:
    """What the server has accepted; `refuse` makes it answer no."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return "451 come back later"
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


@contextmanager
def smtp_server(inbox: Inbox, port: int) -> Iterator[None]:
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield
    controller.stop()


@pytest.fixture
def smtp_port() -> int:
    return free_ports(1)[0]


@pytest.fixture
async def mailing(pool: asyncpg.Pool, database_url: str, free_port: int, smtp_port: int) -> AsyncIterator[World]:
    """A world with e-mail switched on, to a server that a test starts, or does not."""
    says: dict[str, Any] = {
        "smtp_host": "127.0.0.1", "smtp_port": smtp_port, "smtp_tls": False, "smtp_from": "catalyst@x.org",
        "alert_email_critical": "pager@x.org, boss@x.org", "alert_email_warning": "desk@x.org",
        "database_url": database_url,
    }  # fmt: skip
    mailer = SmtpMailer(Settings(_env_file=None, **says), timeout_seconds=5)
    async with world_on(pool, free_port, mailer, **says) as world:
        yield world


async def alert(world: World, severity: Any, message: str) -> None:
    async with world.deps.pool.acquire() as connection:
        await raise_alert(connection, "trading", severity, "order_lost", message, facts.NOW)


async def due_now(world: World) -> None:
    """Let the windows and back-offs of the outbox be over."""
    await world.deps.pool.execute("UPDATE alert_deliveries SET next_attempt_at = now() WHERE state = 'waiting'")


async def states(world: World) -> list[tuple[str, int]]:
    rows = await world.rows("SELECT state, attempts FROM alert_deliveries ORDER BY alert_id")
    return [(row["state"], row["attempts"]) for row in rows]


async def test_alerts_of_one_severity_go_in_one_mail(mailing: World, smtp_port: int) -> None:
    inbox = Inbox()
    for severity, message in (("critical", "one"), ("warning", "two"), ("critical", "three"), ("info", "four")):
        await alert(mailing, severity, message)
    with smtp_server(inbox, smtp_port):
        await send_waiting(mailing.deps)
        assert inbox.mails == []
        await due_now(mailing)
        await send_waiting(mailing.deps)
        await send_waiting(mailing.deps)
    assert [mail["Subject"] for mail in inbox.mails] == [
        "[CRITICAL] Catalyst: 2 alerts: one",
        "[WARNING] Catalyst: two",
    ]
    assert inbox.mails[0]["To"] == "pager@x.org, boss@x.org"
    text, html = (inbox.mails[0].get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert "order lost: three" in text.get_content()
    assert "<td>three</td>" in html.get_content()
    assert await states(mailing) == [("sent", 1), ("sent", 1), ("sent", 1), ("unaddressed", 1)]


async def test_an_outage_loses_nothing(mailing: World, smtp_port: int) -> None:
    inbox = Inbox()
    inbox.refuse = True
    await alert(mailing, "critical", "one")
    await send_waiting(mailing.deps)
    await due_now(mailing)
    await send_waiting(mailing.deps)
    assert await states(mailing) == [("waiting", 1)]
    with smtp_server(inbox, smtp_port):
        await send_waiting(mailing.deps)
        assert await states(mailing) == [("waiting", 1)]
        await due_now(mailing)
        await send_waiting(mailing.deps)
        assert await states(mailing) == [("waiting", 2)]
        inbox.refuse = False
        await due_now(mailing)
        await send_waiting(mailing.deps)
    assert [mail["Subject"] for mail in inbox.mails] == ["[CRITICAL] Catalyst: one"]
    assert await states(mailing) == [("sent", 3)]
    assert await store.alerts_waiting(mailing.deps.pool) == 0


async def test_two_senders_send_one_mail(mailing: World, smtp_port: int) -> None:
    inbox = Inbox()
    await alert(mailing, "critical", "one")
    await store.enrol_alerts(mailing.deps.pool, ["email"])
    await due_now(mailing)
    with smtp_server(inbox, smtp_port):
        await asyncio.gather(*(send_waiting(mailing.deps) for _ in range(4)))
    assert len(inbox.mails) == 1


async def test_the_test_alert_arrives_by_itself(mailing: World, smtp_port: int) -> None:
    inbox = Inbox()

    async def arrived() -> bool:
        if not inbox.mails:
            await due_now(mailing)
        return bool(inbox.mails)

    with smtp_server(inbox, smtp_port):
        async with running(mailing) as service:
            answer = await service.post("/api/v1/risk/test-alert")
            assert answer.json()["subject"] == "[TEST] Catalyst Alert System Test"
            await until(arrived)
    assert inbox.mails[0]["Subject"] == "[TEST] Catalyst Alert System Test"
    assert inbox.mails[0]["To"] == "pager@x.org, boss@x.org, desk@x.org"


async def test_with_mail_switched_off_it_says_so(world: World) -> None:
    async with running(world) as service:
        answer = (await service.post("/api/v1/risk/test-alert")).json()
    assert answer["email"].startswith("off")
    await store.enrol_alerts(world.deps.pool, ["email"])
    await due_now(world)
    await send_waiting(world.deps)
    rows = await world.rows("SELECT state, last_error FROM alert_deliveries")
    assert rows == [{"state": "unaddressed", "last_error": "e-mail is switched off"}]
