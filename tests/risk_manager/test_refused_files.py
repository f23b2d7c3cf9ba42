"""Files that mean more than they show, and limits that are none: a clear refusal on every way in; the watch goes on."""

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from config.reload import LiveConfig, read_texts
from services.risk_manager.flow.reload import decide_on_files, look_at_files
from services.risk_manager.rules.day import notices_of, read_day
from shared.domain.position import Account
from tests.config.test_reload import edit
from tests.risk_manager.conftest import CONFIG, running, world_on
from tests.risk_manager.test_decide import ask
from tests.risk_manager.world import World

RISK, TRADING = "risk_parameters.yaml", "trading_config.yaml"
LAUGHS = "boom:\n" + "".join(f"  - &b{n} [{', '.join([f'*b{n - 1}' if n else 'x'] * 9)}]\n" for n in range(8))
BROKEN = {
    "a date": ("timezone: US/Eastern", "timezone: 2026-13-45", TRADING, "line 4"),
    "twice": ("  max_loss: 2000.00", "  max_loss: 500\n  max_loss: 2000.00", RISK, "line 4"),
    "aliases": ("correlation:", f"{LAUGHS}correlation:", RISK, "anchors"),
    "deep": ("  max_loss: 2000.00", f"  max_loss: {'[' * 20_000}", RISK, "line 3"),
    "infinite": ("max_quote_age_seconds: 60", "max_quote_age_seconds: .inf", RISK, "line 24"),
    "nothing": ("  max_loss: 2000.00", "  max_loss:", RISK, "line 3"),
    "nul": ("timezone: US/Eastern", 'timezone: "US\\0Eastern"', TRADING, "line 4"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (RISK, TRADING):
        shutil.copy(CONFIG / name, tmp_path / name)
    return tmp_path


@pytest.fixture
async def filed(pool: asyncpg.Pool, database_url: str, free_port: int, folder: Path) -> AsyncIterator[World]:
    """A world whose files a test may edit; its environment allows a loss of 500."""
    async with world_on(pool, free_port, database_url=database_url, max_daily_loss="500") as world:
        world.deps = replace(world.deps, config=LiveConfig(folder, world.deps.settings))
        await decide_on_files(world.deps, world.watch)
        yield world


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_file_is_refused_on_every_way_in(filed: World, folder: Path, name: str) -> None:
    old, new, file, says = BROKEN[name]
    edit(folder, file, old, new)
    for _ in range(3):
        await look_at_files(filed.deps, filed.watch)
    alerts = await filed.rows("SELECT kind, severity, message FROM alerts")
    assert [(row["kind"], row["severity"]) for row in alerts] == [("config.refused", "warning")]
    assert says in alerts[0]["message"]
    assert len(alerts[0]["message"]) < 500
    async with running(filed) as service:
        shown = await service.get("/api/v1/risk/config")
        assert (shown.status_code, says in shown.json()["problem"]) == (200, True)
        body: dict[str, Any] = {"files": read_texts(folder), "scans": [ask("ACME").model_dump(mode="json")]}
        tried = await service.post("/api/v1/risk/config/try", json=body)
        assert (tried.status_code, tried.json()["field"], says in tried.json()["detail"]) == (422, "files", True)
        assert len(tried.content) < 1000
    assert filed.deps.config.current().max_daily_loss == 500


async def test_files_without_bounds_are_refused(filed: World, folder: Path) -> None:
    texts = read_texts(folder)
    async with running(filed) as service:
        tried = await service.post("/api/v1/risk/config/try", json={"files": texts, "scans": [], "x" * 10_000: 1})
        assert (tried.status_code, len(tried.content) < 1000) == (422, True)
        for files, says in (
            (texts | {RISK: "#" * 70_000}, "a file may have at most 65,536 characters"),
            (texts | {f"{number}.yaml": "" for number in range(3)}, "at most 2 files"),
            (texts | {"x" * 10_000: ""}, "at most 2 files"),
            ({"x" * 10_000: "", "y": ""}, "at most 2 files"),
            (texts | {RISK: 5}, "string"),
            (texts | {RISK: "a: \ud800"}, ""),
            ([1], "dictionary"),
        ):
            body = json.dumps({"files": files, "scans": []})
            headers = {"content-type": "application/json"}
            tried = await service.post("/api/v1/risk/config/try", content=body, headers=headers)
            assert (tried.status_code, says in tried.json()["detail"]) == (422, True), says
            assert len(tried.content) < 1000


async def test_a_limit_of_the_environment_is_shown_beside_the_files(filed: World) -> None:
    async with running(filed) as service:
        shown = (await service.get("/api/v1/risk/config")).json()
    (loss,) = [one for one in shown["limits"] if one["name"] == "max_daily_loss"]
    assert {name: Decimal(value) for name, value in loss.items() if name != "name"} == {
        "holds": 500, "trading_config": 2000, "risk_parameters": 2000, "environment": 500,
    }  # fmt: skip
    (positions,) = [one for one in shown["limits"] if one["name"] == "max_positions"]
    assert positions["environment"] is None
    assert any(one.startswith("max_daily_loss: ") and one.endswith("500 holds") for one in shown["warnings"])


@pytest.mark.parametrize("limit", ["0", "-500", "-0", "NaN", "Infinity", "-Infinity", "1E-400"])
@pytest.mark.parametrize(("lost", "level"), [("0", "calm"), ("10", "emergency")])
def test_the_days_watch_lives_whatever_the_limit(limit: str, lost: str, level: str) -> None:
    equity = Decimal(100_000)
    account = Account(
        account_number="A", status="ACTIVE", equity=equity - Decimal(lost), last_equity=equity, cash=equity,
        buying_power=equity, trading_allowed=True,
    )  # fmt: skip
    reading = read_day(account, -Decimal(lost), Decimal(limit), 75)
    assert reading.level == level
    assert len(notices_of(reading)) == (level != "calm")
