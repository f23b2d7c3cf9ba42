"""Every session of a folder of tapes is played; what is missing or broken is said, and the last line is JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scripts.catalyst import app
from scripts.cli.demos import _row, _sessions


def run(*words: str) -> tuple[int, dict[str, object]]:
    done = CliRunner().invoke(app, ["demo-all", *words])
    return done.exit_code, json.loads(done.stdout.splitlines()[-1])


def test_a_folder_that_is_missing_or_empty_is_skipped_and_said(tmp_path: Path) -> None:
    assert run("--tapes", str(tmp_path / "none"))[1] == {
        "skipped": True, "tapes": str(tmp_path / "none"), "reason": "does not exist",
    }  # fmt: skip
    assert run("--tapes", str(tmp_path))[1]["reason"] == "holds no tape with such a session"


def test_sessions_of_all_tapes_come_by_date(tmp_path: Path) -> None:
    for name, days in (("june", ["2026-06-15", "2026-06-16"]), ("may", ["2026-05-18"])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps({"sessions": days}))
    assert [day for _, day in _sessions(tmp_path, "")] == ["2026-05-18", "2026-06-15", "2026-06-16"]
    assert [tape.name for tape, _ in _sessions(tmp_path, "2026-06")] == ["june", "june"]


@pytest.mark.parametrize("manifest", ["{", '{"sessions": 7}', '{"name": "no sessions"}'])
def test_a_broken_tape_is_trouble_and_ends_non_zero(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text(manifest)
    code, said = run("--tapes", str(tmp_path))
    assert (code, said["played"], said["wrong"]) == (1, 1, 1)


def test_a_row_shows_both_sides_of_the_money() -> None:
    told = {"date": "2026-06-15", "tape": "june", "orders": 6, "fills": 7, "trades": 3, "realized_pnl": -1.5}
    told |= {"fees_charged": 0.01, "fees_accrued": 0.02, "net_pnl": -1.53}
    cells = _row(told | {"equity_change": -1.49, "seconds": 60.0, "trouble": ["off by a cent"]})
    assert cells[5:10] == ["-1.50", "+0.01", "+0.02", "-1.53", "-1.49"]
    assert cells[-1] == "off by a cent"
