"""The scanner's routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

from fastapi import Body, FastAPI, Query, Response
from fastapi.responses import JSONResponse

from services.scanner import store
from services.scanner.flow import asking, desk, scanning, supervise, views
from services.scanner.rules.answer import ScanResults, UniverseReport
from shared.deps import Deps
from shared.domain.cycle import ScanAnswer, ScanRequest
from shared.domain.evidence import ScoreUpdates, Standing
from shared.errors import Unavailable
from shared.problem import problem
from shared.runtime.loops import running
from shared.web import new_app

ABOUT = "From the whole market to the hundred names worth a look, and why each of the others is not among them."
TITLES = {404: "not found", 409: "not now", 422: "bad input", 503: "unavailable"}
CycleId = Annotated[str | None, Query(description="like 20251122-143022; without one the latest", max_length=64)]
ScanNumber = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="number of the scan within its cycle")]
SCAN_EXAMPLES: list[dict[str, Any]] = [
    {},
    {"cycle_id": "20251121-143500", "scan": 1, "as_of": "2025-11-21T14:35:00Z", "limit": 100},
]
ScanBody = Annotated[ScanRequest | None, Body(examples=SCAN_EXAMPLES)]


def create_app(deps: Deps) -> FastAPI:
    """The application; the universe is read in the background as soon as it runs."""
    scanner = desk.Scanner(deps)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with running(*supervise.loops(scanner)):
            yield

    async def health() -> dict[str, Any]:
        return await _health(scanner)

    app = new_app("scanner", deps, about=ABOUT, lifespan=lifespan, health=health)
    _add_scan(app, scanner)
    _add_views(app, scanner)
    return app


async def _health(scanner: desk.Scanner) -> dict[str, Any]:
    desk, part = scanner.desk, scanner.stale_part
    facts: dict[str, Any] = {
        "universe": len(desk.symbols) if desk else 0,
        "history_days": desk.history_days if desk else 0,
        "volume_lessons": len(scanner.lessons),
        "prices": "not asked yet" if part is None else "fresh" if part < 0.5 else "stale",
    }
    if desk is None:
        return facts | {"problem": f"universe: {scanner.trouble}"}
    if not scanner.looked_back.is_set():
        facts["problem"] = "volume curve: the last sessions have not been asked for yet"
    with suppress(OSError, TimeoutError):
        at = await store.last_scanned_at(scanner.deps.pool)
        facts["last_scan_at"] = at.isoformat() if at else None
    return facts


def _add_scan(app: FastAPI, scanner: desk.Scanner) -> None:
    @app.post("/api/v1/scan", summary="Scan the market", response_model=ScanAnswer)
    async def scan(request: ScanBody = None) -> Response:
        """With cycle_id, scan and as_of: this stage alone, stored, the same answer when asked again. Without a body: a
        whole scan by workflow, with its picks.
        """
        asked = request or ScanRequest()
        if asked.cycle_id is not None or asked.scan is not None or asked.as_of is not None:
            found = await scanning.scan(scanner, asked)
            return Response(found.model_dump_json(), media_type="application/json")
        return _operators_answer(await asking.ask_workflow(scanner))

    @app.post("/api/v1/scores", summary="Store what the funnel said about a scan's candidates")
    async def scores(updates: ScoreUpdates) -> dict[str, int]:
        """Written beside the stored rows; a score that is not given stays as it is."""
        return {"updated": await views.add_scores(scanner, updates)}


def _operators_answer(payload: dict[str, Any]) -> Response:
    """Workflow's word as it stands, or its refusal as a problem."""
    refused = payload.get("refused")
    if refused is None:
        return JSONResponse(payload["answer"])
    status = int(refused["status"])
    title = TITLES.get(status, "refused")
    return problem(status, title, refused["detail"], field=refused.get("field"), possible_at=refused.get("possible_at"))


def _add_views(app: FastAPI, scanner: desk.Scanner) -> None:
    @app.get("/api/v1/candidates", summary="Stored candidates of a scan, best first")
    async def candidates(
        cycle_id: CycleId = None,
        scan: ScanNumber = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        symbol: Annotated[str | None, Query(max_length=12)] = None,
    ) -> ScanResults:
        """The latest scan unless one is named; every component of the scores, and what the funnel added."""
        return await views.results(scanner, cycle_id, scan, limit, symbol)

    @app.get("/api/v1/explain/{symbol}", summary="Where a symbol stood in a scan, and why")
    async def explain(symbol: str, cycle_id: CycleId = None, scan: ScanNumber = None) -> Standing:
        """Stored, ranked behind the stored ones, or dropped with the value, the threshold and the margin."""
        return await views.explain(scanner, symbol, cycle_id, scan)

    @app.get("/api/v1/universe", summary="Which securities are looked at")
    async def universe() -> UniverseReport:
        """How many assets were left out for which reason, and when they were last read."""
        if (desk := scanner.desk) is None:
            raise Unavailable(f"universe: {scanner.trouble}")
        return UniverseReport(
            refreshed_at=desk.refreshed_at,
            universe=len(desk.symbols),
            sectors=len(set(desk.sectors.values())),
            history_days=desk.history_days,
            excluded=desk.selection.counts,
        )
