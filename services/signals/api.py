"""Holds the place of the signal stream; nothing is published yet, and the service says so."""

from typing import Any

from fastapi import FastAPI

from shared.deps import Deps
from shared.web import new_app

ABSENT = ("the /ws stream", "tokens and keys", "signals, feedback and track record")


def create_app(deps: Deps) -> FastAPI:
    """Routes: health, metrics, and what this service does not do yet."""
    app = new_app("signals", deps, about="Distribution of signals to subscribers. Not served yet.")

    @app.get("/api/v1/about", summary="What this service does not do yet")
    async def about() -> dict[str, Any]:
        return {"service": "signals", "serves": ["/health", "/metrics"], "not_served_yet": list(ABSENT)}

    return app
