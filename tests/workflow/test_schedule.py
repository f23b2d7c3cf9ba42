"""Slots, redone scans, silence and limits."""

import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.reload import LiveConfig
from config.settings import Settings
from services.workflow.rules import limits, schedule
from shared.domain.cycle import CycleRequest
from shared.domain.session import Session
from tests.workflow.conftest import ROOT
from tests.workflow.surroundings import CLOSE, OPEN

SESSION = Session(day=OPEN.date(), open=OPEN, close=CLOSE)
seconds_into = st.integers(-60, 23_399)


def slots(started_at: datetime, delay: float, every: int) -> list[datetime]:
    table, found = schedule.timetable(SESSION, started_at, delay, every), list[datetime]()
    while slot := table.after(found[-1] if found else None):
        found.append(slot)
    return found


def test_the_days_slots() -> None:
    found = [(slot - OPEN).total_seconds() / 60 for slot in slots(OPEN, 5, 1800)]
    assert found == [5, *range(30, 390, 30)]
    late = [(slot - OPEN).total_seconds() / 60 for slot in slots(OPEN + timedelta(minutes=179), 5, 1800)]
    assert late == [179, *range(210, 390, 30)]


@given(seconds_into, st.floats(0, 120), st.integers(60, 23_400))
def test_slots_rise_and_end_before_the_close(start: int, delay: float, every: int) -> None:
    found = slots(OPEN + timedelta(seconds=start), delay, every)
    assert found == sorted(set(found))
    assert all(OPEN <= slot < CLOSE for slot in found)
    steps = [later - earlier for earlier, later in itertools.pairwise(found)]
    assert all(step >= timedelta(seconds=every / 2) for step in steps)


@given(seconds_into, st.integers(60, 23_400), st.integers(0, 23_399))
def test_a_restart_wakes_at_the_same_moments(start: int, every: int, killed_after: int) -> None:
    started_at = OPEN + timedelta(seconds=start)
    undisturbed = slots(started_at, 5, every)
    now = started_at + timedelta(seconds=killed_after)
    done = [slot for slot in undisturbed if slot < now]
    table = schedule.timetable(SESSION, started_at, 5, every)
    following, missed = table.due(done[-1] if done else None, now)
    left = [slot for slot in undisturbed if slot >= now]
    assert (following, missed) == (left[0] if left else None, 0)


def test_of_several_missed_slots_the_newest_is_scanned() -> None:
    table = schedule.timetable(SESSION, OPEN, 5, 1800)
    slot, missed = table.due(OPEN + timedelta(minutes=30), OPEN + timedelta(minutes=125))
    assert (slot, missed) == (OPEN + timedelta(minutes=120), 2)


@pytest.mark.parametrize(
    ("minutes", "latest", "silent"),
    [(29, None, False), (30, None, True), (60, 31, False), (60, 30, True), (60, 10, True)],
)
def test_silence_of_the_wires(minutes: int, latest: int | None, silent: bool) -> None:
    said = [None, None if latest is None else OPEN + timedelta(minutes=latest)]
    assert schedule.news_is_silent(said, OPEN + timedelta(minutes=minutes), SESSION) is silent


def test_names_follow_the_markets_clock_and_never_repeat() -> None:
    now = datetime.fromisoformat("2025-11-22T19:30:22+00:00")
    assert limits.cycle_name(now, ()) == "20251122-143022"
    assert limits.cycle_name(now, {"20251122-143022", "20251122-143023"}) == "20251122-143024"


@given(st.none() | st.integers(1, 50), st.none() | st.decimals(1, 100_000, places=2))
def test_the_stricter_limit_holds(positions: int | None, loss: object) -> None:
    settings = Settings(_env_file=None, workflow_execute_top_n=2, workflow_scan_frequency_minutes=60)
    config = LiveConfig(ROOT / "config", settings).current()
    request = CycleRequest.model_validate({"max_positions": positions, "max_daily_loss": loss})
    cycle = limits.new_cycle("x", request, by_hand=True, config=config, settings=settings, now=OPEN)
    assert cycle.max_positions <= config.max_positions
    assert cycle.max_daily_loss <= config.max_daily_loss
    assert positions is None or cycle.max_positions <= positions
    assert limits.execute_top_n(config, settings) == 2
    assert cycle.scan_frequency_seconds == 3600
    assert len(limits.workflow_warnings(config, settings)) == 2


def test_sizes_follow_mode_and_loss_of_evidence() -> None:
    assert [str(limits.size_factor(mode, False)) for mode in ("conservative", "normal", "aggressive")] == [
        "0.5", "1", "1.5",
    ]  # fmt: skip
    assert limits.size_factor("aggressive", True) * 4 == 3
