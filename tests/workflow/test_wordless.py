"""Sentences are for people: with every reason, note and message replaced by "x" a scan decides the same."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from tests.workflow.conftest import Bench, MakeBench
from tests.workflow.test_answers import START, half
from tests.workflow.world import Answer, symbol

WORDS = {"reason", "note", "message", "detail", "title", "headline", "rests_on", "remark", "refused", "outcome"}
SERVICES = ("scanner", "news", "pattern", "technical", "risk-manager", "trading")
Spoil = Callable[[Answer], Answer]
Scene = Callable[[Bench], None]


def wordless(answer: Any) -> Any:
    """The answer with other words: a sentence that is there stays one, and says nothing."""
    if isinstance(answer, dict):
        return {name: "x" if name in WORDS and isinstance(own, str) else wordless(own) for name, own in answer.items()}
    return [wordless(one) for one in answer] if isinstance(answer, list) else answer


def _plain(bench: Bench) -> None:
    bench.configure(auto_execute=True)


def _news_gone(bench: Bench) -> None:
    bench.world.down = {"news"}


def _half_of_news(bench: Bench) -> None:
    bench.world.spoilt = {"news": half}


def _half_of_technical(bench: Bench) -> None:
    bench.world.spoilt = {"technical": half}


def _raced(bench: Bench) -> None:
    bench.world.raced = {symbol(0)}


def _refused(bench: Bench) -> None:
    bench.world.refused_by_trading = {symbol(0): 409, symbol(1): 502}


def _scanner_gone(bench: Bench) -> None:
    bench.world.down = {"scanner"}


SCENES = (_plain, _news_gone, _half_of_news, _half_of_technical, _raced, _refused, _scanner_gone)


async def _played(make_bench: MakeBench, scene: Scene, change: Spoil) -> dict[str, Any]:
    """What one scan decided, asked and raised."""
    async with make_bench() as bench:
        bench.configure(auto_execute=True, stage_deadline_seconds=5)
        scene(bench)
        spoilt: dict[str, Spoil] = {}
        for service in SERVICES:
            own = bench.world.spoilt.get(service, lambda answer: answer)
            spoilt[service] = lambda answer, own=own: change(own(answer))  # type: ignore[misc]
        bench.world.spoilt = spoilt
        async with bench.running() as client:
            await client.post(START, json={"mode": "autonomous"})
            (row,) = await bench.scans(1)
        kept = ("symbol", "rank", "composite_score", "quantity", "stop_price", "outcome", "client_order_id", "refusal")
        return {
            "status": row["status"],
            "picks": [{name: pick[name] for name in kept} for pick in row["picks"]],
            "rows": [
                (one["symbol"], one["stage"], one["passed"], one.get("value"), one.get("margin"))
                for one in row["trace"]["rows"]
            ],
            "asked": [(one.size_factor, one.attempt, len(one.candidates)) for one in bench.world.decided],
            "sent": bench.world.sent,
            "alerts": await bench.alerts(),
        }


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__.strip("_"))
async def test_no_size_order_or_alarm_hangs_on_a_word(
    make_bench: MakeBench, admin_database_url: str, scene: Scene
) -> None:
    told = await _played(make_bench, scene, lambda answer: answer)
    owner = await asyncpg.connect(admin_database_url)
    await owner.execute("TRUNCATE trading_cycles, events, alerts CASCADE")
    await owner.close()
    assert await _played(make_bench, scene, wordless) == told
    assert told["picks"] or told["alerts"], "one that decides nothing"
