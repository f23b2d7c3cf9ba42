"""Holds the place of the page; nothing is drawn yet, and the service says so."""

from typing import Any

from fastapi import FastAPI

from shared.deps import Deps
from shared.web import new_app

ABSENT = ("the desk", "the funnel", "charts, risk gauges and alerts")


def create_app(deps: Deps) -> FastAPI:
    """Routes: health, metrics, and what this service does not do yet."""
    app = new_app("dashboard", deps, about="The operator's page. Not served yet.")

    @app.get("/api/v1/about", summary="What this service does not do yet")
    async def about() -> dict[str, Any]:
        return {"service": "dashboard", "serves": ["/health", "/metrics"], "not_served_yet": list(ABSENT)}

    return app
