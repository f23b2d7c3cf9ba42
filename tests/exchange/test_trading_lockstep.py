"""Trading on the lockstep clock: a participant hears of its fills at their own times, whatever the wall clock says."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.exchange.serving import Served, desk_on, post, serving
from tests.exchange.test_orders_api import bracket
from tests.exchange.venues import KEY, OPEN


@pytest.fixture
def exchange() -> Iterator[Served]:
    with serving(desk_on({3: (100, 107, 99.5, 100, 9)})) as served:
        post(f"{served.url}/_sim/clock", {"mode": "lockstep", "speed": 0, "participants": ["trading"]})
        yield served


def wait(exchange: Served, seconds: float) -> tuple[float, str]:
    """One await of the trading service; (seconds since the open, reason)."""
    until = datetime.fromtimestamp(OPEN + seconds, UTC).isoformat()
    body: dict[str, Any] = {"participant": "trading", "until": until, "or_trade_update": True}
    answer = httpx.post(f"{exchange.url}/_sim/clock/await", json=body, timeout=25).json()
    return round(datetime.fromisoformat(answer["now"]).timestamp() - OPEN, 3), answer["reason"]


def test_every_update_wakes_the_participant_at_its_own_time(exchange: Served) -> None:
    exchange.client().submit_order(bracket())
    assert [wait(exchange, 3600) for _ in range(6)] == [
        (60.001, "trade_update"),
        (60.05, "trade_update"),
        (60.15, "trade_update"),
        (60.2, "trade_update"),
        (1100.0, "trade_update"),
        (3600.0, "time"),
    ]
    assert [update["event"] for update in exchange.state(KEY)["updates"]] == [
        "pending_new", "new", "fill", "new", "fill", "canceled",
    ]  # fmt: skip


def test_two_runs_give_the_same_ids_and_times(exchange: Served) -> None:
    exchange.client().submit_order(bracket())
    while wait(exchange, 3600)[1] != "time":
        pass
    with serving(desk_on({3: (100, 107, 99.5, 100, 9)})) as other:
        other.client().submit_order(bracket())
        other.advance(3540)
        assert other.state(KEY) == exchange.state(KEY)
