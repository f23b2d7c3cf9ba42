"""The shell every service wears: health that tells the truth, problems that say what to do, doors that stay shut."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from config.settings import Settings
from shared import errors
from shared.adapters.redis_cache import RedisCache
from shared.deps import Alone
from shared.domain.base import Value
from shared.web import new_app


class Ask(Value):
    quantity: int


class Worn:
    """The part of a service's dependencies that the shell uses."""

    def __init__(self, settings: Settings, pool: asyncpg.Pool | None, cache: RedisCache | None) -> None:
        self.settings, self.pool, self.cache = settings, pool, cache


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


def app_for(worn: Any, health: Any = None) -> FastAPI:
    app = new_app("scanner", worn, about="a service", health=health)

    @app.post("/ask")
    async def ask(body: Ask) -> Ask:
        return body

    @app.get("/fail/{kind}")
    async def fail(kind: str) -> None:
        if kind == "not-now":
            raise errors.NotNow("the market is closed", possible_at=datetime(2026, 6, 15, 13, 30, tzinfo=UTC))
        if kind == "broken":
            raise ZeroDivisionError("secret detail")
        raise errors.NotFound("there is no XYZ", field="symbol")

    return app


def client_of(app: FastAPI, host: str = "127.0.0.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_for(Alone(settings()))) as opened:
        yield opened


async def test_bad_input_names_the_field(client: httpx.AsyncClient) -> None:
    answer = await client.post("/ask", json={"quantity": "many"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == "quantity"
    unknown = await client.post("/ask", json={"quantity": 1, "quantty": 2})
    assert unknown.json()["field"] == "quantty"
    torn = await client.post("/ask", content=b'{"quantity": 1', headers={"Content-Type": "application/json"})
    assert (torn.status_code, torn.json()["field"]) == (422, "body")
    assert torn.json()["detail"] == "body: JSON decode error"


async def test_errors_keep_their_meaning_and_never_show_their_inside(client: httpx.AsyncClient) -> None:
    closed = await client.get("/fail/not-now")
    assert closed.status_code == 409
    assert closed.json()["possible_at"] == "2026-06-15T13:30:00+00:00"
    missing = await client.get("/fail/symbol")
    assert (missing.status_code, missing.json()["field"]) == (404, "symbol")
    broken = await client.get("/fail/broken")
    assert broken.status_code == 500
    assert "secret" not in broken.text
    assert (await client.get("/nothing-here")).status_code == 404


async def test_each_answer_carries_a_request_id(client: httpx.AsyncClient) -> None:
    assert len((await client.get("/health")).headers["x-request-id"]) == 16
    given = await client.get("/health", headers={"X-Request-Id": "abc123"})
    assert given.headers["x-request-id"] == "abc123"
    forged = await client.get("/health", headers={"X-Request-Id": "a b\n"})
    assert forged.headers["x-request-id"] != "a b\n"


async def test_other_hosts_and_origins_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health", headers={"Host": "evil.example"})).status_code == 421
    assert (await client.get("/health", headers={"Origin": "http://evil.example"})).status_code == 403
    assert (await client.get("/health", headers={"Origin": "http://localhost:5010"})).status_code == 403
    assert (await client.get("/health", headers={"Origin": "http://127.0.0.1"})).status_code == 200


async def test_beyond_loopback_a_key_opens_everything_but_health() -> None:
    key = "k" * 32
    app = app_for(Alone(settings(catalyst_bind="0.0.0.0", catalyst_api_key=key)))
    async with client_of(app) as client:
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/metrics", headers={"X-API-Key": "x" * 32})).status_code == 401
        assert (await client.get("/metrics", headers={"X-API-Key": key})).status_code == 200


async def test_health_names_what_fails(pool: asyncpg.Pool, redis_url: str) -> None:
    cache = RedisCache(redis_url)
    async with client_of(app_for(Worn(settings(), pool, cache))) as client:
        body = (await client.get("/health")).json()
        assert body == {
            "status": "healthy",
            "service": "scanner",
            "version": "1.0.0",
            "database": "connected",
            "redis": "connected",
        }
        await pool.close()
        lost = await client.get("/health")
    await cache.close()
    assert lost.status_code == 503
    assert lost.json()["problem"].startswith("database")


async def test_a_database_that_went_away_is_said_and_may_be_asked_again(pool: asyncpg.Pool) -> None:
    app = app_for(Alone(settings()))

    @app.get("/rows")
    async def rows() -> int:
        count: int = await pool.fetchval("SELECT 1")
        return count

    async with client_of(app) as client:
        assert (await client.get("/rows")).status_code == 200
        await pool.close()
        answer = await client.get("/rows")
    assert answer.status_code == 503
    assert "database does not answer" in answer.json()["detail"]


async def test_a_service_adds_its_own_troubles() -> None:
    async def health() -> dict[str, Any]:
        return {"problem": "prices: ten minutes old"}

    async with client_of(app_for(Alone(settings()), health)) as client:
        answer = await client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")


async def test_metrics_count_requests(client: httpx.AsyncClient) -> None:
    await client.get("/health")
    text = (await client.get("/metrics")).text
    assert 'catalyst_request_seconds_count{method="GET",service="scanner",status="200"}' in text


@pytest.mark.parametrize("path", ["/fail/a%00b", "/fail/x?since=%00", "/fail/x?%1b=1"])
async def test_control_characters_in_an_address_are_refused(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, "control character U+00" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (rb'{"quantity": 1, "a": "x\u0000"}', "a"),
        (rb'{"\u0000": 1}', "body"),
        (rb'[["\uD83D"]]', "body"),
        (rb'{"q": {"r": "\u001B"}}', "q"),
    ],
)
async def test_text_that_no_database_takes_is_refused_in_a_body(
    client: httpx.AsyncClient, body: bytes, field: str
) -> None:
    answer = await client.post("/ask", content=body)
    assert (answer.status_code, answer.json()["field"], "U+" in answer.json()["detail"]) == (422, field, True)
    whole = await client.post("/ask", content=rb'{"quantity": 1, "\ud83d\ude00\t\n": 1}')
    assert "U+" not in whole.json()["detail"]
