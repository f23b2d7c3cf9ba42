"""The scanner's SQL against PostgreSQL, as the services' own role."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.scanner import store
from services.scanner.rules.answer import Coverage, candidate_of, rows_of
from shared.domain.evidence import ScoreUpdate, ScoreUpdates
from shared.domain.market import Asset
from shared.errors import NotFound
from tests.scanner.conftest import MakeScan
from tests.scanner.market import judged, ranked, snapshots

AT = datetime(2026, 6, 16, 15, 0, tzinfo=UTC)
KEY = ("C", 1)
COVERAGE = Coverage(universe=60, scanned=60, dropped={}, ranked={"symbols": [], "momentum": [], "volume": []})


def rows(count: int = 60) -> list[dict[str, object]]:
    sifted = judged(snapshots(count))
    return rows_of(sifted, ranked(sifted), 200)


async def refresh(pool: asyncpg.Pool, symbols: str, sectors: dict[str, str], at: datetime = AT) -> None:
    assets = [Asset(symbol=one, name=f"{one} Inc", exchange="NYSE", tradable=True, active=True) for one in symbols]
    async with pool.acquire() as connection, connection.transaction():
        await store.stage_assets(connection, assets, sectors)
        await store.upsert_sectors(connection)
        await store.upsert_securities(connection, at)
        await store.retire_securities(connection, at)


async def test_a_refresh_adds_changes_and_retires(pool: asyncpg.Pool) -> None:
    await pool.execute("SELECT get_or_create_security('NEWS')")
    await refresh(pool, "ABC", {"A": "Energy", "B": "Energy"})
    await refresh(pool, "BCD", {"B": "Utilities", "D": "Energy"}, AT + timedelta(days=1))
    active = await pool.fetch("SELECT symbol, is_active FROM securities ORDER BY symbol")
    assert {row["symbol"]: row["is_active"] for row in active} == {
        "A": False,
        "B": True,
        "C": True,
        "D": True,
        "NEWS": True,
    }
    await refresh(pool, "BCD", {}, AT + timedelta(days=2))
    assert await store.read_sectors(pool) == {"A": "Energy", "B": "Utilities", "D": "Energy"}


async def save(pool: asyncpg.Pool, found: list[dict[str, object]]) -> bool:
    async with pool.acquire() as connection, connection.transaction():
        fresh = await store.add_coverage(connection, KEY, COVERAGE, AT)
        if fresh:
            await store.name_securities(connection, [str(row["symbol"]) for row in found])
            await store.add_results(connection, KEY, found, AT)
        return fresh


async def test_a_scan_is_stored_once_and_read_back_to_the_bit(pool: asyncpg.Pool, make_scan: MakeScan) -> None:
    await make_scan(*KEY)
    found = rows()
    assert await save(pool, found)
    assert not await save(pool, found)
    stored = await store.read_results(pool, KEY, 200)
    assert [candidate_of(row) for row in stored] == [candidate_of(row) for row in found]
    assert await store.count_results(pool, KEY) == 60
    assert await store.read_coverage(pool, KEY) == (COVERAGE, AT)
    assert await store.latest_scan(pool, None, None) == KEY
    assert await store.latest_scan(pool, "D", None) is None
    assert await store.last_scanned_at(pool) == AT


async def test_a_scan_that_breaks_half_way_is_not_there(pool: asyncpg.Pool, make_scan: MakeScan) -> None:
    await make_scan(*KEY)
    broken = rows()
    broken[-1]["price"] = -1.0
    with pytest.raises(asyncpg.CheckViolationError):
        await save(pool, broken)
    assert await store.read_coverage(pool, KEY) is None
    assert await save(pool, rows())


async def test_a_scan_needs_workflows_row(pool: asyncpg.Pool) -> None:
    with pytest.raises(NotFound, match="no scan 1 in cycle C"):
        await save(pool, rows())


async def test_scores_are_written_beside_their_rows(pool: asyncpg.Pool, make_scan: MakeScan) -> None:
    await make_scan(*KEY)
    await save(pool, rows())
    scores = (
        ScoreUpdate(symbol="S000", stage="risk", composite_score=0.7, technical_score=0.6, outcome="approved"),
        ScoreUpdate(symbol="NOPE", stage="news", outcome="unknown"),
    )
    assert await store.update_scores(pool, ScoreUpdates(cycle_id="C", scan=1, scores=scores)) == 1
    assert await store.update_scores(pool, ScoreUpdates(cycle_id="C", scan=1, scores=())) == 0
    row = (await store.read_results(pool, KEY, 1, "S000"))[0]
    assert (row["composite_score"], row["technical_score"], row["news_score"]) == (0.7, 0.6, None)
    assert (row["stage"], row["outcome"]) == ("risk", "approved")


async def test_the_guides_query_works(pool: asyncpg.Pool, make_scan: MakeScan) -> None:
    await make_scan(*KEY)
    await save(pool, rows())
    listed = await pool.fetch(
        "SELECT id, rank, price, volume, composite_score FROM scan_results WHERE cycle_id = 'C' ORDER BY rank LIMIT 5"
    )
    assert [row["rank"] for row in listed] == [1, 2, 3, 4, 5]
