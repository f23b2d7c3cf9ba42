"""Commands that say why: explain, near-misses."""

from typing import Annotated, Any

import typer

from scripts.cli.console import call, fail, market_time, money, out, show, table_of
from scripts.cli.story import STAGES, held_against, plain, story
from scripts.cli.trading import Json, Symbol, degraded

Cycle = Annotated[str, typer.Option(help="cycle id; the latest when not given")]
Row = dict[str, Any]


def explain(
    symbol: Symbol,
    cycle: Cycle = "",
    scan: Annotated[int | None, typer.Option(help="its number; the latest when not given", min=1)] = None,
    everything: Annotated[bool, typer.Option("--all", help="also what only informed, and limits that held")] = False,
    json: Json = False,
) -> None:
    """Where a symbol fell out of the funnel, by how much, and what would have changed it: one scan in full."""
    if not symbol or "/" in symbol:
        fail(f"{symbol!r} is no symbol: letters, and points at most, such as NVDA or BRK.B", 2)
    cycle = cycle or _latest_cycle()
    answer = call("GET", "workflow", f"/api/v1/cycles/{cycle}/explain/{symbol.upper()}")
    ways: dict[str, list[Row]] = answer["scans"]
    if scan and str(scan) not in ways:
        looked = ", ".join(sorted(ways, key=int)) or "none"
        fail(f"scan {scan} of {cycle} did not look at the market; those that did: {looked}", 2)
    if json or not ways:
        show(answer, json, plain(answer["summary"]))
        return
    shown = str(scan or max(ways, key=int))
    others = [text for number, text in answer["outlines"].items() if number != shown]
    for text in others:
        out.print(plain(text), markup=False)
    if others:
        out.print(f"one of them in full: catalyst explain {symbol.upper()} --scan NUMBER\n", markup=False)
    asked = call("GET", "workflow", f"/api/v1/cycles/{cycle}/scans/{shown}")
    title = f"{symbol.upper()} in scan {shown} of {cycle}, {market_time(asked['started_at'])} market time"
    notes = [degraded(asked)] if asked["degraded"] else []
    if answer["config"].get(shown) not in (None, answer["config_now"]):
        notes.append("the configuration has changed since: `catalyst config try` shows what it would do now")
    out.print(story(title, ways[shown], everything, answer["sentences"][shown], notes))
    was_approved = any(way[-1]["stage"] == "execution" for way in ways.values())
    out.print("", _by_now(symbol.upper(), was_approved), sep="\n", markup=False)


def near_misses(
    cycle: Cycle = "",
    limit: Annotated[int, typer.Option(help="how many", min=1, max=200)] = 10,
    json: Json = False,
) -> None:
    """Who fell out of the latest cycle's scans by the least, each where it came nearest, and what was missing."""
    cycle = cycle or _latest_cycle()
    answer = call("GET", "workflow", f"/api/v1/cycles/{cycle}/near-misses?limit={limit}")
    columns = ["scan", "symbol", "fell out at", "value", "needed", "short of it", "what would have changed it"]
    rows = [
        [one["scan"], one["symbol"], STAGES[one["stage"]], *held_against(one), plain(one["otherwise"] or one["reason"])]
        for one in answer
    ]
    show(answer, json, table_of(f"near misses of {cycle}", columns, rows))


def _by_now(symbol: str, was_approved: bool) -> str:
    """What is held of it and what protects that, or how it ended."""
    if not was_approved:
        return f"by now: nothing of {symbol} was sent or proposed in this cycle"
    try:
        positions = call("GET", "trading", "/api/v1/positions?limit=1000")
    except typer.Exit:  # said on stderr; the story above does not depend on it
        return "by now: not known, ask again when trading answers"
    own = sorted((one for one in positions if one["symbol"] == symbol), key=lambda one: str(one["entry_time"]))
    if not own:
        return f"by now: no position in {symbol} was ever opened"
    last = own[-1]
    opened = f"{last['quantity']:,} shares at {money(last['entry_price'])} since {market_time(last['entry_time'])}"
    if last["status"] == "open":
        guard = f"stop {money(last['stop_price'])}, target {money(last['take_profit_price'])}"
        locked = ", locked: our books and the broker disagree" if last["locked"] else ""
        return f"by now: held, {opened}; {guard}, {last['protected_quantity']:,} of them under a live stop{locked}"
    fees = float(last["fees_charged"]) + float(last["fees_accrued"])
    gross = float(last["realized_pnl"])
    result = f"{gross - fees:+,.2f} USD net ({gross:+,.2f} gross, {fees:,.2f} fees)"
    ended = f"{market_time(last['exit_time'])} at {money(last['exit_price'])} ({plain(str(last['exit_reason']))})"
    return f"by now: closed {ended}, {result}"


def _latest_cycle() -> str:
    cycles = call("GET", "workflow", "/api/v1/cycles?limit=1")
    return str(cycles[0]["cycle_id"]) if cycles else fail("no cycle was ever opened; `catalyst start` opens one")
