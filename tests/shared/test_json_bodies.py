"""A JSON body is read whatever its Content-Type says; what is no JSON is refused with what to send."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from shared.deps import Alone
from shared.domain.base import Value
from shared.web import new_app
from tests.shared.test_gate import client_of, settings

FORM = "application/x-www-form-urlencoded"


class Reason(Value):
    reason: str


def app_for() -> FastAPI:
    app = new_app("trading", Alone(settings()), about="a service")

    @app.post("/needed")
    async def needed(body: Reason) -> Reason:
        return body

    @app.post("/optional")
    async def optional(body: Reason | None = None) -> Reason:
        return body or Reason(reason="none given")

    @app.post("/bare")
    async def bare() -> Reason:
        return Reason(reason="asks for none")

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_for()) as opened:
        yield opened


def typed(kind: str | None) -> dict[str, str]:
    return {} if kind is None else {"Content-Type": kind}


KINDS = (
    FORM,
    None,
    "text/plain",
    "",
    "nonsense",
    "application/octet-stream",
    "application/json",
    "text/json; charset=x",
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", ["/needed", "/optional"])
async def test_json_is_json(client: httpx.AsyncClient, path: str, kind: str | None) -> None:
    for body in (b'{"reason":"x"}', b'\n  {"reason": "x"}\n', b'\xef\xbb\xbf{"reason":"x"}'):
        answer = await client.post(path, content=body, headers=typed(kind))
        assert (answer.status_code, answer.json()) == (200, {"reason": "x"})


async def test_parts_of_a_body_are_put_together(client: httpx.AsyncClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b" ", b"", b'\n{"rea', b'son":"', b'x"}'):
            yield part

    answer = await client.post("/needed", content=parts(), headers=typed(FORM))
    assert answer.json() == {"reason": "x"}


@pytest.mark.parametrize("kind", [FORM, None, "application/json"])
@pytest.mark.parametrize("body", [b"", b"  \n"])
async def test_no_body_is_none(client: httpx.AsyncClient, kind: str | None, body: bytes) -> None:
    answer = await client.post("/optional", content=body, headers=typed(kind))
    assert answer.json() == {"reason": "none given"}
    missing = await client.post("/needed", content=body, headers=typed(kind))
    assert (missing.status_code, missing.json()["field"]) == (422, "body")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "body",
    [
        b"reason=x", b"'{\"reason\":\"x\"}'", b"{reason:x}", b'{"reason":"x"', b'{"reason":"x"}}', b"[", b"x",
        b"%7B%7D", b'{"reason":"\xff"}', b"\xff\xfe{\x00}\x00", b"--", b"[" * 100_000, b'{"reason":1}', b'"x"',
        b"[1]", b'{"a":"b"}',
    ],
)  # fmt: skip
async def test_what_is_none_is_a_problem(client: httpx.AsyncClient, body: bytes, kind: str | None) -> None:
    for path in ("/needed", "/optional"):
        answer = await client.post(path, content=body, headers=typed(kind))
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["field"] in ("body", "reason", "a")


async def test_a_form_is_told_what_to_send(client: httpx.AsyncClient) -> None:
    for kind in (FORM, None):
        answer = await client.post("/needed", content=b"reason=x", headers=typed(kind))
        assert "not JSON" in answer.json()["detail"]
        assert '{"reason"' in answer.json()["detail"]


async def test_a_route_without_a_body_does_not_mind_one(client: httpx.AsyncClient) -> None:
    for body in (b'{"reason":"x"}', b"reason=x", b""):
        assert (await client.post("/bare", content=body, headers=typed(FORM))).status_code == 200


async def test_the_description_says_json(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()["paths"]
    assert list(described["/needed"]["post"]["requestBody"]["content"]) == ["application/json"]
    assert not described["/optional"]["post"]["requestBody"].get("required", False)
