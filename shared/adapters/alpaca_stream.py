"""The account's events over Alpaca's WebSocket.

An own client of the same small protocol: the SDK's stream cannot say that it reconnected, and nothing is replayed after
that, so whoever listens must look everything up again.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from config.settings import Settings
from shared.adapters import alpaca_orders as wire
from shared.domain.order import TradeUpdate
from shared.errors import CatalystError, Unavailable

log = structlog.get_logger()
PAUSE_MIN_SECONDS, PAUSE_MAX_SECONDS = 0.5, 30.0
HANDSHAKE_SECONDS, STEADY_SECONDS = 10.0, 30.0
MUTE_SECONDS = 300.0
"""A socket that says nothing for so long is opened anew: sockets have stayed connected and silent for hours."""


class AlpacaStream:
    """The account's live events, connected again and again until closed."""

    def __init__(self, settings: Settings, *, mute_seconds: float = MUTE_SECONDS) -> None:
        self._settings, self._mute_seconds = settings, mute_seconds
        self._connected_at: float | None = None

    def lived_seconds(self) -> float | None:
        return time.monotonic() - self._connected_at if self._connected_at is not None else None

    async def updates(self) -> AsyncIterator[TradeUpdate | None]:
        """Events as they come; None after each (re)connect and after an event that could not be read."""
        failures = 0
        while True:
            try:
                async with self._connection() as socket:
                    await self._listen(socket)
                    self._connected_at = time.monotonic()
                    yield None
                    async for update in self._events(socket):
                        yield update
            except (OSError, WebSocketException, TimeoutError, CatalystError, ValueError) as error:
                log.warning("stream_lost", error=f"{type(error).__name__}: {error}"[:200])
            # A venue that lets us in and throws us out again has not recovered: only a life of some length counts.
            failures = 1 if (self.lived_seconds() or 0) >= STEADY_SECONDS else failures + 1
            self._connected_at = None
            pause = min(PAUSE_MAX_SECONDS, PAUSE_MIN_SECONDS * 2 ** min(failures - 1, 10))
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))

    def _connection(self) -> connect:
        return connect(
            self._settings.stream_url,
            proxy=None if self._settings.broker == "simulated" else True,
            open_timeout=HANDSHAKE_SECONDS,
            close_timeout=2,
            ping_interval=20,
            ping_timeout=40,
        )

    async def _listen(self, socket: ClientConnection) -> None:
        keys = {"key_id": self._settings.alpaca_api_key, "secret_key": self._settings.alpaca_secret_key}
        await socket.send(json.dumps({"action": "authenticate", "data": keys}))
        answer = await self._said(socket, HANDSHAKE_SECONDS)
        if (answer.get("data") or {}).get("status") != "authorized":
            raise Unavailable("the stream refused our keys")
        await socket.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
        answer = await self._said(socket, HANDSHAKE_SECONDS)
        if "trade_updates" not in ((answer.get("data") or {}).get("streams") or ()):
            raise Unavailable("the stream does not let us listen")

    async def _events(self, socket: ClientConnection) -> AsyncIterator[TradeUpdate | None]:
        while True:
            said = await self._said(socket, self._mute_seconds)
            if said.get("stream") != "trade_updates":
                if said.get("action") == "error":
                    raise Unavailable(str(said.get("data")))
                continue
            try:
                yield wire.trade_update(said.get("data"), _unreadable)
            except Unavailable:
                yield None

    @staticmethod
    async def _said(socket: ClientConnection, within: float) -> dict[str, Any]:
        """The next message; JSON, in text or binary frames. Raises TimeoutError for a mute socket."""
        frame = await asyncio.wait_for(socket.recv(), within)
        said = json.loads(frame)
        return said if isinstance(said, dict) else {}


def _unreadable(what: str, raw: object) -> Unavailable:
    log.error("broker_event_unreadable", what=what, event=str(raw)[:300])
    return Unavailable(f"the broker's {what} could not be read")
