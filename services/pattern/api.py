"""Routes of the pattern service."""

from typing import Annotated, Any

from fastapi import Body, FastAPI, Path

from services.pattern import flow
from services.pattern.rules.frame import Timeframe
from shared.deps import Deps
from shared.domain.evidence import AssessRequest, PatternAssessment
from shared.web import new_app

ABOUT = "Chart patterns on 5-minute and daily bars, never repainted."
EXAMPLE = {"symbols": ["NVDA", "AAPL"], "as_of": "2026-06-16T15:00:00Z"}


def create_app(deps: Deps) -> FastAPI:
    """Assess many symbols at once; look at one."""
    memory = flow.Memory()

    async def health() -> dict[str, Any]:
        return {"last_assessed_at": memory.last_assessed_at}

    app = new_app("pattern", deps, about=ABOUT, health=health)

    @app.post("/api/v1/assess", summary="Patterns of many symbols as of a moment")
    async def assess(request: Annotated[AssessRequest, Body(examples=[EXAMPLE])]) -> PatternAssessment:
        """One entry for each symbol, in order. Idempotent for (cycle_id, scan). 503 when market data is missing."""
        return await flow.assess(deps, memory, request)

    @app.get("/api/v1/patterns/{symbol}", summary="What one symbol's charts show now")
    async def patterns(
        symbol: Annotated[str, Path(max_length=12, examples=["NVDA"])], timeframe: Timeframe | None = None
    ) -> PatternAssessment:
        """Read on the spot and not stored; one chart alone where a timeframe is named. 404 when it has no bars."""
        return await flow.patterns_now(deps, memory, symbol.upper(), timeframe)

    return app
