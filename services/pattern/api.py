"""Routes of the pattern service."""

from typing import Any, Literal

from fastapi import FastAPI, Path

from services.pattern import flow, store
from shared.deps import Deps
from shared.domain.evidence import AssessRequest, PatternAssessment
from shared.errors import NotFound
from shared.web import new_app


def create_app(deps: Deps) -> FastAPI:
    """Assess many symbols at once; look at one."""
    memory = flow.Memory()

    async def health() -> dict[str, Any]:
        return {"last_assessed_at": memory.last_assessed_at}

    app = new_app("pattern", deps, about="Chart patterns on 5-minute and daily bars, never repainted.", health=health)

    @app.post("/api/v1/assess", summary="Patterns of many symbols as of a moment")
    async def assess(request: AssessRequest) -> PatternAssessment:
        """One entry for each symbol asked, in the order asked; 503 when bars cannot be had."""
        return await flow.assess(deps, memory, request)

    @app.get("/api/v1/patterns/{symbol}", summary="What was last seen in one symbol's charts")
    async def patterns(
        symbol: str = Path(max_length=12), timeframe: Literal["5Min", "1Day"] | None = None
    ) -> dict[str, Any]:
        """404 when the symbol was never assessed."""
        row = await store.latest(deps.pool, symbol.upper())
        if row is None:
            raise NotFound(f"{symbol.upper()} has not been assessed; POST /api/v1/assess does it", field="symbol")
        seen = [one for one in row["detections"] if timeframe is None or one["timeframe"] == timeframe]
        return {**dict(row), "symbol": symbol.upper(), "detections": seen}

    return app
