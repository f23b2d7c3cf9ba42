"""The scanner's stage of a named scan: look at the whole market, rank it, store it, once."""

from datetime import date, datetime
from typing import Any

import structlog
from prometheus_client import Gauge, Histogram

from services.scanner import store
from services.scanner.flow import stories
from services.scanner.flow.desk import Desk, Scanner, day_before, desk_for, last_close, session_at
from services.scanner.rules import answer, curve, score, sift
from services.scanner.rules.facts import Moment, feed_share
from services.scanner.rules.glance import WITHOUT_NEWS
from shared.deps import Deps
from shared.domain.cycle import ScanAnswer, ScanRequest
from shared.domain.market import Snapshots
from shared.domain.session import Session
from shared.errors import BadInput

DROPPED = Gauge("catalyst_scanner_dropped", "Symbols dropped by the last scan", ["reason"])
STEPS = Histogram("catalyst_scanner_step_seconds", "Time of each step of a scan", ["step"])
log = structlog.get_logger()


async def scan(scanner: Scanner, request: ScanRequest) -> ScanAnswer:
    """The scanner's stage for a named scan, once: asked again it answers what was stored.

    Raises NotNow with the market closed, NotFound for a scan that workflow does not have, Unavailable without data.
    """
    if request.cycle_id is None or request.scan is None or request.as_of is None:
        missing = next(name for name in ("cycle_id", "scan", "as_of") if getattr(request, name) is None)
        raise BadInput("name cycle_id, scan and as_of together, or none of them", field=missing)
    if request.as_of.tzinfo is None:
        raise BadInput("as_of needs an offset, such as Z", field="as_of")
    key = (request.cycle_id, request.scan)
    async with scanner.scanning:
        stored = await stored_answer(scanner, key, request.limit)
        return stored or await _scan_now(scanner, key, request.as_of, request.limit)


async def _scan_now(scanner: Scanner, key: store.Scan, as_of: datetime, limit: int) -> ScanAnswer:
    deps = scanner.deps
    now = await deps.clock.now()
    session = await session_at(scanner, now)
    desk = await desk_for(scanner, now)
    with STEPS.labels("fetch").time():
        snapshots = await deps.market.snapshots(desk.symbols)
    with STEPS.labels("sift").time():
        sifted, basis = _sifted(scanner, desk, snapshots, session, now)
    with STEPS.labels("news").time():
        asked = await stories.ask(deps, sifted.dropped_for(WITHOUT_NEWS), last_close(scanner, session), as_of)
    with STEPS.labels("rank").time():
        remarks = asked.stories if asked else {}
        sifted = sifted.keeping(remarks, WITHOUT_NEWS)
        kept = sifted.kept
        ranks = score.ranks(sifted.symbols[kept], {name: column[kept] for name, column in sifted.columns.items()})
        rows = answer.rows_of(sifted, ranks, deps.config.current().trading.scanner.store_top, remarks)
        coverage = answer.coverage_of(sifted, ranks, basis.model_copy(update={"news": asked}))
    with STEPS.labels("store").time():
        fresh = await _store(deps, key, coverage, rows, as_of)
    if not fresh and (stored := await stored_answer(scanner, key, limit)):
        return stored
    _tell(scanner, key, sifted, len(rows))
    scanner.unclassified = tuple(row["symbol"] for row in rows[:limit] if row["symbol"] not in desk.sectors)
    with_sectors = ({**row, "sector": desk.sectors.get(row["symbol"])} for row in rows[:limit])
    return _answer(key, as_of, coverage, len(rows), tuple(map(answer.candidate_of, with_sectors)))


def _sifted(
    scanner: Scanner, desk: Desk, snapshots: Snapshots, session: Session, now: datetime
) -> tuple[sift.Sifted, answer.Basis]:
    """Every symbol judged, and the volume curve that it was judged by: what had been learned of it by now."""
    base = desk.baseline
    lessons = curve.usable(scanner.lessons, session.day, desk.listed)
    by_band = curve.expected_by_band(curve.curve_of(lessons), session, now)
    expected = curve.expected_shares(by_band, base.average_dollar_volume)
    moment = Moment(
        now.timestamp(),
        (now - session.open).total_seconds(),
        expected,
        *map(_ordinal, (session.day, day_before(scanner, session), max(desk.volumes, default=None))),
    )
    trading = scanner.deps.config.current().trading
    target_pct = trading.positions.default_take_profit_pct
    sifted = sift.sift(desk.names, snapshots, base, trading.scanner, moment, target_pct)
    basis = answer.Basis(
        lessons=tuple(lesson.day for lesson in lessons),
        expected=tuple(by_band.tolist()),
        feed_share=feed_share(snapshots.previous_volume, base.last_volume),
    )
    return sifted, basis


def _ordinal(day: date | None) -> float:
    return float("nan") if day is None else float(day.toordinal())


async def _store(
    deps: Deps, key: store.Scan, coverage: answer.Coverage, rows: list[answer.Row], as_of: datetime
) -> bool:
    """One transaction: a scan is stored whole or not at all; false when it was there before."""
    async with deps.pool.acquire() as connection, connection.transaction():
        fresh = await store.add_coverage(connection, key, coverage, as_of)
        if fresh:
            await store.name_securities(connection, [row["symbol"] for row in rows])
            await store.add_results(connection, key, rows, as_of)
        return fresh


def _tell(scanner: Scanner, key: store.Scan, sifted: sift.Sifted, stored: int) -> None:
    counts = sifted.counts
    scanner.stale_part = counts.get("stale", 0) / max(1, len(sifted.symbols))
    for reason in sifted.reasons:
        DROPPED.labels(reason).set(counts.get(reason, 0))
    log.info("scan_stored", cycle_id=key[0], scan=key[1], survivors=len(sifted.kept), stored=stored, **counts)


def _answer(key: store.Scan, as_of: datetime, coverage: answer.Coverage, stored: int, candidates: Any) -> ScanAnswer:
    return ScanAnswer(
        cycle_id=key[0],
        scan=key[1],
        as_of=as_of,
        universe=coverage.universe,
        scanned=coverage.scanned,
        stored=stored,
        dropped=coverage.counts,
        candidates=candidates,
    )


async def stored_answer(scanner: Scanner, key: store.Scan, limit: int) -> ScanAnswer | None:
    """What was answered when the scan ran; None when it did not."""
    found = await store.read_coverage(scanner.deps.pool, key)
    if found is None:
        return None
    coverage, scanned_at = found
    rows = await store.read_results(scanner.deps.pool, key, limit)
    count = await store.count_results(scanner.deps.pool, key)
    return _answer(key, scanned_at, coverage, count, tuple(map(answer.candidate_of, rows)))
