"""What an operator types at workflow, and reads: proposals, approve, reject, status, explain, near-misses."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pytest

from scripts.child import free_ports, inherited
from services.workflow.api import create_app
from shared.domain.position import PositionView
from tests.workflow.conftest import ROOT, Bench, MakeBench, listening_on
from tests.workflow.surroundings import OPEN
from tests.workflow.world import symbol


@dataclass
class Operator:
    """Someone with a shell beside a supervised cycle whose first scan has proposed three trades."""

    bench: Bench
    folder: Path
    port: int

    async def types(self, *words: str) -> tuple[int, str]:
        """Exit code and everything said, on one line."""
        there = self.bench.deps.settings.service_urls
        where = json.dumps(there | {"workflow": f"http://127.0.0.1:{self.port}"})
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scripts.catalyst", *words, cwd=self.folder,
            env=inherited() | {"PYTHONPATH": str(ROOT), "SERVICE_URLS": where},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, " ".join(said.decode().split())


@pytest.fixture
async def operator(make_bench: MakeBench, tmp_path: Path) -> AsyncIterator[Operator]:
    port = free_ports(1)[0]
    async with make_bench(autonomous=False) as bench, bench.running() as client:
        await client.post("/api/v1/workflow/start")
        await bench.scans(1)
        bench.market.prices = {symbol(number): 20.0 + number for number in range(10)}
        async with listening_on(create_app(bench.deps), port):
            yield Operator(bench, tmp_path, port)


def held(name: str, **changes: object) -> PositionView:
    known: dict[str, object] = {
        "position_id": uuid5(NAMESPACE_URL, name), "cycle_id": None, "symbol": name, "side": "long", "status": "open",
        "quantity": 100, "entry_price": Decimal("20.01"), "entry_time": OPEN, "exit_price": None, "exit_time": None,
        "exit_reason": None, "realized_pnl": Decimal(0), "stop_price": Decimal("19.5"),
        "take_profit_price": Decimal("23.5"), "protected_quantity": 100,
    }  # fmt: skip
    return PositionView.model_validate(known | changes)


async def test_a_word_given_twice_says_what_became_of_it(operator: Operator) -> None:
    for _ in range(2):
        code, said = await operator.types("approve", symbol(0).lower())
        assert (code, said.startswith(f"{symbol(0)}: approved, order cat-")) == (0, True), said
    assert operator.bench.world.sent == [symbol(0)]
    code, said = await operator.types("reject", symbol(0))
    assert (code, "this proposal is approved: order cat-" in said) == (1, True), said
    code, said = await operator.types("reject", symbol(1))
    assert (code, said) == (0, f"{symbol(1)}: rejected, rejected by the operator")
    code, said = await operator.types("proposals", "--status", "rejected")
    assert "decided" in said
    assert "rejected by the operator" in said
    code, said = await operator.types("approve", "NOBODY")
    assert (code, f"pending: {symbol(2)} (" in said) == (2, True), said


async def test_status_says_what_goes_on_and_what_came_of_it(operator: Operator) -> None:
    await operator.types("reject", symbol(1))
    code, said = await operator.types("status")
    assert code == 1, "the neighbours of this bench have no health"
    for words in (
        "market time 10:05:00; new trades would be supervised",
        "cycle 20251120-100500: running, next scan ",
        "last scan: 1 of 20251120-100500 at 10:05:00, completed: 4,129 > 100 > 35 > 20 > 10 > 5 > 3",
        f"{symbol(0)}: proposal, waits for approval until 10:10:00 market time",
        f"{symbol(1)}: proposal, rejected by the operator",
        f"{symbol(3)}: reserve, approved; better ones took the places",
    ):
        assert words in said, said


async def test_explain_says_what_is_held_and_what_protects_it(operator: Operator) -> None:
    await operator.types("approve", symbol(0))
    operator.bench.world.down = {"trading"}
    code, said = await operator.types("explain", symbol(0))
    assert (code, "by now: not known, ask again when trading answers" in said) == (0, True), said
    operator.bench.world.down = set()
    operator.bench.world.positions = [held(symbol(0)), held("OTHER")]
    code, said = await operator.types("explain", symbol(0))
    assert code == 0, said
    assert f"scan 1: picked: proposal approved: order cat-20251120-{symbol(0)}" in said
    guard = "stop 19.50, target 23.50, 100 of them under a live stop"
    assert f"by now: held, 100 shares at 20.01 since 09:30:00; {guard}" in said
    gone = held(symbol(0), status="closed", exit_price=Decimal("19.5"), exit_time=OPEN, exit_reason="stop",
                realized_pnl=Decimal(-51), stop_price=None, protected_quantity=0)  # fmt: skip
    operator.bench.world.positions = [gone]
    _, said = await operator.types("explain", symbol(0), "--scan", "1")
    assert "by now: closed 09:30:00 at 19.50 (stop), -51.00 USD" in said
    _, said = await operator.types("explain", symbol(1))
    assert f"by now: no position in {symbol(1)} was ever opened" in said
    _, said = await operator.types("explain", symbol(50))
    assert f"by now: nothing of {symbol(50)} was sent or proposed in this cycle" in said


async def test_explain_and_near_misses_answer_odd_questions_in_words(operator: Operator) -> None:
    for name in ("123", "A/B", ""):
        code, said = await operator.types("explain", name)
        assert code > 0
        assert "is no symbol: letters, and points at most, such as NVDA or BRK.B" in said
    code, said = await operator.types("explain", symbol(0), "--scan", "7")
    assert (code, "did not look at the market; those that did: 1" in said) == (2, True), said
    code, said = await operator.types("near-misses", "--limit", "3")
    assert (code, said.startswith("near misses of 20251120-100500")) == (0, True), said
    assert "what would have changed it" in said
    code, said = await operator.types("near-misses", "--json")
    assert (code, len(json.loads(said))) == (0, 10)


async def test_a_degraded_scan_says_so_wherever_it_is_read(operator: Operator) -> None:
    operator.bench.world.down = {"news"}
    await operator.bench.asleep()
    await operator.bench.clock.move(OPEN.replace(hour=15, minute=30))
    await operator.bench.scans(2)
    lost = "degraded: news lost; its weight went to the others, sizes are halved (news: gone)"
    _, status = await operator.types("status")
    _, told = await operator.types("explain", symbol(5))
    assert lost in status
    assert lost in told
    assert "│ news │ missing │ - │ 0 % │ to the others │" in told
