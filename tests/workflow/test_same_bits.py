"""The same inputs give the same bits: a scan through the real services, twice, and with everything shuffled."""

from pathlib import Path

import pytest
import redis

from scripts.embedded import Server
from scripts.tapes.synthesize import synthesize
from tests.workflow.whole import Outcome, database, running, scan_once, shuffled

NAMES = 400


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small market with headlines."""
    folder = tmp_path_factory.mktemp("tape")
    synthesize(folder, seed=11, names=NAMES)
    return folder


async def one_scan(
    postgres: Server, template: str, valkey: Server, tape: Path, folder: Path, seed: int | None
) -> Outcome:
    """A whole system's life around one scan; nothing of it is left for the next one."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    async with (
        database(postgres, template, "same_bits") as url,
        running(url, valkey.url, tape, folder) as urls,
    ):
        return await scan_once(url, urls, seed)


def differences(one: Outcome, other: Outcome) -> list[str]:
    """Names of answers and tables that are not the same."""
    answers = [name for name in one.answers if one.answers[name] != other.answers[name]]
    return answers + [f"table {name}" for name in one.rows if one.rows[name] != other.rows[name]]


async def test_a_scan_is_the_same_to_the_bit_again_and_in_any_order(
    postgres: Server, template_database: str, valkey: Server, tape: Path, tmp_path: Path
) -> None:
    lives = ((tape, None), (tape, 5), (shuffled(tape, tmp_path / "shuffled", 7), 9))
    first, again, disordered = [
        await one_scan(postgres, template_database, valkey, played, tmp_path / str(number), seed)
        for number, (played, seed) in enumerate(lives)
    ]
    picks = [pick["symbol"] for pick in first.answers["scan"]["picks"]]
    assert len(picks) >= 3, "a scan that decides nothing proves nothing"
    assert len(first.rows["orders"]) >= 3
    assert len(first.rows["technical_indicators"]) >= 20
    assert differences(first, again) == []
    assert differences(first, disordered) == []
