"""Which activities are the owner's own money, and what of them belongs to the day."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from shared.domain.money.flows import CashFlow, net_flows

CLOSE = datetime(2026, 6, 12, 20, 0, tzinfo=UTC)  # Friday
MONDAY = date(2026, 6, 15)


def flow(
    amount: float | None,
    kind: str = "CSD",
    day: date = MONDAY,
    listed: datetime | None = datetime(2026, 6, 15, 14, tzinfo=UTC),
) -> CashFlow:
    exact = None if amount is None else Decimal(str(amount))
    return CashFlow(id=f"{kind}-{amount}", kind=kind, amount=exact, day=day, listed_at=listed)


@pytest.mark.parametrize(("flows", "net"), [
    ([], 0),
    ([flow(5000)], 5000),
    ([flow(-5000, "CSW")], -5000),
    ([flow(5000), flow(-200, "CSW"), flow(100, "JNLC")], 4900),
    ([flow(-40, "CSD")], -40),  # a deposit that was returned
    ([flow(12, "DIV"), flow(-3, "FEE"), flow(1, "INT"), flow(None, "SPLIT")], 0),
])  # fmt: skip
def test_deposits_and_withdrawals_are_the_owners_and_dividends_and_fees_are_not(
    flows: list[CashFlow], net: int
) -> None:
    assert net_flows(flows, CLOSE) == net


@pytest.mark.parametrize(("one", "net"), [
    (flow(5000, "NEW"), 5000),
    (flow(-5000, "NEW"), 0),
    (flow(None, "NEW"), None),
    (flow(None, "JNLS"), None),
    (flow(None, "CSD"), None),
])  # fmt: skip
def test_what_is_not_known_counts_against_us(one: CashFlow, net: int | None) -> None:
    assert net_flows([one], CLOSE) == net


@pytest.mark.parametrize(("one", "net"), [
    (flow(5000, listed=CLOSE), 0),
    (flow(5000, day=date(2026, 6, 12), listed=datetime(2026, 6, 12, 21, tzinfo=UTC)), 5000),
    (flow(5000, day=date(2026, 6, 13), listed=None), 5000),
    (flow(-5000, "CSW", day=date(2026, 6, 14), listed=None), -5000),
    (flow(5000, day=date(2026, 6, 11), listed=None), 0),
    (flow(5000, day=date(2026, 6, 12), listed=None), 5000),
    (flow(-5000, "CSW", day=date(2026, 6, 12), listed=None), 0),
])  # fmt: skip
def test_the_day_begins_at_the_previous_close(one: CashFlow, net: int) -> None:
    assert net_flows([one], CLOSE) == net
