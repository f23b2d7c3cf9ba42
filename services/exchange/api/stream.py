"""The trading stream: WebSocket /stream as Alpaca's paper endpoint speaks it (binary frames that hold JSON).

The client authenticates, listens to trade_updates, and is sent every update from then on; there is no replay. One
connection an account: another is told so and closed until the first is gone (or, by setting, one an address: another
is refused at the handshake). A client that does not read is dropped.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from services.exchange.api.desk import Desk
from services.exchange.api.outbox import Outbox
from services.exchange.api.wire import answer
from services.exchange.rules.book import Update
from services.exchange.rules.fault_kinds import Kick
from services.exchange.rules.faults import Occasion
from services.exchange.rules.render import update_json

AUTH_SECONDS = 10.0
GOING_AWAY, POLICY = 1001, 1008
PATH, TRADE_UPDATES = "/stream", "trade_updates"
log = structlog.get_logger()


@dataclass
class Line:
    """One connection. `stop` ends its listening, when it has begun."""

    socket: WebSocket
    account: str = ""
    stop: Callable[[], None] | None = None

    async def send(self, message: dict[str, Any]) -> None:
        await self.socket.send_bytes(json.dumps(message, separators=(",", ":")).encode())

    async def fail(self, reason: str) -> None:
        """An error frame, and the end."""
        await self.send({"action": "error", "data": {"error_message": reason}})
        await self.socket.close(POLICY)


@dataclass
class Switchboard:
    """Who is connected, by account."""

    desk: Desk
    lines: dict[str, Line] = field(default_factory=dict)
    hosts: Counter[str] = field(default_factory=Counter)

    async def serve(self, line: Line) -> None:
        """One connection from its first message to its end."""
        if not await self._authenticate(line):
            return
        outbox = Outbox(self.desk, line.account, PATH)
        sending = asyncio.create_task(_send_updates(line, outbox))
        try:
            while await self._obey(line, outbox, await _receive(line)):
                pass
        finally:
            outbox.close()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            if line.stop is not None:
                line.stop()
            self.lines.pop(line.account, None)

    async def _authenticate(self, line: Line) -> bool:
        try:
            message = await asyncio.wait_for(_receive(line), AUTH_SECONDS)
        except TimeoutError:
            await line.fail("authentication timeout")
            return False
        key, secret = credentials(message)
        if message.get("action") not in {"authenticate", "auth"} or not key or not secret:
            await line.send(_authorization("unauthorized", str(message.get("action", ""))))
            await line.socket.close(POLICY)
            return False
        if key in self.lines:
            await line.fail("connection limit exceeded")
            return False
        line.account = key
        self.lines[key] = line
        await line.send(_authorization("authorized", "authenticate"))
        return True

    async def _obey(self, line: Line, outbox: Outbox, message: dict[str, Any]) -> bool:
        """False ends the connection."""
        if message.get("action") != "listen":
            await line.fail("invalid action")
            return False
        wanted = (message.get("data") or {}).get("streams") or []
        heard = [name for name in wanted if name == TRADE_UPDATES]
        if line.stop is not None and not heard:
            line.stop()
            line.stop = None
        if heard and line.stop is None:
            line.stop = self.desk.venue.listen(line.account, partial(_tell, outbox))
        await line.send({"stream": "listening", "data": {"streams": heard}})
        kicked = any(self.desk.wire.struck(Occasion(self.desk.now, line.account, "CONNECT", PATH), Kick))
        if kicked:
            await line.socket.close(POLICY)
        return not kicked


def credentials(message: dict[str, Any]) -> tuple[str, str]:
    """Key and secret of either form of the first message."""
    data = message.get("data")
    if isinstance(data, dict):
        return str(data.get("key_id") or ""), str(data.get("secret_key") or "")
    return str(message.get("key") or ""), str(message.get("secret") or "")


def _authorization(status: str, action: str) -> dict[str, Any]:
    return {"stream": "authorization", "data": {"action": action, "status": status}}


async def _receive(line: Line) -> dict[str, Any]:
    """The next message, text or binary; what is not a JSON object counts as empty."""
    frame = await line.socket.receive()
    if frame["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(frame.get("code", GOING_AWAY))
    try:
        message = json.loads(frame.get("text") or frame.get("bytes") or b"")
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _tell(outbox: Outbox, update: Update) -> None:
    outbox.put({"stream": TRADE_UPDATES, "data": update_json(update)}, update.order.symbol)


async def _send_updates(line: Line, outbox: Outbox) -> None:
    async for parcel in outbox.due():
        if parcel.sever:
            line.socket.scope["sever"]()
            return
        await line.send(parcel.message)
    await line.fail("slow client")


def routes(desk: Desk) -> APIRouter:
    """The stream of an account's trade updates."""
    router = APIRouter()
    board = Switchboard(desk)

    @router.websocket(PATH)
    async def stream(socket: WebSocket) -> None:
        host = socket.client.host if socket.client else ""
        if board.hosts[host] and desk.world.settings.one_stream_per_host:
            await socket.send_denial_response(answer({"message": "too many requests."}, 429))
            return
        await socket.accept()
        board.hosts[host] += 1
        try:
            await board.serve(Line(socket))
        except WebSocketDisconnect:
            log.debug("trading_stream_closed")
        finally:
            board.hosts[host] -= 1

    return router
