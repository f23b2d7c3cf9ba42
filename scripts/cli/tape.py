"""Commands about tapes: synthesize, record, check."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date as Date
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from config.settings import read_settings
from scripts.cli.console import LOCAL, err, fail, out, table_of
from scripts.tapes.record import Recording
from scripts.tapes.record import record as pull_days
from scripts.tapes.synthesize import synthesize as make_tape
from services.exchange import store
from services.exchange.rules.calendar import is_trading_day
from shared.adapters.system_clock import SystemClock
from shared.domain.session import trading_day
from shared.errors import CatalystError

app = typer.Typer(no_args_is_help=True, help="Recorded or invented market days for the simulated exchange.")
FIRST_DAY = "2026-06-15"
SEED = 7


@contextmanager
def _progress(title: str) -> Iterator[Callable[[str, float], None]]:
    """A bar on stderr for a callback (stage, share done)."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(title, total=1.0)

        def show(stage: str, done: float) -> None:
            progress.update(task, completed=done, description=f"{title}: {stage}")

        yield show


def ready_tape(tape: str, date: str, *, recent: bool = False) -> tuple[Path, str]:
    """(folder, day) to play: the tape named, or one invented once and kept; ends with the cure when it is unusable.

    `recent` takes the tape's last day, or invents the last trading day, instead of the first or a fixed one.
    """
    if tape:
        folder = Path(tape)
    else:
        first = _last_trading_day() if recent else FIRST_DAY
        folder = LOCAL / "tapes" / f"{first}-seed{SEED}"
        if not (folder / "manifest.json").exists():
            err.print(f"inventing a market of 4,129 names for {first} (kept in {folder})")
            with _progress("tape") as show:
                make_tape(folder, seed=SEED, first=Date.fromisoformat(first), progress=show)
    try:
        days = [str(day) for day in store.read_manifest(folder).sessions]
        for name in store.SCHEMAS:
            store.scan(folder, name)
    except CatalystError as error:
        fail(error.detail, 2)
    if date and date not in days:
        fail(f"the tape {folder} has no session {date}; it has {', '.join(days)}", 2)
    return folder, date or (days[-1] if recent else days[0])


def _last_trading_day() -> str:
    day = trading_day(asyncio.run(SystemClock().now()))
    while not is_trading_day(day):
        day -= timedelta(days=1)
    return str(day)


def _day_of(text: str) -> Date:
    try:
        return Date.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is not a date: write it as 2026-06-15", 2)


@app.command()
def synthesize(
    folder: Annotated[Path, typer.Argument(help="where the tape is written")],
    date: Annotated[str, typer.Option(help="first session")] = FIRST_DAY,
    sessions: Annotated[int, typer.Option(min=1, max=60)] = 1,
    names: Annotated[int, typer.Option(help="securities in the market")] = 4129,
    seed: Annotated[int, typer.Option(help="the same seed makes the same market")] = SEED,
) -> None:
    """Invent market days: prices, volumes, jumps with headlines to match, a halt, a gap, a delisting."""
    try:
        with _progress("tape") as show:
            made = make_tape(folder, seed=seed, first=_day_of(date), sessions=sessions, names=names, progress=show)
    except CatalystError as error:
        fail(error.detail, 2)
    out.print(f"{made.folder}: {len(made.sessions)} session(s), {made.names:,} names, {made.bars:,} bars")


@app.command()
def check(folder: Annotated[Path, typer.Argument()]) -> None:
    """Read a tape as the exchange would, every day of it, and say what is in it and what was thrown out."""
    rows = []
    try:
        manifest = store.read_manifest(folder)
        for day in manifest.sessions:
            tape = store.load_tape(folder, day)
            dropped = ", ".join(f"{count:,} {why}" for why, count in sorted(tape.dropped.items()) if count) or "nothing"
            rows.append([str(day), len(tape.assets), len(tape.bars.time), len(tape.news), dropped])
    except CatalystError as error:
        fail(error.detail, 2)
    out.print(table_of(manifest.name, ["session", "names", "bars", "headlines", "thrown out"], rows))


@app.command()
def record(
    folder: Annotated[Path, typer.Argument(help="where the tape is written")],
    date: Annotated[str, typer.Option(help="first session to pull")],
    to: Annotated[str, typer.Option(help="last session; the first when not given")] = "",
) -> None:
    """Pull market days from Alpaca with the keys of .env; started again, it goes on where it stopped."""
    settings = read_settings()
    recording = Recording(
        _day_of(date),
        _day_of(to or date),
        data_url=settings.data_url,
        trading_url=settings.trading_url,
        feed="sip",
    )
    try:
        with _progress("recording") as show:
            made = pull_days(
                folder, recording, key=settings.alpaca_api_key, secret=settings.alpaca_secret_key, progress=show
            )
    except CatalystError as error:
        cure = ". Keys of Alpaca and its ALPACA_BASE_URL belong in .env" if settings.broker == "simulated" else ""
        fail(error.detail + cure)
    out.print(f"{folder}: {len(made['sessions'])} session(s), {made['universe']:,} names, {made['bars']:,} bars")
