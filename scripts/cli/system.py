"""Commands about the system as a whole: up, down, status, doctor."""

import asyncio
import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from config.reload import ConfigFileError, load
from config.services import BY_NAME, SERVICES
from config.settings import read_settings, stray_names
from scripts.child import is_listening
from scripts.cli.clock import clock_of
from scripts.cli.console import LOCAL, call, err, fail, market_time, out, show, table_of, url_of
from scripts.cli.follow import FUNNEL
from scripts.cli.story import plain
from scripts.cli.tape import ready_tape
from scripts.cli.trading import degraded
from scripts.embedded import StartError
from scripts.local import REGISTRY_PORTS, LocalError, LocalSystem, running_pid
from scripts.reload import reload_on_change, source_folders

Json = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]


def up(
    tape: Annotated[str, typer.Option(help="tape folder; a generated one when not given")] = "",
    date: Annotated[str, typer.Option(help="session to play; the tape's last when not given")] = "",
    start: Annotated[str, typer.Option(help="market time at which the clock starts")] = "10:00",
    speed: Annotated[float, typer.Option(help="seconds of market time in a second; 0: the clock stands")] = 1.0,
    reload: Annotated[str, typer.Option(help="a service to start again whenever its source changes")] = "",
) -> None:
    """Run the whole system on this machine with the simulated exchange, until Ctrl-C or `catalyst down`."""
    if reload and reload not in BY_NAME:
        fail(f"there is no service {reload!r} to reload; the services are {', '.join(BY_NAME)}")
    folder, day = ready_tape(tape, date, recent=True)
    environment = {
        "EXCHANGE_TAPE": str(folder),
        "EXCHANGE_DATE": day,
        "EXCHANGE_START": start,
        "EXCHANGE_CLOCK": "run" if speed else "frozen",
        "EXCHANGE_SPEED": str(speed),
        "EXCHANGE_JOURNAL": str((LOCAL / f"exchange-{day}.jsonl").absolute()),
    }

    async def keep_running() -> None:
        async with LocalSystem(LOCAL, ports=REGISTRY_PORTS, environment=environment, say=err.print) as system:
            out.print(table_of("Catalyst is up", ["service", "address"], [[n, u] for n, u in system.urls.items()]))
            where = f"from {start} market time, or from where this day stood"
            out.print(f"\nplaying {day} from {folder} at {speed:g}x, {where}", soft_wrap=True)
            out.print(f'\nexport DATABASE_URL="{system.database_url}"', soft_wrap=True)
            out.print(f"alias catalyst='{sys.executable} -m scripts.catalyst'", soft_wrap=True)
            out.print("\nnext, in another terminal in this folder: these two lines, then `catalyst start`,")
            out.print("`catalyst scan`, `catalyst proposals`, `catalyst approve SYMBOL`, `catalyst positions`")
            out.print("Ctrl-C stops everything")
            if reload:
                out.print(f"{reload} is started again whenever its Python files change, or those of config and shared")
                await reload_on_change(system, reload, source_folders(reload), err.print)
            await asyncio.Event().wait()

    try:
        asyncio.run(keep_running())
    except (KeyboardInterrupt, asyncio.CancelledError):
        err.print("stopped")
    except (LocalError, StartError) as error:
        fail(str(error))


def down() -> None:
    """Stop what `catalyst up` started."""
    pid = running_pid(LOCAL)
    if pid is None:
        out.print("nothing runs here")
        return
    os.kill(pid, signal.SIGTERM)
    for _ in range(150):
        if running_pid(LOCAL) != pid:
            out.print("stopped")
            return
        time.sleep(0.1)
    fail(f"process {pid} has not ended after 15 s; its logs are in {LOCAL}/logs")


def status(json: Json = False) -> None:
    """The health of every service and what goes on; exit code 1 when one of them cannot do its job."""
    rows, healthy = [], True
    with httpx.Client(timeout=3, trust_env=False) as http:
        for service in SERVICES:
            if service.name == "exchange" and read_settings().broker != "simulated":
                continue
            url = url_of(service.name)
            try:
                body = http.get(f"{url}/health").json()
            except httpx.ConnectError:
                body = {"status": "unreachable", "problem": "nothing listens there; `make up` starts the system"}
            except (httpx.HTTPError, ValueError) as error:
                body = {"status": "unreachable", "problem": type(error).__name__}
            healthy &= body.get("status") == "healthy"
            rows.append([service.name, url, body.get("status", "?"), body.get("problem", "")])
    data = [dict(zip(("service", "url", "status", "problem"), row, strict=True)) for row in rows]
    show(data, json, table_of("health", ["service", "address", "status", "problem"], rows))
    if not json and any(row[0] == "workflow" and row[2] == "healthy" for row in rows):
        out.print("\n".join(going_on(call("GET", "workflow", "/api/v1/workflow/status"))), markup=False)
    raise typer.Exit(0 if healthy else 1)


def going_on(told: dict[str, Any]) -> Iterator[str]:
    """Workflow's status in a few lines: the cycle, its last scan and what came of it, the next one, what disagrees."""
    cycle, scan, next_scan = told["cycle"], told["last_scan"], market_time(told["next_scan_at"])
    yield f"market time {market_time(told['clock'])}; new trades would be {told['mode']}"
    if cycle:
        unplanned = "when asked for" if cycle["driven_by"] == "hand" else "none is due before the close, or it runs now"
        then = f"at {next_scan}" if next_scan else unplanned
        yield f"cycle {cycle['cycle_id']}: {cycle['status']}, next scan {then}"
    else:
        yield "no cycle is open: `catalyst start` opens one"
    if scan:
        funnel = " > ".join(f"{scan['funnel'][stage]:,}" for stage in FUNNEL)
        at = market_time(scan["started_at"])
        yield f"last scan: {scan['scan']} of {scan['cycle_id']} at {at}, {scan['status']}: {funnel}"
        if scan["degraded"]:
            yield f"  {degraded(scan)}"
        elif scan["reason"]:
            yield f"  {plain(scan['reason'])}"
        yield from (f"  {pick['symbol']}: {pick['outcome']}, {plain(pick['reason'])}" for pick in scan["picks"])
    yield from (f"note: {warning}" for warning in told["warnings"])


def doctor(json: Json = False) -> None:
    """Look for what would keep the system from running here, and say how to mend it."""
    checks: list[list[str]] = []

    def check(name: str, good: bool, found: str, cure: str) -> None:
        checks.append([name, "ok" if good else "MEND", found, "" if good else cure])

    version = platform.python_version()
    check("python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    check("disk", free > 2, f"{free:.0f} GB free", "free 2 GB here")
    settings = read_settings()
    try:
        config = load(settings.config_folder, settings)
        check("configuration", True, f"{'autonomous' if config.autonomous else 'supervised'}, hash {config.hash}", "")
        for warning in config.warnings:
            check("configuration", False, warning, "make the two agree")
    except ConfigFileError as error:
        check("configuration", False, str(error), "mend that line")
    for stray in stray_names():
        check("settings", False, str(stray), "mend the name, or take the line out")
    check("broker", True, settings.broker, "")
    check("clock", *clock_of(settings))
    running = running_pid(LOCAL) is not None
    taken = [str(port) for port in REGISTRY_PORTS.values() if not running and is_listening(port)]
    free_or_ours = "used by the system that runs here" if running else "free"
    check("ports", not taken, ", ".join(taken) + " taken" if taken else free_or_ours, "stop what listens there")
    rows = [dict(zip(("check", "state", "found", "cure"), row, strict=True)) for row in checks]
    show(rows, json, table_of("doctor", ["check", "state", "found", "what to do"], [list(row) for row in checks]))
    raise typer.Exit(1 if any(row[1] == "MEND" for row in checks) else 0)
