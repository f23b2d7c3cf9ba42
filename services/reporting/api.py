"""Holds the place of the reports; nothing is computed yet, and the service says so."""

from typing import Any

from fastapi import FastAPI

from shared.deps import Deps
from shared.web import new_app

ABSENT = ("daily and performance reports", "attribution", "the readiness checklist")


def create_app(deps: Deps) -> FastAPI:
    """Routes: health, metrics, and what this service does not do yet."""
    app = new_app("reporting", deps, about="Reports from executions. Not served yet.")

    @app.get("/api/v1/about", summary="What this service does not do yet")
    async def about() -> dict[str, Any]:
        return {"service": "reporting", "serves": ["/health", "/metrics"], "not_served_yet": list(ABSENT)}

    return app
