"""The exchange's journal of requests: what arrived and when, what was held and on sale at that moment, the answer."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.faults.day import KEY
from tests.faults.shares import on_sale, under_stop
from tests.faults.watcher import Watcher

ROUTES = "/v2/"
LARGEST_ANSWER = 200_000
REFUSALS = range(400, 500)
TOO_MANY = 429


@dataclass
class Request:
    """One request. `held`, `selling` and `guarded` are those of its symbol when it arrived; `status` stays None when no
    answer was sent.
    """

    at: float
    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]
    symbol: str = ""
    held: int = 0
    selling: int = 0
    guarded: int = 0
    status: int | None = None
    answer: Any = None

    @property
    def client_id(self) -> str:
        """Our id, in an order's body or in a look-up."""
        return str(self.body.get("client_order_id") or self.query.get("client_order_id") or "")

    @property
    def submits(self) -> bool:
        return (self.method, self.path) == ("POST", "/v2/orders")

    @property
    def cancels(self) -> str:
        """The id of the order that it asks to cancel, or nothing."""
        return self.path.removeprefix("/v2/orders/") if self.method == "DELETE" and "/orders/" in self.path else ""

    @property
    def refused(self) -> bool:
        """Answered with a no of its own; 429 is none."""
        return self.status in REFUSALS and self.status != TOO_MANY

    @property
    def answered(self) -> bool:
        """Answered with something that can be read."""
        return self.status == 200 and self.answer is not None

    @property
    def words(self) -> str:
        return str(self.answer.get("message", "")) if isinstance(self.answer, dict) else ""

    def price(self, *path: str) -> Decimal | None:
        """A price of the body, by its keys."""
        found: Any = self.body
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return None if found is None else Decimal(str(found))


@dataclass
class Replayed:
    """A request's body, given again; the line behind it is the server's own, which faults take hold of."""

    messages: list[Message]
    receive: Receive

    def __post_init__(self) -> None:
        self.__self__ = getattr(self.receive, "__self__", None)

    async def __call__(self) -> Message:
        return self.messages.pop(0) if self.messages else await self.receive()


@dataclass
class Traffic:
    """Stands before the exchange: looks at the account before and after each request, and writes the request down."""

    app: ASGIApp
    watcher: Watcher
    requests: list[Request] = field(default_factory=list)

    def __iter__(self) -> Iterator[Request]:
        return iter(self.requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        now = self.watcher.desk.now
        self.watcher.look(now)
        try:
            if scope["type"] != "http" or not scope["path"].startswith(ROUTES):
                await self.app(scope, receive, send)
            else:
                await self._noted(scope, receive, send, now)
        finally:
            self.watcher.look(self.watcher.desk.now)

    async def _noted(self, scope: Scope, receive: Receive, send: Send, now: float) -> None:
        query = {key: values[-1] for key, values in parse_qs(scope["query_string"].decode()).items()}
        request = Request(now, scope["method"], scope["path"], query, {})
        if request.method == "POST":
            messages = [await receive()]
            while messages[-1].get("more_body"):
                messages.append(await receive())
            request.body = _read(b"".join(message.get("body", b"") for message in messages)) or {}
            receive = Replayed(messages, receive)
        self._take_in(request)
        self.requests.append(request)
        parts: list[bytes] = []

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
            parts.append(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, note)
        finally:
            request.answer = _read(b"".join(parts)) if sum(map(len, parts)) < LARGEST_ANSWER else None

    def _take_in(self, request: Request) -> None:
        """What stands at the exchange as the request arrives."""
        book = self.watcher.desk.book(KEY)
        order = book.orders.get(request.cancels)
        request.symbol = order.symbol if order is not None else str(request.body.get("symbol", ""))
        if not request.symbol:
            return
        request.held = int(book.ledger.qty(request.symbol))
        request.selling = on_sale(book, request.symbol)
        if order is not None:
            request.guarded = under_stop(book, request.symbol, order.parent or order.id)


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
