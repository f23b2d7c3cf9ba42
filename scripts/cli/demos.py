"""`catalyst demo-all`: every session of every tape in a folder, one after the other, each with its own verdict."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from scripts.cli.console import LOCAL, err, out, table_of

Played = dict[str, Any]
MONEY = ("realized_pnl", "fees_charged", "fees_accrued", "net_pnl", "equity_change")
HEADINGS = ("gross", "fees charged", "fees expected", "net", "equity change")


def demo_all(
    tapes: Annotated[Path, typer.Option(help="folder with tapes: folders that hold a manifest.json")],
    only: Annotated[str, typer.Option(help="only dates that begin so, such as 2026-06")] = "",
    speed: Annotated[float, typer.Option(min=0, help="as of `catalyst demo`")] = 0.0,
    folder: Annotated[Path, typer.Option(help="where each run keeps its data; made anew")] = LOCAL / "demo-all",
) -> None:
    """Play the recorded sessions in a row. Ends non-zero when one is not flat or not to the cent.

    The last line on stdout is one JSON object. A folder that is not there is skipped, and said so.
    """
    sessions = list(_sessions(tapes, only))
    if not sessions:
        why = "holds no tape with such a session" if tapes.is_dir() else "does not exist"
        err.print(f"demo-all: skipped, {tapes} {why}; name another folder with TAPES=…")
        typer.echo(json.dumps({"skipped": True, "tapes": str(tapes), "reason": why}))
        return
    played, started = list[Played](), time.monotonic()
    for number, (tape, day) in enumerate(sessions, 1):
        err.print(f"demo-all: {number} of {len(sessions)}, {day} from {tape.name}")
        played.append(_play(tape, day, speed, folder))
    wrong = [one for one in played if one["trouble"]]
    columns = ["date", "tape", "orders", "fills", "trades", *HEADINGS, "seconds", "trouble"]
    out.print(table_of(f"{len(played)} sessions", columns, [_row(one) for one in played]))
    seconds = round(time.monotonic() - started, 1)
    facts = {"played": len(played), "wrong": len(wrong), "seconds": seconds, "sessions": played}
    typer.echo(json.dumps({"skipped": False, "tapes": str(tapes), **facts}))
    raise typer.Exit(1 if wrong else 0)


def _sessions(tapes: Path, only: str) -> Iterator[tuple[Path, str]]:
    """Tape and date of each session, by date. A manifest that cannot be read is one session without a date."""
    found = []
    for manifest in sorted(tapes.rglob("manifest.json")) if tapes.is_dir() else ():
        try:
            days = [str(day) for day in json.loads(manifest.read_text(encoding="utf-8"))["sessions"]]
        except (OSError, ValueError, KeyError, TypeError):
            days = ["unreadable"]
        found += [(day, manifest.parent) for day in days if day.startswith(only) or day == "unreadable"]
    yield from ((tape, day) for day, tape in sorted(found))


def _play(tape: Path, day: str, speed: float, folder: Path) -> Played:
    """One day by `catalyst demo --json` in a process of its own; what it cannot say is its trouble."""
    row: Played = {"date": day, "tape": tape.name, "orders": None, "fills": None, "trades": None}
    row |= dict.fromkeys((*MONEY, "seconds"))
    if day == "unreadable":
        return row | {"trouble": ["its manifest.json cannot be read"]}
    command = [sys.executable, "-m", "scripts.catalyst", "demo", "--tape", str(tape), "--date", day, "--json"]
    command += ["--speed", str(speed), "--folder", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    try:
        report = json.loads(done.stdout)
        told = {name: report[name] for name in ("orders", "fills", *MONEY, "seconds")}
        trouble = list(report["trouble"])
        trades = len(report["trades"])
    except (ValueError, KeyError, TypeError):
        return row | {"trouble": [f"the day was not played to its end (exit code {done.returncode})"]}
    if done.returncode and not trouble:
        trouble = [f"exit code {done.returncode}"]
    return row | told | {"trades": trades, "trouble": trouble}


def _row(one: Played) -> list[Any]:
    money = [None if one[name] is None else f"{one[name]:+,.2f}" for name in MONEY]
    plain = [one[name] for name in ("date", "tape", "orders", "fills", "trades")]
    return [*plain, *money, one["seconds"], "; ".join(one["trouble"]) or "none"]
