"""ASGI middleware that does to a request what the faults in force say: late, wrong, cut off or never."""

import asyncio
import json
import os
import socket
import struct
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from fastapi import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.exchange.api.desk import LAG, Desk
from services.exchange.api.gate import KEYED
from services.exchange.api.wire import answer
from services.exchange.rules.fault_kinds import (
    ENDING_KINDS,
    AnyFault,
    EquityGlitch,
    Garble,
    Hang,
    Lag,
    Latency,
    OddRow,
    Refused,
    Reset,
    Status,
    StrippedBracket,
)
from services.exchange.rules.faults import Occasion

NO_LINGER = struct.pack("ii", 1, 0)
STREAMS = "/stream"
HANG_LOOK_SECONDS = 0.02
PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center></body>\r\n</html>\r\n"
TITLES = {"502": "502 Bad Gateway", "503": "503 Service Temporarily Unavailable"}
BODIES: dict[str, dict[str, Any]] = {
    "429": {"message": "too many requests."},
    "500": {"code": 50010000, "message": "internal server error"},
    "504": {"code": 50410000, "message": "request timed out"},
}


@dataclass
class Exchange:
    """One request and its answer, where both can be held back."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    body: bytes | None = None

    async def read(self) -> bytes:
        """The whole body; the application is given it again."""
        if self.body is None:
            parts, more = [], True
            while more:
                message = await self.receive()
                if message["type"] != "http.request":
                    break
                parts.append(message.get("body", b""))
                more = message.get("more_body", False)
            self.body = b"".join(parts)
        return self.body

    async def pass_on(self, send: Send | None = None) -> None:
        """Carry the request out."""
        await self.app(self.scope, self._again(), send or self.send)

    async def carry_out(self) -> tuple[int, bytes]:
        """Carry the request out and keep its answer to ourselves. A handshake is not gone through with."""
        if self.scope["type"] == "websocket":
            await self.read()
            return 200, b""
        status, parts = 200, []

        async def keep(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            parts.append(message.get("body", b""))

        await self.pass_on(keep)
        return status, b"".join(parts)

    async def answer(self, response: Response) -> None:
        """Instead of the application's own; a WebSocket's handshake is denied with it."""
        await response(self.scope, self.receive, self.send)

    async def drop(self) -> None:
        """Reset the connection at the socket. Without one, in process, the caller gets the error itself."""
        sever(self.receive)
        await self.hung_up()

    async def hung_up(self) -> None:
        """Returns when the connection is gone."""
        while (await self.receive())["type"] not in {"http.disconnect", "websocket.disconnect"}:
            pass

    def _again(self) -> Receive:
        """What the application reads: the body that has been read already, then the line."""
        if self.body is None:
            return self.receive
        unread: list[Message] = [{"type": "http.request", "body": self.body, "more_body": False}]

        async def receive() -> Message:
            return unread.pop() if unread else await self.receive()

        return receive


def sever(receive: Receive) -> None:
    """Reset the connection that `receive` belongs to: the server's own, which knows its transport. Without one, in
    process, the caller gets the error itself."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the simulated exchange reset the connection")
    if transport.is_closing():
        return
    door = transport.get_extra_info("socket")
    with socket.socket(fileno=os.dup(door.fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    transport.abort()


class Mischief:
    """Stands before the routes of both halves and the streams' handshakes; idle while no fault is in force."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self.app, self.desk = app, desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            scope["sever"] = partial(sever, receive)
        if not self.desk.wire.standing or not _is_alpacas(scope):
            await self.app(scope, receive, send)
            return
        exchange = Exchange(self.app, scope, receive, send)
        occasion = await self._occasion(exchange)
        for late in list(self.desk.wire.struck(occasion, Latency)):
            await asyncio.sleep(late.ms / 1000)
        LAG.set(max((lag.seconds for lag in self.desk.wire.struck(occasion, Lag)), default=0.0))
        if any(self.desk.wire.struck(occasion, StrippedBracket)):
            exchange.body = _without_legs(await exchange.read())
        end = next(self.desk.wire.struck(occasion, *ENDING_KINDS), None)
        await (exchange.pass_on() if end is None else self._end(exchange, end))

    async def _occasion(self, exchange: Exchange) -> Occasion:
        scope = exchange.scope
        account = dict(scope["headers"]).get(b"apca-api-key-id", b"").decode("latin-1")
        method = scope.get("method", "CONNECT")
        symbols = frozenset(await self._symbols(exchange, account)) if self._asks_for_symbols() else frozenset[str]()
        return Occasion(self.desk.now, account, method, scope["path"], symbols)

    def _asks_for_symbols(self) -> bool:
        return any(standing.fault.symbol for standing in self.desk.wire.standing.values())

    async def _symbols(self, exchange: Exchange, account: str) -> set[str]:
        """What the request names, in path, query or body; an order named by its id stands for its symbol."""
        path: list[str] = exchange.scope["path"].split("/")
        query = parse_qs(exchange.scope["query_string"].decode("latin-1"))
        named = {*path, *",".join(query.get("symbols", ())).split(",")}
        book = self.desk.venue.books.get(account)
        if book is not None and path[-1] in book.orders:
            named.add(book.orders[path[-1]].symbol)
        if exchange.scope.get("method") == "POST":
            named.add(_symbol_in(await exchange.read()))
        return named

    async def _end(self, exchange: Exchange, fault: AnyFault) -> None:
        if isinstance(fault, Reset):
            await (exchange.carry_out() if fault.kind == "reset_after_accept" else exchange.read())
            await exchange.drop()
        elif isinstance(fault, Hang):
            if fault.executed:
                await exchange.carry_out()
            await self._hang(exchange, fault)
        elif isinstance(fault, Garble):
            status, body = await exchange.carry_out() if fault.carries_out else (fault.status, b"")
            await exchange.answer(_garbled(fault, status, body))
        elif isinstance(fault, Status):
            if fault.kind == "504_after_accept":
                await exchange.carry_out()
            await exchange.answer(_error(fault, self.desk.now))
        elif isinstance(fault, Refused):
            await exchange.answer(answer(_no(fault), fault.status))
        elif isinstance(fault, OddRow):
            await exchange.answer(_with_row(fault, *await exchange.carry_out()))
        elif isinstance(fault, EquityGlitch):
            await exchange.answer(_wrong_equity(fault, *await exchange.carry_out()))

    async def _hang(self, exchange: Exchange, fault: Hang) -> None:
        """Silent until cleared, hung up or the bound."""
        loop = asyncio.get_running_loop()
        end = loop.time() + fault.seconds
        gone = asyncio.ensure_future(exchange.hung_up())
        try:
            while loop.time() < end and fault.id in self.desk.wire.standing and not gone.done():
                await asyncio.wait({gone}, timeout=HANG_LOOK_SECONDS)
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        await exchange.drop()


def _is_alpacas(scope: Scope) -> bool:
    return scope["type"] in {"http", "websocket"} and scope["path"].startswith((*KEYED, STREAMS))


def _symbol_in(body: bytes) -> str:
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    return str(found.get("symbol", "")) if isinstance(found, dict) else ""


def _page(status: int) -> Response:
    return Response(PAGE.format(TITLES.get(str(status), f"{status} Gateway")), status, media_type="text/html")


def _error(fault: Status, now: float) -> Response:
    code = fault.kind[:3]
    if code in TITLES:
        return _page(int(code))
    response = answer(BODIES[code], int(code))
    if code == "429":
        reset = int(now) + fault.retry_after
        response.headers.update({"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "0",
                                 "X-RateLimit-Reset": str(reset), "Retry-After": str(fault.retry_after)})  # fmt: skip
    return response


def _garbled(fault: Garble, status: int, body: bytes) -> Response:
    if fault.kind == "html_body":
        return _page(fault.status)
    return Response(body[: len(body) // 2] + b"\xff", status, media_type="application/json")


def _no(fault: Refused) -> dict[str, Any]:
    return {"message": fault.message} if fault.code is None else {"code": fault.code, "message": fault.message}


def _with_row(fault: OddRow, status: int, body: bytes) -> Response:
    rows = json.loads(body)
    return answer([*rows, fault.row] if status == 200 and isinstance(rows, list) else rows, status)


def _without_legs(body: bytes) -> bytes:
    try:
        asked = json.loads(body)
    except ValueError:
        return body
    lost = ("order_class", "take_profit", "stop_loss")
    return json.dumps({key: value for key, value in asked.items() if key not in lost}).encode()


def _wrong_equity(fault: EquityGlitch, status: int, body: bytes) -> Response:
    account = json.loads(body)
    if status == 200 and isinstance(account, dict) and "equity" in account:
        wrong = str((Decimal(account["equity"]) * Decimal(str(fault.factor))).quantize(Decimal("0.01")))
        account |= {"equity": wrong, "portfolio_value": wrong}
    return answer(account, status)
