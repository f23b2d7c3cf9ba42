"""The runbook knows every alert that the code can raise, and every command that it names."""

import re
from pathlib import Path

from scripts.catalyst import app
from scripts.cli.risk import config

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Documentation" / "Operations" / "RUNBOOK.md").read_text()
RAISED = (
    re.compile(r'"(?:critical|warning|info)", "([a-z]+_[a-z_]+)"'),
    re.compile(r'kind="([a-z]+_[a-z_]+)", message'),
    re.compile(r'\("([a-z]+_[a-z_]+)", f"scan'),
    re.compile(r'"(config\.[a-z_]+)"'),
)
TOLD_TO_NOBODY = {"config.accepted"}


def _raised() -> set[str]:
    code = "\n".join(path.read_text() for path in (ROOT / "services").rglob("*.py") if "news" not in path.parts)
    return {kind for pattern in RAISED for kind in pattern.findall(code)} - TOLD_TO_NOBODY


def test_every_alert_is_explained() -> None:
    explained = set(re.findall(r"^\| `([a-z_.]+)\*?` \|", TEXT, re.M))
    assert {"not_flat", "symbol_locked", "daily_loss_warning", "zero_candidates", "config.refused"} <= _raised()
    assert sorted(_raised() - explained) == []


def test_every_command_exists() -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    each = ((one.name, one.callback) for one in config.registered_commands)
    known |= {f"config {name or callback.__name__}" for name, callback in each if callback}
    named = set(re.findall(r"catalyst (config [a-z]+|[a-z][a-z-]*)", TEXT))
    assert {"halt", "resume", "config accept", "test-alert"} <= named
    assert sorted(named - known) == []


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`make ([a-z-]+)", TEXT)) <= targets


def test_every_metric_exists() -> None:
    code = "\n".join(path.read_text() for part in ("services", "shared") for path in (ROOT / part).rglob("*.py"))
    known = set(re.findall(r'(?:Counter|Gauge|Histogram)\(\s*"(catalyst_[a-z_]+)"', code))
    named = set(re.findall(r"`(catalyst_[a-z_]+)`", TEXT))
    assert len(named) >= 10
    assert sorted(named - known - {f"{name.removesuffix('_total')}_total" for name in known}) == []


def test_a_refusal_of_a_printed_line_is_an_error() -> None:
    """Without -f curl ends with 0 on a 401, and cron's line fails in silence."""
    lines = re.findall(r"curl -.*$", TEXT, re.M)
    assert len(lines) > 8
    assert [line for line in lines if not line.startswith("curl -fsS ")] == []
