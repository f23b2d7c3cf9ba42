"""Entries are bounded in price and time, known by their own answers alone, and held against the limits once more."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from config.reload import LiveConfig
from config.settings import Settings
from config.trading import Config
from services.trading.rules import orders
from services.trading.rules.limits import AtWork, exceeded
from shared.domain.order import ApprovedOrder
from tests.exchange.venues import OPEN, flat_bars, tape_of
from tests.trading.bench import Bench, Fault, bench, moving
from tests.trading.test_rules import NOW, row, told

HTML = b"<html><head><title>403 Forbidden</title></head></html>"
ABSENT = b'{"code": 40410000, "message": "order not found"}'
REFUSED_LOOK_UPS = [
    (400, b'{"code": 40010000, "message": "request body format is invalid"}'),
    (401, b'{"message": "unauthorized."}'),
    (403, b'{"code": 40310000, "message": "forbidden."}'),
    (403, HTML),
    (404, HTML),
    (404, b'{"message": "endpoint not found"}'),
    (422, b'{"code": 42210000, "message": "no"}'),
]


def _entries(b: Bench) -> list[Any]:
    return [order for order in b.book.orders.values() if order.role == "entry"]


async def test_an_entry_is_a_limit_at_the_worst_price_allowed(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.bought()
        (entry,) = _entries(b)
        assert (entry.type, entry.limit_price, entry.position_intent) == ("limit", Decimal("100.3"), "buy_to_open")


async def test_a_name_that_resumes_far_higher_is_not_bought(database_url: str) -> None:
    halts: dict[str, tuple[tuple[float, float], ...]] = {"AAA": ((OPEN + 300, OPEN + 900),)}
    tape = tape_of({"AAA": moving(100, 130), "BBB": flat_bars(50.0)}, halts=halts)
    async with bench(database_url, tape=tape, now=OPEN + 310) as b:
        assert (await b.send(await b.approve())).status_code == 200
        await b.until(62.0)
        (entry,) = _entries(b)
        assert entry.status == "canceled", "an entry that is not filled when its approval expires goes"
        await b.until(1500.0)
        assert b.book.ledger.qty("AAA") == 0
        assert (await b.orders())["entry"]["status"] == "canceled"


async def test_a_price_that_ran_inside_the_approvals_minute_is_not_paid(database_url: str) -> None:
    async with bench(database_url, moving(105.5)) as b:
        await b.until(900.0)
        order = await b.approve()
        assert order.limit_price < b.book.price("AAA", b.exchange.now) < order.take_profit_price
        assert (await b.send(order)).status_code == 200
        await b.until(120.0)
        assert b.book.ledger.qty("AAA") == 0
        assert [entry.status for entry in _entries(b)] == ["canceled"]


@pytest.mark.parametrize(("status", "body"), REFUSED_LOOK_UPS)
async def test_a_look_up_that_is_refused_rejects_no_order(database_url: str, status: int, body: bytes) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [
            Fault("POST", "/v2/orders", "answer lost"),
            Fault("GET", "/v2/orders:by", "says", times=2, status=status, body=body),
        ]
        assert (await b.send(await b.approve())).json()["status"] == "intended"
        again = await b.send(await b.approve())
        assert (again.status_code, again.json()["detail"]) == (409, "already an open entry for AAA")
        await b.until(8.0)
        assert (await b.orders())["entry"]["status"] == "filled"
        held = await b.position()
        assert (held["quantity"], held["protected_quantity"], len(_entries(b))) == (10, 10, 1)


async def test_an_id_that_is_taken_while_the_look_up_is_behind_is_not_a_refusal(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [
            Fault("POST", "/v2/orders", "answer lost"),
            Fault("GET", "/v2/orders:by", "says", times=4, status=404, body=ABSENT),
            Fault("GET", "/v2/orders", "says", times=2, status=200, body=b"[]"),
        ]
        assert (await b.send(await b.approve())).json()["status"] == "intended"
        await b.until(30.0)
        assert ((await b.orders())["entry"]["status"], len(_entries(b))) == ("filled", 1)
        assert (await b.position())["protected_quantity"] == 10


async def test_a_page_of_a_gateway_is_no_answer_to_an_order(database_url: str) -> None:
    async with bench(database_url) as b:
        b.wire.faults = [Fault("POST", "/v2/orders", "says", status=403, body=HTML)]
        answer = await b.send(await b.approve())
        assert answer.json()["status"] == "pending_new", "looked up, not there, sent again"
        await b.until(5.0)
        assert (await b.position())["quantity"] == 10


def test_a_clock_that_is_minutes_off_makes_no_stranger_of_an_entry() -> None:
    ours = row("x", purpose="entry", side="buy", limit_price=Decimal("100.3000"))
    theirs = told(side="buy", limit_price=Decimal("100.3"))
    for minutes in (-200, -11, 0, 11):
        assert orders.is_answer_to(ours, theirs.model_copy(update={"submitted_at": NOW + timedelta(minutes=minutes)}))
    assert not orders.is_answer_to(ours, theirs.model_copy(update={"limit_price": Decimal("100.29")}))
    assert not orders.is_answer_to(ours, theirs.model_copy(update={"submitted_at": NOW - timedelta(days=1)}))


async def test_a_bracket_with_other_exits_than_decided_is_closed(database_url: str) -> None:
    async with bench(database_url) as b:
        alter = Fault("POST", "/v2/orders", "altered", altered=lambda body: body.replace(b"98.00", b"88.20"))
        b.wire.faults = [alter]
        await b.send(await b.approve())
        await b.until(20.0)
        assert b.book.ledger.qty("AAA") == 0
        assert ("critical", "bracket_altered") in await b.alerts()


async def test_trading_holds_the_hard_limits_itself(database_url: str, tmp_path: Path) -> None:
    for name in ("trading_config.yaml", "risk_parameters.yaml"):
        text = (Path("config") / name).read_text().replace("max_positions: 5", "max_positions: 1")
        (tmp_path / name).write_text(text)
    async with bench(database_url, config=tmp_path) as b:
        await b.bought("AAA")
        second = await b.send(await b.approve("BBB"))
        assert second.status_code == 409
        assert "max_positions: 2 against 1" in second.json()["detail"]
        assert len(_entries(b)) == 1


@pytest.mark.parametrize(("quantity", "limit", "stop", "held", "broken"), [
    (49, "100.30", "98", 0, None),
    (50, "100.30", "98", 0, "max_position_size"),
    (49, "100.30", "97", 0, "max_risk_per_trade"),
    (49, "100.30", "98", 20_086, "max_total_exposure"),
])  # fmt: skip
def test_every_limit_is_held_at_the_worst_fill(
    quantity: int, limit: str, stop: str, held: int, broken: str | None
) -> None:
    approved = _approved(quantity, Decimal(limit), Decimal(stop))
    at_work = AtWork(frozenset({"HELD"} if held else ()), Decimal(held))
    found = exceeded(approved, at_work, _config())
    assert (found or "").partition(":")[0] == (broken or "")


def _approved(quantity: int, limit: Decimal, stop: Decimal) -> ApprovedOrder:
    return ApprovedOrder(
        decision_id=row("d").order_id, cycle_id="c", scan=1, client_order_id="cat-20260615-AAA-e-1", symbol="AAA",
        side="long", quantity=quantity, reference_price=Decimal(100), limit_price=limit, stop_price=stop,
        take_profit_price=Decimal(106), expires_at=NOW,
    )  # fmt: skip


def _config() -> Config:
    return LiveConfig(Path("config"), Settings(_env_file=None)).current()
