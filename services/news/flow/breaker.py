"""When something outside has failed several times in a row, it is left alone for a while, longer each time."""

import asyncio
from datetime import datetime

from shared.errors import Unavailable

FAILURES_UNTIL_REST, REST_S, LONGEST_REST_S = 3, 20.0, 900.0


class Breaker:
    """Failures in a row, and until when to rest."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.failures = 0
        self.last_error: str | None = None
        self.last_success: datetime | None = None
        self.waits_for: str | None = None
        self.was_asked = False
        self._rest_until = 0.0

    @property
    def rest_s(self) -> float:
        """Seconds of rest left."""
        return max(0.0, self._rest_until - asyncio.get_running_loop().time())

    def status(self, off: str | None) -> tuple[str, str | None]:
        """One word for how it is doing, and why where that is not `ok`."""
        if off:
            return "off", off
        if self.failures:
            return "resting" if self.rest_s else "failing", self.last_error
        if self.waits_for:
            return "waiting", self.waits_for
        return "ok" if self.was_asked else "unused", None

    def check(self) -> None:
        """To be called before each question. Raises Unavailable while it rests."""
        self.waits_for = None
        if self.rest_s:
            raise Unavailable(f"{self.name} rests after {self.failures} failures: {self.last_error}")

    def waits(self, detail: str) -> None:
        """It may not be asked at present, which is no failure of its own."""
        self.waits_for = detail

    def failed(self, detail: str) -> None:
        self.was_asked = True
        self.failures += 1
        self.last_error = detail
        over = self.failures - FAILURES_UNTIL_REST
        if over >= 0:
            rest = min(LONGEST_REST_S, REST_S * 2 ** min(over, 10))
            self._rest_until = asyncio.get_running_loop().time() + rest

    def succeeded(self, at: datetime | None) -> None:
        self.failures, self.last_error, self._rest_until = 0, None, 0.0
        self.was_asked = True
        self.last_success = at or self.last_success
