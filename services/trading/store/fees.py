"""SQL of fees: the broker's lines, and what executions bear of them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from services.trading.rules.fees import Bearer, Borne, Charge, FeeTotals, Paid
from services.trading.store import Source
from shared.journal import Connection

ALLOCATING = 7_006_002


async def take_turn(connection: Connection) -> None:
    """Wait until no other transaction divides fees: each must see the executions of the one before."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", ALLOCATING)


async def write_charge(connection: Connection, charge: Charge, at: datetime) -> date | None:
    """A line once, by its id; one that the broker has corrected is changed. Its day when anything was written."""
    day: date | None = await connection.fetchval(
        "INSERT INTO fee_charges AS f (activity_id, activity_type, kind, amount, day, listed_at, read_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (activity_id) DO UPDATE SET kind = excluded.kind,"
        " amount = excluded.amount, read_at = excluded.read_at"
        " WHERE (f.kind, f.amount) IS DISTINCT FROM (excluded.kind, excluded.amount) RETURNING day",
        *(charge.activity_id, charge.activity_type, charge.kind, charge.amount, charge.day, charge.listed_at, at),
    )
    return day


async def bearers(connection: Connection, since: datetime, until: datetime) -> tuple[Bearer, ...]:
    """Executions of [since, until), oldest first."""
    rows = await connection.fetch(
        "SELECT execution_id, side, quantity, price FROM executions WHERE executed_at >= $1 AND executed_at < $2"
        " ORDER BY executed_at, execution_id",
        *(since, until),
    )
    return tuple(Bearer(**dict(row)) for row in rows)


async def charged_for(connection: Connection, day: date) -> dict[str, Paid]:
    """What was paid for a day, by kind."""
    rows = await connection.fetch(
        "SELECT kind, sum(amount) AS net, sum(greatest(amount, 0)) AS taken FROM fee_charges"
        " WHERE day = $1 GROUP BY kind",
        day,
    )
    return {str(row["kind"]): Paid(row["net"], row["taken"]) for row in rows}


async def write_borne(connection: Connection, borne: Sequence[Borne]) -> None:
    """What executions bear, where it is not what stands there."""
    await connection.execute(
        "UPDATE executions AS e SET fee = b.fee, fee_accrued = b.accrued"
        " FROM unnest($1::text[], $2::numeric[], $3::numeric[]) AS b (id, fee, accrued)"
        " WHERE e.execution_id = b.id AND (e.fee, e.fee_accrued) IS DISTINCT FROM (b.fee, b.accrued)",
        *([one.execution_id for one in borne], [one.charged for one in borne], [one.accrued for one in borne]),
    )


async def still_accrued(source: Source) -> tuple[datetime, ...]:
    """The moments of executions of which a fee is still expected."""
    rows = await source.fetch("SELECT executed_at FROM executions WHERE fee_accrued > 0")
    return tuple(row["executed_at"] for row in rows)


async def newest_line(source: Source) -> datetime | None:
    """When the newest line was listed; before the first one, when the first execution was."""
    at: datetime | None = await source.fetchval(
        "SELECT coalesce((SELECT max(listed_at) FROM fee_charges), (SELECT min(executed_at) FROM executions))"
    )
    return at


async def accrued_since(source: Source, since: datetime) -> Decimal:
    """Expected and not charged yet of executions since a moment, USD."""
    sql = "SELECT coalesce(sum(fee_accrued), 0) FROM executions WHERE executed_at >= $1"
    return Decimal(await source.fetchval(sql, since))


async def fee_totals(source: Source) -> FeeTotals:
    """All fees so far."""
    rows = await source.fetch(
        "SELECT (SELECT coalesce(sum(amount), 0) FROM fee_charges) AS charged, coalesce(sum(fee), 0) AS on_trades,"
        " coalesce(sum(fee_accrued), 0) AS accrued FROM executions"
    )
    return FeeTotals(**dict(rows[0]))


async def fees_of(source: Source, position_id: UUID) -> tuple[Decimal, Decimal]:
    """What the executions of a position bear, USD: charged, and expected."""
    sql = "SELECT fees_charged, fees_accrued FROM position_results WHERE position_id = $1"
    rows = await source.fetch(sql, position_id)
    return rows[0]["fees_charged"], rows[0]["fees_accrued"]
