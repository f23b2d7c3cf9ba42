"""The market-data streams: WebSockets /v2/iex, /v2/sip and /v1beta1/news.

The server speaks first, in arrays: msgpack with `Content-Type: application/msgpack` (times as its Timestamp extension),
else JSON text. The client authenticates within ten seconds and subscribes; there is no replay. One connection an
account and stream. A client that does not read is told so and dropped.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from services.exchange.api.desk import Desk
from services.exchange.api.outbox import Outbox
from services.exchange.rules import ticker
from services.exchange.rules.ticker import EVERYTHING, Wanted, Word

STOCKS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
IMPLIED_BY_TRADES = ("corrections", "cancelErrors")
CHANNELS = {"/v2/iex": STOCKS, "/v2/sip": STOCKS, "/v1beta1/news": ("news",)}
COUNTED = ("trades", "quotes")
AUTH_SECONDS = 10.0
MOST_IN_A_FRAME = 500
POLICY, GOING_AWAY = 1008, 1001
ERRORS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
}
Message = Mapping[str, Any]


@dataclass
class Line:
    """One connection: who it is, and what it wants to hear."""

    socket: WebSocket
    path: str
    account: str = ""
    wanted: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def packed(self) -> bool:
        return self.socket.headers.get("content-type", "") == "application/msgpack"

    async def send(self, messages: list[Any]) -> None:
        """One frame."""
        if self.packed:
            await self.socket.send_bytes(msgspec.msgpack.encode(messages))
        else:
            await self.socket.send_text(msgspec.json.encode(messages).decode())

    async def error(self, code: int) -> None:
        await self.send([{"T": "error", "code": code, "msg": ERRORS[code]}])

    async def fail(self, code: int) -> None:
        """An error, and the end."""
        await self.error(code)
        await self.socket.close(POLICY)

    async def receive(self) -> Message:
        """The next message; what cannot be read counts as empty."""
        frame = await self.socket.receive()
        if frame["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(frame.get("code", GOING_AWAY))
        raw = frame.get("bytes") or (frame.get("text") or "").encode()
        decode: Callable[[bytes], Any] = msgspec.msgpack.decode if self.packed else msgspec.json.decode
        try:
            message = decode(raw)
        except msgspec.DecodeError:
            return {}
        return message if isinstance(message, dict) else {}


class Broadcast:
    """Watches the clock for all connections: what is due at a moment is queued for everyone who wants it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.lines: dict[tuple[str, str], tuple[Line, Outbox]] = {}
        self._awaited: float | None = None
        self._halted: frozenset[str] = frozenset()

    def next_event(self, after: float, until: float) -> float | None:
        """See clock.Agenda; nothing ever happens while nobody listens."""
        if not self.lines:
            return None
        channels = {channel for line, _ in self.lines.values() for channel in line.wanted}
        at = ticker.next_moment(self.desk.world.tape, after, channels) if channels else None
        self._awaited = at
        return at if at is not None and at <= until else None

    def process(self, at: float) -> bool:
        """Queue what this moment has to say. No trade update is among it."""
        if self.lines:
            words = self._changed_halts(at)
            if at == self._awaited:
                self._awaited = None
                spread = self.desk.world.settings.spread_bps
                words += ticker.words(self.desk.world.tape, at, self._everyones(), spread)
            for line, outbox in self.lines.values():
                _queue(outbox, [word for word in words if word.is_wanted(line.wanted)])
        return False

    def connect(self, line: Line) -> Outbox | None:
        """A place for the connection; None when the account has one already."""
        key = line.path, line.account
        if key in self.lines:
            return None
        if not self.lines:
            self._halted = ticker.halted_at(self.desk.world.tape, self.desk.now)
        outbox = Outbox(self.desk, line.account, line.path)
        self.lines[key] = line, outbox
        return outbox

    def _changed_halts(self, at: float) -> list[Word]:
        tape, before = self.desk.world.tape, self._halted
        self._halted = ticker.halted_at(tape, at)
        return list(ticker.halts_changed(tape, at, before, self._halted))

    def _everyones(self) -> Wanted:
        union: dict[str, frozenset[str]] = {}
        for line, _ in self.lines.values():
            for channel, symbols in line.wanted.items():
                union[channel] = union.get(channel, frozenset()) | symbols
        return union


def _queue(outbox: Outbox, words: list[Word]) -> None:
    """One frame a moment; with faults in force one a message, so that each can meet its own."""
    if outbox.desk.wire.standing:
        for word in words:
            outbox.put([word.body], *word.symbols)
        return
    for first in range(0, len(words), MOST_IN_A_FRAME):
        outbox.put([word.body for word in words[first : first + MOST_IN_A_FRAME]])


async def serve(board: Broadcast, line: Line) -> None:
    """One connection from greeting to end."""
    await line.send([{"T": "success", "msg": "connected"}])
    outbox = await _authenticated(board, line)
    if outbox is None:
        return
    sending = asyncio.create_task(_send(line, outbox))
    try:
        await line.send([{"T": "success", "msg": "authenticated"}])
        while True:
            await _obey(board, line, await line.receive())
    finally:
        outbox.close()
        board.lines.pop((line.path, line.account), None)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _authenticated(board: Broadcast, line: Line) -> Outbox | None:
    """The connection's queue once it has said who it is; None when it was turned away."""
    try:
        async with asyncio.timeout(AUTH_SECONDS):
            while (message := await line.receive()).get("action") != "auth":
                await line.error(401 if message else 400)
    except TimeoutError:
        await line.fail(404)
        return None
    line.account = str(message.get("key") or "")
    if not line.account or not message.get("secret"):
        await line.fail(402)
        return None
    if line.path == "/v2/sip" and not board.desk.world.settings.recent_sip:
        await line.fail(409)
        return None
    outbox = board.connect(line)
    if outbox is None:
        await line.fail(406)
    return outbox


async def _obey(board: Broadcast, line: Line, message: Message) -> None:
    action = message.get("action")
    if action == "auth":
        await line.error(403)
    elif action not in {"subscribe", "unsubscribe"}:
        await line.error(400)
    else:
        changed = _changed(line, message)
        most = board.desk.world.settings.stream_symbols
        if isinstance(changed, int):
            await line.error(changed)
        elif most and _count(changed, most) > most:
            await line.error(405)
        else:
            board.process(board.desk.now)
            line.wanted = changed
            await line.send([_subscription(line)])


def _changed(line: Line, message: Message) -> dict[str, frozenset[str]] | int:
    """The subscription as the message wants it, or the code of what is wrong with it."""
    asked = {name: names for name, names in message.items() if name != "action" and name not in IMPLIED_BY_TRADES}
    if not asked or set(asked) - set(CHANNELS[line.path]):
        return 410 if asked else 400
    changed = dict(line.wanted)
    for channel, names in asked.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return 400
        before = changed.get(channel, frozenset())
        changed[channel] = before | set(names) if message["action"] == "subscribe" else before - set(names)
    return {channel: names for channel, names in changed.items() if names}


def _count(wanted: Wanted, most: int) -> int:
    """Symbols that count towards the limit; all of them are always too many."""
    names = [wanted.get(channel, frozenset()) for channel in COUNTED]
    return most + 1 if any(EVERYTHING in some for some in names) else sum(map(len, names))


def _subscription(line: Line) -> dict[str, Any]:
    told = {channel: sorted(line.wanted.get(channel, ())) for channel in CHANNELS[line.path]}
    if "trades" in told:
        told |= dict.fromkeys(IMPLIED_BY_TRADES, told["trades"])
    return {"T": "subscription", **told}


async def _send(line: Line, outbox: Outbox) -> None:
    async for parcel in outbox.due():
        if parcel.sever:
            line.socket.scope["sever"]()
            return
        await line.send(parcel.message)
    await line.fail(407)


def routes(desk: Desk) -> APIRouter:
    """The streams of market data; they watch the world's clock."""
    router = APIRouter()
    board = Broadcast(desk)
    desk.world.clock.onlooker = board

    def add(path: str) -> None:
        @router.websocket(path)
        async def stream(socket: WebSocket) -> None:
            await socket.accept()
            with suppress(WebSocketDisconnect):
                await serve(board, Line(socket, path))

    for path in CHANNELS:
        add(path)
    return router
