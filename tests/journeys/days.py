"""Play the demo's day as a user would, and kill services of it while it runs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 600.0


def start_demo(tape: Path, folder: Path) -> subprocess.Popen[bytes]:
    """`catalyst demo --json` in a process of its own; what it says goes to `<folder>.said`."""
    command = [sys.executable, "-m", "scripts.catalyst", "demo", "--json", "--tape", str(tape), "--folder", str(folder)]
    with folder.with_suffix(".said").open("wb") as said:
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=said)


def report_of(process: subprocess.Popen[bytes], folder: Path) -> dict[str, Any]:
    """The JSON on stdout of a demo that must end well."""
    try:
        out, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(20)
    said = folder.with_suffix(".said").read_text()
    assert process.returncode == 0, f"{said[-3000:]}\n{out.decode()[-3000:]}"
    report: dict[str, Any] = json.loads(out)
    return report


def services_of(folder: Path) -> Iterator[tuple[str, int]]:
    """(name, pid) of each running service process of the demo in `folder`."""
    mine = f"LOG_FOLDER={folder.absolute()}/logs"
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().decode().split("\0")
            environment = (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "services" in command and mine in environment.split("\0"):
            yield command[command.index("services") + 1], int(entry.name)


def kill_at(process: subprocess.Popen[bytes], folder: Path, plan: list[tuple[timedelta, str]]) -> list[str]:
    """SIGKILL each service of `plan` once the market clock has gone so far beyond its first reading."""
    killed: list[str] = []
    opened: datetime | None = None
    with httpx.Client(timeout=5, trust_env=False) as http:
        while process.poll() is None and len(killed) < len(plan):
            now = _market_time(http, folder)
            opened = opened or now
            after, victim = plan[len(killed)]
            if now is not None and opened is not None and now - opened >= after:
                pid = dict(services_of(folder)).get(victim)
                if pid is not None:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(victim)
            time.sleep(0.01)
    return killed


def _market_time(http: httpx.Client, folder: Path) -> datetime | None:
    """None while there is nobody to ask."""
    try:
        address = json.loads((folder / "addresses.json").read_text())["services"]["exchange"]
        return datetime.fromisoformat(http.get(f"{address}/_sim/clock").json()["now"])
    except (OSError, ValueError, httpx.HTTPError):
        return None
