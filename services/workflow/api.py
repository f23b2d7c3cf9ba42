"""The routes of workflow; the watch runs beside them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import Body, FastAPI, Path, Query
from pydantic import AfterValidator

from services.workflow import store
from services.workflow.flow import cycling, deciding, what_if
from services.workflow.flow.watch import Watch
from services.workflow.rules import explain, limits
from services.workflow.rules.trace import Explanation, NearMiss
from services.workflow.rules.what_if.compare import TrialRequest, Trials
from shared import errors
from shared.deps import Deps
from shared.domain import cycle as shown
from shared.runtime.health import CLOCK_SILENT, age_seconds, time_of
from shared.runtime.loops import running
from shared.web import new_app

SYMBOL = re.compile(r"[A-Za-z][A-Za-z.]{0,11}")
log = structlog.get_logger()


def _symbol(text: str) -> str:
    if not SYMBOL.fullmatch(text):
        raise ValueError(f"{text!r} is no symbol: letters, and points at most, such as NVDA or BRK.B")
    return text.upper()


CYCLE_LIMITS = {"mode": "normal", "max_positions": 5, "max_daily_loss": 2000.0, "scan_frequency": 300}
StartBody = Annotated[shown.StartRequest | None, Body(examples=[{"mode": "autonomous"}])]
CycleBody = Annotated[shown.CycleRequest | None, Body(examples=[CYCLE_LIMITS])]
SymbolPath = Annotated[str, Path(examples=["AAPL"]), AfterValidator(_symbol)]


def create_app(deps: Deps) -> FastAPI:
    """Cycles, scans, proposals and explanations over HTTP; the watch runs beside them."""
    watch = Watch(deps)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        config = deps.config.current()
        log.info(f"Trading session mode: {limits.session_mode(None, config)}", warnings=config.warnings)
        async with running(*watch.loops()):
            yield

    async def health() -> dict[str, Any]:
        cycle, at = await store.running_cycle(deps.pool), watch.next_scan_at
        mode = cycle.session_mode if cycle else limits.session_mode(None, deps.config.current())
        name = cycle.cycle_id if cycle else None
        facts: dict[str, Any] = {"mode": mode, "cycle": name, "next_scan_at": at and at.isoformat()}
        newest, now = await store.last_scan(deps.pool), await time_of(deps.clock)
        facts["last_scan_age_seconds"] = age_seconds(newest.started_at if newest else None, now)
        problem = CLOCK_SILENT if now is None else await watch.problem(now)
        return facts | ({"problem": problem} if problem else {})

    app = new_app("workflow", deps, about="Cycles, scans, proposals, explanations.", lifespan=lifespan, health=health)
    _add_workflow(app, deps, watch)
    _add_cycles(app, deps)
    _add_proposals(app, deps, watch)
    return app


def _add_workflow(app: FastAPI, deps: Deps, watch: Watch) -> None:
    @app.post("/api/v1/workflow/start", status_code=202, summary="Open the day's cycle")
    async def start(request: StartBody = None) -> shown.CycleOpened:
        """The cycle that scans by itself until the close; the running one when there is one. 409 while closed."""
        asked = request or shown.StartRequest()
        async with watch.quiet:
            watch.wake.set()
            return await cycling.open_cycle(deps, shown.CycleRequest(session_mode=asked.mode), by_hand=False)

    @app.post("/api/v1/workflow/stop", summary="End the running cycle; positions keep their brackets")
    async def stop() -> shown.CycleView:
        async with watch.quiet:
            watch.wake.set()
            return await cycling.stop_cycle(deps)

    @app.get("/api/v1/workflow/status", summary="What is going on")
    async def status() -> shown.WorkflowStatus:
        cycle, config = await store.running_cycle(deps.pool), deps.config.current()
        return shown.WorkflowStatus(
            mode=cycle.session_mode if cycle else limits.session_mode(None, config),
            cycle=cycle,
            next_scan_at=watch.next_scan_at,
            last_scan=await cycling.newest_scan(deps),
            clock=await deps.clock.now(),
            warnings=(*config.warnings, *limits.workflow_warnings(config, deps.settings)),
        )

    @app.post("/api/v1/cycles", summary="Open a cycle driven by hand")
    async def open_by_hand(request: CycleBody = None) -> shown.CycleOpened:
        """No schedule of its own: each POST /api/v1/scan to the scanner runs one scan. 409 while another one runs."""
        asked = request or shown.CycleRequest()
        async with watch.quiet:
            watch.wake.set()
            return await cycling.open_cycle(deps, asked, by_hand=True)


def _add_cycles(app: FastAPI, deps: Deps) -> None:
    @app.get("/api/v1/cycles", summary="Cycles, newest first")
    async def cycles(limit: Annotated[int, Query(ge=1, le=500)] = 50) -> tuple[shown.CycleView, ...]:
        return await store.cycles(deps.pool, limit)

    @app.get("/api/v1/cycles/{cycle_id}", summary="One cycle with its scans")
    async def cycle(cycle_id: str) -> shown.CycleDetail:
        return await cycling.cycle_detail(deps, cycle_id)

    @app.get("/api/v1/cycles/{cycle_id}/scans/{number}", summary="One scan: funnel, stages, picks")
    async def scan(cycle_id: str, number: int) -> shown.ScanView:
        scans = (await cycling.cycle_detail(deps, cycle_id)).scans
        if found := next((one for one in scans if one.scan == number), None):
            return found
        raise errors.NotFound(f"cycle {cycle_id} has no scan {number}; it has {len(scans)}")

    @app.get("/api/v1/cycles/{cycle_id}/explain/{symbol}", summary="Where a symbol fell out, and by how much")
    async def explain_symbol(cycle_id: str, symbol: SymbolPath) -> Explanation:
        return await cycling.story(deps, cycle_id, symbol)

    @app.get("/api/v1/cycles/{cycle_id}/near-misses", summary="Who fell out by little")
    async def near_misses(cycle_id: str, limit: Annotated[int, Query(ge=1, le=200)] = 20) -> tuple[NearMiss, ...]:
        await cycling.cycle_named(deps, cycle_id)
        return explain.near_misses(await store.traces(deps.pool, cycle_id), limit)

    @app.post("/api/v1/config/try", summary="What the last scans would have done under other files")
    async def try_config(request: TrialRequest) -> Trials:
        """Cuts, limits and sizes recomputed from what was stored; 422 with the line of a file that cannot be used."""
        return await what_if.try_files(deps, request)


def _add_proposals(app: FastAPI, deps: Deps, watch: Watch) -> None:
    @app.get("/api/v1/proposals", summary="Trades that wait, or waited, for a person")
    async def proposals(
        status: shown.ProposalStatus | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> tuple[shown.Proposal, ...]:
        await store.expire_proposals(deps.pool, await deps.clock.now())
        return await store.proposals(deps.pool, status, limit=limit)

    @app.post("/api/v1/proposals/{proposal_id}/approve", summary="Send it, if price and risk still hold")
    async def approve(proposal_id: UUID) -> shown.Proposal:
        """Approved twice is approved once, and never for more shares or more risk than proposed. 409 with the reason
        when it no longer holds; 504 when it was sent and nobody knows yet whether it arrived: status `unknown` until
        trading's orders say so.
        """
        async with watch.quiet:
            watch.wake.set()
            return await deciding.decide(deps, proposal_id, yes=True)

    @app.post("/api/v1/proposals/{proposal_id}/reject", summary="Say no")
    async def reject(proposal_id: UUID) -> shown.Proposal:
        async with watch.quiet:
            watch.wake.set()
            return await deciding.decide(deps, proposal_id, yes=False)
