"""Stored decisions under other files: what risk says now of then is what it would have said then."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest
import yaml

from config.reload import RISK_FILE, TRADING_FILE, Texts, read_texts
from services.risk_manager import store
from services.risk_manager.flow.decide import decide
from services.risk_manager.flow.what_if import what_if
from services.risk_manager.rules import what_if as rules
from shared.domain.cycle import Rejudged, WhatIfRequest
from shared.errors import BadInput
from tests.risk_manager import facts
from tests.risk_manager.conftest import CONFIG
from tests.risk_manager.test_decide import NAMES, ask
from tests.risk_manager.world import World

FILES = {"trading": TRADING_FILE, "risk": RISK_FILE}


def candidate(**changes: Any) -> dict[str, str]:
    """The files that come with the system with changes, named like `risk__entry__max_spread_pct`."""
    texts = {file: yaml.safe_load(text) for file, text in read_texts(CONFIG).items()}
    for place, value in changes.items():
        file, section, key = place.split("__")
        texts[FILES[file]][section][key] = value
    return {file: yaml.safe_dump(content) for file, content in texts.items()}


async def rejudged(world: World, texts: Texts, *symbols: str, **asked: Any) -> tuple[Rejudged, ...]:
    (answers,) = await what_if(world.deps, WhatIfRequest(files=dict(texts), scans=(ask(*symbols, **asked),)))
    return answers


@pytest.fixture
async def busy(world: World) -> World:
    """One held, one that moves like it, one with a loss just now, and names of no history together."""
    for number, symbol in enumerate(NAMES):
        world.market.list(symbol, 40.0 + number, seed=100 + number)
    for symbol in ("HELD", "LIKE"):
        world.market.list(symbol, 50.0, seed=5)
    world.market.list("LOST", 30.0, seed=9)
    await world.desk.hold("HELD", 60, 50, stop=49)
    await world.desk.hold("LOST", 10, 30, stop=29)
    await world.deps.pool.execute(
        "UPDATE positions SET status = 'closed', quantity = 0, realized_pnl = -12.5, exit_price = 29,"
        " exit_reason = 'stop_loss', entry_time = $1, exit_time = $1 WHERE symbol = 'LOST'",
        facts.NOW - timedelta(minutes=30),
    )
    return world


SYMBOLS = ("ACME", "HELD", "LIKE", "LOST", *NAMES[1:])


async def test_under_the_files_that_held_every_check_is_the_same(busy: World) -> None:
    stored = await decide(busy.deps, ask(*SYMBOLS))
    assert {one.approved for one in stored} == {True, False}
    answers = await rejudged(busy, candidate(), *SYMBOLS)
    assert [one.was for one in answers] == list(stored)
    for one in answers:
        assert one.would == one.was, "the same rules over the stored inputs give the same verdict, bit for bit"
        assert one.why_not is None


CHANGES: tuple[dict[str, Any], ...] = (
    {"trading__risk__max_position_size": 2000},
    {"risk__position_limits__max_risk_per_trade": 40},
    {"risk__position_limits__max_total_exposure": 9000},
    {"risk__position_limits__min_position_size": 4990},
    {"trading__risk__max_positions": 3, "risk__position_limits__max_positions": 3},
    {"trading__risk__max_sector_exposure_pct": 10, "risk__sector_limits__max_exposure_pct": 10},
    {"risk__daily_limits__max_loss": 250},
    {"risk__correlation__check_enabled": False},
    {"risk__entry__loss_cooldown_minutes": 20},
    {"risk__entry__max_share_of_average_volume_pct": 0.005},
    {"risk__entry__max_spread_pct": 0.001},
    {"risk__entry__last_minutes_without_entries": 330},
    {"risk__entry__max_stop_pct": 1.0},
    {"risk__entry__min_stop_pct": 3.0},
    {"trading__positions__default_stop_loss_pct": 1.5},
)


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: next(iter(changes)))
async def test_under_other_files_it_says_what_a_decision_would_have_said(busy: World, changes: dict[str, Any]) -> None:
    """The same question put anew (its second attempt takes the place of the first) is the measure."""
    await decide(busy.deps, ask(*SYMBOLS))
    texts = candidate(**changes)
    answers = await rejudged(busy, texts, *SYMBOLS)
    busy.deps.config.hold(texts)
    truth = await decide(busy.deps, ask(*SYMBOLS, attempt=2))
    for told, true in zip((one.would for one in answers), truth, strict=True):
        assert told is not None
        assert told.approved == true.approved, told.symbol
        assert told.checks == true.checks
        assert (told.order and told.order.quantity) == (true.order and true.order.quantity)
    assert any(one.was != one.would for one in answers), "a change that changes nothing proves nothing"


async def test_what_was_switched_off_was_measured_all_the_same(busy: World) -> None:
    without = candidate(risk__correlation__check_enabled=False)
    busy.deps.config.hold(without)
    await decide(busy.deps, ask("HELD", "LIKE", "ACME"))
    answers = await rejudged(busy, candidate(), "HELD", "LIKE", "ACME", "BOLT")
    assert [one.was.symbol for one in answers] == ["HELD", "LIKE", "ACME"], "BOLT was never judged"
    found = {one.was.symbol: next(check for check in one.would.checks if check.name == "correlation") for one in answers
             if one.would is not None}  # fmt: skip
    assert (found["LIKE"].passed, found["ACME"].passed) == (False, True)


@pytest.mark.parametrize("dropped", [("HELD",), ("ACME",), ("ACME", "BOLT")], ids="-".join)
async def test_who_would_not_have_been_asked_about_counts_against_nobody(
    busy: World, admin_database_url: str, dropped: tuple[str, ...]
) -> None:
    """Their approvals would not have been, so the book is the one before any of the request's."""
    await decide(busy.deps, ask(*SYMBOLS))
    rest = tuple(one for one in SYMBOLS if one not in dropped)
    answers = await rejudged(busy, candidate(), *rest)
    owner = await asyncpg.connect(admin_database_url)
    await owner.execute("TRUNCATE risk_decisions CASCADE")
    await owner.close()
    truth = await decide(busy.deps, ask(*rest))
    assert [one.would and (one.would.approved, one.would.checks) for one in answers] == [
        (one.approved, one.checks) for one in truth
    ]


async def _stored(world: World) -> list[dict[str, Any]]:
    """The rows of the one request that was decided."""
    return await store.decisions_of_scan(world.deps.pool, ask("ACME").cycle_id, ask("ACME").scan)


async def test_a_decision_without_inputs_is_not_guessed_at(busy: World) -> None:
    await decide(busy.deps, ask("ACME", "BOLT"))
    rows = await _stored(busy)
    for row in rows:
        row["inputs"] = None if row["symbol"] == "ACME" else row["inputs"]
    answers = rules.rejudged(ask("ACME", "BOLT"), rows, facts.limits())
    assert [(one.would is None, one.why_not) for one in answers] == [(True, "inputs_not_stored"), (False, None)]


async def test_no_word_that_was_stored_changes_what_would_have_been(busy: World) -> None:
    """Reasons and notes are for people: replaced by "x", the same verdicts come out."""
    await decide(busy.deps, ask(*SYMBOLS))
    limits = facts.limits(max_position_size=Decimal(2000))
    before = rules.rejudged(ask(*SYMBOLS), await _stored(busy), limits)
    rows = await _stored(busy)
    for row in rows:
        row["reason"], row["checks"] = "x", [check | {"note": "x"} for check in row["checks"]]
    after = rules.rejudged(ask(*SYMBOLS), rows, limits)
    assert [one.would for one in after] == [one.would for one in before]
    assert {one.was.reason for one in after} == {"x"}


async def test_a_bad_file_is_refused_with_its_line_and_nothing_is_kept(busy: World, service: httpx.AsyncClient) -> None:
    await decide(busy.deps, ask("ACME"))
    broken = candidate() | {RISK_FILE: "daily_limits:\n  max_loss: [\n"}
    with pytest.raises(BadInput, match=r"risk_parameters.yaml line 3: not valid YAML"):
        await rejudged(busy, broken, "ACME")
    body = WhatIfRequest(files=dict(candidate(trading__risk__max_position_size=2000)), scans=(ask("ACME"),))
    answer = await service.post("/api/v1/risk/config/try", json=body.model_dump(mode="json"))
    (pair,) = answer.json()[0]
    assert (pair["was"]["order"]["quantity"], pair["would"]["order"]["quantity"]) == (124, 49)
    assert len(await busy.rows("SELECT FROM risk_decisions")) == 1
    assert busy.deps.config.current().max_position_size == Decimal(5000)
