"""What became of proposals, told wherever a scan is looked at again."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from services.workflow.rules import fate
from services.workflow.rules.outcome import execution_rows
from shared.domain.cycle import Proposal
from shared.domain.evidence import Scored
from tests.workflow.conftest import MakeBench
from tests.workflow.surroundings import OPEN
from tests.workflow.world import symbol

UNTIL = OPEN + timedelta(minutes=5)


def proposal(status: str, **changes: Any) -> Proposal:
    scored = Scored(symbol="AAA", rank=1, composite_score=0.8, parts={}, weights={}, price=20.0, average_volume=1e6)
    known: dict[str, Any] = {
        "proposal_id": uuid5(NAMESPACE_URL, "AAA"), "cycle_id": "c", "scan": 1, "symbol": "AAA", "status": status,
        "scored": scored, "price_at_proposal": Decimal(20), "quantity": 100, "stop_price": Decimal(19),
        "take_profit_price": Decimal(23), "reason": "because", "created_at": OPEN, "expires_at": UNTIL,
    }  # fmt: skip
    return Proposal.model_validate(known | changes)


@pytest.mark.parametrize(
    ("changes", "at", "waits"),
    [
        ({"status": "pending"}, UNTIL - timedelta(seconds=1), True),
        ({"status": "pending"}, UNTIL, False),
        ({"status": "rejected", "decided_at": OPEN + timedelta(minutes=2)}, OPEN + timedelta(minutes=1), True),
        ({"status": "rejected", "decided_at": OPEN + timedelta(minutes=2)}, OPEN + timedelta(minutes=3), False),
        ({"status": "expired", "decided_at": UNTIL + timedelta(hours=1)}, UNTIL + timedelta(minutes=1), False),
        ({"status": "pending", "scan": 2}, OPEN + timedelta(minutes=1), False),
    ],
)
def test_who_waited_at_a_moment(changes: dict[str, Any], at: Any, waits: bool) -> None:
    assert fate.waiting([proposal(**changes)], 2, at) == (frozenset({"AAA"}) if waits else frozenset())


def test_nobody_approved_is_no_row() -> None:
    assert execution_rows([], 3) == []


async def test_explain_status_and_cycle_tell_what_became_of_it(make_bench: MakeBench) -> None:
    async with make_bench(autonomous=False) as bench, bench.running() as client:
        cycle_id = (await client.post("/api/v1/workflow/start")).json()["cycle_id"]
        await bench.scans(1)
        bench.market.prices = {symbol(number): 20.0 + number for number in range(10)}
        ids = [one["proposal_id"] for one in (await client.get("/api/v1/proposals?status=pending")).json()]
        await client.post(f"/api/v1/proposals/{ids[0]}/approve")
        await client.post(f"/api/v1/proposals/{ids[1]}/reject")

        async def order_row(number: int) -> dict[str, Any]:
            told = (await client.get(f"/api/v1/cycles/{cycle_id}/explain/{symbol(number)}")).json()
            assert told["scans"]["1"][-1]["reason"] in told["summary"]
            return dict(told["scans"]["1"][-1])

        approved, rejected, pending, reserve = [await order_row(number) for number in range(4)]
        assert (approved["passed"], approved["rank"], approved["of"]) == (True, 1, 5)
        assert approved["reason"].startswith("proposal approved: order cat-")
        assert (rejected["passed"], rejected["margin"]) == (False, None)
        assert rejected["reason"] == "proposal rejected by the operator"
        assert rejected["otherwise"] == "a yes before 2025-11-20T15:10:00+00:00"
        assert pending["reason"] == "proposal waits for approval until 2025-11-20T15:10:00+00:00"
        assert pending["otherwise"].startswith("a no, or no word until")
        assert (reserve["passed"], reserve["value"], reserve["threshold"], reserve["margin"]) == (False, 4, 3, -1)
        assert reserve["otherwise"] == "1 more to be sent at once, or 1 more of the better ones refused"
        for path in ("workflow/status", f"cycles/{cycle_id}/scans/1"):
            answer = (await client.get(f"/api/v1/{path}")).json()
            picks = answer.get("last_scan", answer)["picks"]
            assert [pick.get("decision") for pick in picks] == ["approved", "rejected", "pending", None, None]
            assert picks[1]["reason"] == "rejected by the operator"
        await bench.clock.move(bench.clock.time + timedelta(minutes=10))
        expired = await order_row(2)
        assert (expired["passed"], expired["reason"]) == (False, "proposal expired: nobody decided in time")


async def test_a_changed_configuration_is_told_beside_the_one_it_went_by(make_bench: MakeBench) -> None:
    async with make_bench() as bench, bench.running() as client:
        cycle_id = (await client.post("/api/v1/workflow/start")).json()["cycle_id"]
        await bench.scans(1)
        path = f"/api/v1/cycles/{cycle_id}/explain/{symbol(12)}"
        before = (await client.get(path)).json()
        assert before["config"] == {"1": before["config_now"]}
        bench.configure(execute_top_n=1)
        after = (await client.get(path)).json()
        assert after["config"] == before["config"]
        assert after["config_now"] not in after["config"].values()
        assert {**after, "config_now": None} == {**before, "config_now": None}, "what was decided stays as it was"
