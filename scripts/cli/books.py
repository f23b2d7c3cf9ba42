"""The day's books from both sides, and whether they agree."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import asyncpg

from scripts.cli.follow import Follower

CENT = Decimal("0.01")
MONEY = ("realized_pnl", "fees_charged", "fees_accrued", "net_pnl", "equity_change", "fees_pending")


@dataclass(frozen=True)
class Books:
    """What the database says and what the exchange says. Money in USD.

    `realized_pnl` is gross; fees are what was charged, and what is expected and was not charged by the day's end.
    """

    cycle_id: str
    status: str
    scans: list[dict[str, Any]]
    orders: int
    fills: int
    trades: list[dict[str, Any]]
    open_in_database: int
    realized_pnl: Decimal
    fees_charged: Decimal
    fees_accrued: Decimal
    open_positions: list[dict[str, Any]]
    fills_at_exchange: int
    equity_change: Decimal
    fees_pending: Decimal
    """What the exchange will still charge."""

    @property
    def net_pnl(self) -> Decimal:
        return self.realized_pnl - self.fees_charged - self.fees_accrued

    def as_dict(self) -> dict[str, Any]:
        """The published form; `funnel` holds the counts per stage and scan."""
        data = asdict(self)
        data["funnel"] = data.pop("scans")
        data["net_pnl"] = self.net_pnl
        for key in MONEY:
            data[key] = float(data[key].quantize(CENT))
        return data


async def read_books(follow: Follower, database_url: str, cycle_id: str, before: dict[str, Any]) -> Books:
    """Read both sides, trading's after it has read the last fees. `before` is the account as it was before the day."""
    await follow.post("trading", "/api/v1/reconcile", {})
    fees = await follow.get("trading", "/api/v1/fees")
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
            "SELECT symbol, side, entry_quantity, entry_price, exit_price, exit_reason, gross,"
            " fees_charged + fees_accrued AS fees, net, entry_time, exit_time"
            " FROM positions JOIN position_results USING (position_id) ORDER BY entry_time, symbol"
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
        fees_charged=Decimal(fees["charged"]),
        fees_accrued=Decimal(fees["accrued"]),
        open_positions=[{"symbol": p["symbol"], "qty": p["qty"]} for p in held],
        fills_at_exchange=await _fills_at_exchange(follow),
        equity_change=Decimal(account["equity"]) - Decimal(before["equity"]),
        fees_pending=Decimal(account["accrued_fees"]),
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
        "gross": round(float(row["gross"]), 2),
        "fees": round(float(row["fees"]), 2),
        "pnl": round(float(row["net"]), 2),
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
    if (books.realized_pnl - books.fees_charged).quantize(CENT) != books.equity_change.quantize(CENT):
        earned = f"realized P&L is {books.realized_pnl:.2f}, less {books.fees_charged:.2f} charged"
        trouble.append(f"{earned}, the equity changed by {books.equity_change:.2f}")
    if books.fees_accrued != books.fees_pending:
        expected = f"{books.fees_accrued:.2f} of fees are expected"
        trouble.append(f"{expected}, the exchange will still charge {books.fees_pending:.2f}")
    return trouble
