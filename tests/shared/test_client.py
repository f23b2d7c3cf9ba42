"""Calls between services: typed, and sent again only where asking twice is safe. The other side is a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from fastapi import FastAPI, Response

from config.settings import Settings
from scripts.child import free_ports
from shared import errors
from shared.client import ServiceClient
from shared.domain.base import Value


class Answer(Value):
    count: int


@asynccontextmanager
async def serving(app: FastAPI, port: int) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event to wait for
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await task


class Neighbour:
    """A scanner that counts what it is asked and answers as it is told."""

    def __init__(self) -> None:
        self.asked = 0
        self.app = FastAPI()
        self.answer: Callable[[], Response] = lambda: Response(f'{{"count": {self.asked}}}')

        @self.app.api_route("/thing", methods=["GET", "POST"])
        async def thing() -> Response:
            self.asked += 1
            return self.answer()


@pytest.fixture
async def client(free_port: int) -> AsyncIterator[ServiceClient]:
    opened = ServiceClient(Settings(_env_file=None, service_urls={"scanner": f"http://127.0.0.1:{free_port}"}))
    yield opened
    await opened.close()


async def test_a_typed_answer(client: ServiceClient, free_port: int) -> None:
    async with serving(Neighbour().app, free_port):
        assert await client.get("scanner", "/thing", Answer) == Answer(count=1)


async def test_a_renamed_field_is_an_error_at_the_edge(client: ServiceClient, free_port: int) -> None:
    neighbour = Neighbour()
    neighbour.answer = lambda: Response('{"number": 1}')
    async with serving(neighbour.app, free_port):
        with pytest.raises(errors.Unavailable, match="another form"):
            await client.get("scanner", "/thing", Answer)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, errors.NotFound),
        (409, errors.NotNow),
        (422, errors.BadInput),
        (401, errors.Unauthorized),
        (503, errors.Unavailable),
        (504, errors.OutcomeUnknown),
    ],
)
async def test_a_status_becomes_the_error_it_means(
    client: ServiceClient, free_port: int, status: int, kind: type[errors.CatalystError]
) -> None:
    neighbour = Neighbour()
    neighbour.answer = lambda: Response('{"detail": "because"}', status)
    async with serving(neighbour.app, free_port):
        with pytest.raises(kind, match="because") as refusal:
            await client.post("scanner", "/thing", None, Answer)
    assert type(refusal.value) is kind


async def test_nobody_there_is_said_at_once_or_waited_for(client: ServiceClient, free_port: int) -> None:
    with pytest.raises(errors.Unavailable, match="not reachable"):
        await client.get("scanner", "/thing", Answer)
    neighbour = Neighbour()

    async def come_late() -> Answer:
        return await client.post("scanner", "/thing", None, Answer, deadline=20)

    asking = asyncio.create_task(come_late())
    await asyncio.sleep(0.2)
    async with serving(neighbour.app, free_port):
        assert await asking == Answer(count=1)


@pytest.mark.parametrize(("repeatable", "asked"), [(False, 1), (True, 2)])
async def test_a_lost_answer_is_asked_for_again_only_when_that_is_safe(
    client: ServiceClient, free_port: int, repeatable: bool, asked: int
) -> None:
    neighbour = Neighbour()

    def first_lost() -> Response:
        return Response("{}", 504) if neighbour.asked == 1 else Response('{"count": 7}')

    neighbour.answer = first_lost
    async with serving(neighbour.app, free_port):
        call = client.post("scanner", "/thing", None, Answer, deadline=20, repeatable=repeatable)
        if repeatable:
            assert await call == Answer(count=7)
        else:
            with pytest.raises(errors.OutcomeUnknown):
                await call
    assert neighbour.asked == asked


def test_free_ports_differ() -> None:
    assert len(set(free_ports(5))) == 5
