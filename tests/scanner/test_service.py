"""The scanner's routes against the real exchange and the real database."""

import asyncio
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from services.scanner.api import create_app
from services.scanner.flow import asking, desk, scanning
from services.scanner.rules.reasons import told
from shared.adapters.alpaca_data import AlpacaData
from shared.deps import Deps
from shared.domain.cycle import ScanAnswer, ScanRequest
from shared.domain.evidence import Standing
from shared.domain.session import session_from_hours
from shared.errors import Unavailable
from shared.journal import append_event, events_after
from tests.scanner.conftest import NAMES, MakeScan

CYCLE = "20260616-100000"


async def named(deps: Deps, scan: int = 1, limit: int = 10) -> dict[str, Any]:
    now = await deps.clock.now()
    return ScanRequest(cycle_id=CYCLE, scan=scan, as_of=now, limit=limit).model_dump(mode="json")


async def scanned(client: httpx.AsyncClient, deps: Deps, make_scan: MakeScan, **asked: int) -> ScanAnswer:
    await make_scan(CYCLE, asked.get("scan", 1))
    answer = await client.post("/api/v1/scan", json=await named(deps, **asked))
    assert answer.status_code == 200, answer.text
    return ScanAnswer.model_validate_json(answer.content)


async def test_a_scan_accounts_for_every_symbol(client: httpx.AsyncClient, deps: Deps, make_scan: MakeScan) -> None:
    found = await scanned(client, deps, make_scan)
    assert 0 < found.universe <= NAMES
    assert found.stored + sum(found.dropped.values()) == found.universe
    assert [candidate.rank for candidate in found.candidates] == list(range(1, 11))
    keys = [0.5 * one.momentum_score + 0.5 * one.volume_score for one in found.candidates]
    assert keys == sorted(keys, reverse=True)
    assert all(candidate.sector for candidate in found.candidates)
    stored = await deps.pool.fetch("SELECT symbol FROM scan_results WHERE cycle_id = $1 ORDER BY rank", CYCLE)
    assert len(stored) == found.stored
    assert [row["symbol"] for row in stored[:10]] == [candidate.symbol for candidate in found.candidates]


async def test_asked_again_it_answers_the_same_and_stores_nothing(
    client: httpx.AsyncClient, deps: Deps, make_scan: MakeScan
) -> None:
    first = await scanned(client, deps, make_scan)
    body = await named(deps)
    answers = await asyncio.gather(*(client.post("/api/v1/scan", json=body) for _ in range(3)))
    assert [ScanAnswer.model_validate_json(answer.content) for answer in answers] == [first] * 3
    restarted = await scanning.scan(desk.Scanner(deps), ScanRequest.model_validate(body))
    assert restarted == first


async def test_a_restarted_scanner_finds_the_same(client: httpx.AsyncClient, deps: Deps, make_scan: MakeScan) -> None:
    """The second reads its daily bars from the cache."""
    first = await scanned(client, deps, make_scan)
    assert await deps.cache.get(desk.HISTORY_KEY)
    await make_scan(CYCLE, 2)
    again = await scanning.scan(desk.Scanner(deps), ScanRequest.model_validate(await named(deps, scan=2)))
    assert again.candidates == first.candidates
    assert again.dropped == first.dropped


async def test_a_scan_that_workflow_does_not_have_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, deps: Deps
) -> None:
    answer = await client.post("/api/v1/scan", json=await named(deps))
    assert (answer.status_code, answer.json()["field"]) == (404, "scan")
    assert await deps.pool.fetchval("SELECT count(*) FROM scan_coverage") == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"cycle_id": "C"}', "scan"),
        ('{"cycle_id": "C", "scan": 1}', "as_of"),
        ('{"cycle_id": "C", "scan": 1, "as_of": "2026-06-16T15:00:00"}', "as_of"),
        ('{"limit": 0}', "limit"),
        ('{"colour": "red"}', "colour"),
        ("nonsense", "body"),
        ("[]", "body"),
    ],
)
async def test_a_bad_request_names_its_field(client: httpx.AsyncClient, body: str, field: str) -> None:
    answer = await client.post("/api/v1/scan", content=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def workflow(deps: Deps, payload: dict[str, Any]) -> None:
    """Workflow's side of an operator's scan: find the request, answer it."""
    while True:
        async with deps.pool.acquire() as connection, connection.transaction():
            if asked := await events_after(connection, 0, asking.REQUESTED):
                now, words = await deps.clock.now(), {"request_id": asked[-1].event_id, **payload}
                await append_event(connection, "workflow", asking.COMPLETED, now, {"request_id": -1, "answer": {}})
                await append_event(connection, "workflow", asking.COMPLETED, now, words)
                return
        await asyncio.sleep(0.02)


async def asked_by_hand(client: httpx.AsyncClient, deps: Deps, payload: dict[str, Any], **how: Any) -> httpx.Response:
    other = asyncio.create_task(workflow(deps, payload))
    answer = await client.post("/api/v1/scan", **how)
    await other
    return answer


@pytest.mark.parametrize(
    "how",
    [{}, {"json": {}}, {"content": b"", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}],
    ids=["no body", "empty object", "curl -d ''"],
)
async def test_an_operators_scan_is_workflows_answer(
    client: httpx.AsyncClient, deps: Deps, how: dict[str, Any]
) -> None:
    said = {"success": True, "cycle_id": CYCLE, "scan": 1, "candidates": 5, "picks": [{"symbol": "ACME"}]}
    answer = await asked_by_hand(client, deps, {"answer": said}, **how)
    assert (answer.status_code, answer.json()) == (200, said)


async def test_workflows_refusal_becomes_a_problem(client: httpx.AsyncClient, deps: Deps) -> None:
    refused = {"status": 409, "detail": "a scan is running", "possible_at": "2026-06-16T15:05:00Z"}
    answer = await asked_by_hand(client, deps, {"refused": refused})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"detail": "a scan is running", "possible_at": "2026-06-16T15:05:00Z"}.items() <= answer.json().items()


async def test_with_the_market_closed_nothing_is_asked(
    client: httpx.AsyncClient, deps: Deps, exchange_url: str, make_scan: MakeScan
) -> None:
    await scanned(client, deps, make_scan)
    async with httpx.AsyncClient() as control:
        await control.post(f"{exchange_url}/_sim/clock/advance", json={"seconds": 6 * 3600})
    await make_scan(CYCLE, 2)
    for body in ({}, await named(deps, scan=2)):
        answer = await client.post("/api/v1/scan", json=body)
        assert answer.status_code == 409
        assert answer.json()["possible_at"] > str(await deps.clock.now())[:10]
    async with deps.pool.acquire() as connection:
        assert await events_after(connection, 0, asking.REQUESTED) == []


async def test_candidates_scores_and_explanations(client: httpx.AsyncClient, deps: Deps, make_scan: MakeScan) -> None:
    found = await scanned(client, deps, make_scan)
    best, second = found.candidates[0].symbol, found.candidates[1].symbol
    scores = [
        {"symbol": best, "stage": "risk", "composite_score": 0.8, "news_score": 0.6, "outcome": "approved"},
        {"symbol": second, "stage": "news", "outcome": "news 0.4 below the 35th"},
    ]
    update = {"cycle_id": CYCLE, "scan": 1, "scores": scores}
    assert (await client.post("/api/v1/scores", json=update)).json() == {"updated": 2}
    partial = {"cycle_id": CYCLE, "scan": 1, "scores": [{"symbol": best, "stage": "execution", "outcome": "ordered"}]}
    assert (await client.post("/api/v1/scores", json=partial)).json() == {"updated": 1}

    listed = (await client.get("/api/v1/candidates", params={"limit": 3})).json()
    assert listed["dropped"] == found.dropped
    assert (listed["cycle_id"], listed["scan"], len(listed["candidates"])) == (CYCLE, 1, 3)
    first = listed["candidates"][0]
    assert (first["symbol"], first["composite_score"], first["stage"]) == (best, 0.8, "execution")
    one = (await client.get("/api/v1/candidates", params={"symbol": second.lower(), "cycle_id": CYCLE})).json()
    assert [row["symbol"] for row in one["candidates"]] == [second]

    seen = Standing.model_validate_json((await client.get(f"/api/v1/explain/{best}")).content)
    assert (seen.reached, seen.rank, seen.reason) == ("scanner", 1, "ordered")
    coverage = await deps.pool.fetchval("SELECT dropped FROM scan_coverage")
    for reason, entry in coverage.items():
        symbol = next(iter(entry["symbols"]))
        fate = Standing.model_validate_json((await client.get(f"/api/v1/explain/{symbol}?scan=1")).content)
        assert (fate.reached, fate.reason, fate.threshold) == ("universe", told(reason), entry["threshold"])


@pytest.mark.parametrize(
    "path",
    ["/api/v1/candidates", "/api/v1/candidates?cycle_id=none", "/api/v1/explain/AAPL", "/api/v1/explain/AAPL?scan=9"],
)
async def test_what_was_never_scanned_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_an_unknown_symbol_and_an_unknown_scan(
    client: httpx.AsyncClient, deps: Deps, make_scan: MakeScan
) -> None:
    await scanned(client, deps, make_scan)
    answer = await client.get("/api/v1/explain/NOSUCH")
    assert answer.status_code == 404
    assert "unknown to the broker" in answer.json()["detail"]
    update = {"cycle_id": "none", "scan": 1, "scores": [{"symbol": "A", "stage": "news", "outcome": "x"}]}
    assert (await client.post("/api/v1/scores", json=update)).status_code == 404


async def test_the_universe_and_health(client: httpx.AsyncClient, deps: Deps, make_scan: MakeScan) -> None:
    found = await scanned(client, deps, make_scan)
    universe = (await client.get("/api/v1/universe")).json()
    assert (universe["universe"], universe["history_days"]) == (found.universe, 40)
    assert universe["sectors"] > 3
    async with asyncio.timeout(60):
        while (health := await client.get("/health")).status_code != 200:
            assert "volume curve" in health.text, "nothing else is left to wait for"
            await asyncio.sleep(0.05)
    facts = health.json()
    assert (facts["universe"], facts["prices"]) == (found.universe, "fresh")
    assert facts["last_scan_at"].startswith(f"{found.as_of:%Y-%m-%d}")


async def test_a_stage_without_its_exchange_is_unavailable(
    deps: Deps, free_port: int, make_scan: MakeScan, pool: asyncpg.Pool
) -> None:
    settings = deps.settings.model_copy(update={"alpaca_base_url": f"http://127.0.0.1:{free_port}"})
    lost = replace(deps, market=AlpacaData(settings))
    await make_scan(CYCLE, 1)
    with pytest.raises(Unavailable, match="does not answer"):
        await scanning.scan(desk.Scanner(lost), ScanRequest.model_validate(await named(deps)))
    assert await pool.fetchval("SELECT count(*) FROM scan_coverage") == 0


async def test_without_its_exchange_the_service_says_so_and_stops_promptly(deps: Deps, free_port: int) -> None:
    settings = deps.settings.model_copy(update={"alpaca_base_url": f"http://127.0.0.1:{free_port}"})
    app = create_app(replace(deps, market=AlpacaData(settings)))
    transport = httpx.ASGITransport(app=app)
    async with (
        asyncio.timeout(60),
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5001") as client,
    ):
        facts: dict[str, Any] = {}
        while "does not answer" not in facts.get("problem", ""):
            await asyncio.sleep(0.05)
            health = await client.get("/health")
            facts = health.json()
        assert (health.status_code, facts["universe"]) == (503, 0)
        assert (await client.get("/api/v1/universe")).status_code == 503


async def test_sectors_may_come_from_a_file(deps: Deps, tmp_path: Path) -> None:
    now = await deps.clock.now()
    symbol = (await desk.refreshed(deps, now)).symbols[0]
    (tmp_path / "sectors.csv").write_text(f"symbol,sector\n{symbol},Alchemy\n")
    filed = replace(deps, settings=deps.settings.model_copy(update={"config_folder": tmp_path}))
    refiled = await desk.refreshed(filed, now)
    assert refiled.sectors[symbol] == "Alchemy"
    assert len(set(refiled.sectors.values())) > 3


def test_the_day_before_is_the_calendars(deps: Deps) -> None:
    """A Monday's is Friday; after a holiday on Monday it is Friday too, half day or not; a hole has none."""
    days = [date(2026, 11, 25), date(2026, 11, 27), date(2026, 11, 30), date(2026, 12, 1)]
    sessions = tuple(session_from_hours(day, time(9, 30), time(13 if day.day == 27 else 16)) for day in days)
    scanner = desk.Scanner(deps)
    scanner.calendar.sessions = sessions
    assert [desk.day_before(scanner, one) for one in sessions] == [None, *days[:-1]]
    scanner.calendar.sessions = ()
    assert desk.day_before(scanner, sessions[-1]) is None
