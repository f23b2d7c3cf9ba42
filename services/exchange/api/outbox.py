"""What a stream still has to send to one client, with what the faults in force make of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.exchange.api.desk import Desk
from services.exchange.rules.fault_kinds import Tangle
from services.exchange.rules.faults import Occasion

MOST_UNSENT = 10_000
LOOK_SECONDS = 20.0


class Parcel(NamedTuple):
    """A message, not to be sent before `not_before` of market time, nor before `ms` of wall time have passed.

    `sever`: the connection is reset in its place.
    """

    message: Any
    not_before: float = 0.0
    ms: float = 0.0
    sever: bool = False


@dataclass(eq=False)
class Outbox:
    """The queue of one connection. `put` never waits, for it is called while the market moves."""

    desk: Desk
    account: str
    path: str
    parcels: "asyncio.Queue[Parcel]" = field(default_factory=lambda: asyncio.Queue(MOST_UNSENT))
    held_back: list[Parcel] = field(default_factory=list)
    overrun: bool = False

    def __post_init__(self) -> None:
        self.desk.streams.append(self)

    def close(self) -> None:
        """The connection is gone."""
        self.desk.streams.remove(self)

    def sever(self) -> None:
        """Reset the connection; what was not sent is lost."""
        while not self.parcels.empty():
            self.parcels.get_nowait()
        self._queue(Parcel(None, sever=True))

    def put(self, message: Any, *symbols: str) -> None:
        """Queue an event about the symbols; the faults decide how often, when, and whether."""
        parcel, copies, later = Parcel(message), 1, False
        for fault in self._faults(symbols):
            if fault.kind == "mute":
                copies = 0
            elif fault.kind == "drop":
                parcel = parcel._replace(sever=True)
            elif fault.kind == "duplicate":
                copies += 1
            elif fault.kind == "reorder":
                later = True
            else:
                parcel = parcel._replace(not_before=self.desk.now + fault.seconds, ms=fault.ms)
        if later:
            self.held_back += [parcel] * copies
            return
        for ready in [parcel] * copies + self.held_back:
            self._queue(ready)
        self.held_back.clear()

    def _faults(self, symbols: tuple[str, ...]) -> list[Tangle]:
        if not self.desk.wire.standing:
            return []
        occasion = Occasion(self.desk.now, self.account, "CONNECT", self.path, frozenset(symbols))
        return list(self.desk.wire.struck(occasion, Tangle))

    def _queue(self, parcel: Parcel) -> None:
        try:
            self.parcels.put_nowait(parcel)
        except asyncio.QueueFull:
            self.overrun = True

    async def due(self) -> AsyncIterator[Parcel]:
        """Every parcel when its time has come; nothing more once the client has fallen behind too far."""
        while not self.overrun:
            parcel = await self.parcels.get()
            while self.desk.now < parcel.not_before:
                await self.desk.world.clock.wait(f"stream {id(self)}", parcel.not_before, False, LOOK_SECONDS)
            if parcel.ms:
                await asyncio.sleep(parcel.ms / 1000)
            yield parcel
