"""A running clock keeps to its pace, also when that changes."""

import time
from datetime import UTC, datetime, timedelta

import httpx

from tests.exchange.conftest import Served


def test_a_new_pace_counts_from_where_it_begins(exchange: Served) -> None:
    second = datetime.fromtimestamp(exchange.world.tape.session.open + 1, UTC).isoformat()
    with httpx.Client(base_url=exchange.url) as http:
        http.post("/_sim/clock", json={"mode": "run", "speed": 1})
        http.post("/_sim/clock/await", json={"participant": "x", "until": second})
        asked = time.perf_counter()
        before = datetime.fromisoformat(http.post("/_sim/clock", json={"mode": "run", "speed": 100}).json()["now"])
        until = {"participant": "x", "until": (before + timedelta(seconds=5)).isoformat()}
        now = datetime.fromisoformat(http.post("/_sim/clock/await", json=until).json()["now"])
        assert 5 <= (now - before).total_seconds() <= (time.perf_counter() - asked) * 100
