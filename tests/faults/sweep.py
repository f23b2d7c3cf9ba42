"""`make chaos`: hundreds of short days, each with something going wrong, and the table of what came of it."""

import argparse
import asyncio
import logging
import shutil
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import asyncpg
import numpy as np
import structlog
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from database.migrate import migrate
from scripts.embedded import address, start_postgres
from tests.faults import day
from tests.faults.cases import Case, all_cases, named_cases
from tests.faults.stage import Mother, Plan, dumped, stage
from tests.faults.truth import Verdict, judge
from tests.roles import APP_PASSWORD

TEMPLATE = "template_faults"
AUDITED = {
    "order": "not as allowed",
    "price": "price",
    "short": "short",
    "others": "others' shares",
    "late": "late",
    "alert": "alerts",
}
"""Kinds of breach that the auditor finds, and the heading of each."""
TITLE = (
    "after each run: the exchange's books beside ours; exchange seconds from a fill to its cover, and the longest that"
    " any share was without a live stop, an exit that fills in parts eight seconds apart included"
)


@dataclass
class Row:
    """Runs of one kind, added up."""

    runs: int = 0
    met: int = 0
    doubled: int = 0
    lost: int = 0
    orphan: int = 0
    other: int = 0
    audited: Counter[str] = field(default_factory=Counter)
    cents: Decimal = Decimal(0)
    to_cover: list[float] = field(default_factory=list)
    worst: float = 0.0

    def add(self, verdict: Verdict) -> None:
        self.runs += 1
        self.met += verdict.met
        self.doubled += len(verdict.doubled)
        self.lost += len(verdict.lost)
        self.orphan += len(verdict.orphan)
        self.other += len(verdict.other)
        self.audited += Counter(breach.kind for breach in verdict.audited)
        self.cents += abs(verdict.cents)
        self.to_cover += verdict.to_cover
        self.worst = max([self.worst, *verdict.bare])

    def merge(self, other: "Row") -> None:
        for name in ("runs", "met", "doubled", "lost", "orphan", "other", "audited", "cents", "to_cover"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.worst = max(self.worst, other.worst)


Rows = defaultdict[tuple[str, str], Row]


async def run_one(
    admin_url: str,
    folder: Path,
    name: str,
    plan: Plan,
    mother: Mother,
    notes: Path | None = None,
    template: str = TEMPLATE,
) -> Verdict:
    """One run in a database of its own, made of the template."""
    admin = await asyncpg.connect(admin_url)
    place = folder / name
    place.mkdir()
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        url = address(admin_url, database=name, user="catalyst_app", password=APP_PASSWORD)
        async with stage(url, place, plan, mother, notes) as play:
            try:
                await play.play()
            except TimeoutError as error:
                return Verdict(other=[f"stuck: {error!r} {dumped(play)}"])
            return await judge(play)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def steps_of(
    admin_url: str, folder: Path, mother: Mother, rows: Rows | None = None
) -> dict[tuple[day.Act, ...], Counter[str]]:
    """Every step of an undisturbed run of each kind of day, and how often it is passed; `rows` takes what it showed."""
    steps: dict[tuple[day.Act, ...], Counter[str]] = {}
    for name, acts in (("recorded", day.NORMAL), ("recorded_halt", day.HALTED), ("recorded_hand", day.HAND)):
        notes = folder / f"{name}.steps"
        verdict = await run_one(admin_url, folder, name, Plan(acts=acts), mother, notes)
        if verdict.breaches:
            raise AssertionError(f"undisturbed, and {verdict.breaches}")
        if rows is not None:
            rows["undisturbed", name].add(verdict)
        steps[acts] = Counter(line for line in notes.read_text().splitlines() if not line.startswith("outside"))
    return steps


async def make_template(url: str, name: str = TEMPLATE) -> None:
    """A database with every migration applied."""
    admin = await asyncpg.connect(url)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    await migrate(address(url, database=name), APP_PASSWORD, APP_PASSWORD)


async def sweep(
    admin_url: str, folder: Path, runs: int, seed: int, at_once: int, console: Console, by_step: bool = False
) -> int:
    """Run everything; returns the number of runs in which anything was wrong."""
    mother, rows, broken = Mother(), Rows(Row), list[Case]()
    gate = asyncio.Semaphore(at_once)
    await make_template(admin_url)
    try:
        known = named_cases()[:runs]
        cases = [*known, *all_cases(await steps_of(admin_url, folder, mother, rows), runs - len(known), seed)]
        with Progress(console=console) as progress:
            bar = progress.add_task("runs", total=len(cases))

            async def one(place: int, case: Case) -> None:
                async with gate:
                    verdict = await run_one(admin_url, folder, f"run_{place}", case.plan, mother)
                rows[case.fault, case.step].add(verdict)
                progress.advance(bar)
                done = int(progress.tasks[bar].completed)
                if not console.is_terminal and done % 20 == 0:
                    console.print(f"{done} of {len(cases)} runs, {len(broken)} with a breach", highlight=False)
                if verdict.breaches:
                    broken.append(case)
                    console.print(f"[red]{case}[/red] {case.plan}: {'; '.join(verdict.breaches)}", highlight=False)

            await asyncio.gather(*(one(place, case) for place, case in enumerate(cases)))
    finally:
        mother.end()
    console.print(_table(rows, by_step))
    met = sum(row.met for row in rows.values())
    console.print(f"seed {seed}, {len(cases)} runs, in {met} of them something went wrong, {len(broken)} with a breach")
    return len(broken)


def _table(rows: Rows, by_step: bool) -> Table:
    shown, total = Rows(Row), Row()
    for (fault, step), row in rows.items():
        shown[fault, step if by_step else ""].merge(row)
        total.merge(row)
    names = (
        "fault",
        "step",
        "runs",
        "met",
        "doubled",
        "lost",
        "orphan",
        "other",
        *AUDITED.values(),
        "USD apart",
        "to cover p50",
        "p99",
        "bare worst",
    )
    table = Table(*names, title=TITLE)
    for key, row in sorted(shown.items()):
        table.add_row(*key, *_cells(row))
    table.add_section()
    table.add_row("all", "", *_cells(total))
    return table


def _cells(row: Row) -> list[str]:
    p50, p99 = np.percentile(row.to_cover or [0.0], [50, 99])
    audited = [row.audited[kind] for kind in AUDITED]
    counts = (row.runs, row.met, row.doubled, row.lost, row.orphan, row.other, *audited, row.cents.normalize())
    return [*map(str, counts), f"{p50:.1f}", f"{p99:.1f}", f"{row.worst:.1f}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=700)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--by-step", action="store_true", help="a row for each fault at each step")
    chosen = parser.parse_args()
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # answers cut off by design are no news
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    folder = Path(tempfile.mkdtemp(prefix="catalyst-chaos-"))
    folder.chmod(0o711)
    server = start_postgres(folder, durable=False)
    try:
        console = Console(width=210)
        todo = sweep(server.url, folder, chosen.runs, chosen.seed, chosen.at_once, console, chosen.by_step)
        return min(1, asyncio.run(todo))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
