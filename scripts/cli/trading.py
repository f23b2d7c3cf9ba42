"""Commands that drive a running system: start, stop, scan, proposals, approve, reject, positions, close, explain."""

from typing import Annotated, Any

import typer

from scripts.cli.console import call, out, show, table_of

Json = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]
Symbol = Annotated[str, typer.Argument(help="e.g. NVDA")]


def start(
    mode: Annotated[str, typer.Option(help="supervised or autonomous")] = "supervised", json: Json = False
) -> None:
    """Open today's cycle; twice is once."""
    answer = call("POST", "workflow", "/api/v1/workflow/start", {"mode": mode})
    if json:
        show(answer, True)
        return
    out.print(f"cycle {answer['cycle_id']}: {answer['status']}, {answer['session_mode']}")
    for warning in answer.get("warnings", []):
        out.print(f"  [yellow]{warning}[/yellow]")


def stop(json: Json = False) -> None:
    """Stop opening positions; what is open stays protected and is closed before the market does."""
    answer = call("POST", "workflow", "/api/v1/workflow/stop")
    show(answer, json or not isinstance(answer, dict))


def scan(json: Json = False) -> None:
    """Run the whole funnel once, now."""
    answer = call("POST", "scanner", "/api/v1/scan")
    rows = [
        [pick["symbol"], pick.get("price"), _score(pick.get("composite_score")), pick.get("quantity"), pick["outcome"]]
        for pick in answer["picks"]
    ]
    title = f"scan {answer['scan']} of {answer['cycle_id']}: {answer['universe']:,} names, {answer['candidates']} picks"
    show(answer, json, table_of(title, ["symbol", "price", "score", "shares", "outcome"], rows))


def proposals(status: Annotated[str, typer.Option()] = "pending", json: Json = False) -> None:
    """Trades that wait for a person."""
    answer = call("GET", "workflow", f"/api/v1/proposals?status={status}")
    rows = [
        [
            item["proposal_id"],
            item["symbol"],
            item["quantity"],
            item["price_at_proposal"],
            item["stop_price"],
            item["take_profit_price"],
            item["expires_at"],
        ]
        for item in _items(answer)
    ]
    columns = ["id", "symbol", "shares", "price", "stop", "target", "until"]
    show(answer, json, table_of(f"{status} proposals", columns, rows))


def approve(proposal_id: Annotated[str, typer.Argument()], json: Json = False) -> None:
    """Approve one proposal: price and risk are checked again first."""
    _decide(proposal_id, "approve", json)


def reject(proposal_id: Annotated[str, typer.Argument()], json: Json = False) -> None:
    """Reject one proposal."""
    _decide(proposal_id, "reject", json)


def _decide(proposal_id: str, what: str, json: bool) -> None:
    answer = call("POST", "workflow", f"/api/v1/proposals/{proposal_id}/{what}")
    if json:
        show(answer, True)
    else:
        out.print(f"{answer['symbol']}: {answer['status']}{' - ' + answer['reason'] if answer.get('reason') else ''}")


def positions(status: Annotated[str, typer.Option(help="open or closed")] = "open", json: Json = False) -> None:
    """What is held, and what protects it."""
    answer = call("GET", "trading", f"/api/v1/positions?status={status}")
    rows = [
        [
            item["symbol"],
            item["quantity"],
            item["entry_price"],
            item["stop_price"],
            item["take_profit_price"],
            item["protected_quantity"],
            item["exit_reason"],
            item["realized_pnl"],
        ]
        for item in _items(answer)
    ]
    columns = ["symbol", "shares", "entry", "stop", "target", "protected", "exit", "realized"]
    show(answer, json, table_of(f"{status} positions", columns, rows))


def close(
    symbol: Annotated[str, typer.Argument(help="a symbol, or `all`")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    json: Json = False,
) -> None:
    """Close one position at market, or all of them."""
    if not yes:
        typer.confirm(f"Close {symbol.upper()} at market now?", abort=True)
    path = "/api/v1/positions/close-all" if symbol.lower() == "all" else f"/api/v1/positions/{symbol.upper()}/close"
    show(call("POST", "trading", path), json)


def explain(
    symbol: Symbol,
    cycle: Annotated[str, typer.Option(help="cycle id; the latest when not given")] = "",
    json: Json = False,
) -> None:
    """Where a symbol fell out of the funnel, and by how much."""
    if not cycle:
        cycles = _items(call("GET", "workflow", "/api/v1/cycles"))
        cycle = cycles[0]["cycle_id"] if cycles else "none"
    answer = call("GET", "workflow", f"/api/v1/cycles/{cycle}/explain/{symbol.upper()}")
    stages: list[dict[str, Any]] = answer.get("stages", [])
    rows = [
        [
            stage.get("stage"),
            "went on" if stage.get("passed") else "left",
            _score(stage.get("value")),
            _score(stage.get("threshold")),
            _score(stage.get("margin")),
            stage.get("rank"),
            stage.get("reason"),
        ]
        for stage in stages
    ]
    columns = ["stage", "", "value", "threshold", "margin", "rank", "reason"]
    show(answer, json or not stages, table_of(f"{symbol.upper()} in {cycle}", columns, rows))


def _score(value: Any) -> str | None:
    return f"{value:.3f}" if isinstance(value, int | float) else None


def _items(answer: Any) -> list[dict[str, Any]]:
    """The rows of a list answer, whether bare or under a name."""
    if isinstance(answer, list):
        return answer
    return next((value for value in answer.values() if isinstance(value, list)), [])
