"""The Clock port on the machine's own clock."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

LONGEST_NAP_SECONDS, STEP_SECONDS = 5.0, 2.0


def _wall() -> datetime:
    return datetime.now(UTC)


class SystemClock:
    """Real time. Sleeps are taken in naps, so that a clock that is set, or stood while the machine slept, is noticed.

    Whoever asks to be woken for news is woken for that, too; all others sleep on to their time.
    """

    def __init__(self, wall: Callable[[], datetime] = _wall, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady

    async def now(self) -> datetime:
        return self._wall()

    async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
        began, started = self._wall(), self._steady()
        while (now := self._wall()) < when:
            apart = (now - began).total_seconds() - (self._steady() - started)
            if or_trade_update and abs(apart) > STEP_SECONDS:
                break
            nap = min((when - now).total_seconds(), LONGEST_NAP_SECONDS)
            await asyncio.sleep(nap)
        return now
