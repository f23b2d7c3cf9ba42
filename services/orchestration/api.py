"""The health of the whole system. Tools for language models are not served yet, and the service says so."""

import asyncio
from typing import Any

from fastapi import FastAPI

from config.services import SERVICES
from shared.deps import Deps
from shared.errors import CatalystError
from shared.web import new_app

ABSENT = ("the MCP tools, resources and prompts",)


def create_app(deps: Deps) -> FastAPI:
    """Routes: the system's health, and what this service does not do yet."""
    app = new_app("orchestration", deps, about="One door to the whole system: today, its health.")

    async def ask(service: str) -> dict[str, Any]:
        try:
            return await deps.client.get(service, "/health", dict[str, Any], timeout=3)
        except CatalystError as error:
            return {"status": "unreachable", "service": service, "problem": error.detail}

    @app.get("/api/v1/system", summary="Health of every service")
    async def system() -> dict[str, Any]:
        """One entry per service; `status` is healthy only when every one of them is."""
        others = [service.name for service in SERVICES if service.name not in ("orchestration", "exchange")]
        if deps.settings.broker == "simulated":
            others.append("exchange")
        answers = await asyncio.gather(*(ask(name) for name in others))
        healthy = all(answer.get("status") == "healthy" for answer in answers)
        return {
            "status": "healthy" if healthy else "degraded",
            "broker": deps.settings.broker,
            "services": dict(zip(others, answers, strict=True)),
        }

    @app.get("/api/v1/about", summary="What this service does not do yet")
    async def about() -> dict[str, Any]:
        return {"service": "orchestration", "serves": ["/api/v1/system"], "not_served_yet": list(ABSENT)}

    return app
