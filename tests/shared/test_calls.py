"""Calls between services: typed, and sent again only where asking twice is safe. Both forms of the port keep to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest
import uvicorn
from fastapi import FastAPI, Response

from config.settings import Settings
from scripts.child import free_ports
from shared import errors
from shared.adapters.http_calls import HttpCalls
from shared.adapters.in_process_calls import InProcessCalls
from shared.domain.base import Value
from shared.ports import Calls
from shared.web import new_app


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


@dataclass(frozen=True)
class _Nothing:
    """The dependencies of an application without any."""

    settings: Settings
    pool: None = None
    cache: None = None


Form = Callable[[FastAPI], AbstractAsyncContextManager[Calls]]


@pytest.fixture
async def client(free_port: int) -> AsyncIterator[HttpCalls]:
    opened = HttpCalls(Settings(_env_file=None, service_urls={"scanner": f"http://127.0.0.1:{free_port}"}))
    yield opened
    await opened.close()


@pytest.fixture(params=["http", "in process"])
def form(request: pytest.FixtureRequest, client: HttpCalls, free_port: int) -> Form:
    """Both forms of the port, each on an application that stands for the scanner."""

    @asynccontextmanager
    async def over_http(app: FastAPI) -> AsyncIterator[Calls]:
        async with serving(app, free_port):
            yield client

    @asynccontextmanager
    async def in_process(app: FastAPI) -> AsyncIterator[Calls]:
        calls = InProcessCalls({"scanner": app})
        yield calls
        await calls.close()

    return over_http if request.param == "http" else in_process


async def test_a_typed_answer(form: Form) -> None:
    async with form(Neighbour().app) as calls:
        assert await calls.get("scanner", "/thing", Answer) == Answer(count=1)


async def test_a_renamed_field_is_an_error_at_the_edge(form: Form) -> None:
    neighbour = Neighbour()
    neighbour.answer = lambda: Response('{"number": 1}')
    async with form(neighbour.app) as calls:
        with pytest.raises(errors.Unavailable, match="another form"):
            await calls.get("scanner", "/thing", Answer)


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
async def test_a_status_becomes_the_error_it_means(form: Form, status: int, kind: type[errors.CatalystError]) -> None:
    neighbour = Neighbour()
    neighbour.answer = lambda: Response('{"detail": "because"}', status)
    async with form(neighbour.app) as calls:
        with pytest.raises(kind, match="because") as refusal:
            await calls.post("scanner", "/thing", None, Answer)
    assert type(refusal.value) is kind


async def test_body_and_query_arrive(form: Form) -> None:
    neighbour = Neighbour()

    @neighbour.app.post("/sum")
    async def add(body: Answer, more: int) -> Answer:
        return Answer(count=body.count + more)

    async with form(neighbour.app) as calls:
        assert await calls.post("scanner", "/sum?more=4", Answer(count=3), Answer) == Answer(count=7)


async def test_an_answer_that_does_not_come_is_an_unknown_outcome(form: Form) -> None:
    neighbour, go_on, done = Neighbour(), asyncio.Event(), asyncio.Event()

    @neighbour.app.post("/slow")
    async def slow() -> Answer:
        await go_on.wait()
        done.set()
        return Answer(count=1)

    async with form(neighbour.app) as calls:
        with pytest.raises(errors.OutcomeUnknown, match="/slow"):
            await calls.post("scanner", "/slow", None, Answer, timeout=0.1)
        go_on.set()
        await asyncio.wait_for(done.wait(), 5)  # the work went on


async def test_an_application_that_breaks_is_unavailable(form: Form) -> None:
    neighbour = Neighbour()

    @neighbour.app.get("/broken")
    async def broken() -> Answer:
        raise RuntimeError("out of order")

    async with form(neighbour.app) as calls:
        with pytest.raises(errors.Unavailable):
            await calls.get("scanner", "/broken", Answer)


async def test_a_key_is_sent_where_one_is_asked_for() -> None:
    settings = Settings(_env_file=None, catalyst_api_key="k" * 32, catalyst_trust="", catalyst_behind_proxy=True)
    app = new_app("scanner", _Nothing(settings), about="asks for the key", keyed=True)

    @app.get("/thing")
    async def thing() -> Answer:
        return Answer(count=1)

    with pytest.raises(errors.Unauthorized):
        await InProcessCalls({"scanner": app}).get("scanner", "/thing", Answer)
    calls = InProcessCalls({"scanner": app}, settings.catalyst_api_key)
    assert await calls.get("scanner", "/thing", Answer) == Answer(count=1)


async def test_a_service_that_does_not_run_here_is_unavailable() -> None:
    with pytest.raises(errors.Unavailable, match="news"):
        await InProcessCalls({}).get("news", "/thing", Answer)


async def test_nobody_there_is_said_at_once_or_waited_for(client: HttpCalls, free_port: int) -> None:
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
    form: Form, repeatable: bool, asked: int
) -> None:
    neighbour = Neighbour()

    def first_lost() -> Response:
        return Response("{}", 504) if neighbour.asked == 1 else Response('{"count": 7}')

    neighbour.answer = first_lost
    async with form(neighbour.app) as calls:
        call = calls.post("scanner", "/thing", None, Answer, deadline=20, repeatable=repeatable)
        if repeatable:
            assert await call == Answer(count=7)
        else:
            with pytest.raises(errors.OutcomeUnknown):
                await call
    assert neighbour.asked == asked


def test_free_ports_differ() -> None:
    assert len(set(free_ports(5))) == 5
