"""The Clock port on the machine's own clock."""

import asyncio
from datetime import UTC, datetime

LONGEST_NAP_SECONDS = 30.0


class SystemClock:
    """Real time. Sleeps are taken in naps, so that a stepped or suspended system clock is noticed."""

    async def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, when: datetime, *, or_trade_update: bool = False) -> datetime:
        while (now := datetime.now(UTC)) < when:
            nap = min((when - now).total_seconds(), LONGEST_NAP_SECONDS)
            await asyncio.sleep(nap)
        return now
