"""A whole day through every service, as real processes on real ports: once undisturbed, once with services killed."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from scripts.tapes.synthesize import synthesize
from tests.journeys.days import kill_at, report_of, start_demo

DAY = date(2026, 6, 15)
VICTIMS = ("scanner", "workflow", "risk-manager", "trading", "news", "exchange", "technical", "pattern")


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small market: 500 names, one session of 1-minute bars."""
    folder = tmp_path_factory.mktemp("tape")
    synthesize(folder, seed=11, first=DAY, names=500)
    return folder


@pytest.fixture(scope="module")
def undisturbed(tape: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The day's report when nothing goes wrong."""
    folder = tmp_path_factory.mktemp("day") / "undisturbed"
    return report_of(start_demo(tape, folder), folder)


def test_the_day_ends_flat_and_the_books_agree(undisturbed: dict[str, Any]) -> None:
    assert undisturbed["trouble"] == []
    assert undisturbed["open_positions"] == []
    assert undisturbed["orders"] >= 3
    assert undisturbed["fills"] == undisturbed["fills_at_exchange"] >= 6
    charged, accrued = undisturbed["fees_charged"], undisturbed["fees_accrued"]
    assert round(undisturbed["realized_pnl"] - charged, 2) == undisturbed["equity_change"]
    assert accrued == undisturbed["fees_pending"]
    assert round(sum(trade["fees"] for trade in undisturbed["trades"]), 2) == round(charged + accrued, 2) > 0
    assert round(undisturbed["realized_pnl"] - charged - accrued, 2) == undisturbed["net_pnl"]
    known = {"take_profit", "stop_loss", "max_hold", "close_of_day"}
    assert {trade["reason"] for trade in undisturbed["trades"]} <= known


def test_every_position_was_closed_before_the_close(undisturbed: dict[str, Any]) -> None:
    assert undisturbed["trades"]
    assert all(trade["exit_time"] < "2026-06-15T20:00:00+00:00" for trade in undisturbed["trades"])


def test_every_scan_went_down_the_whole_funnel(undisturbed: dict[str, Any]) -> None:
    assert len(undisturbed["funnel"]) >= 10
    for scan in undisturbed["funnel"]:
        counts = scan["counts"]
        assert scan["status"] == "completed"
        assert counts["universe"] >= counts["scanner"] >= counts["news"] >= counts["pattern"] >= counts["technical"]


def test_killing_each_service_in_the_middle_of_a_scan_changes_nothing_but_the_time(
    tape: Path, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    folder = tmp_path / "disturbed"
    plan = [(timedelta(minutes=5 + 30 * number), victim) for number, victim in enumerate(VICTIMS)]
    process = start_demo(tape, folder)
    killed = kill_at(process, folder, plan)
    report = report_of(process, folder)
    assert killed == list(VICTIMS)
    assert "stopped by itself" in folder.with_suffix(".said").read_text()
    assert report["trades"] == undisturbed["trades"]
    assert report["realized_pnl"] == undisturbed["realized_pnl"]
    assert [scan["counts"] for scan in report["funnel"]] == [scan["counts"] for scan in undisturbed["funnel"]]
