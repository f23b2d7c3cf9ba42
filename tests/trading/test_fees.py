"""Fees in the books: expected from the fill on, charged when the broker says so, and the same to the cent as his."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.rules.fees import EVENING_SECONDS, MORNING_SECONDS
from services.trading.rules.fees import Bearer, Borne, Paid, borne, charges_of
from shared.domain.money.flows import CashFlow
from shared.domain.position import Account
from tests.exchange.venues import CLOSE, EXACT, OPEN
from tests.trading.bench import KEY, Bench, Fault, bench

D = Decimal
DAY = date(2026, 6, 15)
ACTIVITIES = "/v2/account/activities"
EVENING, MORNING = CLOSE + EVENING_SECONDS + 5, OPEN + MORNING_SECONDS + 5
REG: dict[str, Any] = {"id": "20260615000000000::1", "activity_type": "FEE", "activity_sub_type": "REG",
                       "net_amount": "-0.02", "date": "2026-06-15", "created_at": "2026-06-15T13:41:00Z",
                       "status": "executed", "currency": "USD"}  # fmt: skip


def charging(how: str) -> Any:
    return EXACT.model_copy(update={"fee_charging": how})


async def traded(b: Bench) -> None:
    """10 of AAA bought and sold at 100: 0.0206 of REG, 0.00195 of TAF, 0.00006 of CAT."""
    await b.bought()
    assert (await b.post("/positions/AAA/close")).status_code == 200
    await b.until(10.0)
    assert (await b.position())["status"] == "closed"


async def books(b: Bench) -> tuple[Decimal, Decimal, Decimal]:
    """Charged, borne by executions, and expected."""
    told = await b.get("/fees")
    return D(told["charged"]), D(told["on_trades"]), D(told["accrued"])


async def test_a_fee_is_expected_from_the_fill_on_and_counts_in_the_result(database_url: str) -> None:
    async with bench(database_url) as b:
        await traded(b)
        assert await books(b) == (D(0), D(0), D("0.05"))
        row = await b.position()
        assert (D(row["realized_pnl"]), D(row["fees_charged"]), D(row["fees_accrued"])) == (D("-0.1"), D(0), D("0.05"))
        assert D(row["net_pnl"]) == D("-0.15")
        told = await b.get("/account")
        assert D(told["accrued_fees"]) == D("0.05")
        assert D(told["equity"]) - D(told["last_equity"]) == D("-0.1")
        assert Account(**told).day_pnl == D("-0.15")


@pytest.mark.parametrize(("how", "until"), [("end_of_day", EVENING), ("next_morning", MORNING), ("at_fill", CLOSE)])
async def test_whatever_their_arrival_the_books_equal_the_account_to_the_cent(
    database_url: str, how: str, until: float
) -> None:
    async with bench(database_url, settings=charging(how)) as b:
        await traded(b)
        await b.until(datetime.fromtimestamp(until, UTC))
        assert (await b.post("/reconcile")).status_code == 200
        charged, on_trades, accrued = await books(b)
        assert (charged, accrued) == (b.book.ledger.fees, D(0))
        assert charged == on_trades > 0
        gross, cash = await b.profit()
        assert gross - charged == cash
        row = await b.position()
        assert D(row["net_pnl"]) == D(row["realized_pnl"]) - charged


async def test_a_line_is_booked_once_however_often_and_in_whatever_pages_it_comes(database_url: str) -> None:
    async with bench(database_url, settings=charging("at_fill")) as b:
        await traded(b)
        body = b'[{"id": "20260615000000000::1", "activity_type": "FEE", "activity_sub_type": "ADR",'
        body += b' "net_amount": "-0.50", "date": "2026-06-15", "status": "executed"}]'
        b.wire.faults = [Fault("GET", ACTIVITIES, "adds", times=3, body=body)]
        for _ in range(3):
            await b.post("/reconcile")
        await b.restart()
        charged, on_trades, _ = await books(b)
        assert charged == b.book.ledger.fees + D("0.50")
        assert on_trades == b.book.ledger.fees
        assert await b.pool.fetchval("SELECT count(*) FROM fee_charges WHERE kind = 'ADR'") == 1


async def test_a_corrected_line_changes_and_one_given_back_is_taken_off(database_url: str) -> None:
    async with bench(database_url, settings=charging("none")) as b:
        await traded(b)
        for amount, status, expected in (("-0.02", "executed", "0.02"), ("-0.03", "correct", "0.03"),
                                         ("-0.03", "canceled", "0")):  # fmt: skip
            rows = [REG | {"net_amount": amount, "status": status}]
            body = httpx.Response(200, json=rows).content
            b.wire.faults = [Fault("GET", ACTIVITIES, "says", times=9, body=body)]
            await b.post("/reconcile")
            charged, on_trades, accrued = await books(b)
            assert (charged, on_trades) == (D(expected), D(expected))
            assert charged + accrued == D("0.05")
        back = REG | {"id": "20260615000000000::2", "net_amount": "0.01"}
        body = httpx.Response(200, json=[REG | {"net_amount": "-0.03"}, back]).content
        b.wire.faults = [Fault("GET", ACTIVITIES, "says", times=9, body=body)]
        await b.post("/reconcile")
        assert (await books(b))[:2] == (D("0.02"), D("0.02"))


async def test_fees_of_earlier_days_are_read_at_start_and_nobody_here_is_blamed(database_url: str) -> None:
    async with bench(database_url) as b:
        await b.stop()
        early = REG | {"date": "2026-06-12", "created_at": "2026-06-13T00:17:05Z", "net_amount": "-1.23"}
        body = httpx.Response(200, json=[early]).content
        b.wire.faults = [Fault("GET", ACTIVITIES, "says", times=9, body=body)]
        await b.start()
        await b.until(5.0)
        assert (await books(b))[:2] == (D("1.23"), D(0))


async def test_activities_that_do_not_answer_hold_nothing_and_are_asked_again(database_url: str) -> None:
    async with bench(database_url, settings=charging("at_fill")) as b:
        b.wire.faults = [Fault("GET", f"{ACTIVITIES}$", "lost", times=30)]
        await traded(b)
        b.wire.faults = []
        await b.until(70.0 * 60)
        assert (await books(b))[0] == b.book.ledger.fees > 0


async def test_fees_are_no_withdrawal_and_a_withdrawal_is_no_fee(database_url: str) -> None:
    async with bench(database_url) as b:
        async with httpx.AsyncClient(base_url=b.settings.alpaca_base_url) as control:
            for body in ({"amount": -100}, {"amount": "-0.31", "kind": "FEE", "sub_kind": "TAF"}):
                (await control.post(f"/_sim/accounts/{KEY}/cash", json=body)).raise_for_status()
        told = await b.get("/account")
        assert D(told["cash_flows"]) == -100
        await b.post("/reconcile")
        assert (await books(b))[:2] == (D("0.31"), D(0))


def bearer(number: int, side: Any = "sell", quantity: int = 100, price: str = "50") -> Bearer:
    return Bearer(f"{number:03d}", side, quantity, D(price))


def paid(amounts: dict[str, Decimal]) -> dict[str, Paid]:
    return {kind: Paid(amount, max(amount, D(0))) for kind, amount in amounts.items()}


def sums(parts: tuple[Borne, ...]) -> tuple[Decimal, Decimal]:
    return sum((one.charged for one in parts), D(0)), sum((one.accrued for one in parts), D(0))


def test_what_no_execution_explains_stays_with_the_account() -> None:
    parts = borne(DAY, [bearer(1), bearer(2, "buy")], paid({"REG": D("7.50"), "ADR": D(3), "TAF": D("0.02")}), DAY)
    charged, accrued = sums(parts)
    assert charged == D("0.11") + D("0.02")
    assert accrued == D("0.01")  # CAT alone is still expected
    assert parts[1].charged == 0


def test_what_was_not_charged_within_a_week_lapses() -> None:
    assert sums(borne(DAY, [bearer(1)], {}, date(2026, 6, 22)))[1] == D("0.14")
    assert sums(borne(DAY, [bearer(1)], {}, date(2026, 6, 23)))[1] == 0


def test_a_fee_given_back_makes_no_execution_earn() -> None:
    assert sums(borne(DAY, [bearer(1)], paid({"REG": D("-0.05")}), DAY))[0] == 0


def test_what_was_given_back_is_not_expected_again() -> None:
    parts = borne(DAY, [bearer(1)], {"REG": Paid(D("0.06"), D("0.11"))}, DAY)
    assert sums(parts) == (D("0.06"), D("0.03"))


@given(
    st.lists(st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 3000), st.integers(1, 90_000)), max_size=25),
    st.dictionaries(st.sampled_from(["REG", "TAF", "CAT", "ADR"]), st.integers(-50, 500)),
)
def test_the_parts_are_in_cents_and_never_more_than_was_charged(
    fills: list[tuple[Any, int, int]], charged: dict[str, int]
) -> None:
    bearers = [bearer(n, side, quantity, str(D(cents) / 100)) for n, (side, quantity, cents) in enumerate(fills)]
    taken = {kind: D(cents) / 100 for kind, cents in charged.items()}
    parts = borne(DAY, bearers, paid(taken), DAY)
    assert parts == borne(DAY, bearers, paid(taken), DAY)
    assert all(part.charged >= 0 <= part.accrued for part in parts)
    charge, due = sums(parts)
    assert charge <= sum((max(amount, D(0)) for amount in taken.values()), D(0))
    assert charge + due == (charge + due).quantize(D("0.01"))


def test_only_fee_lines_with_an_amount_are_fees() -> None:
    rows = [("FEE", "TAF", "-0.31"), ("CSW", "", "-5"), ("DIV", "", "2"), ("CFEE", "", "-1"), ("FEE", "", None)]
    flows = [
        CashFlow(id=str(n), kind=kind, sub_kind=sub, amount=D(amount) if amount else None, day=DAY)
        for n, (kind, sub, amount) in enumerate(rows)
    ]
    assert [(one.kind, one.amount) for one in charges_of(flows)] == [("TAF", D("0.31")), ("CFEE", D(1))]
