"""Watching a running day: the clock, the funnel, orders and P&L, shown on stderr while they change."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import httpx
from rich.live import Live
from rich.text import Text

from scripts.cli.console import err

KEYS = {"APCA-API-KEY-ID": "SIMULATED", "APCA-API-SECRET-KEY": "SIMULATED"}


@dataclass(frozen=True)
class State:
    """What is going on right now."""

    clock: str
    busy: tuple[str, ...]
    cycle_status: str
    scans: list[dict[str, Any]] = field(default_factory=list)
    open_positions: int = 0
    equity: str = ""


class Progress:
    """One line that changes in a terminal; a line for each scan elsewhere."""

    def __init__(self, live: Live | None) -> None:
        self._live, self._told = live, 0

    def show(self, state: State) -> None:
        finished = [scan for scan in state.scans if scan["status"] != "running"]
        for scan in finished[self._told :]:
            counts = scan["funnel"]
            line = " > ".join(f"{counts.get(stage, 0):,}" for stage in FUNNEL)
            weak = f" degraded: {', '.join(scan['degraded'])}" if scan.get("degraded") else ""
            (self._live.console if self._live else err).print(f"scan {scan['scan']:>2} {scan['status']}: {line}{weak}")
        self._told = len(finished)
        if self._live:
            text = f"{state.clock} market time | {state.open_positions} open | equity {state.equity}"
            self._live.update(Text(text))


FUNNEL = ("universe", "scanner", "news", "pattern", "technical", "risk", "execution")


class Follower:
    """Asks the services what is going on. A service that restarts is asked again until it is back."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._urls = urls
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(60, connect=2), trust_env=False, headers=KEYS)

    async def __aenter__(self) -> "Follower":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, service: str, path: str) -> Any:
        return await self._ask("GET", service, path, None)

    async def post(self, service: str, path: str, body: dict[str, Any]) -> Any:
        return await self._ask("POST", service, path, body)

    async def _ask(self, method: str, service: str, path: str, body: dict[str, Any] | None) -> Any:
        for attempt in range(60):
            try:
                answer = await self._http.request(method, self._urls[service] + path, json=body)
                if answer.status_code < 500:
                    answer.raise_for_status()
                    return answer.json()
            except httpx.TransportError:
                pass
            await asyncio.sleep(min(1.0, 0.1 * (attempt + 1)))
        raise TimeoutError(f"{service} did not answer {path} for a minute")

    async def account(self) -> dict[str, Any]:
        """The account as the exchange tells it."""
        answer: dict[str, Any] = await self.get("exchange", "/v2/account")
        return answer

    async def look(self, cycle_id: str) -> State:
        """The state of the day."""
        clock = await self.get("exchange", "/_sim/clock")
        cycle = await self.get("workflow", f"/api/v1/cycles/{cycle_id}")
        held = await self.get("exchange", "/v2/positions")
        account = await self.account()
        market = await self.get("exchange", "/v2/clock")
        waiting = set(clock.get("waiting", ()))
        return State(
            clock=str(market["timestamp"])[11:19],
            busy=tuple(name for name in clock.get("participants", ()) if name not in waiting),
            cycle_status=cycle["status"],
            scans=cycle["scans"],
            open_positions=len(held),
            equity=account["equity"],
        )

    @contextmanager
    def progress(self, quiet: bool) -> Iterator[Progress]:
        """Show progress on stderr; a live line only where a person looks."""
        if quiet or not err.is_terminal:
            yield Progress(None)
            return
        with Live(console=err, refresh_per_second=8, transient=True) as live:
            yield Progress(live)
