"""Commands that drive a running system: start, stop, scan, proposals, approve, reject, positions, close."""

from typing import Annotated, Any

import typer

from scripts.cli.console import call, fail, market_time, money, out, show, table_of
from scripts.cli.story import STAGES, plain

Json = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]
Symbol = Annotated[str, typer.Argument(help="e.g. NVDA")]
Which = Annotated[str, typer.Argument(help="its symbol, its id, or how the id begins")]
NEAR = 5


def start(
    mode: Annotated[str, typer.Option(help="supervised or autonomous")] = "supervised", json: Json = False
) -> None:
    """Open today's cycle; twice is once."""
    answer = call("POST", "workflow", "/api/v1/workflow/start", {"mode": mode})
    already = " already" if answer["already_running"] else ""
    warnings = [f"\n  note: {warning}" for warning in answer["warnings"]]
    said = f"cycle {answer['cycle_id']}: {answer['status']}{already}, {answer['session_mode']}{''.join(warnings)}"
    show(answer, json, said)


def stop(json: Json = False) -> None:
    """Stop opening positions; what is open stays protected and is closed before the market does."""
    answer = call("POST", "workflow", "/api/v1/workflow/stop")
    show(answer, json, f"cycle {answer['cycle_id']}: {answer['status']}, {answer['reason']}")


def scan(json: Json = False) -> None:
    """Run the whole funnel once, now."""
    answer = call("POST", "scanner", "/api/v1/scan")
    rows = [
        [
            pick["symbol"],
            money(pick["price"]),
            _score(pick["composite_score"]),
            pick["quantity"],
            pick["outcome"],
            plain(pick["reason"]),
        ]
        for pick in answer["picks"]
    ]
    title = f"scan {answer['scan']} of {answer['cycle_id']}: {answer['universe']:,} names, {answer['candidates']} picks"
    if answer["degraded"] and not json:
        out.print(degraded(answer))
    show(answer, json, table_of(title, ["symbol", "price", "score", "shares", "outcome", "why"], rows))
    if not json and not rows:
        path = f"/api/v1/candidates?cycle_id={answer['cycle_id']}&scan={answer['scan']}"
        judged = [one for one in call("GET", "scanner", path)["candidates"] if one["composite_score"] is not None]
        best = sorted(judged, key=lambda one: (-one["composite_score"], one["symbol"]))[:NEAR]
        near = [
            [one["symbol"], _score(one["composite_score"]), STAGES[one["stage"]], plain(one["outcome"])] for one in best
        ]
        out.print(table_of("the best of it", ["symbol", "score", "fell out at", "why"], near))


def degraded(scan: dict[str, Any]) -> str:
    """That a scan had to do without something, and what followed."""
    is_lossy = any(part["kind"] == "lost" for part in scan["degradations"])
    halved = "; its weight went to the others, sizes are halved" if is_lossy else ""
    why = f" ({plain(scan['reason'])})" if scan["reason"] else ""
    return f"degraded: {', '.join(scan['degraded'])}{halved}{why}"


def proposals(
    status: Annotated[
        str, typer.Option(help="pending, approving, unknown, approved, rejected, expired or refused")
    ] = "pending",
    json: Json = False,
) -> None:
    """Trades that wait for a person."""
    answer = call("GET", "workflow", f"/api/v1/proposals?status={status}")
    rows = [
        [
            item["proposal_id"][:8],
            item["symbol"],
            item["quantity"],
            money(item["price_at_proposal"]),
            money(item["stop_price"]),
            money(item["take_profit_price"]),
            _score(item["scored"]["composite_score"]),
            market_time(item["decided_at"] or item["expires_at"]),
            plain(item["reason"] or evidence(item["scored"])),
        ]
        for item in answer
    ]
    columns = [
        "id",
        "symbol",
        "shares",
        "price",
        "stop",
        "target",
        "score",
        "until" if status == "pending" else "decided",
        "why",
    ]
    show(answer, json, table_of(f"{status} proposals", columns, rows))
    if rows and status == "pending" and not json:
        out.print(f"catalyst approve {answer[0]['symbol']} sends it, catalyst reject {answer[0]['symbol']} drops it")


def evidence(scored: dict[str, Any]) -> str:
    """What speaks for a proposal most: its catalyst, its pattern, its two best parts."""
    known = [(name, value) for name, value in scored["parts"].items() if value is not None]
    best = sorted(known, key=lambda part: (-part[1], part[0]))[:2]
    named = [name for name in (scored["catalyst"], scored["pattern"]) if name]
    return ", ".join([*named, *(f"{name} {_score(value)}" for name, value in best)])


def approve(which: Which, json: Json = False) -> None:
    """Approve one proposal: price and risk are checked again first."""
    _decide(which, "approve", json)


def reject(which: Which, json: Json = False) -> None:
    """Reject one proposal."""
    _decide(which, "reject", json)


def _decide(which: str, what: str, json: bool) -> None:
    answer = call("POST", "workflow", f"/api/v1/proposals/{_proposal_id(which)}/{what}")
    reason = f", {answer['reason']}" if answer["reason"] else ""
    show(answer, json, f"{answer['symbol']}: {answer['status']}{reason}")
    raise typer.Exit(0 if answer["status"] in ("approved", "rejected") else 1)


def _proposal_id(which: str) -> str:
    """The id of the one pending proposal that `which` means, else of the newest that it meant: it says what became of
    it. A whole id is taken as it is.
    """
    if which.count("-") == 4:
        return which
    known = call("GET", "workflow", "/api/v1/proposals?limit=500")
    all_meant = [one for one in known if one["symbol"] == which.upper() or one["proposal_id"].startswith(which.lower())]
    pending = [one for one in known if one["status"] == "pending"]
    meant = [one for one in all_meant if one in pending] or all_meant[:1]
    if len(meant) != 1:
        waiting = ", ".join(f"{one['symbol']} ({one['proposal_id'][:8]})" for one in pending) or "none"
        fail(f"{len(meant) or 'no'} pending proposals are meant by {which!r}; pending: {waiting}", 2)
    return str(meant[0]["proposal_id"])


def positions(status: Annotated[str, typer.Option(help="open or closed")] = "open", json: Json = False) -> None:
    """What is held, and what protects it; or what was closed, why, and what it brought."""
    answer = call("GET", "trading", f"/api/v1/positions?status={status}")
    if status == "closed":
        columns = ["symbol", "entry", "exit", "why", "gross", "fees", "net", "from", "to"]
        rows = [_closed(item) for item in answer]
    else:
        columns = ["symbol", "shares", "entry", "stop", "target", "protected", "since", "closing because of"]
        rows = [_held(item) for item in answer]
    show(answer, json, table_of(f"{status} positions", columns, rows))


def _held(item: dict[str, Any]) -> list[Any]:
    prices = [money(item[name]) for name in ("entry_price", "stop_price", "take_profit_price")]
    guarded = f"{item['protected_quantity']:,} of {item['quantity']:,}{', locked' if item['locked'] else ''}"
    return [item["symbol"], item["quantity"], *prices, guarded, market_time(item["entry_time"]), item["exit_reason"]]


def _closed(item: dict[str, Any]) -> list[Any]:
    prices = [money(item["entry_price"]), money(item["exit_price"])]
    times = [market_time(item["entry_time"]), market_time(item["exit_time"])]
    fees = float(item["fees_charged"]) + float(item["fees_accrued"])
    gross = float(item["realized_pnl"])
    result = [f"{gross:+,.2f}", f"{fees:,.2f}", f"{gross - fees:+,.2f}"]
    return [item["symbol"], *prices, item["exit_reason"], *result, *times]


def close(
    symbol: Annotated[str, typer.Argument(help="a symbol, or `all`")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    json: Json = False,
) -> None:
    """Close one position at market, or all of them."""
    everything = symbol.lower() == "all"
    if not yes:
        typer.confirm(f"Close {'everything' if everything else symbol.upper()} at market now?", abort=True)
    path = "/api/v1/positions/close-all" if everything else f"/api/v1/positions/{symbol.upper()}/close"
    answer = call("POST", "trading", path)
    closing = [answer] if isinstance(answer, dict) else answer
    said = [f"{item['symbol']}: {item['quantity']:,} shares are being sold at market" for item in closing]
    show(answer, json, "\n".join(said) or "nothing is open")


def _score(value: Any) -> str | None:
    return f"{value:.3f}" if isinstance(value, int | float) else None
