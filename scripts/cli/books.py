"""The day's books from both sides, and whether they agree."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import asyncpg

from scripts.cli.follow import Follower

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Books:
    """What the database says and what the exchange says. Money in USD."""

    cycle_id: str
    status: str
    scans: list[dict[str, Any]]
    orders: int
    fills: int
    trades: list[dict[str, Any]]
    open_in_database: int
    realized_pnl: Decimal
    open_positions: list[dict[str, Any]]
    fills_at_exchange: int
    equity_change: Decimal

    def as_dict(self) -> dict[str, Any]:
        """The published form; `funnel` holds the counts per stage and scan."""
        data = asdict(self)
        data["funnel"] = data.pop("scans")
        for key in ("realized_pnl", "equity_change"):
            data[key] = float(data[key].quantize(CENT))
        return data


async def read_books(follow: Follower, database_url: str, cycle_id: str, before: dict[str, Any]) -> Books:
    """Read both sides. `before` is the account as it was before the day."""
    cycle = await follow.get("workflow", f"/api/v1/cycles/{cycle_id}")
    account = await follow.account()
    held = await follow.get("exchange", "/v2/positions")
    connection = await asyncpg.connect(database_url)
    try:
        sent = await connection.fetchval("SELECT count(*) FROM orders WHERE purpose IN ('entry', 'exit', 'protect')")
        fills = await connection.fetchval("SELECT count(*) FROM executions")
        realized = await connection.fetchval("SELECT coalesce(sum(realized_pnl), 0) FROM positions")
        still_open = await connection.fetchval("SELECT count(*) FROM positions WHERE status = 'open'")
        rows = await connection.fetch(
            "SELECT symbol, side, entry_quantity, entry_price, exit_price, exit_reason, realized_pnl, entry_time,"
            " exit_time FROM positions ORDER BY entry_time, symbol"
        )
    finally:
        await connection.close()
    return Books(
        cycle_id=cycle_id,
        status=cycle["status"],
        scans=[{"scan": s["scan"], "status": s["status"], "counts": s["funnel"]} for s in cycle["scans"]],
        orders=sent,
        fills=fills,
        trades=[_trade(row) for row in rows],
        open_in_database=still_open,
        realized_pnl=realized,
        open_positions=[{"symbol": p["symbol"], "qty": p["qty"]} for p in held],
        fills_at_exchange=await _fills_at_exchange(follow),
        equity_change=Decimal(account["equity"]) - Decimal(before["equity"]),
    )


def _trade(row: asyncpg.Record) -> dict[str, Any]:
    held = (row["exit_time"] - row["entry_time"]).total_seconds() / 60 if row["exit_time"] else None
    return {
        "symbol": row["symbol"],
        "side": row["side"],
        "qty": row["entry_quantity"],
        "entry": round(float(row["entry_price"]), 4),
        "exit": round(float(row["exit_price"]), 4) if row["exit_price"] is not None else None,
        "reason": row["exit_reason"],
        "pnl": round(float(row["realized_pnl"]), 2),
        "held_minutes": round(held, 1) if held is not None else None,
        "entry_time": row["entry_time"].isoformat(),
        "exit_time": row["exit_time"].isoformat() if row["exit_time"] else None,
    }


async def _fills_at_exchange(follow: Follower) -> int:
    """Executions the exchange knows of, read page by page."""
    count, token = 0, ""
    while True:
        path = "/v2/account/activities?activity_types=FILL&page_size=100" + (f"&page_token={token}" if token else "")
        page: list[dict[str, Any]] = await follow.get("exchange", path)
        count += len(page)
        if len(page) < 100:
            return count
        token = page[-1]["id"]


def agree(books: Books) -> list[str]:
    """Everything about the day's end that is not as it must be; empty when all is well."""
    trouble = []
    if books.status != "completed":
        trouble.append(f"the cycle ended as {books.status}")
    if books.open_positions:
        trouble.append(f"{len(books.open_positions)} positions are still open at the exchange")
    if books.open_in_database:
        trouble.append(f"{books.open_in_database} positions are still open in the database")
    if books.fills != books.fills_at_exchange:
        trouble.append(f"{books.fills} fills in the database, {books.fills_at_exchange} at the exchange")
    if books.realized_pnl.quantize(CENT) != books.equity_change.quantize(CENT):
        trouble.append(f"realized P&L is {books.realized_pnl:.2f}, the equity changed by {books.equity_change:.2f}")
    return trouble
