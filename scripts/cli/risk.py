"""Commands about risk: halt, resume, alerts, seen, test-alert, and config check|diff|try|accept."""

import getpass
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from config.reload import ConfigFileError, changes_between, load
from config.settings import read_settings, stray_names
from scripts.cli.candidate import parts, try_out
from scripts.cli.console import call, err, fail, market_time, out, show, table_of

Json = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]
Reason = Annotated[str, typer.Argument(help="why, in words that will be read later")]
NOT_FLAT = 5
PANIC = "To close everything now: `make flatten`. It needs none of our services, and no database."
LOOK_EVERY_SECONDS, TELL_EVERY_SECONDS = 0.2, 5.0
config = typer.Typer(no_args_is_help=True, help="The two YAML files: check them, compare them with what holds.")


def halt(
    reason: Reason,
    patience: Annotated[float, typer.Option(help="seconds to wait until the broker is flat", min=0)] = 120.0,
    json: Json = False,
) -> None:
    """Emergency stop: refuse entries, close everything, wait until the broker lists nothing. Exit code 5: not yet."""
    begun = time.monotonic()
    answer = call("POST", "risk-manager", "/api/v1/risk/emergency-stop", {"reason": reason}, otherwise=PANIC)
    if not json:
        already = "already halted" if answer["already_halted"] else "halted, closing everything"
        out.print(f"{already}: {answer['halt']['reason']}")
    halted, told = answer["halt"], begun
    while not halted["flat_at"] and time.monotonic() - begun < patience:
        time.sleep(LOOK_EVERY_SECONDS)
        halted = call("GET", "risk-manager", "/api/v1/risk/status", otherwise=PANIC)["halt"] or halted
        if time.monotonic() - told > TELL_EVERY_SECONDS:
            told = time.monotonic()
            err.print(f"not flat after {told - begun:.0f} s; closing goes on")
    seconds = time.monotonic() - begun
    if not halted["flat_at"]:
        fail(f"not flat after {seconds:.0f} s; closing goes on. `make flatten` needs none of our services.", NOT_FLAT)
    text = f"flat, verified at the broker, {seconds:.1f} s; resume is possible at {market_time(halted['resume_after'])}"
    show(answer | {"halt": halted, "seconds": round(seconds, 2)}, json, f"{text} market time")


def resume(
    reason: Reason,
    accept: Annotated[list[str] | None, typer.Option(help="what may stay: a symbol, or order:<id>; repeatable")] = None,
    json: Json = False,
) -> None:
    """Release the halt once the cool-down is over and everything is flat, but for what is accepted by name."""
    answer = call("POST", "risk-manager", "/api/v1/risk/resume", {"reason": reason, "accept": accept or []})
    stays = ", ".join(one["name"] for one in answer["accepted"])
    show(answer, json, f"trading may go on: {reason}" + (f"; left as it is: {stays}" if stays else ""))


def send_test(json: Json = False) -> None:
    """Send a test alert by e-mail to every configured address, and to the webhook."""
    answer = call("POST", "risk-manager", "/api/v1/risk/test-alert")
    to = ", ".join(dict.fromkeys(filter(None, answer["addresses"].values()))) or "no address is set"
    text = f"e-mail: {answer['email']} ({to})\nwebhook: {answer['webhook']}"
    show(answer, json, f"alert {answer['alert_id']}: {answer['subject']}\n{text}")


def alerts(
    everything: Annotated[bool, typer.Option("--all", help="also those that were seen, and the lesser ones")] = False,
    json: Json = False,
) -> None:
    """Critical alerts that nobody has acknowledged; each is sent again until somebody has seen it."""
    path = "/api/v1/risk/alerts?limit=50" if everything else "/api/v1/risk/alerts?open=true&limit=1000"
    answer = call("GET", "risk-manager", path)
    rows = [
        [
            one["alert_id"],
            market_time(one["occurred_at"]),
            one["severity"],
            one["kind"],
            one["pages"],
            one["acknowledged_by"] or ("nobody yet" if one["open"] else "-"),
            one["message"],
        ]
        for one in answer
    ]
    title = "alerts" if everything else "alerts that nobody has acknowledged"
    show(answer, json, table_of(title, ["id", "at", "severity", "kind", "sent", "seen by", "message"], rows))
    if rows and not everything and not json:
        out.print(f"catalyst seen {answer[0]['alert_id']} (or `catalyst seen all`) ends the sending")


def seen(
    which: Annotated[list[str], typer.Argument(help="ids as `catalyst alerts` shows them, or `all`")],
    note: Annotated[str, typer.Option(help="what you found or will do")] = "",
    by: Annotated[str, typer.Option(help="your name; the login name when not given")] = "",
    json: Json = False,
) -> None:
    """Acknowledge alerts: they are not sent again."""
    if which == ["all"]:
        ids = [one["alert_id"] for one in call("GET", "risk-manager", "/api/v1/risk/alerts?open=true&limit=1000")]
    elif all(one.isdecimal() for one in which):
        ids = [int(one) for one in which]
    else:
        fail("name alerts by their numbers, as `catalyst alerts` shows them, or say `all`", 2)
    body = {"by": by or getpass.getuser(), "note": note}
    answers = [call("POST", "risk-manager", f"/api/v1/risk/alerts/{one}/acknowledge", body) for one in ids]
    rows = [[one["alert"]["alert_id"], one["alert"]["kind"], one["alert"]["acknowledged_by"]] for one in answers]
    show(answers, json, table_of("acknowledged", ["id", "kind", "by"], rows))


def check(
    folder: Annotated[Path | None, typer.Option(help="where a candidate for the two files lies")] = None,
    json: Json = False,
) -> None:
    """Read the files as the services would; exit code 1 with the line when they cannot be used. Needs no service.

    A candidate elsewhere is compared with the files in use as well.
    """
    settings = read_settings()
    try:
        found = load(folder or settings.config_folder, settings)
        changes = changes_between(load(settings.config_folder, settings), found) if folder else ()
    except ConfigFileError as error:
        fail(str(error))
    warnings = [*found.warnings, *map(str, stray_names())]
    data: dict[str, Any] = {"hash": found.hash, "autonomous": found.autonomous, "warnings": warnings}
    mode = "autonomous" if found.autonomous else "supervised"
    told = [f"can be used: {mode}, hash {found.hash}", *(f"note: {w}" for w in warnings), *changes]
    show(data | {"changes": changes}, json, "\n".join(told))


def diff(json: Json = False) -> None:
    """How the files differ from what the running system holds, and why they do not hold."""
    answer = call("GET", "risk-manager", "/api/v1/risk/config")
    rows = [[*parts(change)] for change in answer["changes"]]
    show(answer, json, table_of(f"the files against what holds ({answer['hash']})", ["key", "holds", "file"], rows))
    if json:
        return
    if answer["problem"]:
        out.print(answer["problem"])
    if answer["forcible"]:
        out.print(f"to let them hold all the same: catalyst config accept {answer['files_hash']} 'why'")


def accept(
    hash: Annotated[str, typer.Argument(help="of the files, as `catalyst config diff` shows it")],
    reason: Reason,
    json: Json = False,
) -> None:
    """Let refused files hold although positions get out of bounds."""
    answer = call("POST", "risk-manager", "/api/v1/risk/config/accept", {"hash": hash, "reason": reason})
    show(answer, json, f"{answer['hash']} holds now")


for command in (check, diff, accept):
    config.command()(command)
config.command("try")(try_out)
