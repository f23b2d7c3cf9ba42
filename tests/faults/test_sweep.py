"""Thirty-six of the sweep's runs: after each, the exchange's books and ours say the same, and nothing was left bare."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from scripts.embedded import Server
from tests.faults import day
from tests.faults.cases import Steps, all_cases
from tests.faults.stage import Mother, Plan
from tests.faults.sweep import make_template, run_one, steps_of

RUNS, GROUPS, SEED = 36, 6, 20


@pytest.fixture(scope="module")
def mother() -> Iterator[Mother]:
    made = Mother()
    yield made
    made.end()


@pytest.fixture(scope="module")
def open_folder(server_folder: Path) -> Path:
    folder = server_folder / "faults"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def steps(postgres: Server, open_folder: Path, mother: Mother) -> Steps:
    """Recorded once: every await and commit of the order path."""
    asyncio.run(make_template(postgres.url))
    return asyncio.run(steps_of(postgres.url, open_folder, mother))


@pytest.mark.parametrize("group", range(GROUPS))
async def test_whatever_goes_wrong_the_books_agree(
    group: int, steps: Steps, postgres: Server, open_folder: Path, mother: Mother
) -> None:
    met = 0
    for case in all_cases(steps, RUNS, SEED)[group::GROUPS]:
        verdict = await run_one(postgres.url, open_folder, f"run_{case.number}", case.plan, mother)
        assert verdict.breaches == [], f"{case} {case.plan}"
        met += verdict.met
    assert met >= RUNS // GROUPS // 2


async def test_every_await_and_commit_of_the_order_path_is_a_step(steps: Steps) -> None:
    normal = steps[day.NORMAL]
    wanted = {"send.submit broker.submit asked", "send.submit broker.submit answered", "settle.book sql.commit asked",
              "settle.book sql.commit answered", "exits.cancel broker.cancel answered",
              "send.record sql.commit answered"}  # fmt: skip
    assert wanted <= normal.keys()
    assert isinstance(normal, Counter)
    assert len(normal) > 40
    assert any(step.startswith("serve.close_all") for step in steps[day.HALTED])


async def test_without_faults_a_fill_is_covered_within_two_seconds(
    steps: Steps, postgres: Server, open_folder: Path, mother: Mother
) -> None:
    seconds = []
    for seed in range(3):
        settings = day.PAPER.model_copy(update={"seed": seed})
        verdict = await run_one(postgres.url, open_folder, f"paper_{seed}", Plan(settings=settings), mother)
        assert verdict.breaches == []
        seconds += verdict.to_cover
    assert float(np.percentile(seconds, 99)) < 2.0
