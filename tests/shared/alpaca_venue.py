"""A venue that answers what a test tells it to, in the shapes of Alpaca's market data."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request, Response

from config.settings import Settings

NOW = datetime(2026, 6, 16, 15, 2, 30, tzinfo=UTC)
Answer = tuple[int, Any] | Callable[[Request], tuple[int, Any]]


class Venue:
    """Answers what a test puts into `answers` by path, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {
            "/v2/clock": (200, {"timestamp": "2026-06-16T11:02:30.123456789-04:00"}),
            "/v2/calendar": (200, [{"date": "2026-06-16", "open": "09:30", "close": "16:00"}]),
        }
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.app = FastAPI()
        self.app.add_api_route("/{path:path}", self.answer)

    async def answer(self, request: Request) -> Response:
        self.asked.append((request.url.path, dict(request.query_params), dict(request.headers)))
        known = self.answers.get(request.url.path, (404, {"message": "Not Found"}))
        status, body = known(request) if callable(known) else known
        headers = {"location": str(body)} if 300 <= status < 400 else None
        return Response(body if isinstance(body, str | bytes) else json.dumps(body), status, headers)

    def asked_for(self, path: str) -> list[dict[str, str]]:
        return [query for where, query, _ in self.asked if where == path]


def settings_for(url: str) -> Settings:
    return Settings(_env_file=None, alpaca_base_url=url, alpaca_api_key="KEY", alpaca_secret_key="SECRET")
