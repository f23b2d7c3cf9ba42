"""A relay before a server on loopback: it passes bytes on, falls silent, or drops connections, as networks do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

CHUNK = 65_536


@dataclass
class Relay:
    """Counts connections in `made`. Silent, it takes them and passes nothing, in either direction."""

    url: str
    made: int = 0
    _passing: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _refuses: bool = False

    def fall_silent(self) -> None:
        self._passing.clear()

    def speak(self) -> None:
        self._passing.set()

    def forget(self) -> None:
        """Connections that are open stay silent for ever, new ones pass: what a lost route without a reset does."""
        self._passing.clear()
        self._passing = asyncio.Event()
        self._passing.set()

    def drop(self) -> None:
        """Every connection is cut; new ones too, until `welcome`."""
        self._refuses = True
        for writer in self._writers:
            writer.transport.abort()

    def welcome(self) -> None:
        self._refuses = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        self.made += 1
        to = urlsplit(self.url)
        back, forth = await asyncio.open_connection(to.hostname, to.port)
        self._writers |= {writer, forth}
        gate = self._passing
        tasks = [asyncio.create_task(self._pump(*pair, gate)) for pair in ((reader, forth), (back, writer))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._writers -= {writer, forth}
            for one in (writer, forth):
                one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await gate.wait()
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def relay_to(url: str) -> AsyncIterator[tuple[Relay, str]]:
    """The relay, and the address at which it stands for `url`."""
    relay = Relay(url)
    relay.speak()
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    parts = urlsplit(url)
    login, _, _ = parts.netloc.rpartition("@")
    try:
        yield relay, urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}"))
    finally:
        server.close()
        relay.drop()
