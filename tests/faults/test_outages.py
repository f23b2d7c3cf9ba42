"""What trading stands on goes away in the middle of a day: database, cache, exchange, and the right time."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from scripts.embedded import Server, address, start_postgres, start_valkey
from tests.faults import day
from tests.faults.stage import Mother, Plan, Stage, stage
from tests.faults.sweep import TEMPLATE, make_template
from tests.faults.truth import judge
from tests.roles import APP_PASSWORD


@pytest.fixture
def mother() -> Iterator[Mother]:
    made = Mother()
    yield made
    made.end()


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """For servers of this test alone, which it may kill."""
    folder = Path(tempfile.mkdtemp(prefix="catalyst-outage-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def _begun(play: Stage) -> None:
    """Two entries are on their way."""
    for number in (0, 1):
        await play.until(day.BEGIN + play.plan.acts[number].after)
        await play.act(number + 1, play.plan.acts[number])


def _kill(server: Server) -> None:
    os.kill(server.child.pid, signal.SIGKILL)
    server.child.stop()


async def test_postgresql_is_killed_and_comes_back(own_folder: Path, tmp_path: Path, mother: Mother) -> None:
    server = start_postgres(own_folder)
    try:
        await make_template(server.url)
        url = address(server.url, database=TEMPLATE, user="catalyst_app", password=APP_PASSWORD)
        async with stage(url, tmp_path, Plan(), mother) as play:
            await _begun(play)
            _kill(server)
            await asyncio.sleep(0.3)
            server = await asyncio.to_thread(start_postgres, own_folder, server.port)
            await play.pool.expire_connections()
            await play.play(done=2)
            verdict = await judge(play)
            assert verdict.breaches == []
            assert play.deaths == 0, "it waits for its database"
    finally:
        server.stop()


async def test_the_cache_is_killed_and_stays_away(
    own_folder: Path, tmp_path: Path, mother: Mother, database_url: str
) -> None:
    valkey = start_valkey(own_folder)
    plan = Plan(redis_port=valkey.port, redis_password=urlsplit(valkey.url).password or "")
    async with stage(database_url, tmp_path, plan, mother) as play:
        await _begun(play)
        _kill(valkey)
        await play.play(done=2)
        assert (await judge(play)).breaches == []


async def test_the_exchange_hangs_for_a_minute(tmp_path: Path, mother: Mother, database_url: str) -> None:
    plan = Plan(faults=({"kind": "hang", "match": "trading", "after": 10_000},))
    async with stage(database_url, tmp_path, plan, mother) as play:
        await _begun(play)
        faults = f"{play.url}/_sim/faults"
        await play.http.delete(faults)
        await play.http.post(faults, json={"kind": "hang", "match": "trading"})
        play.outages.append((play.desk.now, play.desk.now + 60))
        await play.desk.world.clock.advance_to(play.desk.now + 60)
        await asyncio.sleep(1.0)
        await play.http.delete(faults)
        await play.play(done=2)
        assert [one for one in (await judge(play)).breaches if "bare for" not in one] == []
        worst = max(spell.seconds for spell in play.watcher.bare)
        assert worst <= 60 + 2, "covered as soon as somebody answers"


@pytest.mark.parametrize("seconds", [20.0, 75.0])
async def test_the_clock_jumps_ahead(seconds: float, tmp_path: Path, mother: Mother, database_url: str) -> None:
    async with stage(database_url, tmp_path, Plan(jump=(50, seconds)), mother) as play:
        await play.play()
        verdict = await judge(play)
        assert verdict.breaches == []
        assert play.desk.now > day.END
