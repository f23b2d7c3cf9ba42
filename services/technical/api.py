"""Technical's routes."""

from typing import Annotated, Any

from fastapi import Body, FastAPI, Path

from services.technical.flow import Shelf, assess_all, indicators_now
from shared.deps import Deps
from shared.domain.evidence import AssessRequest, TechnicalAssessment
from shared.web import new_app

ABOUT = "Indicators on 5-minute and daily bars, support and resistance, and one technical score with its parts."
EXAMPLE = {"symbols": ["NVDA", "AAPL"], "as_of": "2026-06-16T15:00:00Z"}


def create_app(deps: Deps) -> FastAPI:
    """The technical service."""
    shelf = Shelf()

    async def health() -> dict[str, Any]:
        return {"last_assess": shelf.last or None, "daily_bars_kept": len(shelf.bars)}

    app = new_app("technical", deps, about=ABOUT, health=health)

    @app.post("/api/v1/assess", summary="Assess symbols as of a moment")
    async def assess(request: Annotated[AssessRequest, Body(examples=[EXAMPLE])]) -> TechnicalAssessment:
        """One entry for each symbol, in order. Idempotent for (cycle_id, scan). 503 when market data is missing."""
        return await assess_all(deps, shelf, request)

    @app.get("/api/v1/indicators/{symbol}", summary="One symbol's indicators now")
    async def indicators(symbol: Annotated[str, Path(max_length=12, examples=["NVDA"])]) -> TechnicalAssessment:
        """Computed on the spot and not stored. 404 when the source has no bars of it."""
        return await indicators_now(deps, shelf, symbol.upper())

    return app
