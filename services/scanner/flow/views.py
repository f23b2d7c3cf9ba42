"""What is known of scans that ran: their rows, what the funnel said of them, where a symbol stood."""

from services.scanner import store
from services.scanner.flow.desk import Scanner
from services.scanner.rules import answer
from shared.domain.evidence import ScoreUpdates, Standing
from shared.errors import NotFound


async def add_scores(scanner: Scanner, updates: ScoreUpdates) -> int:
    """Store what the funnel said about a scan's candidates; returns for how many. Raises NotFound for none of them."""
    found = await store.update_scores(scanner.deps.pool, updates)
    if updates.scores and not found:
        raise NotFound(f"scan {updates.scan} of cycle {updates.cycle_id} has none of these symbols", field="scan")
    return found


async def _key(scanner: Scanner, cycle_id: str | None, number: int | None) -> store.Scan:
    key = await store.latest_scan(scanner.deps.pool, cycle_id, number)
    if key is None:
        raise NotFound("there is no such scan", field="scan" if number is not None else "cycle_id")
    return key


async def results(
    scanner: Scanner, cycle_id: str | None, number: int | None, limit: int, symbol: str | None
) -> answer.ScanResults:
    """Stored rows of a scan, the latest where none is named. Raises NotFound."""
    key = await _key(scanner, cycle_id, number)
    found = await store.read_coverage(scanner.deps.pool, key)
    if found is None:
        raise NotFound("there is no such scan", field="scan")
    coverage, scanned_at = found
    rows = await store.read_results(scanner.deps.pool, key, limit, symbol and symbol.upper())
    return answer.ScanResults(
        cycle_id=key[0],
        scan=key[1],
        scanned_at=scanned_at,
        universe=coverage.universe,
        scanned=coverage.scanned,
        dropped=coverage.counts,
        basis=coverage.basis,
        candidates=tuple(map(answer.result_of, rows)),
    )


async def explain(scanner: Scanner, symbol: str, cycle_id: str | None, number: int | None) -> Standing:
    """Where a symbol stood in a scan, the latest where none is named. Raises NotFound outside the universe."""
    symbol, pool = symbol.upper(), scanner.deps.pool
    key = await _key(scanner, cycle_id, number)
    found, rows = await store.read_coverage(pool, key), await store.read_results(pool, key, 1, symbol)
    standing = answer.standing_of(found[0], *key, symbol, rows[0] if rows else None) if found else None
    if standing is None:
        why = scanner.desk.selection.excluded.get(symbol, "unknown to the broker") if scanner.desk else "unknown"
        raise NotFound(f"{symbol} was not in the universe of scan {key[1]} of {key[0]}: {why}", field="symbol")
    return standing
