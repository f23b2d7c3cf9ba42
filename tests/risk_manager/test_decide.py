"""Decisions: best first, each stored once with every check, and usable for exactly the order they describe."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.risk_manager.flow.decide import decide
from services.risk_manager.flow.stop import emergency_stop
from shared.domain.cycle import Cap, DecideRequest
from shared.domain.order import ApprovedOrder, Verdict
from shared.errors import NotFound, Unavailable
from tests.risk_manager import facts
from tests.risk_manager.world import CYCLE, World

NAMES = ("ACME", "BOLT", "CORE", "DYNE", "ECHO", "FLUX")
JSON = {"Content-Type": "application/json"}
INSERT = (
    "INSERT INTO orders (order_id, client_order_id, cycle_id, symbol, side, purpose, type, order_class, status,"
    " quantity, decision_id, decision_stop, decision_target, decision_expires_at, created_at, updated_at,"
    " limit_price) VALUES ($1, $2, $3, $4, 'buy', 'entry', 'limit', 'bracket', 'new', $5, $6, $7, $8, $9, $10, $10,"
    " $11)"
)


def ask(*symbols: str, **changes: Any) -> DecideRequest:
    given: dict[str, Any] = {
        "cycle_id": CYCLE, "scan": 1, "as_of": facts.NOW, "size_factor": Decimal(1), "approve_max": 5,
        "candidates": tuple(facts.scored(symbol, rank) for rank, symbol in enumerate(symbols, 1)),
    }  # fmt: skip
    return DecideRequest(**(given | changes))


def order_of(verdict: Verdict) -> ApprovedOrder:
    assert verdict.order is not None, verdict.reason
    return verdict.order


async def send(world: World, order: ApprovedOrder, **changes: Any) -> None:
    """What trading stores before it asks the broker."""
    told = order.model_dump() | changes
    await world.deps.pool.execute(
        INSERT, uuid4(), told["client_order_id"], CYCLE, told["symbol"], told["quantity"], told["decision_id"],
        told["stop_price"], told["take_profit_price"], told["expires_at"], world.clock.time, told["limit_price"],
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _listed(world: World) -> None:
    for symbol in NAMES:
        world.market.list(symbol, 50.0)


async def test_an_approval_counts_against_the_next(world: World) -> None:
    verdicts = await decide(world.deps, ask(*NAMES, approve_max=6))
    assert [verdict.approved for verdict in verdicts] == [True] * 5 + [False]
    assert "max_positions: 6 against 5" in verdicts[5].reason
    assert [order_of(verdict).quantity for verdict in verdicts[:5]] == [99] * 5
    assert verdicts[0].risk_amount == Decimal("113.85"), "99 shares bought at 50.15, stopped at 49"


async def test_no_more_are_approved_than_were_wanted(world: World) -> None:
    verdicts = await decide(world.deps, ask(*NAMES, approve_max=2))
    assert [verdict.approved for verdict in verdicts] == [True, True, False, False, False, False]
    assert "approvals: 3 against 2" in verdicts[2].reason


@pytest.mark.parametrize(
    ("price", "shares_shown", "risk_shown", "most"),
    [
        (50.0, 99, "113.85", 99),  # nothing has changed
        (49.5, 80, "113.85", 80),  # cheaper: never more shares than were shown
        (50.2, 90, "90.00", 77),  # the stop is further away by cents: fewer shares, not more risk
        (50.0, 40, None, 40),  # proposed before the risk was stored
    ],
)
async def test_an_approval_is_never_larger_than_what_a_person_saw(
    world: World, price: float, shares_shown: int, risk_shown: str | None, most: int
) -> None:
    world.market.list("ACME", price)
    cap = Cap(
        symbol="ACME", quantity_max=shares_shown, risk_max_usd=Decimal(risk_shown) if risk_shown is not None else None
    )
    (verdict,) = await decide(world.deps, ask("ACME", attempt=2, caps=(cap,)))
    assert order_of(verdict).quantity == most
    assert verdict.risk_amount <= cap.risk_max_usd if cap.risk_max_usd else True
    (free,) = await decide(world.deps, ask("ACME", attempt=3, size_factor=Decimal("0.5")))
    assert order_of(free).quantity != most, "another candidate's sizes are as before"


async def test_every_verdict_is_stored_with_all_its_checks(world: World) -> None:
    await world.desk.lost("BOLT", facts.NOW - timedelta(minutes=5), -80)
    await decide(world.deps, ask("ACME", "BOLT"))
    rows = await world.rows("SELECT * FROM risk_decisions ORDER BY symbol")
    assert [(row["symbol"], row["kind"], row["verdict"]) for row in rows] == [
        ("ACME", "order", "approved"), ("BOLT", "order", "refused"),
    ]  # fmt: skip
    assert all(len(row["checks"]) == 21 for row in rows)
    failed = [check for check in rows[1]["checks"] if not check["passed"]]
    assert [(check["name"], check["value"], check["limit"], check["margin"]) for check in failed] == [
        ("cooldown", 5.0, 60.0, -55.0)
    ]
    events = await world.rows("SELECT kind, payload FROM events")
    assert events == [{"kind": "risk_decided", "payload": {"scan": 1, "attempt": 1, "asked": 2, "approved": ["ACME"]}}]


async def test_asked_twice_the_stored_verdict_is_the_answer(world: World) -> None:
    first = await decide(world.deps, ask("ACME", "BOLT"))
    world.market.prices["ACME"] = 70.0
    await world.clock.move(facts.NOW + timedelta(hours=1))
    assert await decide(world.deps, ask("ACME", "BOLT")) == first
    assert len(await world.rows("SELECT FROM risk_decisions")) == 2


async def test_asked_twice_at_once_it_is_decided_once(world: World) -> None:
    answers = await asyncio.gather(*(decide(world.deps, ask(*NAMES)) for _ in range(3)))
    assert answers[0] == answers[1] == answers[2]
    assert len(await world.rows("SELECT FROM risk_decisions")) == 6


async def test_two_scans_at_once_share_one_book(world: World) -> None:
    one, two = await asyncio.gather(decide(world.deps, ask(*NAMES)), decide(world.deps, ask(*reversed(NAMES), scan=2)))
    approved = [verdict.symbol for verdict in (*one, *two) if verdict.approved]
    assert len(approved) == len(set(approved)) == 5


async def test_an_order_fits_the_decision_or_is_not_stored(world: World) -> None:
    order = order_of((await decide(world.deps, ask("ACME")))[0])
    for change in (
        {"quantity": order.quantity + 1},
        {"stop_price": Decimal(1)},
        {"limit_price": order.limit_price + 1},
        {"symbol": "BOLT"},
    ):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await send(world, order, **change)
    await send(world, order)
    with pytest.raises(asyncpg.UniqueViolationError):
        await send(world, order)


async def test_an_entry_on_its_way_and_a_live_approval_hold_their_place(world: World) -> None:
    sent, waiting = await decide(world.deps, ask("ACME", "BOLT"))
    await send(world, order_of(sent))
    later = facts.NOW + timedelta(seconds=59)
    await world.clock.move(later)
    verdicts = await decide(world.deps, ask("ACME", "BOLT", scan=2))
    assert "an entry is on its way" in verdicts[0].reason
    assert "an approval waits to be used" in verdicts[1].reason
    await world.clock.move(later + timedelta(seconds=2))
    again = await decide(world.deps, ask("ACME", "BOLT", scan=3))
    assert [verdict.approved for verdict in again] == [False, True]
    assert order_of(waiting).client_order_id == "cat-20260615-BOLT-e-1"
    assert order_of(again[1]).client_order_id == "cat-20260615-BOLT-e-2"


async def test_a_filled_entry_counts_until_the_position_holds_it(world: World) -> None:
    order = order_of((await decide(world.deps, ask("ACME")))[0])
    await send(world, order)
    await world.deps.pool.execute("UPDATE orders SET status = 'filled', filled_quantity = quantity")
    refused = (await decide(world.deps, ask("ACME", scan=2)))[0]
    assert "duplicate_or_held" in refused.reason
    await world.deps.pool.execute("UPDATE orders SET booked_quantity = quantity")
    await world.desk.hold("ACME", 100, 50, stop=49)
    held = (await decide(world.deps, ask("ACME", scan=3)))[0]
    assert "it is held" in held.reason


async def test_a_proposal_approved_later_is_judged_anew(world: World) -> None:
    first = order_of((await decide(world.deps, ask("ACME")))[0])
    await world.clock.move(facts.NOW + timedelta(seconds=20))
    world.market.prices["ACME"] = 51.0
    anew = order_of((await decide(world.deps, ask("ACME", attempt=2)))[0])
    assert anew.reference_price == 51
    assert anew.decision_id != first.decision_id
    assert anew.expires_at == facts.NOW + timedelta(seconds=80)


async def test_what_moves_like_a_holding_is_refused(world: World) -> None:
    await world.desk.hold("HELD", 100, 50, stop=49)
    world.market.list("HELD", 50.0, seed=5)
    world.market.list("ACME", 50.0, seed=5)
    verdicts = await decide(world.deps, ask("ACME", "BOLT"))
    assert "correlation: 1 against 0.7 with HELD" in verdicts[0].reason
    assert verdicts[1].approved


async def test_a_closed_market_and_a_halt_are_said(world: World) -> None:
    await emergency_stop(world.deps, world.watch, "by hand")
    await world.clock.move(facts.SESSION.close)
    verdict = (await decide(world.deps, ask("ACME")))[0]
    assert "trading is halted: by hand" in verdict.reason
    assert "the market is closed; it opens 2026-06-16 13:30 UTC" in verdict.reason
    assert verdict.order is None


async def test_without_prices_or_account_nothing_is_decided(world: World) -> None:
    world.market.silent = True
    with pytest.raises(Unavailable):
        await decide(world.deps, ask("ACME"))
    with pytest.raises(NotFound):
        await decide(world.deps, ask("ACME", cycle_id="20200101-000000"))
    assert await world.rows("SELECT FROM risk_decisions") == []


async def test_over_http(world: World, service: httpx.AsyncClient) -> None:
    body = ask("ACME", "BOLT").model_dump_json()
    answer = await service.post("/api/v1/risk/decide", content=body, headers=JSON)
    assert answer.status_code == 200
    assert [Verdict(**one).approved for one in answer.json()] == [True, True]
    twice = await service.post("/api/v1/risk/decide", content=ask("ACME", "ACME").model_dump_json(), headers=JSON)
    assert (twice.status_code, twice.json()["field"]) == (422, "candidates")
    listed = (await service.get("/api/v1/risk/decisions", params={"cycle_id": CYCLE, "scan": 1})).json()
    assert [UUID(one["decision_id"]) for one in listed] == [UUID(one["decision_id"]) for one in answer.json()]
    exposure = (await service.get("/api/v1/risk/exposure")).json()
    assert Decimal(exposure["total"]) == Decimal("9929.70"), "twice 99 shares at their limit of 50.15"


async def test_figures_for_the_graphs(world: World, service: httpx.AsyncClient) -> None:
    await decide(world.deps, ask("ACME", "NOSUCH"))
    text = (await service.get("/metrics")).text
    assert 'catalyst_risk_decisions_total{kind="order",reason="within_limits",verdict="approved"}' in text
    assert 'catalyst_risk_decisions_total{kind="order",reason="fresh_price",verdict="refused"}' in text
    for name in ("catalyst_day_pnl_usd", "catalyst_exposure_usd", "catalyst_halted", "catalyst_alerts_waiting"):
        assert name in text
    health = (await service.get("/health")).json()
    assert {"halted", "monitored_at", "alerts_waiting"} <= health.keys()
