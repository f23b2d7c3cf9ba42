"""`catalyst paper-check`: what the broker really answers, asked with one share at a time on a paper account."""

import asyncio
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from config.settings import read_settings
from scripts.cli.console import LOCAL, err, fail, out, show, table_of
from scripts.paper_check.run import Refused, check, write
from scripts.paper_check.wire import CheckError

DIFFERENT, REFUSED = 1, 2


def paper_check(
    symbol: Annotated[str, typer.Option(help="liquid, cheap, and nothing you hold")] = "F",
    most_usd: Annotated[float, typer.Option(help="what all buys together may cost", min=1, max=1000)] = 50.0,
    patience: Annotated[float, typer.Option(help="seconds for the market to reach a narrow leg", min=1)] = 300.0,
    record: Annotated[Path, typer.Option(help="where the raw answers go")] = LOCAL / "paper-check.json",
    json: Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")] = False,
) -> None:
    """Compare a paper account's answers, shapes and event order with what the system relies on.

    Exit codes: 0 all as expected, 1 something differs or went wrong, 2 refused: a live account, a busy one.
    """
    try:
        found, answers, trouble = asyncio.run(check(read_settings(), symbol.upper(), Decimal(str(most_usd)), patience))
    except (Refused, CheckError) as error:
        fail(str(error), REFUSED)
    write(record, found, answers, trouble)
    rows = [[one.question.text, " or ".join(one.question.expected), one.seen, one.verdict] for one in found]
    table = table_of(f"{len(found)} questions", ["question", "expected", "seen", "verdict"], rows)
    show({"findings": [asdict(one) for one in found], "trouble": trouble, "record": str(record)}, json, table)
    for line in trouble:
        err.print(f"not right: {line}")
    if not json:
        out.print(f"raw answers, account numbers masked: {record}")
    raise typer.Exit(DIFFERENT if trouble or any(one.verdict == "DIFFERENT" for one in found) else 0)
