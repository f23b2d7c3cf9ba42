"""Changed files hold when risk accepts them: told by key, refused with the list, forced with a reason, never halved."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from config.reload import LiveConfig, build, digest_of, read_texts
from config.settings import Settings
from services.risk_manager.flow.decide import decide
from services.risk_manager.flow.reload import decide_on_files, force, look_at_files
from services.risk_manager.flow.watch import Watch
from services.risk_manager.rules.bounds import Standing, out_of_bounds
from services.risk_manager.rules.day import OpenPosition
from shared.errors import BadInput, NotNow
from tests.config.test_reload import edit
from tests.risk_manager import facts
from tests.risk_manager.conftest import CONFIG, running, world_on
from tests.risk_manager.test_decide import ask
from tests.risk_manager.test_stop import until
from tests.risk_manager.world import World

RISK, TRADING = "risk_parameters.yaml", "trading_config.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (RISK, TRADING):
        shutil.copy(CONFIG / name, tmp_path / name)
    return tmp_path


@pytest.fixture
async def filed(pool: asyncpg.Pool, database_url: str, free_port: int, folder: Path) -> AsyncIterator[World]:
    """A world whose files a test may edit; they have been accepted once."""
    async with world_on(pool, free_port, database_url=database_url) as world:
        world.deps = replace(world.deps, config=LiveConfig(folder, world.deps.settings))
        await decide_on_files(world.deps, world.watch)
        yield world


async def _told(world: World) -> list[tuple[str, str]]:
    rows = await world.rows("SELECT severity, message FROM alerts ORDER BY alert_id")
    return [(row["severity"], row["message"]) for row in rows]


async def _events(world: World) -> list[str]:
    rows = await world.rows("SELECT kind FROM events WHERE kind LIKE 'config.%' ORDER BY event_id")
    return [row["kind"] for row in rows]


async def test_the_first_files_are_accepted_without_a_word(filed: World, folder: Path) -> None:
    rows = await filed.rows("SELECT payload FROM events WHERE kind = 'config.accepted'")
    assert [row["payload"]["files"] for row in rows] == [read_texts(folder)]
    await decide_on_files(filed.deps, filed.watch)
    assert await _events(filed) == ["config.accepted"]
    assert await _told(filed) == []


async def test_a_change_is_told_by_key_and_holds(filed: World, folder: Path) -> None:
    edit(folder, TRADING, "scan_frequency_minutes: 30", "scan_frequency_minutes: 15")
    edit(folder, RISK, "max_loss: 2000.00", "max_loss: 1500.00")
    await decide_on_files(filed.deps, filed.watch)
    assert filed.deps.config.current().max_daily_loss == 1500
    assert await _events(filed) == ["config.accepted", "config.accepted", "config.changed"]
    payload = (await filed.rows("SELECT payload FROM events WHERE kind = 'config.changed'"))[0]["payload"]
    assert payload["changes"] == [
        "workflow.scan_frequency_minutes: 30.0 -> 15.0",
        "daily_limits.max_loss: 2000.0 -> 1500.0",
    ]
    ((severity, message),) = await _told(filed)
    assert severity == "info"
    assert "daily_limits.max_loss: 2000.0 -> 1500.0" in message
    assert "max_daily_loss: trading_config.yaml says 2000.0, risk_parameters.yaml says 1500.0; 1500.0 holds" in message


async def test_a_broken_file_is_told_once_with_its_line(filed: World, folder: Path) -> None:
    edit(folder, RISK, "max_positions: 5", "max_positions: five")
    for watch in (filed.watch, filed.watch, Watch()):
        await decide_on_files(filed.deps, watch)
    ((severity, message),) = await _told(filed)
    assert severity == "warning"
    assert "risk_parameters.yaml line 8: position_limits.max_positions" in message
    assert filed.deps.config.current().max_positions == 5
    assert filed.deps.config.problem is not None
    edit(folder, RISK, "max_positions: five", "max_positions: 5")
    await decide_on_files(filed.deps, filed.watch)
    assert filed.deps.config.problem is None
    edit(folder, RISK, "max_positions: 5", "max_positions: fife")
    await decide_on_files(filed.deps, filed.watch)
    assert len(await _told(filed)) == 2


async def test_out_of_bounds_is_refused_with_the_list_until_it_fits(filed: World, folder: Path) -> None:
    for symbol, quantity in (("AONE", 90), ("BTWO", 20), ("CTRI", 20)):
        await filed.desk.hold(symbol, quantity, 50, stop=49)
    edit(folder, RISK, "max_positions: 5", "max_positions: 2")
    edit(folder, RISK, "max_position_size: 5000.00", "max_position_size: 4000.00")
    await decide_on_files(filed.deps, filed.watch)
    assert filed.deps.config.current().max_positions == 5
    ((severity, message),) = await _told(filed)
    assert severity == "warning"
    assert "max_positions 2: 3 are held or on their way (AONE, BTWO, CTRI)" in message
    assert "max_position_size 4000.00: AONE (position) is 4500.00" in message
    assert f"catalyst config accept {digest_of(read_texts(folder))}" in message
    await filed.deps.pool.execute(
        "UPDATE positions SET status = 'closed', quantity = 0, exit_time = $1 WHERE symbol = 'AONE'", filed.clock.time
    )
    await decide_on_files(filed.deps, filed.watch)
    assert filed.deps.config.current().max_positions == 2
    assert filed.deps.config.problem is None
    assert [severity for severity, _ in await _told(filed)] == ["warning", "info"]


async def test_a_person_may_force_it_with_a_reason(filed: World, folder: Path) -> None:
    for symbol in ("AONE", "BTWO"):
        await filed.desk.hold(symbol, 20, 50, stop=49)
    edit(folder, RISK, "max_positions: 5", "max_positions: 1")
    async with running(filed) as service:
        await until(lambda: _refused(filed, service))
        shown = (await service.get("/api/v1/risk/config")).json()
        assert shown["changes"] == ["position_limits.max_positions: 5 -> 1"]
        assert shown["refused"] == ["max_positions 1: 2 are held or on their way (AONE, BTWO)"]
        assert shown["forcible"]
        wrong = await service.post("/api/v1/risk/config/accept", json={"hash": "0" * 16, "reason": "I know"})
        assert (wrong.status_code, shown["files_hash"] in wrong.json()["detail"]) == (409, True)
        body = {"hash": shown["files_hash"], "reason": "winding down"}
        after = await service.post("/api/v1/risk/config/accept", json=body)
        assert after.status_code == 200
        assert (after.json()["changes"], after.json()["problem"]) == ([], None)
        again = await service.post("/api/v1/risk/config/accept", json=body)
        assert (again.status_code, again.json()["detail"]) == (409, "these values hold already")
    assert filed.deps.config.current().max_positions == 1
    severity, message = (await _told(filed))[-1]
    assert severity == "warning"
    assert "Forced: winding down. Out of bounds by it: max_positions 1: 2 are held" in message


async def test_what_cannot_be_used_cannot_be_forced(filed: World, folder: Path) -> None:
    edit(folder, RISK, "max_positions: 5", "max_positions: five")
    with pytest.raises(BadInput, match="line 8"):
        await force(filed.deps, filed.watch, digest_of(read_texts(folder)), "because")


async def test_a_file_half_written_is_left_alone(filed: World, folder: Path) -> None:
    await look_at_files(filed.deps, filed.watch)
    await look_at_files(filed.deps, filed.watch)
    whole = (folder / RISK).read_text()
    (folder / RISK).write_text(whole[:300])
    await look_at_files(filed.deps, filed.watch)
    (folder / RISK).write_text(whole.replace("max_positions: 5", "max_positions: 4"))
    await look_at_files(filed.deps, filed.watch)
    assert filed.deps.config.current().max_positions == 5
    await look_at_files(filed.deps, filed.watch)
    assert filed.deps.config.current().max_positions == 4
    assert [severity for severity, _ in await _told(filed)] == ["info"]


async def test_without_hot_reload_a_restart_is_needed_and_said(filed: World, folder: Path) -> None:
    cold = filed.deps.settings.model_copy(update={"risk_hot_reload": False})
    filed.deps = replace(filed.deps, settings=cold)
    edit(folder, RISK, "max_positions: 5", "max_positions: 4")
    edit(folder, TRADING, "execute_top_n: 3", "execute_top_n: 2")
    for _ in range(2):
        await decide_on_files(filed.deps, filed.watch)
    assert filed.deps.config.current().max_positions == 5
    assert filed.deps.config.current().trading.workflow.execute_top_n == 2
    said = [message for severity, message in await _told(filed) if severity == "warning"]
    assert said == [
        "risk_parameters.yaml changed, but hot reload is off for it: restart the risk manager to take it over."
    ]
    with pytest.raises(NotNow, match="hot reload is off"):
        await force(filed.deps, filed.watch, digest_of(read_texts(folder)), "because")
    await decide_on_files(filed.deps, Watch())
    assert filed.deps.config.current().max_positions == 4


async def test_a_decision_is_made_by_what_holds_in_its_turn(filed: World, folder: Path) -> None:
    edit(folder, RISK, "max_positions: 5", "max_positions: 1")
    for symbol in ("AONE", "BTWO"):
        filed.market.list(symbol, 50.0)
    await decide_on_files(filed.deps, filed.watch)
    verdicts = await decide(filed.deps, ask("AONE", "BTWO"))
    assert [one.approved for one in verdicts] == [True, False]
    assert "max_positions: 2 against 1" in verdicts[1].reason


async def _refused(world: World, service: Any) -> bool:
    return bool((await service.get("/api/v1/risk/config")).json()["refused"])


def _bounds(old: str, new: str, standing: Standing, name: str = RISK) -> tuple[str, ...]:
    settings, texts = Settings(_env_file=None), read_texts(CONFIG)
    assert old in texts[name]
    changed = {**texts, name: texts[name].replace(old, new)}
    return out_of_bounds(build(texts, settings), build(changed, settings), standing)


def _position(symbol: str, minutes: float) -> OpenPosition:
    return OpenPosition(
        symbol=symbol, side="long", quantity=10, entry_price=Decimal(50), realized=Decimal(0),
        entry_time=facts.NOW - timedelta(minutes=minutes),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (RISK, "max_positions: 5", "max_positions: 2", "max_positions 2: 3 are held"),
        (RISK, "max_positions: 5", "max_positions: 3", ""),
        (RISK, "max_position_size: 5000.00", "max_position_size: 2999.99", "max_position_size 2999.99: BIG"),
        (RISK, "max_position_size: 5000.00", "max_position_size: 3000", ""),
        (
            RISK,
            "max_total_exposure: 25000.00",
            "max_total_exposure: 4999",
            "max_total_exposure 4999.00: 5000.00",
        ),
        (RISK, "max_exposure_pct: 40", "max_exposure_pct: 15", "sector exposure 3750.00: 4000.00 is in Energy"),
        (RISK, "max_loss: 2000.00", "max_loss: 300", "max_daily_loss 300.00: 400.00 is lost today"),
        (RISK, "max_loss: 2000.00", "max_loss: 401", ""),
        (TRADING, "max_hold_time_minutes: 180", "max_hold_time_minutes: 60", "max_hold_time_minutes 60: OLD is held"),
        (TRADING, "max_hold_time_minutes: 180", "max_hold_time_minutes: 95", ""),
        (
            TRADING,
            "close_before_minutes: 10",
            "close_before_minutes: 45",
            "close_before_minutes 45: the market closes in 30",
        ),
        (TRADING, "close_before_minutes: 10", "close_before_minutes: 20", ""),
        (TRADING, "scan_frequency_minutes: 30", "scan_frequency_minutes: 5", ""),
    ],
)
def test_every_bound_is_tried_on_both_sides(name: str, old: str, new: str, says: str) -> None:
    holdings = (
        facts.holding("BIG", 3000), facts.holding("MID", 1000), facts.holding("OTHER", 1000, sector="Finance"),
    )  # fmt: skip
    session = facts.SESSION.model_copy(update={"close": facts.NOW + timedelta(minutes=30)})
    standing = Standing(facts.NOW, holdings, (_position("OLD", 90), _position("NEW", 5)), Decimal(400), session)
    found = _bounds(old, new, standing, name)
    assert (found == ()) is (says == "")
    assert says in "; ".join(found)


def test_what_was_out_of_bounds_before_is_no_reason() -> None:
    crowd = tuple(facts.holding(f"S{number}", 100) for number in range(7))
    assert _bounds("max_positions: 5", "max_positions: 5 # still", Standing(facts.NOW, crowd, ())) == ()
    assert _bounds("max_spread_pct: 0.5", "max_spread_pct: 0.4", Standing(facts.NOW, crowd, ())) == ()
