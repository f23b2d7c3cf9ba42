"""A symbol's way down the funnel as a trader reads it: stages, what made each value, what would have changed it."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from scripts.cli.console import market_time, table_of
from services.workflow.rules.figures import figures

STAGES = {
    "universe": "whole market",
    "scanner": "scanner",
    "news": "news",
    "pattern": "pattern",
    "technical": "technical",
    "score": "total score",
    "risk": "risk",
    "execution": "order",
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")
LARGE = 1000
Row = dict[str, Any]


def story(
    title: str, rows: list[Row], everything: bool, sentence: str = "", notes: Sequence[str] = ()
) -> RenderableType:
    """Tables of one scan below its `sentence`. `everything`: also what only informed, and the checks that passed."""
    stages = ["stage", "", "value", "needed", "room", "place", "why"]
    tables: list[RenderableType] = [Text(plain(text)) for text in (sentence, *notes) if text]
    tables.append(table_of(title, stages, [_stage(row) for row in rows]))
    if parts := [part for row in rows for part in _parts(row, everything)]:
        columns = ["stage", "part", "value", "better than", "weight", "adds"]
        tables.append(table_of("what the values were made of", columns, parts))
    if checks := [check for row in rows for check in _checks(row, everything)]:
        tables.append(table_of("risk's limits", ["limit", "", "value", "allowed", "room", "note"], checks))
    levers = [f"  {STAGES[row['stage']]}: {plain(row['otherwise'])}" for row in rows if row["otherwise"]]
    if levers:
        tables += [Text("what would have changed it", style="bold"), Text("\n".join(levers))]
    return Group(*tables)


def plain(text: str) -> str:
    """A reason in a person's words: moments on the market's clock, names without underscores."""
    said = MOMENT.sub(lambda found: f"{market_time(found[0].replace(' ', 'T'))} market time", text)
    return said.replace("_pct", " %").replace("_", " ")


def number(value: float | None) -> str | None:
    """Three decimals for what is small, none for what is large or whole."""
    if value is None:
        return None
    if abs(value) >= LARGE or (float(value).is_integer() and abs(value) > 1):
        return f"{value:,.0f}"
    return f"{value:.3f}"


def _stage(row: Row) -> list[Any]:
    place = f"{row['rank']} of {row['of']:,}" if row["rank"] and row["of"] else row["rank"]
    return [
        STAGES[row["stage"]],
        "passed" if row["passed"] else "fell out",
        *held_against(row),
        place,
        plain(row["reason"]),
    ]


def held_against(held: Row) -> list[str | None]:
    """Value, threshold and the room between them, in the same decimals."""
    value, threshold, margin = held["value"], held["threshold"], held["margin"]
    if value is None or threshold is None:
        return [number(value), number(threshold), None]
    if margin is None:
        return [*figures(value, threshold), None]
    *both, room = figures(value, threshold, margin)
    return [*both, f"{'+' * (margin > 0)}{room}"]


def _parts(row: Row, everything: bool) -> Iterator[list[Any]]:
    if row["stage"] == "risk":
        return
    for one in row["components"]:
        weighted = one["weight"] is not None
        if not (weighted or everything or not row["passed"]):
            continue
        name = one["name"].removesuffix("_score").replace("_pct", " %").replace("_", " ")
        better = None if one["percentile"] is None else f"{one['percentile'] * 100:.0f} %"
        weight = f"{one['weight'] * 100:.0f} %" if weighted else None
        value, adds = number(one["value"]), number(one["contribution"])
        if one["value"] is None:
            value, adds = "missing", "to the others" if weighted else None
        yield [STAGES[row["stage"]], name, value, better, weight, adds]


def _checks(row: Row, everything: bool) -> Iterator[list[Any]]:
    if row["stage"] != "risk":
        return
    for one in row["components"]:
        if everything or not one["passed"]:
            word = "within" if one["passed"] else "failed"
            yield [one["name"].replace("_", " "), word, *held_against(one), plain(one["note"])]
