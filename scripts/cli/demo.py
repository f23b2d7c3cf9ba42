"""`catalyst demo`: a whole trading day through every service, from the scan of the market to flat at the close."""

import asyncio
import json
import shutil
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from scripts.cli.books import Books, agree, read_books
from scripts.cli.console import LOCAL, err, fail, out, table_of
from scripts.cli.follow import FUNNEL, Follower
from scripts.cli.tape import ready_tape
from scripts.embedded import StartError
from scripts.local import LocalError, LocalSystem

PARTICIPANTS = ["trading", "risk-manager", "workflow"]
STUCK_SECONDS = 180.0


class Charging(StrEnum):
    """When the exchange charges fees."""

    END_OF_DAY, AT_FILL, NEXT_MORNING, NONE = "end_of_day", "at_fill", "next_morning", "none"


def demo(
    tape: Annotated[str, typer.Option(help="tape folder; a generated one when not given")] = "",
    date: Annotated[str, typer.Option(help="session of the tape; its first when not given")] = "",
    speed: Annotated[float, typer.Option(min=0, help="at most so many times real time; 0: as fast as it goes")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout and nothing else")] = False,
    fees: Annotated[Charging, typer.Option(help="when they are charged")] = Charging.END_OF_DAY,
    folder: Annotated[Path, typer.Option(help="where this run keeps its data; made anew")] = LOCAL / "demo",
) -> None:
    """Play one day on the simulated exchange with every service running; exit code 0 only when the books agree."""
    started = time.monotonic()
    tape_folder, day = ready_tape(tape, date)
    _make_folder(folder)
    try:
        books = asyncio.run(_play(tape_folder, day, speed, folder, as_json, fees.value))
    except (KeyboardInterrupt, asyncio.CancelledError):
        fail("stopped before the day was over; everything it started is stopped", 130)
    except (LocalError, StartError, DemoError) as error:
        fail(str(error))
    seconds = round(time.monotonic() - started, 1)
    trouble = agree(books)
    report = books.as_dict() | {"day": day, "tape": str(tape_folder), "trouble": trouble, "seconds": seconds}
    (folder / "summary.json").write_text(json.dumps(report, indent=2, default=str))
    if as_json:
        typer.echo(json.dumps(report, default=str))
    else:
        _show(books, day, seconds, folder, trouble)
    raise typer.Exit(1 if trouble else 0)


class DemoError(RuntimeError):
    """The day could not be played to its end; the text says where it stood."""


def _make_folder(folder: Path) -> None:
    """A fresh home for the run. Only a folder that an earlier run made is removed."""
    if (folder / "run.pid").exists():
        postgres = folder / "postgres"
        if postgres.is_symlink():
            shutil.rmtree(postgres.resolve().parent, ignore_errors=True)
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config"
    config.mkdir(exist_ok=True)
    for name in ("trading_config.yaml", "risk_parameters.yaml"):
        values: dict[str, Any] = yaml.safe_load(Path("config", name).read_text(encoding="utf-8"))
        if name == "trading_config.yaml":
            values["session"]["mode"], values["workflow"]["auto_execute"] = "autonomous", True
        (config / name).write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


def _environment(tape: Path, day: str, folder: Path) -> dict[str, str]:
    """What the demo changes: the tape, a standing clock, a configuration of its own that may trade by itself."""
    return {
        "EXCHANGE_TAPE": str(tape.absolute()),
        "EXCHANGE_DATE": day,
        "EXCHANGE_START": "09:30",
        "EXCHANGE_CLOCK": "frozen",
        "EXCHANGE_JOURNAL": str((folder / "exchange.jsonl").absolute()),
        "CONFIG_FOLDER": str((folder / "config").absolute()),
        "ENABLE_AUTONOMOUS_TRADING": "true",
        "TRADING_SESSION_MODE": "autonomous",
        "WORKFLOW_AUTO_EXECUTE": "true",
        "ENABLE_EMAIL_ALERTS": "false",
    }


async def _play(tape: Path, day: str, speed: float, folder: Path, quiet: bool, fees: str) -> Books:
    """Start everything, open the cycle, let the clock run in lockstep, and read the books at the end."""
    environment = _environment(tape, day, folder)
    err.print(f"demo: playing {day} from {tape}")
    async with LocalSystem(folder, environment=environment, say=err.print) as system, Follower(system.urls) as follow:
        err.print(f"demo: {len(system.urls)} services are up; logs in {folder}/logs")
        await follow.post("exchange", "/_sim/settings", {"fee_charging": fees})
        before = await follow.account()
        cycle = await follow.post("workflow", "/api/v1/workflow/start", {"mode": "autonomous"})
        await follow.post(
            "exchange",
            "/_sim/clock",
            {"mode": "lockstep", "speed": speed, "participants": PARTICIPANTS},
        )
        await _until_done(follow, cycle["cycle_id"], quiet)
        # Both sides are read at one moment.
        await follow.post("exchange", "/_sim/clock", {"mode": "frozen"})
        return await read_books(follow, system.database_url, cycle["cycle_id"], before)


async def _until_done(follow: Follower, cycle_id: str, quiet: bool) -> None:
    """Watch the day until the cycle is over. Raises DemoError when the market clock stands still for too long."""
    with follow.progress(quiet) as progress:
        moved_at, last = time.monotonic(), ""
        while True:
            state = await follow.look(cycle_id)
            progress.show(state)
            if state.cycle_status not in ("running", "stopping"):
                return
            if state.clock != last:
                moved_at, last = time.monotonic(), state.clock
            if time.monotonic() - moved_at > STUCK_SECONDS:
                raise DemoError(
                    f"the market clock has stood at {state.clock} for {STUCK_SECONDS:.0f} s: "
                    f"waiting for {', '.join(state.busy) or 'nobody'}; see the logs"
                )
            await asyncio.sleep(0.25)


def _show(books: Books, day: str, seconds: float, folder: Path, trouble: list[str]) -> None:
    """The day in three tables, and where to look next."""
    funnel = [
        [scan["scan"], scan["status"], *(scan["counts"].get(stage, 0) for stage in FUNNEL)] for scan in books.scans
    ]
    out.print(table_of("The funnel, scan by scan", ["scan", "status", *FUNNEL], funnel))
    trades = [
        [
            t["symbol"],
            t["side"],
            t["qty"],
            t["entry"],
            t["exit"],
            t["reason"],
            t["gross"],
            t["fees"],
            t["pnl"],
            t["held_minutes"],
        ]
        for t in books.trades
    ]
    columns = ["symbol", "side", "shares", "entry", "exit", "why it ended", "gross", "fees", "net", "minutes"]
    out.print(table_of(f"Trades of {day}", columns, trades))
    summary: list[list[Any]] = [
        ["orders sent", books.orders],
        ["fills", books.fills],
        ["open positions at the exchange", len(books.open_positions)],
        ["gross: realized P&L (database)", f"{books.realized_pnl:+,.2f} USD"],
        ["fees charged", f"{books.fees_charged:,.2f} USD"],
        ["fees expected, not charged yet", f"{books.fees_accrued:,.2f} USD"],
        ["net", f"{books.net_pnl:+,.2f} USD"],
        ["equity change (exchange)", f"{books.equity_change:+,.2f} USD"],
        ["took", f"{seconds:.0f} s"],
    ]
    out.print(table_of("The day", ["", ""], summary))
    for line in trouble:
        out.print(f"[red]not right:[/red] {line}")
    if not trouble:
        out.print("[green]Flat at the close, and the books agree to the cent.[/green]")
    out.print(f"\nlook next: {folder}/summary.json, {folder}/logs/, and `make up` for a system that stays")
