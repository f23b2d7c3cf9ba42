"""Where trading requests meet the venue: the order of effects of a command, and the route class they all pass."""

from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Protocol

from fastapi import Depends, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from services.exchange import store
from services.exchange.api.wire import answer
from services.exchange.flow import World
from services.exchange.rules import clock
from services.exchange.rules.book import Book
from services.exchange.rules.faults import Roster
from services.exchange.rules.hindsight import as_of
from services.exchange.rules.journal import Command
from services.exchange.rules.knobs import VenueSettings
from services.exchange.rules.orders import Refusal
from services.exchange.rules.validation import FORM
from services.exchange.rules.venue import TICK, Outcome, Venue
from shared.errors import BadInput

LAG: ContextVar[float] = ContextVar("lag", default=0.0)
"""How many seconds behind this request's answer shall be; set by a fault."""


class Stream(Protocol):
    """An open connection of a stream, as the faults see it."""

    account: str
    path: str

    def sever(self) -> None:
        """Reset the connection, now."""


@dataclass(frozen=True)
class Desk:
    """The venue on the world's clock, the journal that survives it, faults of the wire in force, and open streams."""

    world: World
    venue: Venue
    journal: Path | None = None
    wire: Roster = field(default_factory=Roster)
    streams: list[Stream] = field(default_factory=list)

    @property
    def now(self) -> float:
        return self.world.clock.now

    def book(self, account: str) -> Book:
        return self.venue.book(account)

    def seen(self, account: str) -> Book:
        """The account's book to read from: as it is, or as a fault says that it was a while ago."""
        book, lag = self.book(account), LAG.get()
        return as_of(book, self.now - lag) if lag else book

    def ask(self, account: str, verb: str, args: Mapping[str, Any]) -> Outcome:
        """Carry out a command now. An accepted one is in the journal before it is answered."""
        command = Command(self.now, account, verb, args)
        outcome = self.venue.execute(command)
        if not isinstance(outcome, Refusal) and self.journal is not None:
            store.append_command(self.journal, command)
        return outcome


def open_desk(world: World, journal: Path | None = None, settings: VenueSettings | None = None) -> Desk:
    """Give the world's clock its agenda. A journal of this tape and day is lived through again, and the clock goes to
    where it stood or to the last command, whichever is later. Raises ConfigError for a journal that cannot be read.
    """
    venue = Venue(world.tape, settings or VenueSettings(spread_bps=world.spread_bps))
    if journal is not None:
        last = venue.replay(store.open_journal(journal, world.tape))
        world.clock.state = clock.moved(world.clock.state, last or 0.0)
    venue.process(world.clock.now)
    if journal is not None:
        venue.witness = lambda at: store.append_command(journal, Command(at, "", TICK))
    world.clock.agenda = venue
    return Desk(world, venue, journal)


@contextmanager
def in_alpacas_words() -> Iterator[None]:
    """Requests the web layer cannot read are refused as Alpaca refuses them."""
    try:
        yield
    except RequestValidationError as error:
        first = error.errors()[0]
        raise Refused(Refusal(422, FORM, f"invalid {first['loc'][-1]}: {first['msg']}")) from error
    except BadInput as error:
        raise Refused(Refusal(422, FORM, error.detail)) from error


class Refused(Exception):
    """Carries a refusal out of a route."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class TradingRoute(APIRoute):
    """The one place that every trading request passes, on its way in and out."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                with in_alpacas_words():
                    return await inner(request)
            except Refused as refused:
                return answer(refused.refusal.body(), refused.refusal.http)

        return handler


async def _caller(apca_api_key_id: Annotated[str, Header()]) -> str:
    return apca_api_key_id


Caller = Annotated[str, Depends(_caller)]
"""The account of a request: its API key. The gate has seen to it that there is one."""


async def read_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises BadInput."""
    try:
        body = await request.json()
    except ValueError as error:
        raise BadInput("request body format is invalid") from error
    if not isinstance(body, dict):
        raise BadInput("request body format is invalid")
    return body


Body = Annotated[dict[str, Any], Depends(read_object)]


def example_body(**fields: Any) -> dict[str, Any]:
    """For the documentation of a route whose body the rules read themselves."""
    return {"requestBody": {"required": True, "content": {"application/json": {"example": fields}}}}


def accepted(outcome: Outcome) -> Any:
    """The outcome, or Refused."""
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome
