"""`catalyst config try`: what the last scans would have done under candidate files, beside what they did."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from config.reload import ConfigFileError, build, read_texts
from config.settings import read_settings
from scripts.cli.console import call, fail, market_time, show, table_of

Row = dict[str, Any]


def try_out(
    folder: Annotated[Path | None, typer.Option(help="where the candidate lies; else the files in use")] = None,
    scans: Annotated[int, typer.Option(help="how many of the last completed scans", min=1, max=100)] = 10,
    json: Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")] = False,
) -> None:
    """What the last scans would have done under a candidate, from what was stored of them. Changes nothing."""
    try:
        texts = read_texts(folder or read_settings().config_folder)
        build(texts, read_settings())
    except ConfigFileError as error:
        fail(str(error))
    answer = call("POST", "workflow", "/api/v1/config/try", {"files": texts, "scans": scans})
    show(answer, json, told(answer))


def told(answer: Row) -> RenderableType:
    """Tables for people: the picks side by side, who differs and why, and what nobody can know."""
    rows = [
        [
            one["cycle_id"],
            one["scan"],
            market_time(one["started_at"]),
            picked(one["was"], one["fates"]),
            picked(one["would"]),
        ]
        for one in answer["scans"]
    ]
    differences = [
        [f"{one['cycle_id']}/{one['scan']}", each["symbol"], each["was"], each["would"], each["why"]]
        for one in answer["scans"]
        for each in one["differences"]
    ]
    title = f"the last scans under the candidate ({answer['hash']})"
    return Group(
        table_of("what would change", ["key", "holds", "candidate"], [[*parts(one)] for one in answer["changes"]]),
        table_of(title, ["cycle", "scan", "at", "picks as they were", "picks as they would be"], rows),
        table_of("who differs", ["scan", "symbol", "was", "would be", "why"], differences),
        Text("\n".join(_unknown(answer))),
    )


def picked(places: list[Row], fates: dict[str, str] | None = None) -> str:
    """The picks that were sent or proposed with their shares and what became of a proposal, then how many others were
    approved.
    """
    taken = [
        " ".join((one["symbol"], str(one["shares"]), (fates or {}).get(one["symbol"], ""))).rstrip()
        for one in places
        if one["outcome"] in ("order", "proposal")
    ]
    rest = len(places) - len(taken)
    return (", ".join(taken) or "none") + (f" (+{rest} not sent)" if rest else "")


def parts(change: str) -> tuple[str, str, str]:
    """Key, old and new value of a change."""
    key, _, values = change.partition(": ")
    before, _, after = values.partition(" -> ")
    return key, before, after


def _unknown(answer: Row) -> Iterator[str]:
    for one in answer["scans"]:
        where = f"{one['cycle_id']}/{one['scan']}"
        for stage, symbols in one["unknown"].items():
            whose = "risk" if stage == "risk" else f"the {stage} stage"
            yield f"not known in {where}: {len(symbols)} that {whose} never saw"
        if one["not_stored"]:
            names = ", ".join(one["not_stored"])
            yield f"not known in {where}: what the decisions on {names} were made from was not kept yet"
        if one["elsewhere"]:
            yield f"{where}: {one['elsewhere']} others would have fallen out at another stage, before risk"
    yield from (f"not replayed: {change}" for change in answer["not_replayed"])
    yield from (f"note: {note}" for note in (*answer["warnings"], *answer["notes"]))
