"""The tables of workflow: trading_cycles, scans, proposals. One function, one statement, one typed result."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.workflow.rules.ruling import Ruling
from shared.domain.cycle import CycleView, Proposal, ScanView
from shared.domain.evidence import Candidate
from shared.domain.order import ApprovedOrder
from shared.journal import Connection, Event

Source = Connection | asyncpg.Pool
CYCLE = (
    "cycle_id, mode, session_mode, status, trading_day, driven_by, max_positions, max_daily_loss,"
    " scan_frequency_seconds, config_hash, started_at, stopped_at, reason"
)
SCAN = (
    "cycle_id, scan, slot, status, degraded, coalesce(trace->'degradations', '[]') AS degradations,"
    " trace->>'failed_stage' AS failed_stage, funnel, stage_ms, picks, reason, started_at, ended_at"
)
PROPOSAL = (
    "proposal_id, cycle_id, scan, symbol, status, scored, price_at_proposal, quantity, stop_price,"
    " take_profit_price, risk_amount, reason_code, refused_check, reason, attempts, decision_id, client_order_id,"
    " approved_quantity, approval_expires_at, created_at, expires_at, decided_at"
)


def _cycle(row: asyncpg.Record | None) -> CycleView | None:
    return CycleView.model_validate(dict(row)) if row else None


def _scan(row: asyncpg.Record | dict[str, Any]) -> ScanView:
    return ScanView.model_validate(dict(row))


def _proposal(row: asyncpg.Record | None) -> Proposal | None:
    return Proposal.model_validate(dict(row)) if row else None


async def lock_cycles(connection: Connection) -> None:
    """Only one opens or ends a cycle at a time, until the caller's transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('catalyst.workflow.cycles'))")


async def running_cycle(source: Source) -> CycleView | None:
    """The one cycle that has not ended."""
    return _cycle(await source.fetchrow(f"SELECT {CYCLE} FROM trading_cycles WHERE status IN ('running', 'stopping')"))


async def cycle(source: Source, cycle_id: str) -> CycleView | None:
    return _cycle(await source.fetchrow(f"SELECT {CYCLE} FROM trading_cycles WHERE cycle_id = $1", cycle_id))


async def is_running(source: Source, cycle_id: str) -> bool:
    """True while nobody has stopped the cycle."""
    query = "SELECT status = 'running' FROM trading_cycles WHERE cycle_id = $1"
    return bool(await source.fetchval(query, cycle_id))


async def cycles(source: Source, limit: int) -> tuple[CycleView, ...]:
    """Newest first."""
    rows = await source.fetch(
        f"SELECT {CYCLE} FROM trading_cycles ORDER BY started_at DESC, cycle_id DESC LIMIT $1", limit
    )
    return tuple(CycleView.model_validate(dict(row)) for row in rows)


async def cycle_names(source: Source) -> frozenset[str]:
    """The ids of the newest thousand cycles."""
    rows = await source.fetch("SELECT cycle_id FROM trading_cycles ORDER BY cycle_id DESC LIMIT 1000")
    return frozenset(row["cycle_id"] for row in rows)


async def insert_cycle(connection: Connection, new: CycleView) -> None:
    """Raises asyncpg.UniqueViolationError while another one runs."""
    await connection.execute(
        "INSERT INTO trading_cycles (cycle_id, mode, session_mode, status, trading_day, driven_by, max_positions,"
        " max_daily_loss, scan_frequency_seconds, config_hash, started_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        new.cycle_id, new.mode, new.session_mode, new.status, new.trading_day, new.driven_by, new.max_positions,
        new.max_daily_loss, new.scan_frequency_seconds, new.config_hash, new.started_at,
    )  # fmt: skip


async def mark_stopping(connection: Source, cycle_id: str, reason: str) -> None:
    """The scan on its way sends nothing more; the cycle ends when it has ended."""
    await connection.execute(
        "UPDATE trading_cycles SET status = 'stopping', reason = $2 WHERE cycle_id = $1 AND status = 'running'",
        cycle_id,
        reason,
    )


async def end_cycle(connection: Connection, cycle_id: str, status: str, at: datetime, reason: str) -> CycleView | None:
    """The cycle as it ended; None when it had ended before."""
    return _cycle(
        await connection.fetchrow(
            "UPDATE trading_cycles SET status = $2, stopped_at = greatest($3, started_at),"
            " reason = coalesce(reason, $4)"
            f" WHERE cycle_id = $1 AND status IN ('running', 'stopping') RETURNING {CYCLE}",
            cycle_id,
            status,
            at,
            reason,
        )
    )


async def begin_scan(source: Source, cycle_id: str, slot: datetime, request_id: int | None, at: datetime) -> int:
    """A new scan's number. Raises asyncpg.UniqueViolationError while another one of the cycle runs."""
    number: int = await source.fetchval(
        "INSERT INTO scans (cycle_id, scan, slot, status, request_id, started_at)"
        " SELECT $1, coalesce(max(scan), 0) + 1, $2, 'running', $3, $4 FROM scans WHERE cycle_id = $1 RETURNING scan",
        cycle_id,
        slot,
        request_id,
        at,
    )
    return number


async def unfinished_scan(source: Source) -> asyncpg.Record | None:
    """A scan that was cut off: cycle_id, scan, slot, request_id, attempts, started_at."""
    return await source.fetchrow(
        "SELECT cycle_id, scan, slot, request_id, attempts, started_at FROM scans WHERE status = 'running'"
    )


async def resume_scan(source: Source, cycle_id: str, scan: int) -> None:
    """The same scan, begun once more."""
    await source.execute("UPDATE scans SET attempts = attempts + 1 WHERE cycle_id = $1 AND scan = $2", cycle_id, scan)


async def finish_scan(connection: Connection, view: ScanView, trace: dict[str, Any]) -> None:
    """Store what a scan came to."""
    await connection.execute(
        "UPDATE scans SET status = $3, degraded = $4, funnel = $5, stage_ms = $6, trace = $7, picks = $8, reason = $9,"
        " ended_at = $10 WHERE cycle_id = $1 AND scan = $2",
        view.cycle_id,
        view.scan,
        view.status,
        list(view.degraded),
        view.funnel.model_dump(),
        view.stage_ms,
        trace,
        list(view.picks),
        view.reason,
        view.ended_at,
    )


async def last_slot(source: Source, cycle_id: str) -> datetime | None:
    """The slot of the newest scheduled scan."""
    found: datetime | None = await source.fetchval(
        "SELECT max(slot) FROM scans WHERE cycle_id = $1 AND request_id IS NULL", cycle_id
    )
    return found


async def scans(source: Source, cycle_id: str) -> tuple[ScanView, ...]:
    """Oldest first."""
    rows = await source.fetch(f"SELECT {SCAN} FROM scans WHERE cycle_id = $1 ORDER BY scan", cycle_id)
    return tuple(_scan(row) for row in rows)


async def last_scan(source: Source) -> ScanView | None:
    """The newest scan of all cycles."""
    row = await source.fetchrow(f"SELECT {SCAN} FROM scans ORDER BY started_at DESC, scan DESC LIMIT 1")
    return _scan(row) if row else None


async def traces(source: Source, cycle_id: str) -> dict[int, dict[str, Any]]:
    """The stored trace of each scan that has one."""
    rows = await source.fetch(
        "SELECT scan, trace FROM scans WHERE cycle_id = $1 AND status <> 'running' ORDER BY scan", cycle_id
    )
    return {row["scan"]: row["trace"] for row in rows}


async def completed_scans(source: Source, limit: int) -> list[tuple[ScanView, dict[str, Any]]]:
    """The newest completed scans of all cycles with their traces, as far as these hold what the stages said."""
    query = (
        f"SELECT {SCAN}, trace FROM scans WHERE status = 'completed' AND trace ? 'degradations'"
        " ORDER BY started_at DESC, scan DESC LIMIT $1"
    )
    found = []
    for row in map(dict, await source.fetch(query, limit)):
        trace = row.pop("trace")
        found.append((_scan(row), trace))
    return found


async def candidates(source: Source, cycle_id: str, scan: int) -> tuple[Candidate, ...]:
    """What the scanner stored of a scan, best first; the components of its scores are left out."""
    rows = await source.fetch(
        "SELECT r.symbol, rank, price, volume, previous_close, change_pct, gap_pct, rvol, dollar_volume,"
        " average_volume, spread_pct, c.name AS sector, momentum_score, volume_score FROM scan_results r"
        " JOIN securities USING (symbol) LEFT JOIN sectors c USING (sector_id)"
        " WHERE cycle_id = $1 AND scan = $2 ORDER BY rank, symbol",
        cycle_id,
        scan,
    )
    return tuple(Candidate.model_validate(dict(row)) for row in rows)


async def insert_proposal(connection: Connection, new: Proposal) -> UUID | None:
    """The proposal's id; None when it stood there before, or another one of the symbol is not yet decided."""
    inserted: UUID | None = await connection.fetchval(
        "INSERT INTO proposals (proposal_id, cycle_id, scan, symbol, status, scored, price_at_proposal, quantity,"
        " stop_price, take_profit_price, risk_amount, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11, $12)"
        " ON CONFLICT DO NOTHING RETURNING proposal_id",
        new.proposal_id,
        new.cycle_id,
        new.scan,
        new.symbol,
        new.scored.model_dump(mode="json"),
        new.price_at_proposal,
        new.quantity,
        new.stop_price,
        new.take_profit_price,
        new.risk_amount,
        new.created_at,
        new.expires_at,
    )
    return inserted


async def proposal(source: Source, proposal_id: UUID) -> Proposal | None:
    return _proposal(await source.fetchrow(f"SELECT {PROPOSAL} FROM proposals WHERE proposal_id = $1", proposal_id))


async def proposals(
    source: Source, status: str | None = None, cycle_id: str | None = None, limit: int | None = None
) -> tuple[Proposal, ...]:
    """Newest first, best score first among those of one moment."""
    query = (
        f"SELECT {PROPOSAL} FROM proposals WHERE status = coalesce($1, status) AND cycle_id = coalesce($2, cycle_id)"
        " ORDER BY created_at DESC, (scored->>'rank')::int, symbol LIMIT $3"
    )
    rows = await source.fetch(query, status, cycle_id, limit)
    return tuple(Proposal.model_validate(dict(row)) for row in rows)


async def expire_proposals(source: Source, now: datetime) -> Sequence[str]:
    """Pending proposals whose time is over; returns their symbols."""
    rows = await source.fetch(
        "UPDATE proposals SET status = 'expired', decided_at = $1, reason = 'nobody decided in time',"
        " reason_code = 'not_decided_in_time'"
        " WHERE status = 'pending' AND expires_at <= $1 RETURNING symbol",
        now,
    )
    return [row["symbol"] for row in rows]


async def drop_proposals(connection: Connection, cycle_id: str, now: datetime) -> None:
    """A cycle that ended takes its pending proposals with it: nobody may approve them any more."""
    await connection.execute(
        "UPDATE proposals SET status = 'expired', decided_at = $2, reason = 'the cycle ended',"
        " reason_code = 'cycle_ended'"
        " WHERE status = 'pending' AND cycle_id = $1",
        cycle_id,
        now,
    )


async def undecided_proposals(source: Source) -> tuple[Proposal, ...]:
    """Those of which an order may have been sent and nobody knows yet, oldest first."""
    rows = await source.fetch(
        f"SELECT {PROPOSAL} FROM proposals WHERE status IN ('approving', 'unknown') ORDER BY created_at, symbol"
    )
    return tuple(Proposal.model_validate(dict(row)) for row in rows)


async def take_proposal(source: Source, proposal_id: UUID, now: datetime) -> Proposal | None:
    """From pending to approving: only one approval gets it, and from here on it cannot expire. None for all others."""
    return _proposal(
        await source.fetchrow(
            "UPDATE proposals SET status = 'approving', attempts = attempts + 1"
            f" WHERE proposal_id = $1 AND status = 'pending' AND expires_at > $2 RETURNING {PROPOSAL}",
            proposal_id,
            now,
        )
    )


async def intend_to_send(source: Source, taken: Proposal, order: ApprovedOrder) -> Proposal | None:
    """The order of an approval, stored before it is sent. None: the proposal was taken back, and nothing is sent."""
    return _proposal(
        await source.fetchrow(
            "UPDATE proposals SET decision_id = $3, client_order_id = $4, approved_quantity = $5,"
            " approval_expires_at = $6 WHERE proposal_id = $1 AND status = 'approving' AND attempts = $2"
            f" AND decision_id IS NULL RETURNING {PROPOSAL}",
            *(taken.proposal_id, taken.attempts, order.decision_id, order.client_order_id),
            *(order.quantity, order.expires_at),
        )
    )


async def give_back(source: Source, taken: Proposal) -> None:
    """From approving back to pending: of this attempt nothing was sent, and now nothing can be."""
    await source.execute(
        "UPDATE proposals SET status = 'pending'"
        " WHERE proposal_id = $1 AND status = 'approving' AND attempts = $2 AND decision_id IS NULL",
        taken.proposal_id,
        taken.attempts,
    )


async def decide_proposal(
    connection: Connection, found: Proposal, ruling: Ruling, decided_at: datetime | None
) -> Proposal | None:
    """The proposal as ruled; None when it is no longer as `found`. One that may have been sent goes by its attempt."""
    return _proposal(
        await connection.fetchrow(
            "UPDATE proposals SET status = $4, reason_code = $5, refused_check = $6, reason = $7, decided_at = $8"
            " WHERE proposal_id = $1 AND attempts = $2 AND (status = $3"
            f" OR (status IN ('approving', 'unknown') AND $3 IN ('approving', 'unknown'))) RETURNING {PROPOSAL}",
            *(found.proposal_id, found.attempts, found.status),
            *(ruling.status, ruling.code, ruling.check, ruling.reason, decided_at),
        )
    )


async def is_alerted(source: Source, cycle_id: str, kind: str) -> bool:
    """True when a person was told of this cause in this cycle."""
    return bool(
        await source.fetchval(
            "SELECT EXISTS (SELECT 1 FROM alerts WHERE service = 'workflow' AND cycle_id = $1 AND kind = $2)",
            cycle_id,
            kind,
        )
    )


async def unanswered_requests(source: Source, within_seconds: float) -> tuple[Event, ...]:
    """Requests for a scan that nobody has taken up, written in the last seconds of the wall's time, oldest first."""
    rows = await source.fetch(
        "SELECT event_id, service, kind, cycle_id, payload, occurred_at FROM events request"
        " WHERE kind = 'scan.requested' AND recorded_at >= now() - make_interval(secs => $1)"
        " AND NOT EXISTS (SELECT 1 FROM scans WHERE request_id = request.event_id)"
        " AND NOT EXISTS (SELECT 1 FROM events answer WHERE answer.kind = 'scan.completed'"
        "   AND answer.event_id > request.event_id AND answer.payload->'request_id' = to_jsonb(request.event_id))"
        " ORDER BY event_id",
        within_seconds,
    )
    return tuple(Event(**dict(row)) for row in rows)
