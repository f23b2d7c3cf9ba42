"""The doctor looks at this machine's clock."""

from datetime import UTC, datetime, timedelta

import pytest

from config.settings import Settings
from scripts.cli.clock import clock_of, clock_verdict
from shared.domain.clock import read_clock

NOW = datetime(2026, 6, 15, 16, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "good", "words"), [
    (0.4, True, "our clock is 0.4 s behind the broker's"),
    (720, False, "our clock is 720.0 s behind the broker's"),
    (-660, False, "our clock is 660.0 s ahead of the broker's"),
])  # fmt: skip
def test_the_doctor_says_how_far_the_clock_is_off(seconds: float, good: bool, words: str) -> None:
    found = clock_verdict(read_clock(NOW, NOW + timedelta(seconds=seconds), NOW))
    assert (found[0], found[1]) == (good, f"{words}, give or take 0.0 s")
    assert "time synchronisation" in found[2]


def test_the_simulated_exchanges_clock_is_the_systems_own() -> None:
    assert clock_of(Settings(_env_file=None))[0]
