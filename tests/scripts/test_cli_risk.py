"""Halt, resume, test-alert and config, typed by an operator against the risk service."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from config.reload import LiveConfig, digest_of, read_texts
from scripts.child import free_ports, inherited
from services.risk_manager.api import create_app
from tests.config.test_reload import edit
from tests.risk_manager import facts
from tests.risk_manager.conftest import CONFIG, serving, world_on
from tests.risk_manager.test_stop import until
from tests.risk_manager.world import World
from tests.serving import served

ROOT = Path(__file__).parents[2]


@dataclass
class Operator:
    """A folder with the two files, and a running risk service."""

    world: World
    folder: Path
    url: str

    async def types(self, *words: str) -> tuple[int, str]:
        """Exit code and everything said, on one line."""
        where = json.dumps({"risk-manager": self.url})
        told = {"PYTHONPATH": str(ROOT), "CONFIG_FOLDER": str(self.folder), "SERVICE_URLS": where}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scripts.catalyst", *words, cwd=self.folder, env=inherited() | told,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, " ".join(said.decode().split())


@pytest.fixture
async def operator(pool: asyncpg.Pool, database_url: str, free_port: int, tmp_path: Path) -> AsyncIterator[Operator]:
    for name in ("risk_parameters.yaml", "trading_config.yaml"):
        shutil.copy(CONFIG / name, tmp_path / name)
    port = free_ports(1)[0]
    async with world_on(pool, free_port, database_url=database_url) as world:
        world.deps = replace(world.deps, config=LiveConfig(tmp_path, world.deps.settings))
        async with serving(create_app(world.deps), port, "on"):
            yield Operator(world, tmp_path, f"http://127.0.0.1:{port}")


async def test_halt_waits_until_flat_and_resume_for_the_cool_down(operator: Operator) -> None:
    await operator.world.desk.hold("HELD", 100, 50, stop=49)
    code, said = await operator.types("halt", "news feed went mad")
    assert (code, said.startswith("halted, closing everything: news feed went mad")) == (0, True)
    assert "flat, verified at the broker" in said
    assert "resume is possible at 12:00:00 market time" in said
    code, said = await operator.types("resume", "all is well")
    assert code == 1
    assert "the cool-down lasts another 60.0 minutes" in said
    await operator.world.clock.move(facts.NOW + timedelta(minutes=60))
    assert await operator.types("resume", "all is well") == (0, "trading may go on: all is well")


async def _database_away(_scope: Any, _receive: Any, send: Any) -> None:
    """What every service answers to a POST while its database is away."""
    body = b'{"status": 504, "detail": "the database does not answer; look before asking again"}'
    await send({"type": "http.response.start", "status": 504, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize("gone", ["the service", "the database"])
async def test_a_halt_that_cannot_be_stored_names_the_way_without_us(operator: Operator, gone: str) -> None:
    async with served(_database_away) as url:
        operator.url = url if gone == "the database" else f"http://127.0.0.1:{free_ports(1)[0]}"
        code, said = await operator.types("halt", "news feed went mad")
    assert code == 1
    assert "make flatten" in said


async def test_a_halt_that_does_not_get_flat_says_so(operator: Operator) -> None:
    await operator.world.desk.hold("HELD", 100, 50, stop=49)
    operator.world.desk.stubborn = 10_000
    code, said = await operator.types("halt", "by hand", "--patience", "1")
    assert code == 5
    assert "closing goes on" in said


async def test_test_alert_says_where_it_goes(operator: Operator) -> None:
    code, said = await operator.types("test-alert")
    assert code == 0
    assert "[TEST] Catalyst Alert System Test e-mail: off" in said
    assert "webhook: off: set ALERT_WEBHOOK_URL" in said


async def test_config_is_checked_compared_and_forced(operator: Operator) -> None:
    for symbol in ("AONE", "BTWO"):
        await operator.world.desk.hold(symbol, 20, 50, stop=49)
    await until(lambda: _accepted(operator))
    edit(operator.folder, "risk_parameters.yaml", "max_positions: 5", "max_positions: one")
    code, said = await operator.types("config", "check")
    assert code == 1
    assert "risk_parameters.yaml line 8: position_limits.max_positions" in said
    edit(operator.folder, "risk_parameters.yaml", "max_positions: one", "max_positions: 1")
    code, said = await operator.types("config", "check")
    assert code == 0
    assert "trading_config.yaml says 5, risk_parameters.yaml says 1; 1 holds" in said
    digest = digest_of(read_texts(operator.folder))
    await until(lambda: _refused(operator, digest))
    code, said = await operator.types("config", "diff")
    assert "max_positions 1: 2 are held or on their way (AONE, BTWO)" in said
    assert f"catalyst config accept {digest} 'why'" in said
    assert await operator.types("config", "accept", digest, "winding down") == (0, f"{digest} holds now")
    code, said = await operator.types("config", "diff")
    assert (code, said) == (0, f"the files against what holds ({digest}): none")


async def test_a_candidate_elsewhere_is_read_and_compared(operator: Operator, tmp_path: Path) -> None:
    candidate = tmp_path / "candidate"
    shutil.copytree(operator.folder, candidate)
    edit(candidate, "trading_config.yaml", "max_hold_time_minutes: 180", "max_hold_time_minutes: 90")
    code, said = await operator.types("config", "check", "--folder", str(candidate))
    assert (code, said.endswith("positions.max_hold_time_minutes: 180 -> 90")) == (0, True)
    code, said = await operator.types("config", "check")
    assert (code, "->" in said) == (0, False)


async def test_a_file_that_means_two_things_is_told_with_its_line(operator: Operator) -> None:
    await until(lambda: _accepted(operator))
    text = (operator.folder / "risk_parameters.yaml").read_text()
    for change, says in (
        ("  max_loss: 500\n  max_loss: 2000.00", "line 4: 'max_loss' is here twice, first on line 3"),
        ("  max_loss: 2026-13-45", "line 3: '2026-13-45' is ambiguous"),
        ("  max_loss: 20:00", "line 3: '20:00' is ambiguous"),
    ):
        (operator.folder / "risk_parameters.yaml").write_text(text.replace("  max_loss: 2000.00", change))
        for words in (("config", "check"), ("config", "try"), ("config", "diff"), ("doctor",)):
            code, said = await operator.types(*words)
            assert says in said, words
            assert "Traceback" not in said
            assert code == (0 if "diff" in words else 1), words


async def test_check_names_what_nothing_reads(operator: Operator) -> None:
    (operator.folder / ".env").write_text("SMTP_HOTS=mail.example.org\n")
    code, said = await operator.types("config", "check")
    assert (code, ".env line 1: nothing reads SMTP_HOTS: SMTP_HOST is meant?" in said) == (0, True)
    (operator.folder / ".env").write_text("MAX_DAILY_LOS=500\n")
    code, said = await operator.types("config", "check")
    assert (code, said) == (
        2,
        "catalyst: .env line 1: MAX_DAILY_LOS is no setting; MAX_DAILY_LOSS is meant? Mend the name",
    )


async def _accepted(operator: Operator) -> bool:
    return bool(await operator.world.rows("SELECT FROM events WHERE kind = 'config.accepted'"))


async def _refused(operator: Operator, digest: str) -> bool:
    sql = "SELECT FROM events WHERE kind = 'config.refused' AND payload ->> 'hash' = $1"
    return bool(await operator.world.rows(sql, digest))
