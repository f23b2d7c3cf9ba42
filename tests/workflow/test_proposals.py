"""Supervised: trades wait for a person, whose yes is worth what price and risk still allow."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.workflow.conftest import Bench, MakeBench
from tests.workflow.world import symbol

PROPOSALS = "/api/v1/proposals"


@pytest.fixture
async def waiting(make_bench: MakeBench) -> AsyncIterator[Bench]:
    """A supervised cycle whose first scan has proposed three trades at their scan prices."""
    async with make_bench(autonomous=False) as bench, bench.running() as client:
        await client.post("/api/v1/workflow/start")
        await bench.scans(1)
        bench.market.prices = {symbol(number): 20.0 + number for number in range(10)}
        yield bench


async def pending(bench: Bench) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await bench.client.get(f"{PROPOSALS}?status=pending")).json()
    return found


async def test_the_best_three_wait_with_their_evidence(waiting: Bench) -> None:
    assert waiting.world.sent == []
    found = await pending(waiting)
    assert [one["symbol"] for one in found] == [symbol(0), symbol(1), symbol(2)]
    first = found[0]
    assert (first["price_at_proposal"], first["quantity"], first["status"]) == ("20.0000", 100, "pending")
    assert first["scored"]["parts"]["news"] == 0.8
    assert first["expires_at"] == "2025-11-20T15:10:00Z"
    (row,) = await waiting.scans(1)
    assert row["funnel"]["execution"] == 3
    assert [pick["outcome"] for pick in row["picks"]] == ["proposal"] * 3 + ["reserve"] * 2


async def test_approved_twice_and_at_once_is_sent_once(waiting: Bench) -> None:
    identity = (await pending(waiting))[0]["proposal_id"]
    path = f"{PROPOSALS}/{identity}/approve"
    answers = await asyncio.gather(*(waiting.client.post(path) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert {answer.json()["status"] for answer in answers} == {"approved"}
    assert waiting.world.sent == [symbol(0)]
    assert waiting.world.decided[-1].attempt == 2
    assert len(waiting.world.decided) == 2
    again = await waiting.client.post(f"{PROPOSALS}/{identity}/reject")
    assert again.status_code == 409
    assert "approved" in again.json()["detail"]


async def test_a_no_is_final(waiting: Bench) -> None:
    identity = (await pending(waiting))[0]["proposal_id"]
    for _ in range(2):
        answer = await waiting.client.post(f"{PROPOSALS}/{identity}/reject")
        assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
    late = await waiting.client.post(f"{PROPOSALS}/{identity}/approve")
    assert late.status_code == 409
    assert "rejected by the operator" in late.json()["detail"]
    assert waiting.world.sent == []


async def test_an_expired_one_is_refused_with_the_reason(waiting: Bench) -> None:
    identity = (await pending(waiting))[0]["proposal_id"]
    await waiting.clock.move(waiting.clock.time + timedelta(seconds=300))
    for said in ("it expired at", "this proposal is expired: it expired at"):
        answer = await waiting.client.post(f"{PROPOSALS}/{identity}/approve")
        assert answer.status_code == 409
        assert said in answer.json()["detail"]
    assert await pending(waiting) == []
    assert waiting.world.sent == []


@pytest.mark.parametrize(("price", "code"), [(20.09, 200), (19.91, 200), (20.11, 409), (19.89, 409)])
async def test_the_price_may_not_have_run_away(waiting: Bench, price: float, code: int) -> None:
    identity = (await pending(waiting))[0]["proposal_id"]
    waiting.market.prices[symbol(0)] = price
    answer = await waiting.client.post(f"{PROPOSALS}/{identity}/approve")
    assert answer.status_code == code
    assert waiting.world.sent == ([symbol(0)] if code == 200 else [])
    if code == 409:
        assert "the price moved 0.55 %" in answer.json()["detail"]


async def test_an_odd_print_is_no_price_move(waiting: Bench) -> None:
    """A trade four percent above a quote that has not moved neither refuses the approval nor sets its price."""
    identity = (await pending(waiting))[0]["proposal_id"]
    waiting.market.prices[symbol(0)], waiting.market.quotes_at[symbol(0)] = 20.80, 20.0
    assert (await waiting.client.post(f"{PROPOSALS}/{identity}/approve")).status_code == 200
    assert waiting.world.sent == [symbol(0)]


@pytest.mark.parametrize("who", ["risk", "trading", "price"])
async def test_whatever_no_longer_holds_refuses(waiting: Bench, who: str) -> None:
    identity = (await pending(waiting))[0]["proposal_id"]
    said = {"risk": "max_positions reached", "trading": "is halted", "price": "no price"}[who]
    if who == "risk":
        waiting.world.refused_by_risk = {symbol(0)}
    elif who == "trading":
        waiting.world.refused_by_trading = {symbol(0): 409}
    else:
        waiting.market.prices = {}
    answer = await waiting.client.post(f"{PROPOSALS}/{identity}/approve")
    assert answer.status_code == 409
    assert said in answer.json()["detail"]
    assert waiting.world.sent == []
    (found,) = (await waiting.client.get(f"{PROPOSALS}?status=refused")).json()
    assert said in found["reason"]


async def test_a_cycle_that_ends_takes_its_proposals_with_it(waiting: Bench) -> None:
    identity = (await pending(waiting))[0]["proposal_id"]
    await waiting.client.post("/api/v1/workflow/stop")
    answer = await waiting.client.post(f"{PROPOSALS}/{identity}/approve")
    assert answer.status_code == 409
    assert "the cycle ended" in answer.json()["detail"]
    assert await pending(waiting) == []
    assert waiting.world.sent == []


async def test_with_risk_away_it_stays_pending(waiting: Bench) -> None:
    identity = (await pending(waiting))[0]["proposal_id"]
    waiting.world.down = {"risk-manager"}
    answer = await waiting.client.post(f"{PROPOSALS}/{identity}/approve")
    assert answer.status_code == 503
    waiting.world.down = set()
    assert len(await pending(waiting)) == 3
    assert (await waiting.client.post(f"{PROPOSALS}/{identity}/approve")).status_code == 200


async def test_bad_ids_and_filters(waiting: Bench) -> None:
    assert (await waiting.client.post(f"{PROPOSALS}/{uuid4()}/approve")).status_code == 404
    assert (await waiting.client.post(f"{PROPOSALS}/nonsense/approve")).status_code == 422
    answer = await waiting.client.get(f"{PROPOSALS}?status=maybe")
    assert (answer.status_code, answer.json()["field"]) == (422, "status")


async def test_a_symbol_that_waits_already_gives_its_place_to_the_next(waiting: Bench) -> None:
    waiting.configure(proposal_expiry_seconds=3600)
    await waiting.client.post(f"{PROPOSALS}/{(await pending(waiting))[0]['proposal_id']}/reject")
    await waiting.deps.pool.execute("UPDATE proposals SET expires_at = expires_at + interval '1 hour'")
    await waiting.asleep()
    await waiting.clock.move(waiting.clock.time + timedelta(minutes=25))
    rows = await waiting.scans(2)
    outcomes = [pick["outcome"] for pick in rows[1]["picks"]]
    assert outcomes == ["proposal", "refused", "refused", "proposal", "proposal"]
