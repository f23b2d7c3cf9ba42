"""An approval is one state machine: taken once, never expired beneath, never sent twice, settled when in doubt."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.workflow.api import create_app
from tests.workflow.conftest import Bench, MakeBench, eventually
from tests.workflow.world import symbol

PROPOSALS = "/api/v1/proposals"
ODD = {"trading": lambda _honest: {"an": "answer", "of": "another form"}}


async def propose(bench: Bench) -> None:
    await bench.client.post("/api/v1/workflow/start")
    await bench.scans(1)
    bench.market.prices = {symbol(number): 20.0 + number for number in range(10)}


@pytest.fixture
async def waiting(make_bench: MakeBench) -> AsyncIterator[Bench]:
    """A supervised cycle whose first scan has proposed three trades at their scan prices."""
    async with make_bench(autonomous=False) as bench, bench.running():
        await propose(bench)
        yield bench


async def first(bench: Bench) -> dict[str, Any]:
    """The best proposal as it stands by now, whatever became of it."""
    rows = (await bench.client.get(PROPOSALS)).json()
    found: dict[str, Any] = next(one for one in rows if one["symbol"] == symbol(0))
    return found


async def approve(bench: Bench) -> httpx.Response:
    return await bench.client.post(f"{PROPOSALS}/{(await first(bench))['proposal_id']}/approve")


async def comes_to(bench: Bench, status: str) -> dict[str, Any]:
    """The best proposal once it has a status."""

    async def has() -> dict[str, Any] | None:
        found = await first(bench)
        return found if found["status"] == status else None

    found: dict[str, Any] = await eventually(has, status, 20)
    return found


async def test_a_proposal_that_is_being_sent_does_not_expire(waiting: Bench) -> None:
    waiting.world.hold_at, waiting.world.after_store = ("order", 1), True
    approving = asyncio.create_task(approve(waiting))
    await asyncio.wait_for(waiting.world.held.wait(), 20)
    await waiting.clock.move(waiting.clock.time + timedelta(seconds=301))
    assert (await first(waiting))["status"] == "approving"
    waiting.world.let_go.set()
    answer = await approving
    assert (answer.status_code, answer.json()["status"]) == (200, "approved")
    assert (await first(waiting))["status"] == "approved"
    assert waiting.world.sent == [symbol(0)]


@pytest.mark.parametrize("lost", ["unreadable", "503"])
async def test_an_unknown_outcome_is_said_and_settled_when_the_order_is_found(waiting: Bench, lost: str) -> None:
    waiting.world.hold_at, waiting.world.after_store = ("order", 1), True
    approving = asyncio.create_task(approve(waiting))
    await asyncio.wait_for(waiting.world.held.wait(), 20)
    if lost == "unreadable":
        waiting.world.spoilt = ODD
        waiting.world.let_go.set()
    else:
        waiting.world.down = {"trading"}
        waiting.world.let_go.set()
        waiting.world.spoilt = ODD
    answer = await approving
    assert answer.status_code == 504
    assert "outcome unknown" in answer.json()["detail"]
    found = await first(waiting)
    assert (found["status"], found["reason_code"], found["decided_at"]) == ("unknown", "outcome_unknown", None)
    again = await waiting.client.post(f"{PROPOSALS}/{found['proposal_id']}/reject")
    assert again.status_code == 504
    waiting.world.spoilt, waiting.world.down = {}, set()
    await waiting.asleep()
    await waiting.clock.move(waiting.clock.time + timedelta(seconds=6))
    settled = await comes_to(waiting, "approved")
    assert (settled["reason_code"], settled["approved_quantity"]) == ("order_taken", 100)
    assert (await approve(waiting)).json()["status"] == "approved"
    assert waiting.world.sent == [symbol(0)]
    assert waiting.world.count("decide") == 2
    assert "approval_outcome_unknown" in await waiting.alerts()


async def test_an_order_that_never_arrived_is_refused_once_it_cannot_arrive_any_more(waiting: Bench) -> None:
    waiting.world.down = {"trading"}
    assert (await approve(waiting)).status_code == 504
    waiting.world.down = set()
    assert (await approve(waiting)).status_code == 504
    await waiting.asleep()
    await waiting.clock.move(waiting.clock.time + timedelta(seconds=121))
    found = await comes_to(waiting, "refused")
    assert found["reason_code"] == "never_sent"
    assert waiting.world.sent == []


async def test_a_refusal_counts_only_while_trading_has_no_such_order(waiting: Bench) -> None:
    # The first answer is lost after the order is taken; what answers the repeat is some other server's page.
    waiting.world.hold_at, waiting.world.after_store = ("order", 1), True
    approving = asyncio.create_task(approve(waiting))
    await asyncio.wait_for(waiting.world.held.wait(), 20)
    waiting.world.refused_by_trading = {symbol(0): 404}
    waiting.world.spoilt = {"trading": lambda honest: honest if isinstance(honest, list) else {"odd": 1}}
    waiting.world.let_go.set()
    answer = await approving
    assert (answer.status_code, answer.json()["status"]) == (200, "approved")


@pytest.mark.parametrize(("status", "outcome"), [("intended", "unknown"), ("rejected", "refused")])
async def test_what_trading_says_of_the_order_is_what_is_said(waiting: Bench, status: str, outcome: str) -> None:
    waiting.world.spoilt = {"trading": lambda honest: _with(honest, status)}
    assert (await approve(waiting)).status_code == (504 if outcome == "unknown" else 409)
    assert (await first(waiting))["status"] == outcome
    if outcome == "unknown":
        waiting.world.spoilt = {}
        await waiting.asleep()
        await waiting.clock.move(waiting.clock.time + timedelta(seconds=6))
        await comes_to(waiting, "approved")


def _with(honest: Any, status: str) -> Any:
    change = {"status": status, "reason": "said so"}
    return honest | change if isinstance(honest, dict) else [one | change for one in honest]


@pytest.mark.parametrize("sent", [True, False])
async def test_a_death_in_the_middle_of_an_approval_is_settled_at_the_next_start(
    make_bench: MakeBench, sent: bool
) -> None:
    async with make_bench(autonomous=False) as bench:
        async with bench.running():
            await propose(bench)
            bench.world.hold_at, bench.world.after_store = ("order", 1) if sent else ("decide", 2), sent
            approving = asyncio.create_task(approve(bench))
            await asyncio.wait_for(bench.world.held.wait(), 20)
            approving.cancel()
            with suppress(asyncio.CancelledError):
                await approving
        bench.world.let_go.set()
        async with bench.running():
            await comes_to(bench, "approved" if sent else "pending")
            assert (await approve(bench)).json()["status"] == "approved"
            assert bench.world.sent == [symbol(0)]


@pytest.mark.parametrize(("held_at", "outcome"), [("decide", "rejected"), ("order", "approved")])
async def test_two_processes_at_once_come_to_one_outcome(waiting: Bench, held_at: str, outcome: str) -> None:
    identity = (await first(waiting))["proposal_id"]
    waiting.world.hold_at = (held_at, 2 if held_at == "decide" else 1)
    approving = asyncio.create_task(approve(waiting))
    await asyncio.wait_for(waiting.world.held.wait(), 20)
    other = httpx.ASGITransport(app=create_app(waiting.deps))
    async with httpx.AsyncClient(transport=other, base_url="http://127.0.0.1") as second:
        rejected = await second.post(f"{PROPOSALS}/{identity}/reject")
    waiting.world.let_go.set()
    approved = await approving
    assert (await first(waiting))["status"] == outcome
    codes = {"rejected": (200, 409), "approved": (504, 200)}[outcome]
    assert (rejected.status_code, approved.status_code) == codes
    assert waiting.world.sent == ([symbol(0)] if outcome == "approved" else [])


async def test_never_more_shares_than_the_person_saw(waiting: Bench) -> None:
    found = await first(waiting)
    assert (found["quantity"], found["risk_amount"]) == (100, "100.00")
    waiting.world.spoilt = {"risk-manager": _larger}
    answer = await approve(waiting)
    assert answer.status_code == 409
    (cap,) = waiting.world.decided[-1].caps
    assert (cap.symbol, cap.quantity_max, str(cap.risk_max_usd)) == (symbol(0), 100, "100.00")
    assert (await first(waiting))["reason_code"] == "larger_than_proposed"
    assert waiting.world.sent == []


def _larger(verdicts: Any) -> Any:
    return [one | {"order": one["order"] | {"quantity": 101}} for one in verdicts]


async def test_fewer_shares_are_sent_and_said(waiting: Bench) -> None:
    waiting.world.spoilt = {
        "risk-manager": lambda said: [one | {"order": one["order"] | {"quantity": 90}} for one in said]
    }
    found = (await approve(waiting)).json()
    assert (found["status"], found["approved_quantity"], found["quantity"]) == ("approved", 90, 100)
    assert "90 shares (100 were proposed)" in found["reason"]


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("price", "price_moved"),
        ("no price", "no_price"),
        ("risk", "risk_refused"),
        ("halt", "halted"),
        ("trading", "trading_refused"),
        ("time", "not_decided_in_time"),
        ("cycle", "cycle_ended"),
        ("no", "rejected_by_operator"),
    ],
)
async def test_why_not_is_a_code_beside_the_sentence(waiting: Bench, what: str, code: str) -> None:
    identity, word = (await first(waiting))["proposal_id"], "reject" if what == "no" else "approve"
    if what in ("price", "no price"):
        waiting.market.prices = {symbol(0): 21.0} if what == "price" else {}
    elif what in ("risk", "halt"):
        waiting.world.refused_by_risk = {symbol(0)}
        name = "halted" if what == "halt" else "max_positions"
        waiting.world.spoilt = {"risk-manager": lambda said: [_missing(one, name) for one in said]}
    elif what == "trading":
        waiting.world.refused_by_trading = {symbol(0): 409}
    elif what == "time":
        await waiting.clock.move(waiting.clock.time + timedelta(seconds=300))
    elif what == "cycle":
        await waiting.client.post("/api/v1/workflow/stop")
    answer = await waiting.client.post(f"{PROPOSALS}/{identity}/{word}")
    assert answer.status_code == (200 if what == "no" else 409)
    found = await first(waiting)
    assert found["reason_code"] == code
    assert found["refused_check"] == {"risk": "max_positions", "halt": "halted"}.get(what)
    assert waiting.world.sent == []


def _missing(verdict: Any, name: str) -> Any:
    return verdict | {"checks": [one | {"name": name} for one in verdict["checks"]]}
